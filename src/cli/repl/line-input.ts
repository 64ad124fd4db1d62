/**
 * Where a REPL's lines come from: a terminal, with editing, history and completion, or a pipe.
 *
 * On a terminal Ctrl-C arrives as a key, not as a signal: `onInterrupt` gets it while no line is
 * waited for. While one is, what was typed so far is thrown away.
 */

import { createInterface, type Interface } from 'node:readline';

export interface LineInputOptions {
  /** Latest first. */
  readonly history: readonly string[];
  /** The lines that a line may become. */
  complete(line: string): Promise<readonly string[]>;
  onInterrupt(): void;
  /** Whether a line that does not come from a terminal is shown with its prompt. */
  readonly echo: boolean;
}

/** `abandoned`: Ctrl-C was pressed; what was typed before is not wanted any more. */
export type TypedLine = { readonly kind: 'line'; readonly text: string } | { readonly kind: 'abandoned' | 'end' };

export class LineInput {
  readonly isTerminal: boolean;
  readonly #interface: Interface;
  readonly #lines: TypedLine[] = [];
  readonly #echo: boolean;
  #waiting: ((line: TypedLine) => void) | undefined;

  constructor(options: LineInputOptions) {
    const { stdin, stdout } = process;
    this.isTerminal = stdin.isTTY === true && stdout.isTTY === true;
    this.#echo = options.echo && !this.isTerminal;
    this.#interface = this.isTerminal
      ? createInterface({
        input: stdin, output: stdout, terminal: true, history: [...options.history], historySize: historyLength,
        removeHistoryDuplicates: true, completer: completer(options.complete),
      })
      : createInterface({ input: stdin, terminal: false, crlfDelay: Infinity });
    this.#interface.on('line', (text) => this.#put({ kind: 'line', text }));
    this.#interface.on('close', () => this.#put({ kind: 'end' }));
    this.#interface.on('SIGINT', () => {
      if (this.#waiting === undefined) options.onInterrupt();
      else this.abandon();
    });
  }

  /** The next line; the prompt is shown on a terminal only. */
  async next(prompt: string): Promise<TypedLine> {
    const line = this.#lines.shift() ?? await this.#typed(prompt);
    if (this.#echo && line.kind === 'line') process.stdout.write(`${prompt}${line.text}\n`);
    return line;
  }

  #typed(prompt: string): Promise<TypedLine> {
    if (this.isTerminal) {
      this.#interface.setPrompt(prompt);
      this.#interface.prompt();
    }
    return new Promise((resolve) => { this.#waiting = resolve; });
  }

  /** Throws away what was typed of a line that is waited for. */
  abandon(): void {
    if (this.#waiting === undefined || !this.isTerminal) return;
    this.#interface.write(null, { ctrl: true, name: 'e' });
    this.#interface.write(null, { ctrl: true, name: 'u' });
    process.stdout.write('\n');
    this.#put({ kind: 'abandoned' });
  }

  /** Leaves the terminal to somebody else meanwhile. */
  async lend<T>(work: () => Promise<T>): Promise<T> {
    if (!this.isTerminal) return work();
    this.#interface.pause();
    process.stdin.setRawMode(false);
    try {
      return await work();
    } finally {
      process.stdin.setRawMode(true);
      this.#interface.resume();
    }
  }

  /** Whoever waits for a line gets no more. */
  end(): void {
    this.#put({ kind: 'end' });
  }

  close(): void {
    this.#interface.removeAllListeners('close');
    this.#interface.close();
  }

  #put(line: TypedLine): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#lines.push(line);
    else waiting(line);
  }
}

/** How many lines of history are kept. */
export const historyLength = 1000;

type CompleterResult = [readonly string[], string];

function completer(complete: LineInputOptions['complete']) {
  return (line: string, done: (error: Error | null, result?: [string[], string]) => void): void => {
    const settle = (result: CompleterResult) => done(null, [[...result[0]], result[1]]);
    complete(line).then((lines) => settle(shorten(lines, line)), () => settle([[], line]));
  };
}

/** Only the word that is being completed is listed, not the line before it. */
function shorten(lines: readonly string[], line: string): CompleterResult {
  const start = Math.max(...[...' \n\r\t(){}[]'].map((character) => line.lastIndexOf(character))) + 1;
  return [lines.map((one) => one.slice(start)), line.slice(start)];
}
