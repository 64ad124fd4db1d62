/**
 * `nix repl` and `firn repl`: read expressions and commands line by line, evaluate them in a scope
 * that stays, and print their values as C++ Nix's REPL does. Errors are reported, and the next line
 * is read.
 *
 * A text that ends too early is continued by the next line; what a pipe does not finish is an error.
 * Operands are flakes' attributes, or with `--file` or `--expr` attributes of those; `firn repl`
 * takes files too.
 */

import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { decodeUtf8, encodeUtf8 } from '#base';
import { packageAttributes, ReplThread, type FlakeAttributes, type ReplInstallable, type ReplRequest, type ReplStart } from '#host';
import type { CommandContext } from '../context.ts';
import { autoArguments, evaluationRequest, messagesOnly } from '../nix/evaluation.ts';
import { buildFlags, commonFlags } from '../nix/evaluation-flags.ts';
import { currentSystem, flakeSource } from '../nix/flake-flags.ts';
import { describeFlags, parseFlags, type Flag, type ParsedFlags } from '../nix/flags.ts';
import { expressionSource, installableFlags } from '../nix/installables.ts';
import { debianEntry, evaluationServices } from '../nix/services.ts';
import { reportError } from '../report-error.ts';
import { performLine, type ReplCommands } from './commands.ts';
import { History } from './history.ts';
import { LineInput } from './line-input.ts';
import { withWorkspace } from './with-workspace.ts';

const table: readonly Flag[] = [
  // Whoever types knows where it stops.
  ...installableFlags.filter(({ names }) => names[0] !== '--debugger'), { names: ['--option'], operands: ['NAME', 'VALUE'], description: 'set a setting of nix.conf' },
  ...buildFlags, ...commonFlags,
];

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const name = `${context.programName} repl`;
  const flags = parseFlags(name, table, argv, context);
  if (flags.has('--help')) {
    context.stdout.write(describeFlags(
      `${name} [FLAGS] [FLAKE[#ATTRIBUTE]… | --file FILE [ATTRIBUTE…] | --expr EXPRESSION [ATTRIBUTE…]]`,
      'Evaluates what is typed, line by line. The attributes of the operands are variables. :? lists the commands.',
      table));
    return 0;
  }
  if (flags.has('--version')) {
    const { writeVersion } = await import('../nix/version.ts');
    return writeVersion(name, context);
  }
  const repl = new Repl(name, flags, context);
  try {
    return await repl.run();
  } finally {
    await repl.close();
  }
}

/** What takes longer to complete is not completed. */
const completionMilliseconds = 5000;

class Repl {
  readonly #flags: ParsedFlags;
  readonly #context: CommandContext;
  readonly #history: History;
  readonly #input: LineInput;
  readonly #thread: ReplThread;
  readonly #isNix: boolean;
  readonly #prompt: string;
  readonly #installables: readonly ReplInstallable[];
  readonly #files: string[];
  readonly #flakes: string[] = [];
  /** Of the line that is worked on. */
  #running: AbortController | undefined;

