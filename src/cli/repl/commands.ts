/**
 * The REPL's commands: what each line asks of the evaluator, and what it does by itself.
 *
 * `:b`, `:bl` and `:log` need the store and builders, so they happen on this side, after the
 * evaluator wrote the derivation.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { decodeUtf8, encodeUtf8, UserError } from '#base';
import { knownOutputPath, type StorePath } from '#formats';
import type { EditPlace, ReplRequest, ReplThread } from '#host';
import type { Workspace } from '#system';
import type { CommandContext } from '../context.ts';
import { noLog, unknownReplCommand, unexpectedArgument } from '../errors.ts';

/** What the commands work with. */
export interface ReplCommands {
  readonly thread: Pick<ReplThread, 'ask' | 'reload'>;
  readonly context: CommandContext;
  /** Aborted by Ctrl-C while a line is worked on. */
  readonly signal: AbortSignal;
  /** Files that `:r` loads again. */
  readonly files: string[];
  /** Flakes that `:r` loads again. */
  readonly flakes: string[];
  /** The flags that say which store it is. */
  readonly storeFlags: readonly string[];
  /** Whether nothing can follow the text. */
  readonly final: boolean;
  /** Loads what the command line named, and `files`. */
  loadAll(signal: AbortSignal): Promise<void>;
  /** Leaves the terminal to a program meanwhile. */
  lendTerminal(work: () => Promise<void>): Promise<void>;
  withWorkspace<T>(signal: AbortSignal, use: (workspace: Workspace) => Promise<T>): Promise<T>;
}

/** What follows a command, a byte string; with `final` nothing can be added to it. */
interface Expression {
  readonly text: string;
  readonly final: boolean;
}

export type LineOutcome = 'done' | 'incomplete' | 'quit';

/** Does what a line (or several that make one) says. Throws what is to be reported. */
export async function performLine(repl: ReplCommands, text: string): Promise<LineOutcome> {
  const line = text.trim();
  if (!line.startsWith(':')) return ask(repl, { kind: 'evaluate', text: encodeUtf8(line), final: repl.final });
  const [command = ''] = line.split(/\s/, 1);
  const argument = line.slice(command.length).trim();
  const expression = { text: encodeUtf8(argument), final: repl.final };
  switch (command) {
    case ':?': case ':help': repl.context.stdout.write(helpText); return 'done';
    case ':q': case ':quit': return 'quit';
    case ':a': case ':add': return ask(repl, { kind: 'add', ...expression });
    case ':p': case ':print': return ask(repl, { kind: 'print', ...expression });
    case ':t': return ask(repl, { kind: 'type', ...expression });
    case ':doc': return ask(repl, { kind: 'document', ...expression });
    case ':ll': case ':last-loaded': return ask(repl, { kind: 'lastLoaded' });
    case ':l': case ':load': return load(repl, argument);
    case ':r': case ':reload':
      await repl.thread.reload();
      await repl.loadAll(repl.signal);
      return 'done';
    case ':te': case ':trace-enable': return trace(repl, command, argument);
    case ':b': return withDerivation(repl, expression, (drvPath) => build(repl, drvPath, false));
    case ':bl': return withDerivation(repl, expression, (drvPath) => build(repl, drvPath, true));
    case ':log': return withDerivation(repl, expression, (drvPath) => showLog(repl, drvPath));
    case ':lf': case ':load-flake': return loadFlake(repl, argument);
    case ':e': case ':edit': return edit(repl, expression);
    case ':i': return withDerivation(repl, expression, (drvPath) => runOwn(repl, 'nix-env', '--install', drvPath));
    case ':sh': return withDerivation(repl, expression, (drvPath) => runOwn(repl, 'nix-shell', drvPath));
    case ':u': return withDerivation(repl, shellWith(expression), (drvPath) => runOwn(repl, 'nix-shell', drvPath));
    default: throw unknownReplCommand(command);
  }
}

async function ask(repl: ReplCommands, request: ReplRequest): Promise<LineOutcome> {
  return (await repl.thread.ask(request, repl.signal)) === undefined ? 'incomplete' : 'done';
}

async function load(repl: ReplCommands, file: string): Promise<LineOutcome> {
  await repl.thread.ask({ kind: 'load', path: encodeUtf8(file) }, repl.signal);
  const known = repl.files.indexOf(file);
  if (known >= 0) repl.files.splice(known, 1);
  repl.files.push(file);
  return 'done';
}

async function loadFlake(repl: ReplCommands, reference: string): Promise<LineOutcome> {
  await repl.thread.ask({ kind: 'loadFlake', reference: encodeUtf8(reference) }, repl.signal);
  const known = repl.flakes.indexOf(reference);
  if (known >= 0) repl.flakes.splice(known, 1);
  repl.flakes.push(reference);
  return 'done';
}

