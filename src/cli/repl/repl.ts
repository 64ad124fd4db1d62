/**
 * `firn repl`: reads expressions and commands line by line, evaluates them in a scope that stays,
 * and prints their values as C++ Nix's REPL does. Errors are reported, and the next line is read.
 *
 * A text that ends too early is continued by the next line; what a pipe does not finish is an error.
 */

import { decodeUtf8, encodeUtf8 } from '#base';
import { ReplThread, type ReplRequest, type ReplStart } from '#host';
import type { Workspace } from '#system';
import type { CommandContext } from '../context.ts';
import { autoArguments, evaluationRequest, messagesOnly } from '../nix/evaluation.ts';
import { buildFlags, commonFlags, evaluationFlags } from '../nix/evaluation-flags.ts';
import { describeFlags, parseFlags, type Flag, type ParsedFlags } from '../nix/flags.ts';
import { debianEntry, evaluationServices } from '../nix/services.ts';
import { reportError } from '../report-error.ts';
import { performLine, type ReplCommands } from './commands.ts';
import { History } from './history.ts';
import { LineInput } from './line-input.ts';

const table: readonly Flag[] = [
  ...evaluationFlags.filter(({ names }) => !names.includes('--attr')), ...buildFlags, ...commonFlags,
];

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const flags = parseFlags('firn repl', table, argv, context);
  if (flags.has('--help')) {
    context.stdout.write(describeFlags(
      'firn repl [FLAGS] [FILES | --expr EXPRESSIONS]',
      'Evaluates what is typed, line by line. The attributes of the files are variables. :? lists the commands.',
      table));
    return 0;
  }
  if (flags.has('--version')) {
    const { writeVersion } = await import('../nix/version.ts');
    return writeVersion('firn repl', context);
  }
  const repl = new Repl(flags, context);
  try {
    return await repl.run();
  } finally {
    await repl.close();
  }
}

const prompt = 'firn-repl> ';
/** What takes longer to complete is not completed. */
const completionMilliseconds = 5000;

class Repl {
  readonly #flags: ParsedFlags;
  readonly #context: CommandContext;
  readonly #history: History;
  readonly #input: LineInput;
  readonly #thread: ReplThread;
  readonly #files: string[];
  readonly #flakes: string[] = [];
  /** Of the line that is worked on. */
  #running: AbortController | undefined;

  constructor(flags: ParsedFlags, context: CommandContext) {
    this.#flags = flags;
    this.#context = context;
    this.#history = new History(context.env);
    this.#files = [
      ...flags.all('--file').map(([file = '']) => file), ...(flags.has('--expr') ? [] : flags.operands),
    ];
    const onInterrupt = () => { this.#running?.abort(new Interrupted()); };
    this.#input = new LineInput({
      history: this.#history.entries, complete: (line) => this.#complete(line), onInterrupt,
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
    }, (signal) => this.#startThread(signal));
  }

  async run(): Promise<number> {
    const { isTerminal } = this.#input;
    if (isTerminal) this.#context.stderr.write('Firn evaluates Nix expressions. Type :? for help.\n');
    await this.#work((signal) => this.#loadAll(signal));
    let text = '';
    for (;;) {
      const typed = await this.#input.next(text === '' ? prompt : ' '.repeat(prompt.length));
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
      withWorkspace: (one, use) => this.#withWorkspace(one, use),
    };
  }

  /** The files, and the expressions of the command line; one that fails does not stop the others. */
  async #loadAll(signal: AbortSignal): Promise<void> {
    const { stderr } = this.#context;
    const all = [
      ...this.#files.map((path) => ({ kind: 'load', path: encodeUtf8(path) } as const)),
      ...(this.#flags.has('--expr') ? this.#flags.operands : [])
        .map((text) => ({ kind: 'add', text: encodeUtf8(text), final: true } as const)),
      ...this.#flakes.map((reference) => ({ kind: 'loadFlake', reference: encodeUtf8(reference) } as const)),
    ];
    for (const request of all) {
      stderr.write(`${describeLoading(request)}\n`);
      try {
        await this.#thread.ask(request, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        reportError(error, this.#context);
      }
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

  async #withWorkspace<T>(signal: AbortSignal, use: (workspace: Workspace) => Promise<T>): Promise<T> {
    const context = { ...this.#context, signal };
    const { openCommandProgress } = await import('../nix/progress.ts');
    const { openWorkspace } = await import('../nix/workspace.ts');
    const progress = await openCommandProgress(this.#flags, context);
    const workspace = openWorkspace(this.#flags, context, progress);
    try {
      return await use(workspace);
    } finally {
      progress.close();
      await workspace.close();
    }
  }
}

function describeLoading(request: ReplRequest & { readonly kind: 'load' | 'add' | 'loadFlake' }): string {
  switch (request.kind) {
    case 'load': return `Loading "${decodeUtf8(request.path)}"...`;
    case 'add': return `Loading installable '${decodeUtf8(request.text)}'...`;
    case 'loadFlake': return `Loading flake '${decodeUtf8(request.reference)}'...`;
  }
}

/** Why an evaluation was stopped. */
class Interrupted extends Error {}
