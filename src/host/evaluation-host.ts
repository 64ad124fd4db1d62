/**
 * The evaluator's door to the world: files, the store, derivations.
 *
 * Everything is synchronous; what must wait goes through `BlockingServices`, which a thread
 * implements by blocking until another has done it. A logical store path is read where the store
 * keeps it; one that the store does not have is read at its own name, so that a configuration may
 * stand in a store that is not ours. The store is opened only when something needs it: an
 * expression without files starts without.
 */

import { lstatSync, readdirSync, readFileSync, statSync, type Stats } from 'node:fs';
import { decodeUtf8, encodeHex, formatHash, type Progress } from '#base';
import {
  checkStorePathName, isBelowStore, makeTextPath, parseDerivation, splitStorePath, makeContentAddressedPath,
  derivationExtension, nameOf, type Derivation, type StorePath,
} from '#formats';
import { knownOutputs, readLinkBytes, systemPath, bytePath, type LocalStore } from '#store';
import type {
  AddPathOptions, DerivationRequest, FetchAttribute, FetchResult, FileStatus, FileType, Host,
  InstantiatedDerivation,
} from '#eval';
import { DerivationMaker, outputPlaces } from './derivation-maker.ts';
import { contentMismatch, fileTooLarge, readFailed } from './errors.ts';
import { PendingWrites } from './pending-writes.ts';
import { sourcePath, type HashCache } from './source-paths.ts';

/** What an evaluation cannot do by itself. Each call blocks until it is done. */
export interface BlockingServices {
  /** Builds or substitutes what context elements stand for; returns values of placeholders. */
  realise(elements: readonly string[]): ReadonlyMap<string, string>;
  fetch(kind: string, attributes: ReadonlyMap<string, FetchAttribute>): FetchResult;
  resolveSearchPathEntry(entry: string): string | null;
}

export interface EvaluationHostOptions {
  readonly storeDirectory: string;
  /** Opens the store at the first need. */
  readonly openStore: () => LocalStore;
  readonly services: BlockingServices;
  readonly progress: Progress;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Seconds since 1970. */
  readonly currentTime: number;
  readonly hashCache?: HashCache;
}

export class EvaluationHost implements Host {
  readonly storeDirectory: string;
  readonly progress: Progress;
  readonly #options: EvaluationHostOptions;
  readonly #pending = new PendingWrites();
  readonly #derivations = new Map<StorePath, Derivation>();
  readonly #maker: DerivationMaker;
  #store: LocalStore | undefined;

