/**
 * A `ByteSink` over a file. Small writes are gathered, so that a writer may append field by field.
 *
 * Writes are synchronous: an image is written in one pass by one thread while compression runs on
 * others, and the page cache takes a megabyte faster than a promise takes its turn.
 */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import type { ByteSink } from '#images';
import { diskFull } from './errors.ts';

const gatherBytes = 1 << 20;

export class FileSink implements ByteSink {
  readonly #descriptor: number;
  readonly #path: string;
  readonly #gathered = new Uint8Array(gatherBytes);
  #gatheredBytes = 0;
  #flushedBytes = 0;

  /** Creates the file, which must not exist. Writing throws `IMAGE_DISK_FULL` on a full disk. */
  constructor(path: string) {
    this.#path = path;
    this.#descriptor = openSync(path, 'wx', 0o644);
  }

  get positionBytes(): number {
    return this.#flushedBytes + this.#gatheredBytes;
  }

  write(bytes: Uint8Array): void {
    if (this.#gatheredBytes + bytes.length > gatherBytes) this.#flush();
    if (bytes.length >= gatherBytes) {
      this.#put(bytes, this.#flushedBytes);
      this.#flushedBytes += bytes.length;
      return;
    }
    this.#gathered.set(bytes, this.#gatheredBytes);
    this.#gatheredBytes += bytes.length;
  }

  patch(offsetBytes: number, bytes: Uint8Array): void {
    this.#flush();
    this.#put(bytes, offsetBytes);
  }

  /** Writes out what is gathered and closes the file; `sync` puts it on the disk. */
  close(options: { sync?: boolean } = {}): void {
    this.#flush();
    if (options.sync === true) fsyncSync(this.#descriptor);
    closeSync(this.#descriptor);
  }

  #flush(): void {
    if (this.#gatheredBytes === 0) return;
    this.#put(this.#gathered.subarray(0, this.#gatheredBytes), this.#flushedBytes);
    this.#flushedBytes += this.#gatheredBytes;
    this.#gatheredBytes = 0;
  }

  #put(bytes: Uint8Array, position: number): void {
    try {
      for (let done = 0; done < bytes.length; ) {
        done += writeSync(this.#descriptor, bytes, done, bytes.length - done, position + done);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      throw diskFull(this.#path, position, error);
    }
  }
}
