/** `nix store copy-log`: copies builds' logs between two stores. */

import { LocalStore } from '#store';
import { noLog, usageError } from '../../errors.ts';
import { defineCommand } from '../command.ts';
import { derivationsOf, installableFlags, resolveInstallables } from '../installables.ts';
import { Peers } from '../peers.ts';
import { copyFlags } from '../copy-flags.ts';
import { keepLog, keptLog } from '../store-logs.ts';

export const { run } = defineCommand({
  name: 'nix store copy-log',
  operands: '--to URL | --from URL INSTALLABLES',
  summary: "Copies builds' logs between two stores.",
  flags: [...copyFlags, ...installableFlags],
  async run(session) {
    const { flags, context } = session;
    const [from, to] = [flags.last('--from'), flags.last('--to')];
    if (from === undefined && to === undefined) throw usageError('Either --to or --from is required', session.name);
    const peers = new Peers(flags, context, await session.openProgress());
    const [source, target] = [peers.open(from), peers.open(to)];
    try {
      for (const drvPath of derivationsOf(session, await resolveInstallables(session))) {
        const log = source.store instanceof LocalStore ? keptLog(source.store, drvPath)
          : await source.peer.buildLog?.(drvPath);
        if (log === undefined) throw noLog(drvPath);
        await keepLog(target, drvPath, log);
      }
    } finally {
      await source.close();
      await target.close();
    }
  },
});
