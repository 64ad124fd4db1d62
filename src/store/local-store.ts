/**
 * The local store: files below `<root>/nix/store`, metadata in `<root>/nix/var/nix/db`.
 *
 * The layout, the database, the locks and the temporary roots are C++ Nix's, so both programs may
 * use the same store, also at once. What a process makes or adds is a temporary root before it
 * begins, so garbage is collected meanwhile, by either program, without harm.
 *
 * *Invariant:* files are complete and canonical before they get their final name, and have their
 * final name and are synced before they are registered. A leftover of a killed process has no registration
 * and may be overwritten by the next who makes the same path, or collected.
 */

import { randomBytes } from 'node:crypto';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { encodeHex, noProgress, reachable, type Hash, type HashAlgorithm, type Progress } from '#base';
import {
  checkStorePathName, derivationPath,
  derivationReferences, makeContentAddressedPath, makeStorePath, makeTextPath, nameOf,
  printDerivation, type Derivation, type IngestionMethod, type PathInfo,
  type StorePath,
} from '#formats';
import { StoreDatabase, type Registration } from './database.ts';
import { knownOutputs, OutputReader, readDerivationAt } from './derivation-file.ts';
import { syncDirectory, syncTrees, syncTreesSoon } from './disk-sync.ts';
import {
  fileFailed, pathNotValid, storeNotWritable,
} from './errors.ts';
import { lockFileNow, lockPaths } from './file-lock.ts';
import { affordableLocks, LockRoom } from './lock-room.ts';
import {
  bytePath, deleteTree, narPieces, systemPath, treeStands,
} from './file-tree.ts';
import { completeLocation, type GivenLocation, type StoreLocation } from './store-location.ts';
import { measureOutput } from './measure-output.ts';
import type {
  AddTreeOptions, CommitOptions, FinishedOutput, PathLock, Realisation, SoonDurable, Store, ValidPathInfo,
} from './store.ts';
import { TreeOptimiser } from './optimise-store.ts';
import { makeDirectory } from './make-directory.ts';
import { awaitOthers } from './others-at-work.ts';
import { PendingCommits } from './pending-commits.ts';
import { RealisationTables } from './realisations.ts';
import { receiveNar } from './receive-nar.ts';
import {
  Staging, stageText, stageTree, type PreparedText, type PreparedTree, type StagedPath,
} from './staging.ts';
import { temporaryRootsOf, type TemporaryRoots } from './temporary-roots.ts';
import { hashFile, hashTreeNow, scanTree } from './tree-hash.ts';

export interface LocalStoreOptions extends GivenLocation {
  /** Links files of the same content as they come in. */
  readonly autoOptimise?: boolean;
}

