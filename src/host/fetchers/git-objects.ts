/** Reading many of a repository's objects from one `git cat-file --batch`, in the order they are asked for. */

import type { ChildProcess } from 'node:child_process';
import { Buffer } from 'node:buffer';
import { gitFailed } from '../errors.ts';
import { endOf, startGit, type GitRun } from './git-command.ts';

export class GitObjects {
  readonly #child: ChildProcess;
  readonly #pieces: AsyncIterator<Buffer>;
  readonly #end: Promise<number>;
  #buffer: Buffer = Buffer.alloc(0);
  #messages = '';

  constructor(directory: string, run: GitRun) {
    const child = startGit(['-C', directory, 'cat-file', '--batch'], run);
    this.#child = child;
    this.#end = endOf(child);
    // Awaited when it matters; until then a failure is no surprise.
    this.#end.catch(() => {});
    child.stderr!.on('data', (piece: Buffer) => { this.#messages += piece.toString('utf8'); });
    child.stdin!.on('error', () => {});
    this.#pieces = (child.stdout as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  }

  /** Asks for an object; answers are taken by `read` in the same order. */
  ask(name: string): void {
    this.#child.stdin!.write(`${name}\n`);
  }

  /** The next answer: `begin` gets its size, `take` its content in pieces. */
  async read(begin: (sizeBytes: number) => void, take: (piece: Uint8Array) => void): Promise<void> {
    const header = await this.#line();
    const size = /^[0-9a-f]+ \w+ (\d+)$/.exec(header)?.[1];
    if (size === undefined) throw gitFailed(['cat-file'], header);
    begin(Number(size));
    for (let left = Number(size); left > 0;) {
      if (this.#buffer.length === 0) await this.#more();
      const piece = this.#buffer.subarray(0, left);
      take(piece);
      left -= piece.length;
      this.#buffer = this.#buffer.subarray(piece.length);
    }
    while (this.#buffer.length === 0) await this.#more();
    this.#buffer = this.#buffer.subarray(1);
  }

  async close(): Promise<void> {
    this.#child.stdin!.end();
    this.#child.stdout!.destroy();
    await this.#end.catch(() => {});
  }

  async #line(): Promise<string> {
    for (;;) {
      const end = this.#buffer.indexOf(0x0a);
      if (end >= 0) {
        const line = this.#buffer.toString('latin1', 0, end);
        this.#buffer = this.#buffer.subarray(end + 1);
        return line;
      }
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    const { done, value } = await this.#pieces.next();
    if (done === true) {
      await this.#end;
      throw gitFailed(['cat-file'], this.#messages);
    }
    this.#buffer = this.#buffer.length === 0 ? value : Buffer.concat([this.#buffer, value]);
  }
}
