/**
 * Talks with a machine over its serial line, as a person at a terminal would.
 *
 * A serial line carries everything at once: the firmware's and the boot menu's drawing, messages of
 * the kernel and of systemd, the echo of what is typed, and the answers. Nothing in it can be
 * relied on to stand at the end, or on a line of its own. So a command is put between marks that
 * its own echo does not contain, and a shell is asked until it answers.
 */
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

export interface CommandResult {
  readonly status: number;
  /** What the command printed, standard error included, without the last line end. */
  readonly output: string;
}

/** Something that was waited for on the console did not come. */
export class ConsoleTimeout extends Error {
  constructor(what: string, seconds: number, transcript: string) {
    super(`${what} was not seen on the console within ${seconds} s; it ends with:\n${transcript}`);
    this.name = 'ConsoleTimeout';
  }
}

/** The line has ended: the machine is gone. */
export class ConsoleClosed extends Error {
  constructor(what: string, transcript: string) {
    super(`the machine ended while ${what} was waited for; its console ends with:\n${transcript}`);
    this.name = 'ConsoleClosed';
  }
}

export class SerialConsole {
  readonly #input: Writable;
  #text = '';
  #closed = false;
  #commands = 0;
  #wake: () => void = () => {};

  constructor(output: Readable, input: Writable) {
    this.#input = input;
    // A machine that ends takes its line with it: what is typed then is lost, not an error here.
    input.on('error', () => {});
    output.setEncoding('latin1');
    output.on('data', (chunk: string) => {
      this.#text += chunk;
      this.#wake();
    });
    output.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  /** Everything seen so far, without what only moves the cursor or colours. */
  get transcript(): string {
    return plain(this.#text);
  }

  /** How much has been seen so far, to search only what comes later. */
  get position(): number {
    return this.#text.length;
  }

  type(text: string): void {
    this.#input.write(Buffer.from(text, 'utf8'));
  }

  /**
   * Waits for `pattern` in what comes after `from`; returns the match. Messages of the kernel, which
   * come in the middle of other lines, are passed over where the pattern is not found among them.
   */
  async waitFor(
    pattern: RegExp,
    options: { seconds: number; from?: number; what?: string },
  ): Promise<RegExpExecArray> {
    const from = options.from ?? 0;
    const what = options.what ?? String(pattern);
    const end = Date.now() + options.seconds * 1000;
    for (;;) {
      const text = plain(this.#text.slice(from));
      const match = pattern.exec(text) ?? pattern.exec(withoutKernelMessages(text));
      if (match !== null) return match;
      if (this.#closed) throw new ConsoleClosed(what, this.#tail());
      const left = end - Date.now();
      if (left <= 0) throw new ConsoleTimeout(what, options.seconds, this.#tail());
      await this.#change(Math.min(left, 1000));
    }
  }

  /**
   * Gets to a root shell that answers, logging in where a login is asked for. `seconds` is for
   * the whole way.
   */
  async reachRootShell(options: { seconds: number }): Promise<void> {
    const end = Date.now() + options.seconds * 1000;
    for (let attempt = 1; ; attempt += 1) {
      const from = this.position;
      // Arithmetic, so that the echo of the line is not taken for the answer.
      this.type(`echo "shell-$((40 + 2))-of-$(id -u)"\r`);
      await sleep(1500);
      const seen = plain(this.#text.slice(from));
      const answer = /shell-42-of-(\d+)/.exec(seen);
      if (answer?.[1] === '0') break;
      if (answer !== null) this.type('exec sudo -n -i\r');
      else if (/login: [^\n]*$/m.test(plain(this.#text.slice(-400)))) this.type('\rroot\r');
      if (this.#closed) throw new ConsoleClosed('a root shell', this.#tail());
      if (Date.now() > end) throw new ConsoleTimeout('a root shell', options.seconds, this.#tail());
      await sleep(Math.min(1000 * attempt, 4000));
    }
    // From here on nothing but what commands print.
    this.type('dmesg -n 1; stty -echo cols 500; export PAGER=cat SYSTEMD_COLORS=0; set +m; PS1=\r');
    await this.run('true', { seconds: 60 });
  }

  /** Runs a command in the shell that `reachRootShell` reached. */
  async run(command: string, options: { seconds: number } = { seconds: 60 }): Promise<CommandResult> {
    this.#commands += 1;
    const mark = `@${this.#commands}`;
    const from = this.position;
    const line = `{ ${command}\n} </dev/null 2>&1; status=$?; echo; echo ${mark}"-ends-"$status-`;
    this.type(`echo ${mark}"-begins"; ${line.replaceAll('\n', '; ')}\r`);
    const match = await this.waitFor(
      new RegExp(`${mark}-begins\\n([^]*?)\\n?\\n${mark}-ends-(\\d+)-`),
      { seconds: options.seconds, from, what: `the end of the command ${command}` },
    );
    return { status: Number(match[2]), output: match[1]! };
  }

  #change(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #tail(): string {
    return this.transcript.split('\n').slice(-40).join('\n');
  }
}

/** Without the lines that begin with the kernel's time, wherever they interrupt another line. */
export function withoutKernelMessages(text: string): string {
  return text.replace(/\[ *\d+\.\d{6}\] [^\n]*\n/g, '');
}

/** Without escape sequences and carriage returns. */
function plain(text: string): string {
  return text
    .replace(/\x1b\][^\x07\x1b]*(\x07|\x1b\\)/g, '')
    .replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '')
    .replace(/\x1b[()][A-Z0-9]|\x1b[=>78]|\x1bP[^\x1b]*\x1b\\/g, '')
    .replace(/\r+\n/g, '\n')
    .replace(/\r/g, '\n');
}
