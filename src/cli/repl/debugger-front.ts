/**
 * The debugger's end at the terminal: reads commands while evaluation has stopped.
 *
 * The evaluator's thread waits in `converse` meanwhile; each call brings its answer and takes the
 * next request. Between two stops the terminal is left alone, so that Ctrl-C ends the program.
 */

import { encodeUtf8 } from '#base';
import { unpackFailure, type DebuggerAnswer, type ReplAnswer, type ReplRequest } from '#host';
import { nixVersion } from '#runtime';
import type { CommandContext } from '../context.ts';
import type { ParsedFlags } from '../nix/flags.ts';
import { reportError } from '../report-error.ts';
import { helpText, performLine, type ReplCommands } from './commands.ts';
import { LineInput } from './line-input.ts';
import { withWorkspace } from './with-workspace.ts';

const prompt = 'nix-repl> ';
type Resume = ReplRequest & { readonly kind: 'resume' };

export class DebuggerFront {
  readonly #flags: ParsedFlags;
  readonly #context: CommandContext;
  readonly #input: LineInput;
  #hasGreeted = false;
  /** Gives the thread that waits its next request. */
  #tell: ((request: ReplRequest) => void) | undefined;
  /** Takes the answer to what was asked last. */
  #take: ((answer: ReplAnswer) => void) | undefined;
  /** Ends the time in which the terminal is left alone. */
  #stopped: (() => void) | undefined;

  constructor(flags: ParsedFlags, context: CommandContext) {
    this.#flags = flags;
    this.#context = context;
    this.#input = new LineInput({
      history: [], onInterrupt: () => {}, echo: context.env['_NIX_TEST_REPL_ECHO'] === '1',
      complete: async (line) => {
        const answer = await this.#ask({ kind: 'complete', text: encodeUtf8(line) });
        return answer.kind === 'done' ? answer.result as readonly string[] : [];
      },
    });
  }

  converse(said: unknown): Promise<ReplRequest> {
    const next = new Promise<ReplRequest>((resolve) => { this.#tell = resolve; });
    const { answer, printed } = said as DebuggerAnswer;
    this.#context.stdout.write(Buffer.from(printed, 'latin1'));
    if (answer.kind !== 'stopped') this.#take?.(answer);
    else if (this.#stopped === undefined) void this.#readLines();
    else this.#stopped();
    return next;
  }

  close(): void {
    this.#input.close();
  }

  #ask(request: ReplRequest): Promise<ReplAnswer> {
    return new Promise((resolve) => {
      this.#take = resolve;
      this.#tell?.(request);
    });
  }

  /** Reads lines as long as the program runs; while evaluation goes on it waits for the next stop. */
  async #readLines(): Promise<void> {
    for (;;) {
      const resume = await this.#readUntilResumed();
      const stopped = new Promise<void>((resolve) => { this.#stopped = resolve; });
      void this.#tell?.(resume);
      await this.#input.lend(() => stopped);
    }
  }

  async #readUntilResumed(): Promise<Resume> {
    const { stderr, stdout } = this.#context;
    if (!this.#hasGreeted) stderr.write(`Nix ${nixVersion} debugger\nType :? for help.\n`);
    this.#hasGreeted = true;
    let text = '';
    for (;;) {
      const typed = await this.#input.next(text === '' ? prompt : `${' '.repeat(prompt.length - 2)}> `);
      if (typed.kind === 'end') {
        stdout.write('\n');
        return { kind: 'resume', how: 'quit' };
      }
      text = typed.kind === 'line' ? `${text}${typed.text}\n` : '';
      if (text.trim() === '') text = '';
      if (text === '') continue;
      const how = resumptions.get(text.trim());
      if (how !== undefined) return { kind: 'resume', how };
      if (await this.#perform(text) === 'incomplete') continue;
      text = '';
      stdout.write('\n');
    }
  }

  /** Does what a line says, and reports what it throws. */
  async #perform(text: string): Promise<'done' | 'incomplete'> {
    const { stdout } = this.#context;
    const [command = '', argument = ''] = text.trim().split(/\s+/);
    try {
      switch (command) {
        case ':bt': case ':backtrace': return await this.#request({ kind: 'backtrace' });
        case ':env': return await this.#request({ kind: 'environment' });
        case ':st':
          return await this.#request({ kind: 'chooseStep', index: /^[0-9]+$/.test(argument) ? Number(argument) : undefined });
        case ':?': case ':help': stdout.write(`${helpText}\n${debuggerHelp}`); return 'done';
      }
      return await performLine(this.#commands(), text) === 'incomplete' ? 'incomplete' : 'done';
    } catch (error) {
      if (this.#context.signal.aborted) throw error;
      reportError(error, this.#context);
      return 'done';
    }
  }

  async #request(request: ReplRequest): Promise<'done' | 'incomplete'> {
    return await this.#result(request) === undefined ? 'incomplete' : 'done';
  }

  async #result(request: ReplRequest): Promise<{ readonly result: unknown } | undefined> {
    const answer = await this.#ask(request);
    if (answer.kind === 'failed') throw unpackFailure(answer.failure);
    return answer.kind === 'done' ? { result: answer.result } : undefined;
  }

  #commands(): ReplCommands {
    const context = this.#context;
    return {
      // What was evaluated so far is the program's: there is nothing to read again.
      thread: { ask: (request) => this.#result(request), reload: async () => [] },
      context, signal: context.signal, files: [], flakes: [], final: false,
      storeFlags: this.#flags.all('--store').flatMap(([store = '']) => ['--store', store]),
      lendTerminal: (work) => this.#input.lend(work),
      loadAll: async () => {},
      withWorkspace: (signal, use) => withWorkspace(this.#flags, { ...context, signal }, use),
    };
  }
}

const resumptions: ReadonlyMap<string, Resume['how']> = new Map([
  [':c', 'continue'], [':continue', 'continue'], [':s', 'step'], [':step', 'step'], [':q', 'quit'], [':quit', 'quit'],
]);

const debuggerHelp = `In the debugger:

  :env                      list the variables at the chosen step
  :bt, :backtrace           list the steps that evaluation is in, innermost first
  :st                       show the chosen step
  :st NUMBER                choose another: its variables are then in scope
  :c, :continue             go on to the next error or builtins.break
  :s, :step                 go on to the next step
  :q, :quit                 end the evaluation
`;
