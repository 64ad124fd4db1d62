/** `nix store delete`: deletes paths that nothing needs. */

import { reachable } from '#base';
import type { StorePath } from '#formats';
import { deletePaths, livePaths, PeerStore } from '#store';
import { defineCommand, type CommandSession } from '../command.ts';
import { recursiveFlag, storePathFlags, storePaths } from '../installables.ts';
import { reportCollected } from '../store-garbage.ts';
import { deleteThere } from '../store-remote.ts';

export const { run, usage } = defineCommand({
  name: 'nix store delete',
  operands: 'INSTALLABLES',
  summary: 'Deletes store paths, if nothing needs them.',
  flags: [
    { names: ['--ignore-liveness'], description: 'do not look at roots' },
    { names: ['--skip-alive', '--skip-live'], description: 'leave what is alive, and do not fail' },
    { names: ['--also-referrers'], description: 'delete what refers to the paths too' },
    recursiveFlag, ...storePathFlags,
  ],
  async run(session) {
    const { flags, context } = session;
    let paths = await storePaths(session, flags.has('--recursive'));
    if (flags.has('--also-referrers')) paths = withReferrers(session, paths);
    if (flags.has('--skip-alive')) paths = deadAmong(session, paths);
    if (session.store instanceof PeerStore) return deleteThere(session, paths);
    reportCollected(flags, context, await deletePaths(session.store, paths, {
      ignoreLiveness: flags.has('--ignore-liveness'), signal: context.signal,
    }));
  },
});

function withReferrers({ store }: CommandSession, paths: readonly StorePath[]): StorePath[] {
  return [...reachable(paths, (path) => store.queryReferrers(path))];
}

/** Those that neither a root nor a path outside the list needs. */
function deadAmong({ localStore: store, flags }: CommandSession, paths: readonly StorePath[]): StorePath[] {
  const alive = flags.has('--ignore-liveness') ? new Set<StorePath>() : livePaths(store, {});
  const chosen = new Set(paths.filter((path) => !alive.has(path)));
  for (let before = -1; before !== chosen.size;) {
    before = chosen.size;
    for (const path of chosen) {
      if (store.queryReferrers(path).some((one) => one !== path && !chosen.has(one))) chosen.delete(path);
    }
  }
  return [...chosen];
}
