/**
 * What builders say: kept as C++ Nix keeps it, `log/nix/drvs/HH/REST.drv`, and shown on failure.
 *
 * Builtin builders are mostly silent, and leave no file then. It is
 * written as the builder speaks, so a long log costs no memory, and one of a build that is killed
 * with its machine is there too. It is C++ Nix's uncompressed form, which both programs read.
 */
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { baseNameOf, type StorePath } from '#formats';

export interface LogOptions {
  /** How much of its builder's output a failure shows: the setting `log-lines`. */
  readonly shownLines?: number;
  /** False keeps no file: the setting `keep-build-log`. */
  readonly keep?: boolean;
  /** Makes the file even if nothing was said. Default: false. */
  readonly keepEmpty?: boolean;
}

/** C++ Nix's number. */
const usuallyShownLines = 25;
const bufferedCharacters = 1 << 16;

export class BuildLog {
  readonly #path: string | undefined;
  readonly #shownLines: number;
  readonly #keepEmpty: boolean;
  readonly #last: string[] = [];
  #waiting = '';
  #file: number | undefined;

  /** `directory` is a `log/nix/drvs`; undefined keeps no file. */
  constructor(directory: string | undefined, drvPath: StorePath, options: LogOptions = {}) {
    const name = baseNameOf(drvPath);
    this.#path = directory === undefined || options.keep === false ? undefined
      : join(directory, name.slice(0, 2), name.slice(2));
    this.#keepEmpty = options.keepEmpty === true;
    this.#shownLines = options.shownLines ?? usuallyShownLines;
  }

  add(line: string): void {
    this.#last.push(line);
    // Twice as many, so that most lines cost nothing but their place.
    if (this.#last.length > 2 * this.#shownLines + 1) this.#last.splice(0, this.#last.length - this.#shownLines);
    if (this.#path === undefined) return;
    this.#waiting += `${line}\n`;
    if (this.#waiting.length > bufferedCharacters) this.#write();
  }

  /** The last lines, for a report. */
  tail(): string[] {
    return this.#shownLines === 0 ? [] : this.#last.slice(-this.#shownLines);
  }

  /** Writes what is left. */
  close(): void {
    if (this.#waiting !== '' || (this.#keepEmpty && this.#file === undefined)) this.#write();
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #write(): void {
    if (this.#path === undefined) return;
    if (this.#file === undefined) {
      mkdirSync(dirname(this.#path), { recursive: true });
      // C++ Nix looks for its compressed form first.
      rmSync(`${this.#path}.bz2`, { force: true });
      this.#file = openSync(this.#path, 'w');
    }
    const bytes = Buffer.from(this.#waiting, 'utf8');
    for (let at = 0; at < bytes.length;) at += writeSync(this.#file, bytes, at);
    this.#waiting = '';
  }
}
