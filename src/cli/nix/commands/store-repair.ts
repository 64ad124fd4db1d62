/** `nix store repair`: gives damaged paths their content again, from a cache or by a build. */

import { defineCommand } from '../command.ts';
import { recursiveFlag, storePathFlags, storePaths } from '../installables.ts';

export const { run, usage } = defineCommand({
  name: 'nix store repair',
  operands: 'INSTALLABLES',
  summary: 'Fetches or builds store paths again whose content has changed.',
  flags: [recursiveFlag, ...storePathFlags],
  async run(session) {
    const progress = await session.openProgress();
    for (const path of await storePaths(session, session.flags.has('--recursive'))) {
      await session.workspace().repair(path);
    }
    progress.close();
  },
});
