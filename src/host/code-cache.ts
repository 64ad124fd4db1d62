/**
 * Emitted code kept between runs, later with V8's own compiled form of it.
 *
 * One SQLite file in the cache folder; keys cover the source and the evaluator's version, so an
 * entry is never wrong, only unused. The run that emits a text keeps the text alone: most texts are
 * wanted in one run only, and V8's form costs many times more to make than the text to write. A run
 * that finds a text without a form adds it at the end, when it holds the functions that were called,
 * as far as a share of the run's own time allows; so the cache ripens with use and no run waits for
 * it. A cache past its size is emptied. It may be deleted at any time, and a cache that cannot be
 * opened or written is done without.
 */

import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { Script } from 'node:vm';
import { fileURLToPath } from 'node:url';
import { sha256Hex } from '#base';
import type { CodeCache, CompiledCode } from '#eval';

type Runner = CompiledCode['run'];

/** Bytes from which on the cache starts anew. */
const sizeLimit = 1 << 29;
/** Part of a run's time that may be spent on making compiled forms. */
const formShare = 0.1;

export class DiskCodeCache implements CodeCache {
  readonly #database: DatabaseSync;
  readonly #tag: string;
  readonly #load: StatementSync;
  readonly #opened = performance.now();
  /** Texts emitted in this run, by key. */
  readonly #fresh = new Map<string, string>();
  /** Keys of texts that were loaded. */
  readonly #keys = new Map<string, string>();
  /** By key, what V8 had no form for. */
  readonly #unformed = new Map<string, Script>();

  private constructor(database: DatabaseSync, tag: string) {
    this.#database = database;
    this.#tag = tag;
    this.#load = database.prepare('select code, compiled from code where key = ?');
  }

  /** Opens the cache below `directory`; `undefined` if that is not possible. */
  static open(directory: string): DiskCodeCache | undefined {
    try {
      mkdirSync(directory, { recursive: true });
      const database = new DatabaseSync(join(directory, `emitted-${v8Tag()}.sqlite`), { timeout: 2000 });
      // Texts are long: large pages and a table by number take a third of the time to read.
      database.exec('pragma page_size = 65536');
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
    this.#keys.set(code, key);
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
    if (compiled === undefined || script.cachedDataRejected === true) {
      const key = this.#keys.get(code);
      if (key !== undefined) this.#unformed.set(key, script);
    }
    return { run: script.runInThisContext() as Runner };
  };

  /** Writes what is new. To be called once, at the end. */
  close(): void {
    try {
      if (this.#fresh.size > 0 || this.#unformed.size > 0) this.#write();
      this.#database.close();
    } catch {
      // A full disk or another writer: the next run compiles again.
    }
  }

  #write(): void {
    const forms = this.#makeForms();
    const database = this.#database;
    database.exec('begin immediate');
    // Another program's entries may have taken the place of ours meanwhile.
    if (tagOf(database) !== this.#tag) return database.exec('rollback');
    if (sizeOf(database) > sizeLimit) database.exec('delete from code');
    const put = database.prepare('insert or replace into code (key, code) values (?, ?)');
    for (const [key, code] of this.#fresh) put.run(this.#tag + key, code);
    const form = database.prepare('update code set compiled = ? where key = ?');
    for (const [key, compiled] of forms) form.run(compiled, this.#tag + key);
    database.exec('commit');
  }

  /** Compiled forms, until the time for them is over. */
  #makeForms(): Map<string, Uint8Array> {
    const forms = new Map<string, Uint8Array>();
    const start = performance.now();
    const end = start + (start - this.#opened) * formShare;
    for (const [key, script] of this.#unformed) {
      if (performance.now() >= end) break;
      forms.set(key, script.createCachedData());
    }
    return forms;
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
  database.exec('create table if not exists code (key text primary key, code text not null, compiled blob)');
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

/** Bytes of entries, without the pages of the file that are free. */
function sizeOf(database: DatabaseSync): number {
  const number = (name: string) => Number(database.prepare(`pragma ${name}`).get()?.[name] ?? 0);
  return (number('page_count') - number('freelist_count')) * number('page_size');
}
