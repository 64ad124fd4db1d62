/**
 * What builders say: kept as C++ Nix keeps it, `log/nix/drvs/HH/REST.drv.bz2`, and shown on failure.
 *
 * Builtin builders are mostly silent, and leave no file then. A log is written as the builder speaks,
 * uncompressed and without the `.bz2`: so a long one costs no memory, it can be read while the build
 * runs, and one of a build that is killed with its machine is there too. It is compressed when the
 * build has ended. Both programs read both forms.
 */
import { closeSync, mkdirSync, openSync, readSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { baseNameOf, Bzip2Writer, type StorePath } from '#formats';
import { writeAll } from '#store';

export interface LogOptions {
  /** How much of its builder's output a failure shows: the setting `log-lines`. */
  readonly shownLines?: number;
  /** False keeps no file: the setting `keep-build-log`. */
  readonly keep?: boolean;
  /** Makes the file even if nothing was said. Default: false. */
  readonly keepEmpty?: boolean;
  /** False leaves the file as it is: the setting `compress-build-log`. Default: true. */
  readonly compress?: boolean;
}

/** C++ Nix's number. */
const usuallyShownLines = 25;
const bufferedCharacters = 1 << 16;
const readBytes = 1 << 16;
/** So soon whoever reads the file of a running build finds what was said. */
const shownAfterMilliseconds = 200;
/** Of small blocks, so that a long log does not keep other work waiting. */
const compressionLevel = 2;

export class BuildLog {
  readonly #path: string | undefined;
  readonly #shownLines: number;
  readonly #keepEmpty: boolean;
  readonly #compress: boolean;
  readonly #last: string[] = [];
  #waiting = '';
  #file: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `directory` is a `log/nix/drvs`; undefined keeps no file. */
  constructor(directory: string | undefined, drvPath: StorePath, options: LogOptions = {}) {
    const name = baseNameOf(drvPath);
    this.#path = directory === undefined || options.keep === false ? undefined
      : join(directory, name.slice(0, 2), name.slice(2));
    this.#keepEmpty = options.keepEmpty === true;
    this.#compress = options.compress !== false;
    this.#shownLines = options.shownLines ?? usuallyShownLines;
  }

  add(line: string): void {
    this.#last.push(line);
    // Twice as many, so that most lines cost nothing but their place.
    if (this.#last.length > 2 * this.#shownLines + 1) this.#last.splice(0, this.#last.length - this.#shownLines);
    this.addUnshown(line);
  }

  /** A line that no report shows. */
  addUnshown(line: string): void {
    if (this.#path === undefined) return;
    this.#waiting += `${line}\n`;
    if (this.#waiting.length > bufferedCharacters) this.#write();
    else this.#timer ??= setTimeout(() => this.#write(), shownAfterMilliseconds).unref();
  }

  /** The last lines, for a report. */
  tail(): string[] {
    return this.#shownLines === 0 ? [] : this.#last.slice(-this.#shownLines);
  }

  /** Writes what is left, and compresses the whole. */
  async close(): Promise<void> {
    if (this.#waiting !== '' || (this.#keepEmpty && this.#file === undefined)) this.#write();
    clearTimeout(this.#timer);
    if (this.#path === undefined || this.#file === undefined) return;
    closeSync(this.#file);
    this.#file = undefined;
    if (this.#compress) await compressLog(this.#path);
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#path === undefined) return;
    if (this.#file === undefined) {
      mkdirSync(dirname(this.#path), { recursive: true });
      // C++ Nix looks for its compressed form first.
      rmSync(`${this.#path}.bz2`, { force: true });
      this.#file = openSync(this.#path, 'w');
    }
    writeAll(this.#file, Buffer.from(this.#waiting, 'utf8'));
    this.#waiting = '';
  }
}

/** Puts the compressed file in the plain one's place; where it cannot be made, the plain one stays. */
async function compressLog(path: string): Promise<void> {
  const temporary = `${path}.bz2.${process.pid}`;
  let from: number | undefined;
  let to: number | undefined;
  try {
    from = openSync(path, 'r');
    to = openSync(temporary, 'w');
    const writer = new Bzip2Writer(compressionLevel);
    const buffer = Buffer.alloc(readBytes);
    for (let count = readSync(from, buffer); count > 0; count = readSync(from, buffer)) {
      for (const piece of writer.write(buffer.subarray(0, count))) {
        writeAll(to, piece);
        await nextTurn();
      }
    }
    for (const piece of writer.finish()) writeAll(to, piece);
    renameSync(temporary, `${path}.bz2`);
    rmSync(path, { force: true });
  } catch {
    rmSync(temporary, { force: true });
  } finally {
    for (const file of [from, to]) if (file !== undefined) closeSync(file);
  }
}
