/** `nix run`: builds an app or a package and runs its program. */

import { decodeUtf8, encodeUtf8 } from '#base';
import { splitStorePath } from '#formats';
import { appTask, type AppInput, type FlakeAttributes, type FoundApp } from '#host';
import { appOutsideStore } from '../../errors.ts';
import { defineCommand, type CommandSession } from '../command.ts';
import { changedEnvironment, environmentFlags } from '../environment-flags.ts';
import { autoArguments } from '../evaluation.ts';
import { buildFlags } from '../evaluation-flags.ts';
import { currentSystem, flakeSource } from '../flake-flags.ts';
import { expressionSource, installableFlags } from '../installables.ts';
import { runOnStore } from '../shell-process.ts';

export const { run } = defineCommand({
  name: 'nix run',
  operands: '[INSTALLABLE [ARGS]]',
  summary: "Builds an app or a package, and runs its program with the arguments given; '--' ends our own flags.",
  flags: [...environmentFlags, ...installableFlags, ...buildFlags.filter(({ names }) => !['--keep-failed', '--keep-going', '--dry-run'].includes(names[0]))],
  async run(session) {
    const { context, flags, store } = session;
    const [operand = '.', ...args] = flags.operands;
    const progress = await session.openProgress();
    const app = await findApp(session, operand);
    const paths = await session.workspace().services.realise!(app.context);
    progress.close();
    let program = app.program;
    for (const [placeholder, path] of paths) program = program.replaceAll(placeholder, path);
    if (splitStorePath(program, store.storeDirectory) === undefined) throw appOutsideStore(decodeUtf8(program));
    const environment = changedEnvironment(flags, context, session.name);
    const file = decodeUtf8(program);
    return runOnStore({ file, args: [file, ...args], environment }, store, context);
  },
});

/** Where a flake's programs are: its apps, then its packages. */
function appAttributes(system: string): FlakeAttributes {
  return {
    prefixes: [`apps.${system}.`, `packages.${system}.`, `legacyPackages.${system}.`],
    defaults: [`apps.${system}.default`, `defaultApp.${system}`, `packages.${system}.default`, `defaultPackage.${system}`],
  };
}

function findApp(session: CommandSession, operand: string): Promise<FoundApp> {
  const { flags, context } = session;
  const source = expressionSource(session);
  const input: AppInput = source === undefined
    ? { source: flakeSource(operand, flags, context, appAttributes(currentSystem(flags, context))), autoArguments: [], attributePath: '' }
    : { source, autoArguments: autoArguments(flags, context), attributePath: encodeUtf8(operand === '.' ? '' : operand) };
  const isPure = input.source.kind !== 'file' && !flags.has('--impure');
  return session.workspace().evaluate<FoundApp>(appTask, input, {
    settingOverrides: isPure ? [['pure-eval', 'true']] : [],
  });
}

