/** `nix develop`: a shell, a command or a phase in the build environment of a derivation. */

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { decodeUtf8, encodeUtf8 } from '#base';
import { printReference } from '#runtime';
import { usageError } from '../../errors.ts';
import { defineCommand, type CommandSession } from '../command.ts';
import { environmentCommandFlags, findEnvironment, redirects, shellAttributes } from '../develop/dev-environment.ts';
import { rcScript } from '../develop/rc-script.ts';
import { changedEnvironment, environmentFlags } from '../environment-flags.ts';
import { buildFlags } from '../evaluation-flags.ts';
import { currentSystem } from '../flake-flags.ts';
import { folderOfFlake } from '../flake-folder.ts';
import type { Flag, ParsedFlags } from '../flags.ts';
import { buildInstallables, expressionSource, flakeInstallable, outPathsOf, storedOperand } from '../installables.ts';
import { runOnStore } from '../shell-process.ts';
import { quoteForShell } from '../shell-words.ts';
import { runFlakeTask } from './flake.ts';

/** Flags that mean a phase, by its name in the derivation. */
const phases: readonly (readonly [flag: string, phase: string])[] = [
  ['--unpack', 'unpack'], ['--configure', 'configure'], ['--build', 'build'], ['--check', 'check'],
  ['--install', 'install'], ['--installcheck', 'installCheck'],
];
const phaseFlags: readonly Flag[] = [
  { names: ['--phase'], operands: ['PHASE'], description: 'run this phase of the derivation, for example build' },
  ...phases.map(([flag, phase]): Flag => ({ names: [flag], description: `run the phase ${phase}` })),
];

