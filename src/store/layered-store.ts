/**
 * `LayeredStore`: a store that builds, over another that an evaluation wrote to.
 *
 * Derivations are read from either; all else is the upper store's own. What derivations name as
 * sources is brought over when it is needed (`bring`), so that the upper store gets what was built
 * and what that needs, and no derivations.
 */

import { readFileSync } from 'node:fs';
import { isDerivationPath, nameOf, type Derivation, type StorePath } from '#formats';
import { bytePath, systemPath } from './file-tree.ts';
import type {
  AddTreeOptions, CommitOptions, FinishedOutput, PathLock, Realisation, SoonDurable, Store, ValidPathInfo,
} from './store.ts';
import { referencesFirst } from './remote/copy-paths.ts';

export class LayeredStore implements Store {
  readonly storeDirectory: string;
  readonly #upper: Store;
  readonly #sources: Store;

  constructor(upper: Store, sources: Store) {
    this.#upper = upper;
    this.#sources = sources;
    this.storeDirectory = upper.storeDirectory;
  }

  /**
   * Copies a path that is named by its content, with all that it refers to, from the store below;
   * false if that has no such path.
   */
  bring(path: StorePath): boolean {
    if (this.#upper.isValidPath(path)) return true;
    if (this.#sources.queryPathInfo(path)?.contentAddress === undefined) return false;
    const infos = this.#sources.closureOf([path]).map((one) => this.#sources.queryPathInfo(one) as ValidPathInfo);
    for (const info of referencesFirst(infos)) {
      if (info.contentAddress === undefined || this.#upper.isValidPath(info.path)) continue;
      const { method, hash } = info.contentAddress;
      const place = this.#sources.physicalPath(info.path);
      const name = nameOf(info.path);
      const references = info.references.filter((one) => one !== info.path);
      if (method === 'text') {
        this.#upper.addTextToStore(name, readFileSync(systemPath(bytePath(place)), 'latin1'), references);
      } else {
        this.#upper.addTree(name, place, { method, algorithm: hash.algorithm, references, expected: info.path });
      }
    }
    return this.#upper.isValidPath(path);
  }

  physicalPath(path: string): string {
    return this.#layerOf(path as StorePath).physicalPath(path);
  }

  isValidPath(path: StorePath): boolean {
    return this.#upper.isValidPath(path) || (isDerivationPath(path) && this.#sources.isValidPath(path));
  }

  queryPathInfo(path: StorePath): ValidPathInfo | undefined {
    return this.#upper.queryPathInfo(path) ?? (isDerivationPath(path) ? this.#sources.queryPathInfo(path) : undefined);
  }

  queryReferrers(path: StorePath): StorePath[] {
    return this.#upper.queryReferrers(path);
  }

  queryDerivers(path: StorePath): StorePath[] {
    return this.#upper.queryDerivers(path);
  }

  queryDerivationOutputs(drvPath: StorePath): Map<string, StorePath> {
    const known = this.#upper.queryDerivationOutputs(drvPath);
    return known.size > 0 ? known : this.#sources.queryDerivationOutputs(drvPath);
  }

  queryRealisation(drvPath: StorePath, output: string): Realisation | undefined {
    return this.#upper.queryRealisation(drvPath, output) ?? this.#sources.queryRealisation(drvPath, output);
  }

  /** The upper store knows outputs of derivations that it has. */
  registerRealisations(realisations: readonly Realisation[]): void {
    for (const { drvPath } of realisations) this.bring(drvPath);
    this.#upper.registerRealisations(realisations);
  }

  queryPathFromHashPart(hashPart: string): StorePath | undefined {
    return this.#upper.queryPathFromHashPart(hashPart);
  }

  allValidPaths(): StorePath[] {
    return this.#upper.allValidPaths();
  }

  closureOf(paths: Iterable<StorePath>): StorePath[] {
    return this.#upper.closureOf(paths);
  }

  readDerivation(drvPath: StorePath): Derivation {
    return this.#layerOf(drvPath).readDerivation(drvPath);
  }

  addDerivation(derivation: Derivation): StorePath {
    return this.#upper.addDerivation(derivation);
  }

  addTextToStore(name: string, text: string, references: readonly StorePath[]): StorePath {
    return this.#upper.addTextToStore(name, text, references);
  }

  addTree(name: string, physical: string, options: AddTreeOptions): StorePath {
    return this.#upper.addTree(name, physical, options);
  }

  addNar(...all: Parameters<Store['addNar']>): Promise<void> {
    return this.#upper.addNar(...all);
  }

  narOf(path: StorePath): AsyncIterable<Uint8Array> {
    return this.#layerOf(path).narOf(path);
  }

  prepareOutput(path: StorePath): string {
    return this.#upper.prepareOutput(path);
  }

  commitOutputs(outputs: readonly FinishedOutput[], options: CommitOptions): Promise<ValidPathInfo[]> {
    return this.#upper.commitOutputs(outputs, options);
  }

  commitSoon(outputs: readonly FinishedOutput[], options: CommitOptions): Promise<SoonDurable> {
    return this.#upper.commitSoon(outputs, options);
  }

  flush(): Promise<void> {
    return this.#upper.flush();
  }

  registerValidPaths(infos: Parameters<Store['registerValidPaths']>[0]): void {
    this.#upper.registerValidPaths(infos);
  }

  addSignatures(path: StorePath, signatures: readonly string[]): void {
    this.#upper.addSignatures(path, signatures);
  }

  hashTree(...all: Parameters<Store['hashTree']>): ReturnType<Store['hashTree']> {
    return this.#upper.hashTree(...all);
  }

  addTemporaryRoot(path: StorePath): void {
    this.#layerOf(path).addTemporaryRoot(path);
  }

  lockPaths(paths: readonly StorePath[], signal?: AbortSignal, rank?: number): Promise<PathLock> {
    return this.#upper.lockPaths(paths, signal, rank);
  }

  /** Whoever opened the two closes them. */
  close(): void {}

  #layerOf(path: StorePath): Store {
    const isBelow = isDerivationPath(path) && !this.#upper.isValidPath(path) && this.#sources.isValidPath(path);
    return isBelow ? this.#sources : this.#upper;
  }
}
