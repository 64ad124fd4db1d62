/**
 * A store as a builder sees it that may call Nix itself: its inputs, what it has added, what it has
 * had built. Everything else is as if it were not there, and what says when, where or by whom a
 * path was made is left out.
 *
 * *Invariant:* nothing is ever taken for missing that the whole store has: adding goes straight to
 * that, which leaves alone what is valid.
 * *Invariant:* whatever a path refers to that is seen is seen itself. So nothing is added that refers
 * to more: by its references the builder's outputs would reach paths that it was never given.
 */

import type { Hash, HashAlgorithm, Progress } from '#base';
import { derivationReferences, type Derivation, type IngestionMethod, type PathInfo, type StorePath } from '#formats';
import { pathNotValid } from '../errors.ts';
import type {
  AddTreeOptions, PathLock, Realisation, SoonDurable, Store, ValidPathInfo,
} from '../store.ts';
import { operationUnsupported, referenceNotSeen } from './errors.ts';

export class RestrictedStore implements Store {
  readonly storeDirectory: string;
  readonly #whole: Store;
  readonly #inputs: ReadonlySet<StorePath>;
  readonly #added = new Set<StorePath>();

  constructor(whole: Store, inputs: Iterable<StorePath>) {
    this.#whole = whole;
    this.#inputs = new Set(inputs);
    this.storeDirectory = whole.storeDirectory;
  }

  /** What is seen beyond the inputs. */
  get added(): ReadonlySet<StorePath> {
    return this.#added;
  }

  /** Lets a valid path be seen from now on. */
  admit(path: StorePath): void {
    if (!this.#inputs.has(path)) this.#added.add(path);
  }

  admits(path: StorePath): boolean {
    return this.#inputs.has(path) || this.#added.has(path);
  }

  physicalPath(path: string): string {
    return this.#whole.physicalPath(path);
  }

  isValidPath(path: StorePath): boolean {
    return this.admits(path) && this.#whole.isValidPath(path);
  }

  queryPathInfo(path: StorePath): ValidPathInfo | undefined {
    const info = this.admits(path) ? this.#whole.queryPathInfo(path) : undefined;
    if (info === undefined) return undefined;
    const { path: own, narHash, narSizeBytes, references, contentAddress } = info;
    return {
      path: own, narHash, narSizeBytes, references, signatures: [], registrationTime: 0, ultimate: false,
      ...(contentAddress === undefined ? {} : { contentAddress }),
    };
  }

  queryReferrers(): StorePath[] {
    return [];
  }

  queryDerivers(): StorePath[] {
    return [];
  }

  queryDerivationOutputs(drvPath: StorePath): Map<string, StorePath> {
    return this.admits(drvPath) ? this.#whole.queryDerivationOutputs(drvPath) : new Map();
  }

  queryRealisation(drvPath: StorePath, output: string): Realisation | undefined {
    return this.admits(drvPath) ? this.#whole.queryRealisation(drvPath, output) : undefined;
  }

  queryPathFromHashPart(hashPart: string): StorePath | undefined {
    const path = this.#whole.queryPathFromHashPart(hashPart);
    return path !== undefined && this.admits(path) ? path : undefined;
  }

  allValidPaths(): StorePath[] {
    return [...this.#inputs, ...this.#added].sort();
  }

  closureOf(paths: Iterable<StorePath>): StorePath[] {
    const wanted = [...paths];
    for (const path of wanted) if (!this.admits(path)) throw pathNotValid(path);
    return this.#whole.closureOf(wanted);
  }

  readDerivation(drvPath: StorePath): Derivation {
    if (!this.admits(drvPath)) throw pathNotValid(drvPath);
    return this.#whole.readDerivation(drvPath);
  }

  addDerivation(derivation: Derivation): StorePath {
    this.#checkSeen(derivationReferences(derivation));
    return this.#take(this.#whole.addDerivation(derivation));
  }

  addTextToStore(name: string, text: string, references: readonly StorePath[]): StorePath {
    this.#checkSeen(references);
    return this.#take(this.#whole.addTextToStore(name, text, references));
  }

  addTree(name: string, physical: string, options: AddTreeOptions): StorePath {
    this.#checkSeen(options.references ?? []);
    return this.#take(this.#whole.addTree(name, physical, options));
  }

  async addNar(info: PathInfo, nar: AsyncIterable<Uint8Array>, progress?: Progress): Promise<void> {
    this.#checkSeen(info.references.filter((one) => one !== info.path));
    await this.#whole.addNar(info, nar, progress);
    this.admit(info.path);
  }

  narOf(path: StorePath): AsyncIterable<Uint8Array> {
    if (!this.admits(path)) throw pathNotValid(path);
    return this.#whole.narOf(path);
  }

  hashTree(physical: string, method: IngestionMethod, algorithm: HashAlgorithm): Promise<Hash> {
    return this.#whole.hashTree(physical, method, algorithm);
  }

  flush(): Promise<void> {
    return this.#whole.flush();
  }

  /** Whatever is seen here is kept by whoever builds. */
  addTemporaryRoot(): void {}

  registerRealisations(): void {
    throw operationUnsupported(builder, 'registerRealisations');
  }

  registerValidPaths(): void {
    throw operationUnsupported(builder, 'registerValidPaths');
  }

  addSignatures(): void {
    throw operationUnsupported(builder, 'addSignatures');
  }

  prepareOutput(): string {
    throw operationUnsupported(builder, 'prepareOutput');
  }

  commitOutputs(): Promise<ValidPathInfo[]> {
    throw operationUnsupported(builder, 'commitOutputs');
  }

  commitSoon(): Promise<SoonDurable> {
    throw operationUnsupported(builder, 'commitSoon');
  }

  lockPaths(): Promise<PathLock> {
    throw operationUnsupported(builder, 'lockPaths');
  }

  close(): void {}

  #checkSeen(references: readonly StorePath[]): void {
    const unseen = references.find((path) => !this.isValidPath(path));
    if (unseen !== undefined) throw referenceNotSeen(unseen);
  }

  #take(path: StorePath): StorePath {
    this.admit(path);
    return path;
  }
}

/** How the store is named in messages. */
const builder = 'the store of a builder';