/** Opens the editor, and reads all files again. */
async function edit(repl: ReplCommands, expression: Expression): Promise<LineOutcome> {
  const answer = await repl.thread.ask({ kind: 'place', ...expression }, repl.signal);
  if (answer === undefined) return 'incomplete';
  const { path, line, text } = answer.result as EditPlace;
  const { editorCommand, runProgram } = await import('./programs.ts');
  const open = async (file: string): Promise<void> => {
    const [program = '', ...args] = editorCommand(file, line, repl.context.env);
    await repl.lendTerminal(() => runProgram(program, args, repl.context));
  };
  if (text !== undefined) {
    await withCopy(decodeUtf8(path), text, open);
    return 'done';
  }
  await open(decodeUtf8(path));
  await repl.thread.reload();
  await repl.loadAll(repl.signal);
  return 'done';
}

/** Shows what is no file in one, which nobody is to change. */
async function withCopy(path: string, text: string, show: (file: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'firn-repl-'));
  try {
    const file = join(folder, basename(path));
    writeFileSync(file, Buffer.from(text, 'latin1'), { mode: 0o400 });
    await show(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A derivation in whose environment the given one is at hand. */
function shellWith({ text, final }: Expression): Expression {
  return {
    text: `(drv: (import <nixpkgs> {}).runCommand "shell" { buildInputs = [ drv ]; } "") (${text}\n)`, final,
  };
}

async function runOwn(repl: ReplCommands, ...words: readonly string[]): Promise<void> {
  const { runOwnCommand } = await import('./programs.ts');
  await repl.lendTerminal(() => runOwnCommand([...words, ...repl.storeFlags], repl.context));
}

async function trace(repl: ReplCommands, command: string, argument: string): Promise<LineOutcome> {
  if (!['', 'true', 'false'].includes(argument)) throw unexpectedArgument(argument, command);
  const on = argument === '' ? undefined : argument === 'true';
  const answer = await repl.thread.ask({ kind: 'trace', on }, repl.signal);
  repl.context.stdout.write(answer?.result === true ? 'showing error traces\n' : 'not showing error traces\n');
  return 'done';
}

async function withDerivation(
  repl: ReplCommands, expression: Expression,
  use: (drvPath: StorePath) => Promise<void>,
): Promise<LineOutcome> {
  const answer = await repl.thread.ask({ kind: 'derivation', ...expression }, repl.signal);
  if (answer === undefined) return 'incomplete';
  await use(answer.result as StorePath);
  return 'done';
}

/** Builds all outputs; with `link` they are linked here and kept. */
function build(repl: ReplCommands, drvPath: StorePath, link: boolean): Promise<void> {
  return repl.withWorkspace(repl.signal, async (workspace) => {
    const derivation = workspace.store.readDerivation(drvPath);
    const outputs = [...derivation.outputs.keys()];
    const realised = (await workspace.realise([{ drvPath, outputs }])).get(drvPath);
    const { stdout, cwd } = repl.context;
    stdout.write('\nThis derivation produced the following outputs:\n');
    const { addRoot } = await import('../nix/roots.ts');
    for (const name of outputs) {
      const path = realised?.get(name) ?? knownOutputPath(derivation.outputs.get(name)!);
      if (path === undefined) throw new UserError('NO_OUTPUT', `derivation '${drvPath}' has no output '${name}'`);
      const shown = link ? `./repl-result-${name}` : name;
      if (link) addRoot(workspace.store, join(cwd, `repl-result-${name}`), path);
      stdout.write(`  ${shown} -> ${path}\n`);
    }
  });
}

function showLog(repl: ReplCommands, drvPath: StorePath): Promise<void> {
  return repl.withWorkspace(repl.signal, async (workspace) => {
    const { keptLog } = await import('../nix/store-logs.ts');
    const log = keptLog(workspace.store, drvPath);
    if (log === undefined) throw noLog(drvPath);
    repl.context.stdout.write(log);
  });
}

export const helpText = `Commands:

  EXPRESSION                evaluate, and print the first level of the value
  NAME = EXPRESSION         give a value a name; also NAME.NAME = …, inherit …
  :a, :add EXPRESSION       add the attributes of a set to the scope
  :b EXPRESSION             build a derivation
  :bl EXPRESSION            build a derivation and link its outputs here
  :doc EXPRESSION           show the documentation of a function or an attribute
  :e, :edit EXPRESSION      open a package or function in $EDITOR
  :i EXPRESSION             build a derivation and install it in the profile
  :l, :load FILE            load a file and add its attributes to the scope
  :lf, :load-flake FLAKE    load a flake and add its attributes to the scope
  :ll, :last-loaded         list the names that were added last
  :log EXPRESSION           show what the last build of a derivation printed
  :p, :print EXPRESSION     print the whole value; a string as it is
  :q, :quit                 leave (so does Ctrl-D)
  :r, :reload               forget what was bound, read all files again
  :sh EXPRESSION            start nix-shell with a derivation's dependencies
  :t EXPRESSION             say of what type a value is
  :te, :trace-enable [BOOL] show whole traces of errors, or no longer
  :u EXPRESSION             build a derivation and start nix-shell with it
  :?, :help                 this text

Ctrl-C stops a running evaluation or build and leaves everything else as it was.
`;
