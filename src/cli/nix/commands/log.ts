/** `nix log`: what a builder printed. */

import { isDerivationPath, type StorePath } from '#formats';
import { noLog, usageError } from '../../errors.ts';
import { defineCommand } from '../command.ts';
import { installableFlags, resolveInstallables } from '../installables.ts';
import { findLog } from '../store-logs.ts';

export const { run, usage } = defineCommand({
  name: 'nix log',
  operands: 'INSTALLABLE',
  summary: "Prints a build's log.",
  flags: installableFlags,
  async run(session) {
    const { context, store } = session;
    const installables = await resolveInstallables(session);
    const [wanted] = installables.flatMap((one) => one.derived.map((derived) => ({ derived, text: one.text })));
    if (wanted === undefined) throw usageError('An installable is required', session.name);
    const { derived, text } = wanted;
    const path = (derived.kind === 'built' ? derived.drvPath : derived.path) as StorePath;
    const drvPath = isDerivationPath(path) ? path : store.queryPathInfo(path)?.deriver;
    const log = drvPath === undefined ? undefined : await findLog(session, drvPath);
    if (log === undefined) throw noLog(text);
    context.stdout.write(log);
  },
});
