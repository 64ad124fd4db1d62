/**
 * What is remembered of downloads and repositories between runs: small records by key.
 *
 * A record is a file of its own, written beside its place and renamed into it, so that processes do
 * not disturb each other. Nothing is lost but time when the cache cannot be written or read.
 */

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Hex } from '#base';

export type CacheRecord = Readonly<Record<string, string | number>>;

export interface CachedRecord {
  readonly value: CacheRecord;
  /** Seconds since it was written. */
  readonly ageSeconds: number;
}

let written = 0;

export class FetchCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  lookup(kind: string, key: readonly string[]): CachedRecord | undefined {
    try {
      const stored = JSON.parse(readFileSync(this.#file(kind, key), 'utf8')) as StoredRecord;
      // A clock that was set back must not make a record last longer.
      const age = Date.now() / 1000 - stored.time;
      return { value: stored.value, ageSeconds: age < 0 ? Number.MAX_SAFE_INTEGER : age };
    } catch {
      return undefined;
    }
  }

  insert(kind: string, key: readonly string[], value: CacheRecord): void {
    const file = this.#file(kind, key);
    const beside = `${file}.${process.pid}-${written++}`;
    const record: StoredRecord = { value, time: Date.now() / 1000 };
    try {
      mkdirSync(this.#folder, { recursive: true });
      writeFileSync(beside, JSON.stringify(record));
      renameSync(beside, file);
    } catch {
      // The next run asks again.
    }
  }

  #file(kind: string, key: readonly string[]): string {
    return join(this.#folder, `${kind}-${sha256Hex(key.join('\0'))}`);
  }
}

interface StoredRecord {
  readonly value: CacheRecord;
  readonly time: number;
}