export const { run, usage } = defineCommand({
  name: 'nix develop',
  operands: '[INSTALLABLE]',
  attributes: shellAttributes,
  summary: 'Starts a shell, or runs a command or a phase, in the build environment of a derivation.',
  flags: [
    { names: ['--command', '-c'], operands: ['COMMAND', 'ARGS'], takesRest: true, description: 'run this instead of a shell' },
    ...phaseFlags, ...environmentFlags, ...environmentCommandFlags,
    ...buildFlags.filter(({ names }) => !['--check', '--keep-failed', '--keep-going', '--dry-run'].includes(names[0])),
  ],
  async run(session) {
    const { context, flags, store } = session;
    const [command] = flags.all('--command');
    const phase = wantedPhase(flags);
    if (command?.length === 0) throw usageError('--command requires at least one argument', session.name);
    if (command !== undefined && phase !== undefined) {
      throw usageError("you cannot use both '--command' and '--phase'", session.name);
    }
    const changed = changedEnvironment(flags, context, session.name);
    const progress = await session.openProgress();
    const { environment, path } = await findEnvironment(session);
    const shell = await interactiveBash(session);
    const cwd = phase === undefined ? context.cwd : await folderOfOperand(session) ?? context.cwd;
    const folder = mkdtempSync(join(context.env['TMPDIR'] || tmpdir(), 'nix-develop.'));
    try {
      const { text, files } = rcScript({
        environment, place: path, outputsFolder: encodeUtf8(join(context.cwd, 'outputs')), folder: encodeUtf8(folder),
        redirects: await redirects(session),
      });
      progress.close();
      for (const [file, content] of files) writeFileSync(decodeUtf8(file), content, 'latin1');
      const rc = join(folder, 'rc');
      const program = shell ?? 'bash';
      writeFileSync(rc, setUp(session, text, program, command, phase), 'latin1');
      const isInteractive = command === undefined && phase === undefined;
      return await runOnStore({
        file: program, args: [basename(program), ...(isInteractive ? ['--rcfile'] : []), rc], cwd,
        environment: { ...changed, NIX_GCROOT: path, SHELL: program },
      }, store, context);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
});

function wantedPhase(flags: ParsedFlags): string | undefined {
  return flags.last('--phase') ?? phases.find(([flag]) => flags.has(flag))?.[1];
}

/** All that the shell reads before the user's commands; a byte string. */
function setUp(
  session: CommandSession, script: string, program: string, command: readonly string[] | undefined, phase: string | undefined,
): string {
  const { flags } = session;
  const { settings } = session.workspace();
  const traced = flags.has('--debug') ? `${script}set -x\n` : script;
  if (phase !== undefined) {
    const name = encodeUtf8(quoteForShell(`${phase}Phase`));
    // The build phase of old stdenvs asks whether configure has found a makefile.
    return `${traced}foundMakefile=1\nif declare -f runPhase > /dev/null; then runPhase ${name}; else runHook ${name}; fi\n`;
  }
  if (command !== undefined) return traced + encodeUtf8(`exec ${command.map(quoteForShell).join(' ')}\n`);
  const prompt = (name: string, line: (text: string) => string) => {
    const text = settings.text(name) ?? '';
    return text === '' ? '' : encodeUtf8(`[ -n "$PS1" ] && ${line(quoteForShell(text))}\n`);
  };
  return '[ -n "$PS1" ] && [ -e ~/.bashrc ] && source ~/.bashrc\nshopt -u expand_aliases\n'
    + `${traced}\nshopt -s expand_aliases\n`
    + prompt('bash-prompt', (text) => `PS1=${text}`)
    + prompt('bash-prompt-prefix', (text) => `PS1=${text}"$PS1"`)
    + prompt('bash-prompt-suffix', (text) => `PS1+=${text}`)
    // The shell of whoever calls must not reach into the environment.
    + encodeUtf8(`SHELL=${quoteForShell(program)}\n`)
    + (program.includes('/') ? encodeUtf8(`PATH=${quoteForShell(dirname(program))}"\${PATH:+:$PATH}"\n`) : '');
}

/** The interactive bash of the nixpkgs that the flake has as an input, or that a registry names. */
async function interactiveBash(session: CommandSession): Promise<string | undefined> {
  const { flags, context, store } = session;
  const system = currentSystem(flags, context);
  try {
    const nixpkgs = await nixpkgsOf(session) ?? 'nixpkgs';
    const attributes = { prefixes: [`legacyPackages.${system}.`], defaults: [] };
    const found = await flakeInstallable(session, `${nixpkgs}#bashInteractive`, attributes);
    const programs = outPathsOf(await buildInstallables(session, [found])).map((path) => `${path}/bin/bash`);
    return programs.find((program) => existsSync(store.physicalPath(program)));
  } catch (error) {
    // Any bash will do; the user's own is one.
    const { message } = error as Error;
    (await session.openProgress()).message('debug', `uses bash from your environment: ${message.split('\n', 1)[0]}`);
    return undefined;
  }
}

/** The flake that the only operand names. */
function flakeOperand(session: CommandSession): string | undefined {
  const [operand = '.'] = session.flags.operands;
  const isFlake = expressionSource(session) === undefined && storedOperand(session, operand) === undefined;
  return isFlake ? operand.replace(/#.*/, '') || '.' : undefined;
}

async function nixpkgsOf(session: CommandSession): Promise<string | undefined> {
  const flake = flakeOperand(session);
  if (flake === undefined) return undefined;
  const { inputs = [] } = await runFlakeTask(session, flake, { kind: 'inputs' }, { mayWrite: false }, { quiet: true });
  const nixpkgs = inputs.find(({ from }) => from.get('id') === 'nixpkgs');
  return nixpkgs === undefined ? undefined : decodeUtf8(printReference({ input: nixpkgs.to, directory: nixpkgs.directory }));
}

/** Phases expect to run where the flake's files are. */
async function folderOfOperand(session: CommandSession): Promise<string | undefined> {
  const flake = flakeOperand(session);
  return flake === undefined ? undefined : folderOfFlake(session, flake);
}
