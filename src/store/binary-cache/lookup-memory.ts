/**
 * What caches have said about paths, remembered between runs: that they have one, and for a shorter
 * time that they have not; and what they said of themselves. Without it every run would ask for
 * everything again.
 *
 * It is only a memory: what cannot be read or written is asked for again, and nobody is told.
 */

import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

export interface LookupTimes {
  /** How long it is believed that a path is there, in seconds. Default: 30 days, as in Nix. */
  readonly positiveSeconds?: number;
  /** How long it is believed that it is not. Default: an hour, as in Nix. */
  readonly negativeSeconds?: number;
  /** How long a cache's `nix-cache-info` is believed. Default: 7 days, as in Nix. */
  readonly infoSeconds?: number;
}

/** The name by which the description of a cache itself is remembered. */
export const cacheInfoName = 'nix-cache-info';

export class LookupMemory {
  readonly #file: string;
  readonly #positiveSeconds: number;
  readonly #negativeSeconds: number;
  readonly #infoSeconds: number;
  #database: DatabaseSync | undefined;
  #find: StatementSync | undefined;
  #keep: StatementSync | undefined;
  #broken = false;

  constructor(file: string, times: LookupTimes = {}) {
    this.#file = file;
    this.#positiveSeconds = times.positiveSeconds ?? 30 * 86_400;
    this.#negativeSeconds = times.negativeSeconds ?? 3600;
    this.#infoSeconds = times.infoSeconds ?? 7 * 86_400;
  }

  /**
   * The narinfo of a hash part (or what else has the name), null for one that is not there, undefined
   * if nothing is known.
   */
  recall(cache: string, name: string): string | null | undefined {
    return this.#attempt(() => {
      const row = this.#find?.get(cache, name);
      if (row === undefined) return undefined;
      const text = row['text'] as string | null;
      const age = Date.now() / 1000 - Number(row['time']);
      const seconds = text === null ? this.#negativeSeconds
        : name === cacheInfoName ? this.#infoSeconds : this.#positiveSeconds;
      return age >= 0 && age < seconds ? text : undefined;
    });
  }

  remember(cache: string, name: string, text: string | null): void {
    this.#attempt(() => this.#keep?.run(cache, name, text, Math.floor(Date.now() / 1000)));
  }

  forget(cache: string, name: string): void {
    this.#attempt(() => {
      this.#database?.prepare('delete from narinfo where cache = ? and hash_part = ?').run(cache, name);
    });
  }

  close(): void {
    this.#database?.close();
    this.#database = undefined;
    this.#broken = true;
  }

  #attempt<T>(action: () => T): T | undefined {
    if (this.#broken) return undefined;
    try {
      this.#open();
      return action();
    } catch {
      this.#broken = true;
      return undefined;
    }
  }

  #open(): void {
    if (this.#database !== undefined) return;
    mkdirSync(dirname(this.#file), { recursive: true });
    const database = new DatabaseSync(this.#file);
    // Losing some of it to a crash costs questions, nothing else.
    database.exec(`pragma busy_timeout = 2000; pragma journal_mode = wal; pragma synchronous = off;
      create table if not exists narinfo (
        cache text not null, hash_part text not null, text text, time integer not null, primary key (cache, hash_part)
      ) without rowid;`);
    database.prepare('delete from narinfo where time < ?')
      .run(Math.floor(Date.now() / 1000) - Math.max(this.#positiveSeconds, this.#negativeSeconds, this.#infoSeconds));
    this.#find = database.prepare('select text, time from narinfo where cache = ? and hash_part = ?');
    this.#keep = database.prepare('insert or replace into narinfo values (?, ?, ?, ?)');
    this.#database = database;
  }
}