  constructor(options: EvaluationHostOptions) {
    this.#options = options;
    this.storeDirectory = options.storeDirectory;
    this.progress = options.progress;
    this.#maker = new DerivationMaker({
      readDerivation: (path) => this.#readDerivation(path),
      referencesOf: (path) => this.storePathReferences(path) as StorePath[],
    }, options.storeDirectory, (text) => options.progress.message('warning', text));
  }

  readFile(path: string): string {
    const pending = this.#pendingText(path);
    if (pending !== undefined) return pending;
    const place = this.#place(path);
    try {
      return readFileSync(systemPath(place), 'latin1');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_STRING_TOO_LONG') {
        throw fileTooLarge(decodeUtf8(path), statSync(systemPath(place)).size);
      }
      throw readFailed(decodeUtf8(path), error);
    }
  }

  lstat(path: string): FileStatus | null {
    const pending = this.#pendingText(path);
    if (pending !== undefined) return { type: 'regular', sizeBytes: pending.length, executable: false };
    try {
      const status = lstatSync(systemPath(this.#place(path)), { throwIfNoEntry: false });
      return status === undefined ? null : describe(status);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOTDIR' || code === 'ENOENT') return null;
      throw readFailed(decodeUtf8(path), error);
    }
  }

  readDirectory(path: string): ReadonlyMap<string, FileType> {
    try {
      const entries = readdirSync(systemPath(this.#place(path)), { withFileTypes: true, encoding: 'latin1' });
      return new Map(entries.map((entry) => [entry.name, describe(entry).type]));
    } catch (error) {
      throw readFailed(decodeUtf8(path), error);
    }
  }

  readLink(path: string): string {
    return readLinkBytes(this.#place(path));
  }

  addPathToStore(name: string, path: string, options: AddPathOptions): string {
    checkStorePathName(name);
    const method = options.recursive ? 'recursive' : 'flat';
    const { expectedSha256 } = options;
    if (expectedSha256 !== undefined) {
      const wanted = { algorithm: 'sha256', bytes: Uint8Array.from(Buffer.from(expectedSha256, 'hex')) } as const;
      const references = { others: (options.references ?? []) as readonly StorePath[], self: false };
      const known = makeContentAddressedPath(name, { method, hash: wanted }, references, this.storeDirectory);
      if (this.isValidPath(known)) return known;
    }
    if (splitStorePath(path, this.storeDirectory) !== undefined) this.flush();
    const filter = options.filter;
    const source = sourcePath({
      name, method, physical: decodeUtf8(this.#place(path)),
      ...(options.references === undefined ? {} : { references: options.references as readonly StorePath[] }),
      ...(filter === undefined ? {} : { filter: (inner: string, type: FileType) => filter(path + inner, type) }),
    }, this.storeDirectory, this.#options.hashCache);
    if (expectedSha256 !== undefined && encodeHex(source.hash.bytes) !== expectedSha256.toLowerCase()) {
      const wanted = { algorithm: 'sha256', bytes: Uint8Array.from(Buffer.from(expectedSha256, 'hex')) } as const;
      throw contentMismatch(decodeUtf8(path), formatHash(wanted, 'sri'), formatHash(source.hash, 'sri'));
    }
    if (options.dryRun !== true) this.#pending.addTree(source);
    return source.path;
  }

  addTextToStore(name: string, text: string, references: readonly string[]): string {
    checkStorePathName(name);
    const path = makeTextPath(name, text, references as readonly StorePath[], this.storeDirectory);
    this.#pending.addText({ path, text, references: references as readonly StorePath[] });
    return path;
  }

  instantiate(request: DerivationRequest): InstantiatedDerivation {
    const made = this.#maker.make(request);
    if (!this.#derivations.has(made.drvPath)) {
      this.#derivations.set(made.drvPath, made.derivation);
      this.#pending.addText({
        path: made.drvPath, text: made.text, references: made.references, outputs: knownOutputs(made.derivation),
      });
    }
    return made;
  }

  realise(elements: readonly string[]): ReadonlyMap<string, string> {
    if (elements.every((element) => this.#isThere(element))) return new Map();
    this.flush();
    return this.#options.services.realise(elements);
  }

  isValidPath(storePath: string): boolean {
    return this.#pending.has(storePath as StorePath) || this.#openStore().isValidPath(storePath as StorePath);
  }

  storePathReferences(storePath: string): readonly string[] {
    return this.#pending.references(storePath as StorePath)
      ?? this.#openStore().queryPathInfo(storePath as StorePath)?.references ?? [];
  }

  readDerivation(drvPath: string): { readonly name: string } & InstantiatedDerivation {
    const path = drvPath as StorePath;
    const { name, outputs } = this.#readDerivation(path);
    return { name, drvPath, outputs: outputPlaces(path, outputs) };
  }

  fetch(kind: string, attributes: ReadonlyMap<string, FetchAttribute>): FetchResult {
    return this.#options.services.fetch(kind, attributes);
  }

  environmentVariable(name: string): string | undefined {
    const value = this.#options.environment[name];
    return value === undefined ? undefined : bytePath(value);
  }

  currentTime(): number {
    return this.#options.currentTime;
  }

  resolveSearchPathEntry(entry: string): string | null {
    return this.#options.services.resolveSearchPathEntry(entry);
  }

  /** Writes what was added so far. */
  flush(): void {
    if (!this.#pending.isEmpty) this.#pending.flush(this.#openStore());
  }

  close(): void {
    this.#store?.close();
    this.#store = undefined;
  }

  /** Whether a context element's files can be read without building anything. */
  #isThere(element: string): boolean {
    if (element.startsWith('=')) return this.#openStore().isValidPath(element.slice(1) as StorePath);
    if (!element.startsWith('!')) return this.#pending.text(element as StorePath) !== undefined
      || (!this.#pending.has(element as StorePath) && this.#openStore().isValidPath(element as StorePath));
    const end = element.indexOf('!', 1);
    const output = this.#readDerivation(element.slice(end + 1) as StorePath).outputs.get(element.slice(1, end));
    return (output?.kind === 'input-addressed' || output?.kind === 'fixed')
      && this.#openStore().isValidPath(output.path);
  }

  #readDerivation(drvPath: StorePath): Derivation {
    let derivation = this.#derivations.get(drvPath);
    if (derivation === undefined) {
      const text = this.#pending.text(drvPath);
      derivation = text === undefined ? this.#openStore().readDerivation(drvPath)
        : parseDerivation(text, nameOf(drvPath).slice(0, -derivationExtension.length), this.storeDirectory);
      this.#derivations.set(drvPath, derivation);
    }
    return derivation;
  }

  /** The text at this path, if it was added and not written yet. */
  #pendingText(path: string): string | undefined {
    return path.startsWith(this.storeDirectory) ? this.#pending.text(path as StorePath) : undefined;
  }

  /** Where a path stands on disk, as a byte string. */
  #place(path: string): string {
    if (!isBelowStore(path, this.storeDirectory)) return path;
    const found = splitStorePath(path, this.storeDirectory);
    if (found !== undefined && this.#pending.has(found.storePath)) this.flush();
    const physical = bytePath(this.#openStore().physicalPath(decodeUtf8(path)));
    if (physical === path) return path;
    const inOurs = found !== undefined && this.#openStore().isValidPath(found.storePath);
    return inOurs || lstatSync(systemPath(path), { throwIfNoEntry: false }) === undefined ? physical : path;
  }

  #openStore(): LocalStore {
    return this.#store ??= this.#options.openStore();
  }
}

function describe(entry: Pick<Stats, 'isFile' | 'isDirectory' | 'isSymbolicLink'> & Partial<Stats>): FileStatus {
  if (entry.isDirectory()) return { type: 'directory' };
  if (entry.isSymbolicLink()) return { type: 'symlink' };
  if (!entry.isFile()) return { type: 'unknown' };
  return { type: 'regular', sizeBytes: entry.size ?? 0, executable: ((entry.mode ?? 0) & 0o100) !== 0 };
}