export class LocalStore implements Store {
  readonly location: StoreLocation;
  readonly storeDirectory: string;
  readonly root: string;
  /** Physical: `<root>/nix/var/nix`. */
  readonly stateDirectory: string;
  readonly #physicalStore: string;
  readonly #database: StoreDatabase;
  readonly #derivations = new Map<StorePath, Derivation>();
  readonly #pending = new PendingCommits({
    sync: (paths) => syncTreesSoon(paths, this.#physicalStore),
    register: (infos) => {
      this.#database.register(infos.map((info) => this.#withOutputs(info)));
      this.#writeRealisations();
    },
  });
  readonly #outputs: OutputReader;
  readonly #realisations: RealisationTables;
  /** Of outputs that are not durable yet. */
  #freshRealisations: Realisation[] = [];
  /** Registered paths whose content is to be made again: not valid here until it is. */
  readonly #damaged = new Set<StorePath>();
  readonly #lockRoom = new LockRoom(affordableLocks());
  readonly #optimiser: TreeOptimiser | undefined;
  #roots: TemporaryRoots | undefined;

  constructor(options: LocalStoreOptions) {
    this.location = completeLocation(options);
    this.root = this.location.root;
    this.storeDirectory = this.location.storeDirectory;
    this.#physicalStore = this.location.physicalStoreDirectory;
    this.stateDirectory = this.location.stateDirectory;
    if (options.readOnly !== true) this.#makeDirectories();
    if (options.autoOptimise === true && options.readOnly !== true) {
      this.#optimiser = new TreeOptimiser(this.#physicalStore);
      this.#optimiser.loadLinked();
    }
    const databaseDirectory = join(this.stateDirectory, 'db');
    this.#database = new StoreDatabase(databaseDirectory, options.readOnly);
    this.#outputs = new OutputReader(this.storeDirectory, (path) => bytePath(this.physicalPath(path)));
    this.#realisations = new RealisationTables(
      this.#database, databaseDirectory, (drvPath) => this.readDerivation(drvPath));
  }

  get database(): StoreDatabase {
    return this.#database;
  }

  get physicalStoreDirectory(): string {
    return this.#physicalStore;
  }

  physicalPath(path: string): string {
    return this.#physicalStore + path.slice(this.storeDirectory.length);
  }

  isValidPath(path: StorePath): boolean {
    return this.#pending.info(path) !== undefined || (this.#database.isValid(path) && !this.#damaged.has(path));
  }

  /**
   * Takes a registered path for one that is still to be made, in this process: whoever makes it
   * puts the new content in the old one's place. It stays registered, and so does what refers to it.
   */
  markDamaged(path: StorePath): void {
    this.#damaged.add(path);
  }

  queryPathInfo(path: StorePath): ValidPathInfo | undefined {
    return this.#pending.info(path) ?? this.#database.queryInfo(path);
  }

  queryReferrers(path: StorePath): StorePath[] {
    return this.#database.queryReferrers(path);
  }

  queryDerivers(path: StorePath): StorePath[] {
    return this.#database.queryDerivers(path);
  }

  queryDerivationOutputs(drvPath: StorePath): Map<string, StorePath> {
    const known = this.#database.queryOutputs(drvPath);
    if (known.size > 0 || !this.isValidPath(drvPath)) return known;
    for (const name of this.readDerivation(drvPath).outputs.keys()) {
      const realisation = this.queryRealisation(drvPath, name);
      if (realisation !== undefined) known.set(name, realisation.path);
    }
    return known;
  }

  queryRealisation(drvPath: StorePath, output: string): Realisation | undefined {
    return this.#freshRealisations.find((one) => one.drvPath === drvPath && one.output === output)
      ?? this.#realisations.query(drvPath, output);
  }

  registerRealisations(realisations: readonly Realisation[]): void {
    this.#freshRealisations.push(...realisations);
    this.#writeRealisations();
  }

  /** Forgets what an output was built to. */
  forgetRealisation(drvPath: StorePath, output: string): void {
    this.#realisations.forget(drvPath, output);
  }

  /** Writes down the realisations whose paths, and all written before them, are registered. */
  #writeRealisations(): void {
    const isPending = (one: Realisation) => this.#pending.info(one.path) !== undefined && !this.#database.isValid(one.path);
    const first = this.#freshRealisations.findIndex(isPending);
    const ready = this.#freshRealisations.splice(0, first < 0 ? this.#freshRealisations.length : first);
    this.#realisations.register(ready);
  }

  queryPathFromHashPart(hashPart: string): StorePath | undefined {
    return this.#database.queryByPrefix(`${this.storeDirectory}/${hashPart}`);
  }

  allValidPaths(): StorePath[] {
    return this.#database.allPaths();
  }

  closureOf(paths: Iterable<StorePath>): StorePath[] {
    return [...reachable(paths, (path) => {
      const pending = this.#pending.info(path);
      if (pending === undefined && !this.#database.isValid(path)) throw pathNotValid(path);
      return pending?.references ?? this.#database.queryReferences(path);
    })].sort();
  }

  readDerivation(drvPath: StorePath): Derivation {
    let derivation = this.#derivations.get(drvPath);
    if (derivation === undefined) {
      if (!this.isValidPath(drvPath)) throw pathNotValid(drvPath);
      derivation = readDerivationAt(bytePath(this.physicalPath(drvPath)), drvPath, this.storeDirectory);
      this.#derivations.set(drvPath, derivation);
    }
    return derivation;
  }

  addDerivation(derivation: Derivation): StorePath {
    const text = printDerivation(derivation);
    const path = derivationPath(derivation, text, this.storeDirectory);
    this.addAll([], [{
      path, text, references: derivationReferences(derivation), outputs: knownOutputs(derivation),
    }]);
    return path;
  }

  addTextToStore(name: string, text: string, references: readonly StorePath[]): StorePath {
    checkStorePathName(name);
    const path = makeTextPath(name, text, references, this.storeDirectory);
    this.addAll([], [{ path, text, references }]);
    return path;
  }

  addTree(name: string, physical: string, options: AddTreeOptions): StorePath {
    checkStorePathName(name);
    const { method, algorithm, references = [] } = options;
    const path = options.expected ?? makeContentAddressedPath(
      name, { method, hash: hashTreeNow(bytePath(physical), method, algorithm, options.filter) },
      { others: references, self: false }, this.storeDirectory);
    this.addAll([{ path, name, physical, options }], []);
    return path;
  }

  /**
   * Adds many trees and texts at once: all are written, then synced together, then renamed, then
   * registered in one transaction. References may be among them. `ahead` has what of them is
   * written already (see `StagingAhead`); it belongs to this call now.
   */
  addAll(
    trees: readonly PreparedTree[], texts: readonly PreparedText[],
    ahead: ReadonlyMap<StorePath, StagedPath> = new Map(),
  ): void {
    const staging = new Staging(ahead, (path) => bytePath(this.prepareOutput(path)), this.#outputs);
    try {
      this.#keep([...trees, ...texts].map((one) => one.path));
      const freshTrees = trees.filter((tree) => !this.isValidPath(tree.path));
      const freshTexts = texts.filter((text) => !this.isValidPath(text.path));
      for (const tree of freshTrees) staging.add(tree.path, (place) => stageTree(tree, place, this.storeDirectory));
      for (const text of freshTexts) staging.add(text.path, (place) => stageText(text, place));
      const staged = staging.finish();
      if (staged.length === 0) return;
      syncTrees(staged.map((one) => one.temporary), this.#physicalStore);
      this.#publish(staged, new Set(freshTrees.map(({ path }) => path)));
    } catch (error) {
      // A full disk must not stay full of what nobody will use.
      staging.abandon();
      throw error;
    }
  }

  /**
   * Gives staged paths their names and registers them. One process at a time: between the name and
   * the registration, another must not take a path for a leftover and make it anew.
   */
  #publish(
    staged: readonly Required<StagedPath>[], trees: ReadonlySet<StorePath>,
  ): void {
    const lock = lockFileNow(join(this.stateDirectory, 'db/firn-add.lock'), 'exclusive');
    try {
      const fresh = staged.filter(({ info: { path } }) => !this.isValidPath(path));
      for (const { temporary, info: { path } } of fresh) {
        // A text goes over another's half; a tree would take it away from under its writer.
        if (trees.has(path)) awaitOthers([this.physicalPath(path)]);
        this.#moveIntoPlace(temporary, path);
      }
      syncDirectory(this.#physicalStore);
      this.#database.register(fresh.map((one) => one.info));
      for (const { info } of fresh) this.#damaged.delete(info.path);
      for (const one of staged) if (!fresh.includes(one)) deleteTree(one.temporary);
      // One of C++ Nix that saw it unregistered still puts its own copy there.
      awaitOthers(fresh.map(({ info }) => this.physicalPath(info.path)));
    } finally {
      lock.release();
    }
  }

  async addNar(
    info: PathInfo, nar: AsyncIterable<Uint8Array>, progress: Progress = noProgress, signal?: AbortSignal,
  ): Promise<void> {
    this.#keep([info.path]);
    // Locked before anything is read: of several who fetch the same path, one does.
    const lock = this.isValidPath(info.path) ? undefined : await this.lockPaths([info.path], signal);
    try {
      await this.#addNarLocked(info, nar, progress);
    } finally {
      lock?.release();
    }
  }

  async #addNarLocked(info: PathInfo, nar: AsyncIterable<Uint8Array>, progress: Progress): Promise<void> {
    if (this.isValidPath(info.path)) {
      // The stream must be read to its end all the same: more may follow it.
      for await (const _ of nar);
      return;
    }
    const temporary = bytePath(this.prepareOutput(info.path));
    const activity = progress.start('unpack', nameOf(info.path), { total: info.narSizeBytes, unit: 'bytes' });
    try {
      const sizeBytes = await receiveNar(info, nar, temporary, (bytes) => activity.advance(bytes));
      const outputs = this.#outputs.read(temporary, info.path);
      syncTrees([temporary], this.#physicalStore);
      this.#moveIntoPlace(temporary, info.path);
      syncDirectory(this.#physicalStore);
      // What a build has just made is registered with a delay.
      if (info.references.some((path) => this.#pending.info(path) !== undefined)) await this.flush();
      this.#database.register([{ ...info, narSizeBytes: sizeBytes, ...outputs }]);
      this.#damaged.delete(info.path);
      activity.finish();
    } catch (error) {
      activity.finish('failed');
      deleteTree(temporary);
      throw error;
    }
  }

  async *narOf(path: StorePath): AsyncIterable<Uint8Array> {
    if (!this.isValidPath(path)) throw pathNotValid(path);
    yield* narPieces(bytePath(this.physicalPath(path)));
  }

  prepareOutput(path: StorePath): string {
    const name = nameOf(path);
    const random = encodeHex(randomBytes(32));
    const place = makeStorePath('temporary', `sha256:${random}`, name, this.storeDirectory);
    this.#keep([place, path]);
    return this.physicalPath(place);
  }

  async commitOutputs(outputs: readonly FinishedOutput[], options: CommitOptions): Promise<ValidPathInfo[]> {
    const { infos, durable } = await this.commitSoon(outputs, options);
    await Promise.all([durable, this.flush()]);
    return [...infos];
  }

  async commitSoon(outputs: readonly FinishedOutput[], options: CommitOptions): Promise<SoonDurable> {
    this.#keep(outputs.map((output) => output.path));
    const fresh = outputs.filter((output) => !this.isValidPath(output.path));
    const candidates = [...new Set([...options.candidates, ...outputs.map((output) => output.path)])];
    const infos: ValidPathInfo[] = [];
    for (const output of fresh) {
      const info = await measureOutput(output, candidates, options);
      // An output may be a derivation; a file that only says so by its name is refused.
      this.#outputs.read(bytePath(output.physical), output.path);
      infos.push(options.sign === undefined ? info : { ...info, signatures: options.sign(info) });
    }
    options.check?.(infos);
    const lock = await this.#lockNew(fresh);
    const moved = new Set<StorePath>();
    for (const { path, physical } of outputs) {
      if (this.isValidPath(path) || moved.has(path)) {
        deleteTree(bytePath(physical));
        continue;
      }
      this.#moveIntoPlace(bytePath(physical), path);
      this.#damaged.delete(path);
      moved.add(path);
    }
    const durable = this.#pending.add(infos.filter((info) => moved.delete(info.path))
      .map((info) => ({ info, place: bytePath(this.physicalPath(info.path)) })));
    // Whoever does not wait for it learns of a failure by `flush`.
    durable.finally(() => lock.release()).catch(() => {});
    // The locks of what is not durable yet stand in the way of others.
    if (this.#lockRoom.crowded) void this.flush().catch(() => {});
    return { infos: outputs.map((output) => this.queryPathInfo(output.path) as ValidPathInfo), durable };
  }

  flush(): Promise<void> {
    return this.#pending.flush();
  }

  registerValidPaths(infos: readonly (PathInfo & Partial<ValidPathInfo>)[]): void {
    this.#keep(infos.map((info) => info.path));
    this.#database.register(infos.map((info) => this.#withOutputs(info)));
  }

  /** What is registered of a path that stands in place: of a derivation its outputs too. */
  #withOutputs(info: Registration): Registration {
    return { ...info, ...this.#outputs.read(bytePath(this.physicalPath(info.path)), info.path) };
  }

  addSignatures(path: StorePath, signatures: readonly string[]): void {
    this.#database.transaction(() => {
      const info = this.#database.queryInfo(path);
      if (info === undefined) throw pathNotValid(path);
      this.#database.setSignatures(path, [...new Set([...info.signatures, ...signatures])].sort());
    });
  }

  async hashTree(physical: string, method: IngestionMethod, algorithm: HashAlgorithm): Promise<Hash> {
    if (method === 'flat' || method === 'text') return hashFile(bytePath(physical), algorithm);
    if (method === 'recursive' && algorithm === 'sha256') return (await scanTree(bytePath(physical), [])).narHash;
    return hashTreeNow(bytePath(physical), method, algorithm);
  }

  addTemporaryRoot(path: StorePath): void {
    this.#keep([path]);
  }

  /** Lets go of what this process keeps from garbage collection. */
  releaseTemporaryRoots(): void {
    this.#roots?.clear();
  }

  async lockPaths(paths: readonly StorePath[], signal?: AbortSignal, rank?: number): Promise<PathLock> {
    // Or a collector would take the locks for leftovers.
    this.#keep(paths);
    const leave = await this.#lockRoom.take(paths.length, signal);
    try {
      const lock = await lockPaths(paths.map((path) => this.physicalPath(path)), { signal, rank });
      return {
        release() {
          lock.release();
          leave();
        },
      };
    } catch (error) {
      leave();
      throw error;
    }
  }

  close(): void {
    this.#roots?.release();
    this.#roots = undefined;
    this.#database.close();
  }

  /** Locks on paths that nobody could lock before the build; few, so they take no part of the room. */
  #lockNew(outputs: readonly FinishedOutput[]): Promise<PathLock> {
    const paths = outputs.filter((output) => output.isNew).map((output) => this.physicalPath(output.path));
    return paths.length === 0 ? Promise.resolve({ release() {} }) : lockPaths(paths);
  }

  /** Renames over what an interrupted process may have left there. */
  #moveIntoPlace(temporary: string, path: StorePath): void {
    const final = bytePath(this.physicalPath(path));
    const isRepair = this.#damaged.has(path);
    if (isRepair) moveAside(final);
    if (this.#rename(temporary, final, path)) this.#optimiser?.optimise(final, isRepair);
  }

  /** False if another process has made the path valid meanwhile. */
  #rename(temporary: string, final: string, path: StorePath): boolean {
    try {
      renameSync(systemPath(temporary), systemPath(final));
      return true;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (!['ENOTEMPTY', 'EEXIST', 'EISDIR', 'ENOTDIR', 'EPERM', 'EACCES'].includes(code)) {
        throw fileFailed('moving into the store', this.physicalPath(path), error);
      }
      // What another process has made valid meanwhile is never touched.
      if (this.isValidPath(path)) {
        deleteTree(temporary);
        return false;
      }
      deleteTree(final);
      renameSync(systemPath(temporary), systemPath(final));
      return true;
    }
  }

  /** Keeps paths from garbage collection while this process lives. */
  #keep(paths: readonly StorePath[]): void {
    if (this.location.readOnly === true) return;
    this.#roots ??= temporaryRootsOf(this.stateDirectory);
    this.#roots.add(paths);
  }

  #makeDirectories(): void {
    const state = this.stateDirectory;
    try {
      for (const directory of [
        this.#physicalStore, join(this.#physicalStore, '.links'), join(state, 'db'), join(state, 'gcroots', 'auto'), join(state, 'temproots'),
        join(state, 'profiles/per-user'), join(this.location.logDirectory, 'drvs'),
      ]) {
        makeDirectory(directory);
      }
    } catch (error) {
      throw storeNotWritable(this.#physicalStore, error);
    }
  }
}

/** Puts what stands at `path` out of the way, then deletes it: its content may be in use. */
function moveAside(path: string): void {
  if (!treeStands(path)) return;
  const aside = `${path}.old-${process.pid}`;
  deleteTree(aside);
  renameSync(systemPath(path), systemPath(aside));
  deleteTree(aside);
}
