/**
 * Reads and writes a binary cache that is a folder of this machine.
 *
 * Every file is written beside its place, synced and renamed: whoever reads the folder meanwhile,
 * or after we were killed, sees whole files only.
 */

import { createReadStream } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { access, mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { encodeHex } from '#base';
import { badNarInfoUrl, cacheFileFailed, cacheFileMissing, cacheFileTooLarge } from './errors.ts';
import type { ReadOptions, WritableTransport, WrittenFile } from './transport.ts';

export class FileTransport implements WritableTransport {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async read(name: string, limitBytes: number): Promise<Uint8Array | undefined> {
    const path = this.#pathOf(name);
    let file;
    try {
      file = await open(path);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw cacheFileFailed('reading', path, error);
    }
    try {
      const { size } = await file.stat();
      if (size > limitBytes) throw cacheFileTooLarge(path, limitBytes);
      const buffer = new Uint8Array(size);
      let at = 0;
      while (at < size) {
        const { bytesRead } = await file.read(buffer, at, size - at, at);
        if (bytesRead === 0) break;
        at += bytesRead;
      }
      return buffer.subarray(0, at);
    } catch (error) {
      if ((error as { code?: string }).code === 'CACHE_FILE_TOO_LARGE') throw error;
      throw cacheFileFailed('reading', path, error);
    } finally {
      await file.close();
    }
  }

  async *stream(name: string, limitBytes: number, options: ReadOptions = {}): AsyncGenerator<Uint8Array, void, void> {
    const path = this.#pathOf(name);
    let received = 0;
    const stream = createReadStream(path, {
      highWaterMark: 1 << 18, ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const pieces = stream[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await pieces.next().catch((error: unknown) => {
          options.signal?.throwIfAborted();
          throw isMissing(error) ? cacheFileMissing(path) : cacheFileFailed('reading', path, error);
        });
        if (next.done === true) return;
        const piece = next.value as Uint8Array;
        received += piece.length;
        if (received > limitBytes) throw cacheFileTooLarge(path, limitBytes);
        yield piece;
      }
    } finally {
      stream.destroy();
    }
  }

  async stagingFolder(): Promise<string> {
    const folder = join(this.#directory, 'nar');
    try {
      await mkdir(folder, { recursive: true });
    } catch (error) {
      throw cacheFileFailed('writing the binary cache', this.#directory, error);
    }
    return folder;
  }

  async exists(name: string): Promise<boolean> {
    try {
      await access(this.#pathOf(name));
      return true;
    } catch {
      return false;
    }
  }

  async list(): Promise<string[]> {
    return readdir(this.#directory).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw cacheFileFailed('reading', this.#directory, error);
    });
  }

  async write({ name, content }: WrittenFile): Promise<void> {
    const place = this.#pathOf(name);
    const temporary = 'staged' in content ? content.staged : `${place}.${encodeHex(randomBytes(8))}.tmp`;
    try {
      await mkdir(dirname(place), { recursive: true });
      if (!('staged' in content)) await writeFile(temporary, content, { flush: true });
      await rename(temporary, place);
    } catch (error) {
      await rm(temporary, { force: true });
      throw cacheFileFailed('writing the binary cache', this.#directory, error);
    }
  }

  async close(): Promise<void> {
    // What is staged is removed by whoever staged it: others may be at work in the same folder.
  }

  /** A narinfo file names files of its own cache only. */
  #pathOf(name: string): string {
    if (/^\/|\0|:\/\//.test(name) || name.split('/').includes('..')) throw badNarInfoUrl(name);
    return join(this.#directory, name);
  }
}

function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes((error as { code?: string }).code ?? '');
}
