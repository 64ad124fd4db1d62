/** `nix shell` (and `nix env shell`): a shell, or a command, with packages at hand. */

import { existsSync, lstatSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { reachable } from '#base';
import type { StorePath } from '#formats';
import { notInStore } from '../../errors.ts';
import { defineCommand, type CommandSession } from '../command.ts';
import { changedEnvironment, environmentFlags } from '../environment-flags.ts';
import { buildFlags } from '../evaluation-flags.ts';
import { buildInstallables, installableFlags, outPathsOf, resolveInstallables } from '../installables.ts';
import { runOnStore } from '../shell-process.ts';
import { followToStorePath } from '../store-command.ts';

export const { run, usage } = defineCommand({
  name: 'nix shell',
  operands: '[INSTALLABLES] [--command COMMAND [ARGS]]',
  summary: 'Starts a shell, or runs a command, that finds the programs of packages.',
  flags: [
    { names: ['--command', '-c'], operands: ['COMMAND', 'ARGS'], takesRest: true, description: 'run this instead of a shell' },
    { names: ['--stdin'], description: 'read operands from standard input, one a line' },
    ...environmentFlags, ...installableFlags, ...buildFlags.filter(({ names }) => !['--keep-failed', '--keep-going', '--dry-run'].includes(names[0])),
  ],
  async run(session) {
    const { context, flags, store } = session;
    const progress = await session.openProgress();
    const built = outPathsOf(await buildInstallables(session, await resolveInstallables(session)))
      .map((path) => throughLinks(session, path));
    progress.close();
    const environment = changedEnvironment(flags, context, session.name);
    const folders = withPropagated(session, built).map((path) => `${path}/bin`);
    environment['PATH'] = [...folders, ...(environment['PATH'] ?? '').split(delimiter).filter(Boolean)].join(delimiter);
    const [program = context.env['SHELL'] || 'bash', ...args] = flags.all('--command')[0] ?? [];
    return runOnStore({ file: program, args: [program, ...args], environment }, store,
      { ...context, env: { ...context.env, PATH: environment['PATH'] } });
  },
});

/** Where an output leads that is a link itself: to another path of the store, or nowhere. */
function throughLinks(session: CommandSession, path: StorePath): StorePath {
  const { store } = session;
  const place = store.physicalPath(path);
  const programs = join(place, 'bin');
  if (existsSync(programs) && !realpathSync(programs).startsWith(`${realpathSync(store.physicalStoreDirectory)}/`)) {
    throw notInStore(programs);
  }
  return lstatSync(place).isSymbolicLink() ? followToStorePath(session, resolve(dirname(path), readlinkSync(place))) : path;
}

/** The paths, with those that `nix-support/propagated-user-env-packages` names, and so on. */
function withPropagated({ store }: CommandSession, paths: readonly StorePath[]): StorePath[] {
  // The walk takes the last neighbour first, and the first is to stand first.
  return [...reachable([...paths].reverse(), (path) => {
    const file = join(store.physicalPath(path), 'nix-support/propagated-user-env-packages');
    if (!existsSync(file)) return [];
    return readFileSync(file, 'utf8').split(/\s+/).filter(Boolean).reverse() as StorePath[];
  })];
}
