/**
 * `nix-shell`: a shell, or a command in one, with the environment that a derivation is built in; and
 * the interpreter of scripts that say which packages they need.
 *
 * Flags and output are those of C++ Nix's command of the same name.
 */

import { lstatSync, mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { isatty } from 'node:tty';
import { encodeUtf8 } from '#base';
import type { StorePath } from '#formats';
import { shellTask, type ExpressionSource, type ShellInput, type ShellTarget } from '#host';
import type { Workspace } from '#system';
import type { CommandContext } from '../context.ts';
import { usageError } from '../errors.ts';
import { openCommandProgress } from './progress.ts';
import type { ClosableProgress } from '../progress/output.ts';
import { autoArguments, expressionSources } from './evaluation.ts';
import { buildFlags, commonFlags, evaluationFlags } from './evaluation-flags.ts';
import { describeFlags, parseFlags, type Flag, type ParsedFlags } from './flags.ts';
import { describeMissing, tellMissing } from './missing.ts';
import { addRoot } from './roots.ts';
import { settingsOf } from './settings.ts';
import { prepareShell } from './shell-setup.ts';
import { runOnStore, type StorePlaces } from './shell-process.ts';
import { interpreterCommand, shebangWords } from './shell-words.ts';
import { writeVersion } from './version.ts';
import { openWorkspace } from './workspace.ts';

const table: readonly Flag[] = [
  { names: ['--packages', '-p'], description: 'the operands are packages of <nixpkgs>, each a Nix expression' },
  { names: ['--run'], operands: ['COMMAND'], description: 'run a command in the environment, and end' },
  { names: ['--command'], operands: ['COMMAND'], description: 'as --run, in an interactive shell' },
  { names: ['--pure'], description: 'keep hardly anything of the present environment' },
  { names: ['--keep'], operands: ['NAME'], description: 'with --pure, keep this variable' },
  { names: ['--exclude'], operands: ['REGEX'], description: 'do not build inputs whose path matches' },
  { names: ['--add-root'], operands: ['PATH'], description: 'make a link to the derivation and register it as a root' },
  { names: ['--indirect', '--add-drv-link', '--no-out-link', '--no-link'], description: 'accepted and ignored' },
  { names: ['--drv-link', '--out-link', '-o'], operands: ['PATH'], description: 'accepted and ignored' },
  ...evaluationFlags,
  ...buildFlags,
  ...commonFlags,
];
const interpreterFlag: Flag =
  { names: ['-i'], operands: ['INTERPRETER'], description: 'in a script: the program that runs the script' };

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const [first] = argv;
  const words = first === undefined ? undefined : shebangWords(resolve(context.cwd, first));
  const script = words === undefined || first === undefined ? undefined
    : { path: first, folder: dirname(resolve(context.cwd, first)), args: argv.slice(1) };
  const own = script === undefined ? table : [...table, interpreterFlag];
  const flags = parseFlags('nix-shell', own, words ?? argv, context);
  if (flags.has('--help')) {
    context.stdout.write(describeFlags(
      'nix-shell [FLAGS] [FILE | --expr EXPRESSION | --packages PACKAGES]',
      'Starts a shell, or runs a command, in the environment of a derivation or with packages at hand.', own));
    return 0;
  }
  if (flags.has('--version')) return writeVersion('nix-shell', context, flags);
  if (flags.has('--packages') && flags.has('--expr')) {
    throw usageError("'-p' and '-E' are mutually exclusive", 'nix-shell');
  }
  return new ShellCommand(flags, context, script).run();
}

interface Script {
  readonly path: string;
  readonly folder: string;
  readonly args: readonly string[];
}

class ShellCommand {
  readonly #flags: ParsedFlags;
  readonly #context: CommandContext;
  readonly #script: Script | undefined;

  constructor(flags: ParsedFlags, context: CommandContext, script: Script | undefined) {
    this.#flags = flags;
    this.#context = context;
    this.#script = script;
  }

