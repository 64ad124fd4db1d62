/** `nix fmt`, `nix formatter run` and `nix formatter build`: the program that formats a flake's code. */

import { resolve } from 'node:path';
import { isSetVariable } from '../environment-flags.ts';
import { buildApp, storePathOf } from '../app.ts';
import { defineCommand, type CommandSession } from '../command.ts';
import { buildFlags } from '../evaluation-flags.ts';
import { currentSystem } from '../flake-flags.ts';
import { folderOfFlake } from '../flake-folder.ts';
import type { Flag } from '../flags.ts';
import { addRoot } from '../roots.ts';
import { runOnStore } from '../shell-process.ts';
import { flakeCommandFlags } from './flake.ts';

const formatterFlags: readonly Flag[] = [
  ...flakeCommandFlags, ...buildFlags.filter(({ names }) => !['--check', '--dry-run'].includes(names[0])),
];

function runner(name: string) {
  return defineCommand({
    name, operands: '[ARGS]',
    summary: "Builds the flake's formatter to reformat your code in the standard style, and gives it the arguments.",
    flags: formatterFlags,
    async run(session) {
      const { flags, context, store } = session;
      const progress = await session.openProgress();
      const file = await buildFormatter(session);
      const folder = await folderOfFlake(session, '.') ?? context.cwd;
      progress.close();
      const environment = { ...Object.fromEntries(Object.entries(context.env).filter(isSetVariable)), PRJ_ROOT: folder };
      return runOnStore({ file, args: [file, ...flags.operands], environment }, store, context);
    },
  });
}

export const formatterCommands = {
  fmt: runner('nix fmt'),
  run: runner('nix formatter run'),
  build: defineCommand({
    name: 'nix formatter build',
    summary: "Builds the current flake's formatter, and prints the path of its program.",
    flags: [
      { names: ['--out-link', '-o'], operands: ['PATH'], description: 'where the link to the formatter goes (default: ./result)' },
      { names: ['--no-link'], description: 'make no link' },
      ...formatterFlags,
    ],
    async run(session) {
      const { flags, context, store } = session;
      const progress = await session.openProgress();
      const file = await buildFormatter(session);
      progress.close();
      const path = storePathOf(session, file)!;
      if (!flags.has('--no-link')) addRoot(store, resolve(context.cwd, flags.last('--out-link') ?? 'result'), path);
      session.print(file);
    },
  }),
};

function buildFormatter(session: CommandSession): Promise<string> {
  const system = currentSystem(session.flags, session.context);
  return buildApp(session, '.', { prefixes: [], defaults: [`formatter.${system}`] });
}