  constructor(name: string, flags: ParsedFlags, context: CommandContext) {
    this.#flags = flags;
    this.#context = context;
    this.#isNix = context.programName === 'nix';
    this.#prompt = this.#isNix ? 'nix-repl> ' : 'firn-repl> ';
    this.#history = new History(context.env);
    const source = expressionSource({ flags, name });
    const isFileOperand = (operand: string) => source === undefined && !this.#isNix && isFile(operand, context.cwd);
    this.#files = flags.operands.filter(isFileOperand);
    const operands = flags.operands.filter((operand) => !isFileOperand(operand));
    this.#installables = (operands.length === 0 && source !== undefined ? ['.'] : operands).map((operand) => ({
      shown: operand,
      source: source ?? flakeSource(operand, flags, context, wholeOutputs(flags, context)),
      attributePath: source === undefined || operand === '.' ? '' : encodeUtf8(operand),
    }));
    const onInterrupt = () => { this.#running?.abort(new Interrupted()); };
    this.#input = new LineInput({
      history: this.#history.entries, complete: (line) => this.#complete(line), onInterrupt,
      // C++ Nix's tests compare what is read with what is said to it.
      echo: context.env['_NIX_TEST_REPL_ECHO'] === '1',
    });
    context.takeInterrupts(() => {
      onInterrupt();
      this.#input.abandon();
    });
    context.signal.addEventListener('abort', () => { this.#input.end(); });
    const noColor = (context.env['NO_COLOR'] ?? '') !== '';
    this.#thread = new ReplThread({
      autoArguments: autoArguments(flags, context),
      colorOutput: this.#input.isTerminal && !noColor,
      colorErrors: context.color,
      rawMarkdown: context.env['_NIX_TEST_RAW_MARKDOWN'] === '1',
    }, (signal) => this.#startThread(signal));
  }

  async run(): Promise<number> {
    const { isTerminal } = this.#input;
    await this.#greet();
    // Operands that mean nothing end the program before it began.
    if (await this.#work((signal) => this.#loadAll(signal).then(() => true)) === undefined) return 1;
    let text = '';
    for (;;) {
      const typed = await this.#input.next(text === '' ? this.#prompt : `${' '.repeat(this.#prompt.length - 2)}> `);
      this.#context.signal.throwIfAborted();
      if (typed.kind === 'abandoned') text = '';
      if (typed.kind === 'abandoned') continue;
      if (typed.kind === 'end' && (isTerminal || text === '')) {
        if (isTerminal) this.#context.stdout.write('\n');
        return 0;
      }
      if (typed.kind === 'line') {
        if (isTerminal) this.#history.add(typed.text);
        text += `${typed.text}\n`;
        if (text.trim() === '') text = '';
        if (text === '') continue;
      }
      const outcome = await this.#work((signal) => performLine(this.#commands(signal, typed.kind === 'end'), text));
      if (outcome === 'quit' || typed.kind === 'end') return 0;
      if (outcome === 'incomplete') continue;
      text = '';
      this.#context.stdout.write('\n');
    }
  }

  async close(): Promise<void> {
    this.#input.close();
    await this.#thread.close();
  }

  async #greet(): Promise<void> {
    const { stderr } = this.#context;
    if (this.#isNix) stderr.write(`Nix ${(await import('#runtime')).nixVersion}\nType :? for help.\n`);
    else if (this.#input.isTerminal) stderr.write('Firn evaluates Nix expressions. Type :? for help.\n');
  }

  /** Does something that Ctrl-C may stop, and reports what it throws. */
  async #work<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    const running = new AbortController();
    this.#running = running;
    try {
      return await work(AbortSignal.any([running.signal, this.#context.signal]));
    } catch (error) {
      if (this.#context.signal.aborted) throw error;
      if (running.signal.aborted) this.#context.stderr.write('error: interrupted by the user\n');
      else reportError(error, this.#context);
      return undefined;
    } finally {
      this.#running = undefined;
    }
  }

  #commands(signal: AbortSignal, final: boolean): ReplCommands {
    return {
      thread: this.#thread, context: this.#context, files: this.#files, flakes: this.#flakes, signal, final,
      storeFlags: this.#flags.all('--store').flatMap(([store = '']) => ['--store', store]),
      lendTerminal: (work) => this.#lendTerminal(work),
      loadAll: (one) => this.#loadAll(one),
      withWorkspace: (one, use) => withWorkspace(this.#flags, { ...this.#context, signal: one }, use),
    };
  }

  /**
   * What the command line named, and what was loaded since. A file or a flake that fails does not
   * stop the others; throws where an operand of the command line means nothing.
   */
  async #loadAll(signal: AbortSignal): Promise<void> {
    for (const path of this.#files) await this.#load({ kind: 'load', path: encodeUtf8(path) }, signal);
    if (this.#installables.length > 0) {
      await this.#thread.ask({ kind: 'loadInstallables', installables: this.#installables }, signal);
    }
    for (const reference of this.#flakes) {
      await this.#load({ kind: 'loadFlake', reference: encodeUtf8(reference) }, signal);
    }
  }

  async #load(request: ReplRequest & { readonly kind: 'load' | 'loadFlake' }, signal: AbortSignal): Promise<void> {
    const described = request.kind === 'load' ? `"${decodeUtf8(request.path)}"` : `flake '${decodeUtf8(request.reference)}'`;
    this.#context.stderr.write(`Loading ${described}...\n`);
    try {
      await this.#thread.ask(request, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      reportError(error, this.#context);
    }
  }

  /** Ctrl-C is the program's meanwhile. */
  async #lendTerminal(work: () => Promise<void>): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    try {
      await this.#input.lend(work);
    } finally {
      this.#running = running;
    }
  }

  async #complete(line: string): Promise<readonly string[]> {
    if (this.#thread.isBusy) return [];
    // Keys, Ctrl-C among them, are not read while a completion is looked for.
    const signal = AbortSignal.any([AbortSignal.timeout(completionMilliseconds), this.#context.signal]);
    try {
      const answer = await this.#thread.ask({ kind: 'complete', text: encodeUtf8(line) }, signal);
      return (answer?.result as readonly string[]).map(decodeUtf8);
    } catch {
      // Whoever presses Tab wants no errors between the lines.
      return [];
    }
  }

  #startThread(signal: AbortSignal): ReplStart {
    const context = { ...this.#context, signal };
    const progress = messagesOnly(context, this.#flags);
    const services = evaluationServices(this.#flags, context, progress);
    const { signal: _, ...request } = evaluationRequest(this.#flags, context, progress);
    return { request: { ...request, services, lastEntries: [debianEntry] }, close: () => services.close() };
  }
}

/** Where no attribute is named, all outputs are meant. */
function wholeOutputs(flags: ParsedFlags, context: CommandContext): FlakeAttributes {
  return { ...packageAttributes(currentSystem(flags, context)), defaults: [''] };
}

function isFile(operand: string, folder: string): boolean {
  if (/^<.+>$/.test(operand)) return true;
  return statSync(resolve(folder, operand), { throwIfNoEntry: false })?.isFile() === true;
}

/** Why an evaluation was stopped. */
class Interrupted extends Error {}
