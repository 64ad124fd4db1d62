/**
 * Compressed blocks on disk, by content: what was compressed for one image need not be compressed
 * for the next.
 *
 * Each block is a file named by its key, which covers content, compressor and options; so an entry
 * is never stale. It begins with a checksum: a file that a crash left incomplete is no hit. Entries
 * are touched when used, and `trim` removes those that were not for longest.
 */
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

const checksumBytes = 16;

/** The key of a block that a compressor is to compress; see `BlockCompressor.identity`. */
export function blockKey(identity: string, block: Uint8Array): string {
  return createHash('sha256').update(`${identity}\0`).update(block).digest('hex');
}

export class DiskBlockCache {
  readonly #directory: string;
  readonly #now: Date;

  /** `now` is the time that entries used from here on are dated. */
  constructor(directory: string, now: Date) {
    this.#directory = directory;
    this.#now = now;
  }

  /** The result kept for this content; `stored` where it did not compress. */
  get(key: string): Uint8Array | 'stored' | undefined {
    const path = this.#pathOf(key);
    let file: Uint8Array;
    try {
      file = readFileSync(path);
      utimesSync(path, this.#now, this.#now);
    } catch {
      return undefined;
    }
    const content = file.subarray(checksumBytes);
    const intact = checksum(content).every((byte, i) => byte === file[i]);
    if (!intact || file.length < checksumBytes) return undefined;
    return content.length === 0 ? 'stored' : content;
  }

  /** A cache that cannot be written to is no reason to fail. */
  put(key: string, result: Uint8Array | 'stored'): void {
    const content = result === 'stored' ? new Uint8Array(0) : result;
    const path = this.#pathOf(key);
    const partial = `${path}.${process.pid}`;
    try {
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(partial, Buffer.concat([checksum(content), content]));
      renameSync(partial, path);
    } catch {
      rmSync(partial, { force: true });
    }
  }

  /** Removes the entries unused for longest until at most this much is left. */
  trim(limitBytes: number): void {
    const entries: { path: string; usedAt: number; sizeBytes: number }[] = [];
    try {
      for (const folder of readdirSync(this.#directory)) {
        for (const name of readdirSync(join(this.#directory, folder))) {
          const path = join(this.#directory, folder, name);
          const status = statSync(path);
          entries.push({ path, usedAt: status.mtimeMs, sizeBytes: status.size });
        }
      }
    } catch {
      return;
    }
    entries.sort((a, b) => b.usedAt - a.usedAt);
    let total = 0;
    for (const { path, sizeBytes } of entries) {
      total += sizeBytes;
      if (total > limitBytes) rmSync(path, { force: true });
    }
  }

  #pathOf(key: string): string {
    return join(this.#directory, key.slice(0, 2), key.slice(2));
  }
}

const checksum = (content: Uint8Array): Buffer =>
  createHash('sha256').update('block\0').update(content).digest().subarray(0, checksumBytes);
