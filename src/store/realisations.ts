/**
 * Realisations: which path holds an output whose path does not follow from its derivation.
 *
 * They stand in two tables. C++ Nix's newest knows an output by its derivation (`BuildTraceV3`);
 * releases up to 2.34 know it by the derivation's hash, with the realisations that the content
 * refers to (`Realisations`). Both are written and read, so that either program finds what this one
 * built. The tables are made with their first entry: without the feature nobody has them.
 *
 * *Invariant:* an output keeps the path that it was first given, as long as that path is valid.
 */

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  baseNameOf, moduloFinder, realisationHashes, type Derivation, type FindModulo, type StorePath,
} from '#formats';
import type { StoreDatabase } from './database.ts';
import type { Realisation } from './store.ts';

export class RealisationTables {
  readonly #database: StoreDatabase;
  readonly #directory: string;
  readonly #readDerivation: (drvPath: StorePath) => Derivation;
  readonly #findModulo: FindModulo;
  #known: ReadonlySet<string> = new Set();

  /** `directory` holds the database. */
  constructor(database: StoreDatabase, directory: string, readDerivation: (drvPath: StorePath) => Derivation) {
    this.#database = database;
    this.#directory = directory;
    this.#readDerivation = readDerivation;
    this.#findModulo = moduloFinder(readDerivation);
  }

