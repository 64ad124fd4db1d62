/** `nix run`: builds an app or a package and runs its program. */

import { appAttributes, buildApp } from '../app.ts';
import { defineCommand } from '../command.ts';
import { changedEnvironment, environmentFlags } from '../environment-flags.ts';
import { buildFlags } from '../evaluation-flags.ts';
import { currentSystem } from '../flake-flags.ts';
import { installableFlags } from '../installables.ts';
import { runOnStore } from '../shell-process.ts';

export const { run, usage } = defineCommand({
  name: 'nix run',
  operands: '[INSTALLABLE [ARGS]]',
  summary: "Builds an app or a package, and runs its program with the arguments given; '--' ends our own flags.",
  attributes: appAttributes,
  flags: [...environmentFlags, ...installableFlags, ...buildFlags.filter(({ names }) => !['--keep-failed', '--keep-going', '--dry-run'].includes(names[0]))],
  async run(session) {
    const { context, flags, store } = session;
    const [operand = '.', ...args] = flags.operands;
    const progress = await session.openProgress();
    const file = await buildApp(session, operand, appAttributes(currentSystem(flags, context)));
    progress.close();
    const environment = changedEnvironment(flags, context, session.name);
    return runOnStore({ file, args: [file, ...args], environment }, store, context);
  },
});
