/** `nix store gc`: deletes what no root needs. */

import { livePaths, PeerStore } from '#store';
import { usageError } from '../../errors.ts';
import { defineCommand } from '../command.ts';
import { collectAndReport, liveness } from '../store-garbage.ts';
import { collectThere } from '../store-remote.ts';

export const { run, usage } = defineCommand({
  name: 'nix store gc',
  summary: 'Deletes what no root needs.',
  flags: [
    { names: ['--max'], operands: ['BYTES'], description: 'stop when so much is freed' },
    { names: ['--dry-run'], description: 'print what would be deleted' },
  ],
  async run(session) {
    const { flags, context } = session;
    const limit = flags.last('--max');
    if (limit !== undefined && flags.has('--dry-run')) {
      throw usageError('options --max and --dry-run cannot be combined', session.name);
    }
    const maximumFreedBytes = limit === undefined ? undefined : Number(limit);
    if (session.store instanceof PeerStore) return collectThere(session, { dryRun: flags.has('--dry-run'), maximumFreedBytes });
    const { store } = session;
    if (flags.has('--dry-run')) {
      const alive = livePaths(store, liveness(flags, context));
      for (const path of store.allValidPaths()) if (!alive.has(path)) session.print(path);
      return;
    }
    await collectAndReport(store, flags, context, maximumFreedBytes);
  },
});