  /** What an output was last built to, if that is valid still. */
  query(drvPath: StorePath, output: string): Realisation | undefined {
    if (!this.#exists('BuildTraceV3') && !this.#exists('Realisations')) return undefined;
    const row = this.#queryTrace(drvPath, output) ?? this.#queryByHash(drvPath, output);
    if (row === undefined) return undefined;
    const signatures = ((row['signatures'] as string | null) ?? '').split(' ').filter(Boolean);
    return { drvPath, output, path: row['path'] as StorePath, signatures };
  }

  register(realisations: readonly Realisation[]): void {
    if (realisations.length === 0) return;
    this.#makeTables();
    this.#database.transaction(() => {
      for (const one of realisations) {
        const known = this.query(one.drvPath, one.output);
        const signatures = [...new Set([...(known?.signatures ?? []), ...one.signatures])].sort().join(' ');
        this.#writeTrace(one, known, signatures);
        this.#writeByHash(one, known, signatures);
      }
    });
  }

  /** Forgets what an output was built to. */
  forget(drvPath: StorePath, output: string): void {
    const hash = this.#hashOf(drvPath, output);
    this.#database.transaction(() => {
      if (this.#exists('BuildTraceV3')) {
        this.#database.run('delete from BuildTraceV3 where drvPath = ? and outputName = ?', baseNameOf(drvPath), output);
      }
      if (hash === undefined || !this.#exists('Realisations')) return;
      // What refers to it stays, without the reference.
      this.#database.run(`delete from RealisationsRefs where realisationReference in
        (select id from Realisations where drvPath = ? and outputName = ?)`, hash, output);
      this.#database.run('delete from Realisations where drvPath = ? and outputName = ?', hash, output);
    });
  }

  #queryTrace(drvPath: StorePath, output: string): Record<string, unknown> | undefined {
    if (!this.#exists('BuildTraceV3')) return undefined;
    return this.#database.get(`select outputPath as path, signatures from BuildTraceV3
      join ValidPaths v on v.path = outputPath where drvPath = ? and outputName = ?`, baseNameOf(drvPath), output);
  }

  #queryByHash(drvPath: StorePath, output: string): Record<string, unknown> | undefined {
    if (!this.#exists('Realisations')) return undefined;
    const hash = this.#hashOf(drvPath, output);
    return hash === undefined ? undefined : this.#database.get(`select r.id as id, v.path as path, signatures
      from Realisations r join ValidPaths v on v.id = r.outputPath where drvPath = ? and outputName = ?`, hash, output);
  }

  #writeTrace(one: Realisation, known: Realisation | undefined, signatures: string): void {
    const drvName = baseNameOf(one.drvPath);
    // What is there may name a path that is gone.
    this.#database.run('delete from BuildTraceV3 where drvPath = ? and outputName = ?', drvName, one.output);
    this.#database.run('insert into BuildTraceV3 (drvPath, outputName, outputPath, signatures) values (?, ?, ?, ?)',
      drvName, one.output, known?.path ?? one.path, signatures);
  }

  #writeByHash(one: Realisation, known: Realisation | undefined, signatures: string): void {
    const hash = this.#hashOf(one.drvPath, one.output);
    if (hash === undefined) return;
    const present = this.#queryByHash(one.drvPath, one.output);
    if (present !== undefined) {
      this.#database.run('update Realisations set signatures = ? where id = ?', signatures, present['id'] as number);
      return;
    }
    const id = this.#database.run(`insert into Realisations (drvPath, outputName, outputPath, signatures)
      select ?, ?, id, ? from ValidPaths where path = ?`, hash, one.output, signatures, known?.path ?? one.path);
    for (const reference of this.#referencedBy(one)) {
      this.#database.run('insert into RealisationsRefs (referrer, realisationReference) values (?, ?)', id, reference);
    }
  }

  /** The realisations of inputs that the content refers to. */
  #referencedBy({ drvPath, path }: Realisation): number[] {
    const references = new Set(this.#database.queryReferences(path));
    const found: number[] = [];
    for (const [input, names] of this.#readDerivation(drvPath).inputDerivations) {
      for (const name of names) {
        const row = this.#queryByHash(input, name);
        if (row !== undefined && references.has(row['path'] as StorePath)) found.push(row['id'] as number);
      }
    }
    return found;
  }

  /** `sha256:…`; `undefined` where a derivation that it is made of is not at hand. */
  #hashOf(drvPath: StorePath, output: string): string | undefined {
    try {
      const hash = realisationHashes(this.#readDerivation(drvPath), this.#findModulo).get(output);
      return hash === undefined ? undefined : `sha256:${hash}`;
    } catch (error) {
      if ((error as { code?: string }).code === 'PATH_NOT_VALID') return undefined;
      throw error;
    }
  }

  #exists(table: string): boolean {
    if (this.#known.has(table)) return true;
    const rows = this.#database.all("select name from sqlite_master where type = 'table'");
    this.#known = new Set(rows.map((row) => row['name'] as string));
    return this.#known.has(table);
  }

  #makeTables(): void {
    if (this.#exists('BuildTraceV3') && this.#exists('Realisations')) return;
    this.#database.transaction(() => { this.#database.execute(schema); });
    const file = join(this.#directory, 'ca-schema');
    if (!existsSync(file)) writeFileSync(file, '3');
  }
}

const schema = `
create table if not exists BuildTraceV3 (
  id         integer primary key autoincrement not null,
  drvPath    text not null,
  outputName text not null,
  outputPath text not null,
  signatures text
);
create index if not exists IndexBuildTraceV3 on BuildTraceV3(drvPath, outputName);
create table if not exists Realisations (
  id         integer primary key autoincrement not null,
  drvPath    text not null,
  outputName text not null,
  outputPath integer not null,
  signatures text,
  foreign key (outputPath) references ValidPaths(id) on delete cascade
);
create index if not exists IndexRealisations on Realisations(drvPath, outputName);
create table if not exists RealisationsRefs (
  referrer             integer not null,
  realisationReference integer,
  foreign key (referrer) references Realisations(id) on delete cascade,
  foreign key (realisationReference) references Realisations(id) on delete restrict
);
create index if not exists IndexRealisationsRefs on RealisationsRefs(referrer);
create index if not exists IndexRealisationsRefsRealisationReference on RealisationsRefs(realisationReference);
create index if not exists IndexRealisationsRefsOnOutputPath on Realisations(outputPath);
create trigger if not exists DeleteSelfRefsViaRealisations before delete on ValidPaths
  begin
    delete from RealisationsRefs where realisationReference in
      (select id from Realisations where outputPath = old.id);
  end;
`;
