/** The REPL's history: one line an entry, the latest last, in the user's data folder. */

import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CommandContext } from '../context.ts';
import { historyLength } from './line-input.ts';

export class History {
  readonly #file: string;
  #last: string | undefined;
  /** Latest first. */
  readonly entries: readonly string[];

  constructor(env: CommandContext['env']) {
    const data = env['XDG_DATA_HOME'] || join(env['HOME'] || '/', '.local/share');
    this.#file = join(data, 'firn/repl-history');
    const lines = this.#read();
    this.entries = lines.slice(-historyLength).reverse();
    this.#last = lines.at(-1);
    // The file is cut when it has grown to twice of what is read.
    if (lines.length > 2 * historyLength) this.#try(() => writeFileSync(this.#file, `${lines.slice(-historyLength).join('\n')}\n`));
  }

  add(line: string): void {
    if (line.trim() === '' || line === this.#last) return;
    this.#last = line;
    this.#try(() => {
      mkdirSync(dirname(this.#file), { recursive: true });
      appendFileSync(this.#file, `${line}\n`, { mode: 0o600 });
    });
  }

  #read(): string[] {
    try {
      return readFileSync(this.#file, 'utf8').split('\n').filter((line) => line !== '');
    } catch {
      return [];
    }
  }

  /** A history that cannot be kept is no reason to stop. */
  #try(write: () => void): void {
    try {
      write();
    } catch {
      // Read-only home folders and full disks are the usual ones.
    }
  }
}