  async run(): Promise<number> {
    const context = this.#context;
    const pure = isPure(this.#flags);
    // What is evaluated may ask in which kind of shell it will be.
    const shown = { ...context, env: { ...context.env, IN_NIX_SHELL: pure ? 'pure' : 'impure' } };
    const progress = await openCommandProgress(this.#flags, context);
    const workspace = openWorkspace(this.#evaluatedFlags(), { ...shown, cwd: this.#evaluationFolder() }, progress);
    const folder = mkdtempSync(join(context.env['TMPDIR'] || tmpdir(), 'nix-shell.'));
    let isRunning = false;
    try {
      const program = await this.#prepare(workspace, progress, folder, pure, shown);
      if (program === undefined) return 0;
      const { storeDirectory, physicalStoreDirectory } = workspace.target;
      progress.close();
      // While the shell runs, others may collect garbage: what it uses is seen in its environment.
      await workspace.close();
      isRunning = true;
      return await runOnStore(program, { storeDirectory, physicalStoreDirectory }, context);
    } finally {
      if (!isRunning) {
        progress.close();
        await workspace.close();
      }
      rmSync(folder, { recursive: true, force: true });
    }
  }

  async #prepare(
    workspace: Workspace, progress: ClosableProgress, folder: string, pure: boolean, context: CommandContext,
  ) {
    const flags = this.#flags;
    const chosenShell = context.env['NIX_BUILD_SHELL'];
    const target = await workspace.evaluate<ShellTarget>(shellTask, {
      sources: this.#sources(workspace.store),
      attributePaths: flags.all('--attr').map(([path = '']) => encodeUtf8(path)),
      autoArguments: autoArguments(flags, context),
      findShell: chosenShell === undefined,
    } satisfies ShellInput);
    const stored = this.#storedDerivation(workspace.store);
    const found = [...target.found.map((one) => one.drvPath), ...(stored === undefined ? [] : [stored])];
    const [drvPath] = found as StorePath[];
    if (drvPath === undefined || found.length > 1) {
      throw usageError('nix-shell requires a single derivation', 'nix-shell');
    }
    const wanted = this.#wantedInputs(workspace, drvPath, target.shell as StorePath | undefined);
    if (flags.has('--dry-run')) {
      const { store, substituters } = workspace;
      const derivations = wanted.flatMap((one) => ('drvPath' in one ? [one] : []));
      context.stderr.write(await describeMissing(store, derivations, { substituters }));
      return undefined;
    }
    await tellMissing(workspace, wanted, progress);
    await workspace.realise(wanted);
    const root = flags.last('--add-root');
    if (root !== undefined) addRoot(workspace.store, resolve(context.cwd, root), drvPath);
    const shell = target.shell === undefined ? chosenShell ?? 'bash'
      : `${workspace.store.queryDerivationOutputs(target.shell as StorePath).get('out')}/bin/bash`;
    progress.close();
    return prepareShell({
      store: workspace.store, drvPath, folder, shell, pure, environment: context.env,
      kept: flags.all('--keep').map(([name = '']) => name),
      cores: settingsOf(flags, context).number('cores', 0),
      ...this.#command(),
    });
  }

  /** What runs in the shell, and whether that reads the user's commands. */
  #command(): { command: string; interactive: boolean } {
    const flags = this.#flags;
    const interpreter = this.#script === undefined ? undefined : flags.last('-i');
    if (interpreter !== undefined && this.#script !== undefined) {
      return { command: interpreterCommand(interpreter, this.#script.path, this.#script.args), interactive: false };
    }
    const given = flags.last('--run') ?? flags.last('--command');
    const isTerminal = isatty(0) && isatty(2);
    return { command: given === undefined ? '' : `${given}\nexit`, interactive: isTerminal && !flags.has('--run') };
  }

  #wantedInputs(workspace: Workspace, drvPath: StorePath, shell: StorePath | undefined) {
    const derivation = workspace.store.readDerivation(drvPath);
    const excluded = this.#flags.all('--exclude').map(([pattern = '']) => new RegExp(pattern));
    const inputs = [...derivation.inputDerivations]
      .filter(([path]) => !excluded.some((pattern) => pattern.test(path)))
      .map(([path, outputs]) => ({ drvPath: path, outputs }));
    return [
      ...(shell === undefined ? [] : [{ drvPath: shell, outputs: ['out'] }]),
      ...inputs, ...derivation.inputSources.map((path) => ({ path })),
    ];
  }

  /** The only operand, if it is a derivation in the store. */
  #storedDerivation(store: StorePlaces): string | undefined {
    const [only] = this.#flags.operands;
    if (only === undefined || this.#flags.has('--expr') || this.#flags.has('--packages')) return undefined;
    return storedDerivation(resolve(this.#context.cwd, only), store);
  }

  #sources(store: StorePlaces): readonly ExpressionSource[] {
    const flags = this.#flags;
    if (flags.has('--packages')) return [{ kind: 'text', text: encodeUtf8(packagesExpression(flags.operands)) }];
    if (this.#storedDerivation(store) !== undefined) return [];
    if (flags.operands.length === 0 && !flags.has('--expr')) this.#expectDefaultFile();
    const sources = expressionSources(flags, '.');
    const { folder } = this.#script ?? {};
    // Files that a script names are found from where the script is.
    return folder === undefined ? sources : sources.map((source) => (
      source.kind !== 'file' || /^<|^[a-z+]+:/.test(source.path) ? source
        : { ...source, path: encodeUtf8(resolve(folder, Buffer.from(source.path, 'latin1').toString())) }));
  }

  #expectDefaultFile(): void {
    const here = this.#script?.folder ?? this.#context.cwd;
    if (['shell.nix', 'default.nix'].some((name) => stands(join(here, name)))) return;
    throw usageError(
      "no argument specified and no 'shell.nix' or 'default.nix' file found in the working directory", 'nix-shell');
  }

  /** What relative paths in expressions start from. */
  #evaluationFolder(): string {
    const { cwd } = this.#context;
    const isRelativeToScript = settingsOf(this.#flags, this.#context)
      .flag('nix-shell-shebang-arguments-relative-to-script', true);
    return this.#script !== undefined && isRelativeToScript ? this.#script.folder : cwd;
  }

  /** The flags, with search path entries that do not depend on where evaluation takes place. */
  #evaluatedFlags(): ParsedFlags {
    const flags = this.#flags;
    const { cwd } = this.#context;
    return {
      ...flags,
      all: (name) => (name !== '-I' ? flags.all(name) : flags.all(name).map(([entry = '']) => {
        const equals = entry.indexOf('=') + 1;
        const path = entry.slice(equals);
        return [/^[a-z+]+:/.test(path) ? entry : entry.slice(0, equals) + resolve(cwd, path)];
      })),
    };
  }
}

function isPure(flags: ParsedFlags): boolean {
  return flags.has('--pure') && !flags.has('--impure');
}

/** A set of packages as an environment; `args` are the arguments given by --arg. */
function packagesExpression(packages: readonly string[]): string {
  const list = packages.map((one) => `(${one})`).join(' ');
  return '{ ... }@args: with import <nixpkgs> args; '
    + `(pkgs.runCommandCC or pkgs.runCommand) "shell" { buildInputs = [ ${list} ]; } ""`;
}

/** The derivation that an operand is or, through links, leads to. */
function storedDerivation(
  operand: string, { storeDirectory, physicalStoreDirectory }: StorePlaces,
): string | undefined {
  let path = operand;
  for (let links = 0; links < linkLimit; links++) {
    const folder = [physicalStoreDirectory, storeDirectory].find((one) => path.startsWith(`${one}/`));
    const name = folder === undefined ? '' : path.slice(folder.length + 1);
    if (/^[^/]+\.drv(![^!]+)?$/.test(name)) return `${storeDirectory}/${name.replace(/!.*/, '')}`;
    if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return undefined;
    path = resolve(dirname(path), readlinkSync(path));
  }
  return undefined;
}

function stands(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

const linkLimit = 64;
