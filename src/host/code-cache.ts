/**
 * Emitted code kept between runs, with V8's own compiled form of it.
 *
 * One SQLite file in the cache folder; keys cover the source and the evaluator's version, so an
 * entry is never wrong, only unused. Everything is written at the end of a run, when V8 has compiled
 * the functions that were called, so that its compiled form holds those too. The cache may be
 * deleted at any time, and a cache that cannot be opened or written is done without.
 */

import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { Script } from 'node:vm';
import { fileURLToPath } from 'node:url';
import { sha256Hex } from '#base';
import type { CodeCache, CompiledCode } from '#eval';

type Runner = CompiledCode['run'];

export class DiskCodeCache implements CodeCache {
  readonly #database: DatabaseSync;
  readonly #load: StatementSync;
  readonly #scripts = new Map<string, Script>();
  readonly #fresh = new Map<string, string>();
  /** Entries whose compiled form was rejected, or was made before their functions had run. */
  readonly #stale = new Map<string, string>();

  readonly #tag: string;

  private constructor(database: DatabaseSync, tag: string) {
    this.#database = database;
    this.#tag = tag;
    this.#load = database.prepare('select code, compiled from code where key = ?');
  }

  /** Opens the cache below `directory`; `undefined` if that is not possible. */
  static open(directory: string): DiskCodeCache | undefined {
    try {
      mkdirSync(directory, { recursive: true });
      const database = new DatabaseSync(join(directory, `code-${v8Tag()}.sqlite`), { timeout: 2000 });
      database.exec('pragma journal_mode = wal');
      database.exec('pragma synchronous = off');
      const tag = programTag();
      emptyUnlessTagged(database, tag);
      return new DiskCodeCache(database, tag);
    } catch {
      return undefined;
    }
  }

  load(key: string): { readonly code: string; readonly compiled?: Uint8Array } | undefined {
    const row = this.#load.get(this.#tag + key);
    if (row === undefined) return undefined;
    const code = row['code'] as string;
    const compiled = row['compiled'] as Uint8Array | null;
    if (compiled === null) this.#stale.set(code, key);
    return { code, ...(compiled === null ? {} : { compiled }) };
  }

  store(key: string, code: string): void {
    this.#fresh.set(key, code);
  }

  /** Compiles a function expression, with what V8 kept of an earlier time. */
  readonly compile = (code: string, name: string, compiled?: Uint8Array): CompiledCode => {
    const script = new Script(`(${code})`, {
      filename: name,
      ...(compiled === undefined ? {} : { cachedData: compiled as Buffer }),
    });
    if (compiled === undefined || script.cachedDataRejected === true) this.#scripts.set(code, script);
    return { run: script.runInThisContext() as Runner };
  };

  /** Writes what is new. To be called once, at the end. */
  close(): void {
    try {
      this.#write();
      this.#database.close();
    } catch {
      // A full disk or another writer: the next run compiles again.
    }
    this.#scripts.clear();
  }

  #write(): void {
    const entries = [
      ...this.#fresh,
      ...[...this.#stale].map(([code, key]) => [key, code] as const),
    ];
    if (entries.length === 0) return;
    const put = this.#database.prepare('insert or replace into code (key, code, compiled) values (?, ?, ?)');
    this.#database.exec('begin immediate');
    // Another program's entries may have taken the place of ours meanwhile.
    if (tagOf(this.#database) !== this.#tag) return this.#database.exec('rollback');
    for (const [key, code] of entries) {
      put.run(this.#tag + key, code, this.#scripts.get(code)?.createCachedData() ?? null);
    }
    this.#database.exec('commit');
  }
}

/** V8 refuses compiled code of another version or with other flags. */
function v8Tag(): string {
  return `${process.versions.v8}-${process.arch}`.replace(/[^0-9A-Za-z.]/g, '-');
}

/**
 * Changes with the program itself: emitted code fits only the compiler and the runtime that it was
 * made by and for. Names, sizes and times of their files tell, without reading them.
 */
function programTag(): string {
  const parts: string[] = [];
  for (const layer of ['lang', 'runtime', 'eval']) {
    const directory = fileURLToPath(new URL(`../${layer}`, import.meta.url));
    for (const name of readdirSync(directory, { recursive: true }) as string[]) {
      const status = statSync(join(directory, name));
      if (status.isFile()) parts.push(`${layer}/${name} ${status.size} ${status.mtimeMs}`);
    }
  }
  return sha256Hex(parts.sort().join('\n')).slice(0, 16);
}

/** Makes the tables, without the entries of any other program than the tagged one. */
function emptyUnlessTagged(database: DatabaseSync, tag: string): void {
  database.exec('create table if not exists program (tag text not null)');
  database.exec('create table if not exists code (key text primary key, code text not null, compiled blob) without rowid');
  if (tagOf(database) === tag) return;
  database.exec('begin immediate');
  database.exec('delete from code');
  database.exec('delete from program');
  database.prepare('insert into program (tag) values (?)').run(tag);
  database.exec('commit');
}

function tagOf(database: DatabaseSync): string | undefined {
  return database.prepare('select tag from program').get()?.['tag'] as string | undefined;
}
