/**
 * The database of a local store: C++ Nix's schema, version 10, so that each program can open the
 * other's store.
 *
 * Synchronous, through SQLite in write-ahead mode; many processes may have it open at once, and
 * writers wait for each other. A transaction is durable as far as the files it names were synced
 * before it: callers sync first. Invariant: a path is in `ValidPaths` only with all its references.
 */

import { accessSync, constants, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { formatPrefixedHash, parseHash, UserError } from '#base';
import {
  formatContentAddress, parseContentAddress, type PathInfo, type StorePath,
} from '#formats';
import { databaseFailure } from './database-failure.ts';
import { databaseDamaged, databaseFailed, databaseMissing, referenceNotValid, schemaTooNew, schemaTooOld } from './errors.ts';
import type { ValidPathInfo } from './store.ts';

export const schemaVersion = 10;

/** What to register: missing times mean now, and `outputs` are those of a derivation. */
export interface Registration extends PathInfo {
  readonly registrationTime?: number;
  readonly ultimate?: boolean;
  readonly outputs?: ReadonlyMap<string, StorePath>;
}

/** A folder of any name, then the name of a store path. */
const pathForm = /^\/[^\0]+\/[0-9a-z]{32}-[0-9A-Za-z+._?=-]+$/;

export class StoreDatabase {
  readonly #database: DatabaseSync;
  readonly #file: string;
  readonly #statements = new Map<string, StatementSync>();

  /** Opens the database in `directory`, making it if it is not there (unless `readOnly`). */
  constructor(directory: string, readOnly = false) {
    const file = join(directory, 'db.sqlite');
    this.#file = file;
    let opened: DatabaseSync | undefined;
    try {
      if (!readOnly) mkdirSync(directory, { recursive: true });
      const fresh = !existsSync(join(directory, 'schema'));
      if (readOnly && !existsSync(file)) throw databaseMissing(file);
      if (!fresh) checkSchemaVersion(join(directory, 'schema'));
      opened = new DatabaseSync(readOnly ? unchangingFile(file) : file, { readOnly, timeout: busyTimeout });
      this.#database = opened;
      this.#database.exec('pragma foreign_keys = on');
      if (!readOnly) this.#prepare(directory, fresh);
    } catch (error) {
      opened?.close();
      if (error instanceof UserError) throw error;
      throw databaseFailure(file, error) ?? databaseFailed(file, error);
    }
  }

  isValid(path: string): boolean {
    return this.#idOf(path) !== undefined;
  }

  queryInfo(path: StorePath): ValidPathInfo | undefined {
    const row = this.get(`select id, hash, registrationTime, deriver, narSize, ultimate, sigs, ca
      from ValidPaths where path = ?`, path);
    if (row === undefined) return undefined;
    const references = this.all(`select path from Refs join ValidPaths on reference = id
      where referrer = ?`, row['id'] as number).map((one) => this.#path(one['path'])).sort();
    const deriver = this.#textOrNull(row['deriver']) as StorePath | null;
    const contentAddress = this.#textOrNull(row['ca']);
    return {
      path,
      narHash: parseHash(this.#text(row['hash'])),
      narSizeBytes: (row['narSize'] as number | null) ?? 0,
      references,
      registrationTime: row['registrationTime'] as number,
      ultimate: row['ultimate'] === 1,
      signatures: ((this.#textOrNull(row['sigs'])) ?? '').split(' ').filter(Boolean),
      ...(deriver === null || deriver as string === '' ? {} : { deriver }),
      ...(contentAddress === null || contentAddress === '' ? {}
        : { contentAddress: parseContentAddress(contentAddress) }),
    };
  }

  queryReferences(path: StorePath): StorePath[] {
    return this.#paths(`select r.path from Refs join ValidPaths v on referrer = v.id
      join ValidPaths r on reference = r.id where v.path = ?`, path);
  }

  queryReferrers(path: StorePath): StorePath[] {
    return this.#paths(`select r.path from Refs join ValidPaths v on reference = v.id
      join ValidPaths r on referrer = r.id where v.path = ?`, path);
  }

  queryDerivers(path: StorePath): StorePath[] {
    return this.#paths(`select v.path from DerivationOutputs d join ValidPaths v on d.drv = v.id
      where d.path = ?`, path);
  }

  queryOutputs(drvPath: StorePath): Map<string, StorePath> {
    const rows = this.all(`select d.id as id, d.path as path from DerivationOutputs d
      join ValidPaths v on d.drv = v.id where v.path = ? order by d.id`, drvPath);
    return new Map(rows.map((row) => [this.#text(row['id']), this.#path(row['path'])]));
  }

  /** The first valid path that begins with `prefix`. */
  queryByPrefix(prefix: string): StorePath | undefined {
    const row = this.get('select path from ValidPaths where path >= ? limit 1', prefix);
    const path = row === undefined ? undefined : this.#path(row['path']);
    return path?.startsWith(prefix) === true ? path : undefined;
  }

  allPaths(): StorePath[] {
    return this.#paths('select path from ValidPaths');
  }

  /** Registers all or none; references may be among the paths themselves. */
  register(infos: readonly Registration[]): void {
    this.transaction(() => {
      const ids = new Map<string, number>();
      for (const info of infos) ids.set(info.path, this.#putPath(info));
      for (const info of infos) this.#putReferences(info, ids);
    });
  }

  /** Forgets a path; fails while another refers to it. */
  invalidate(path: StorePath): void {
    this.run('delete from ValidPaths where path = ?', path);
  }

  setSignatures(path: StorePath, signatures: readonly string[]): void {
    this.run('update ValidPaths set sigs = ? where path = ?', signatures.join(' '), path);
  }

  /** Runs `work` in one write transaction. Transactions do not nest: an inner one joins the outer. */
  transaction<T>(work: () => T): T {
    if (this.#database.isTransaction) return work();
    this.#guarded(() => this.#database.exec('begin immediate'));
    try {
      const result = work();
      this.#guarded(() => this.#database.exec('commit'));
      return result;
    } catch (error) {
      // After some errors, a full disk among them, SQLite has rolled back by itself.
      if (this.#database.isTransaction) this.#database.exec('rollback');
      throw error;
    }
  }

  /** Runs a statement that writes; gives the id of a row that it added. */
  run(sql: string, ...values: (string | number | null)[]): number {
    return Number(this.#guarded(() => this.#statement(sql).run(...values)).lastInsertRowid);
  }

  /** The first row that a query gives. */
  get(sql: string, ...values: (string | number)[]): Record<string, unknown> | undefined {
    return this.#guarded(() => this.#statement(sql).get(...values));
  }

  /** The rows that a query gives. */
  all(sql: string, ...values: (string | number)[]): Record<string, unknown>[] {
    return this.#guarded(() => this.#statement(sql).all(...values));
  }

  /** Runs statements that give nothing: a schema. */
  execute(sql: string): void {
    this.#guarded(() => this.#database.exec(sql));
  }

  close(): void {
    this.#database.close();
  }

  #prepare(directory: string, fresh: boolean): void {
    this.#database.exec('pragma synchronous = normal');
    this.#database.exec('pragma main.journal_mode = wal');
    // One instantiation of a whole system fits below this many pages: a single sync.
    this.#database.exec('pragma wal_autocheckpoint = 40000');
    if (!fresh) return;
    this.transaction(() => { this.#database.exec(schema); });
    const schemaFile = join(directory, 'schema');
    const temporary = `${schemaFile}.${process.pid}`;
    writeFileSync(temporary, String(schemaVersion), { flush: true });
    renameSync(temporary, schemaFile);
  }

  #putPath(info: Registration): number {
    const contentAddress = info.contentAddress === undefined ? null : formatContentAddress(info.contentAddress);
    const values = [
      formatPrefixedHash(info.narHash, 'base16'), info.narSizeBytes,
      info.ultimate === true ? 1 : null,
      info.signatures.length === 0 ? null : info.signatures.join(' '), contentAddress,
    ];
    let id = this.#idOf(info.path);
    if (id !== undefined) {
      this.run('update ValidPaths set hash = ?, narSize = ?, ultimate = ?, sigs = ?, ca = ? where id = ?', ...values, id);
    } else {
      id = this.run(`insert into ValidPaths
        (path, hash, narSize, ultimate, sigs, ca, registrationTime, deriver) values (?, ?, ?, ?, ?, ?, ?, ?)`,
      info.path, ...values, info.registrationTime ?? Math.floor(Date.now() / 1000), info.deriver ?? null);
    }
    for (const [output, path] of info.outputs ?? []) {
      this.run('insert or replace into DerivationOutputs (drv, id, path) values (?, ?, ?)', id, output, path);
    }
    return id;
  }

  #putReferences(info: Registration, ids: ReadonlyMap<string, number>): void {
    const referrer = ids.get(info.path) as number;
    for (const reference of info.references) {
      const id = ids.get(reference) ?? this.#idOf(reference);
      if (id === undefined) throw referenceNotValid(info.path, reference);
      this.run('insert or replace into Refs (referrer, reference) values (?, ?)', referrer, id);
    }
  }

  #idOf(path: string): number | undefined {
    return this.get('select id from ValidPaths where path = ?', path)?.['id'] as number | undefined;
  }

  #paths(sql: string, ...values: string[]): StorePath[] {
    return this.all(sql, ...values).map((row) => this.#path(row['path'])).sort();
  }

  /** Whatever comes out of the database as a path may be opened or removed: it must be one. */
  #path(value: unknown): StorePath {
    const text = this.#text(value);
    if (!pathForm.test(text)) throw databaseDamaged(this.#file, new Error(`${JSON.stringify(text)} is no store path`));
    return text as StorePath;
  }

  /** A column of text: in a damaged file it may be anything. */
  #text(value: unknown): string {
    if (typeof value === 'string') return value;
    throw databaseDamaged(this.#file, new Error('there is no text where one should be'));
  }

  #textOrNull(value: unknown): string | null {
    return value === null || value === undefined ? null : this.#text(value);
  }

  /** What SQLite throws becomes an error that the user understands. */
  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw databaseFailure(this.#file, error) ?? error;
    }
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** Another process's transaction may take as long as deleting a large path. */
const busyTimeout = 600_000;

function checkSchemaVersion(file: string): void {
  const found = readFileSync(file, 'utf8').trim();
  const version = Number(found);
  if (!(version <= schemaVersion)) throw schemaTooNew(found, schemaVersion);
  if (version < schemaVersion) throw schemaTooOld(found, schemaVersion);
}

const schema = `
create table if not exists ValidPaths (
  id               integer primary key autoincrement not null,
  path             text unique not null,
  hash             text not null,
  registrationTime integer not null,
  deriver          text,
  narSize          integer,
  ultimate         integer,
  sigs             text,
  ca               text
);
create table if not exists Refs (
  referrer  integer not null,
  reference integer not null,
  primary key (referrer, reference),
  foreign key (referrer) references ValidPaths(id) on delete cascade,
  foreign key (reference) references ValidPaths(id) on delete restrict
);
create index if not exists IndexReferrer on Refs(referrer);
create index if not exists IndexReference on Refs(reference);
create trigger if not exists DeleteSelfRefs before delete on ValidPaths
  begin
    delete from Refs where referrer = old.id and reference = old.id;
  end;
create table if not exists DerivationOutputs (
  drv  integer not null,
  id   text not null,
  path text not null,
  primary key (drv, id),
  foreign key (drv) references ValidPaths(id) on delete cascade
);
create index if not exists IndexDerivationOutputs on DerivationOutputs(path);
`;

/**
 * How a database is opened that is only read. Where nobody may write beside it, SQLite cannot take
 * its locks either: then it is told that the file does not change.
 */
function unchangingFile(file: string): string | URL {
  try {
    accessSync(dirname(file), constants.W_OK);
    return file;
  } catch {
    const url = pathToFileURL(file);
    url.searchParams.set('immutable', '1');
    return url;
  }
}
