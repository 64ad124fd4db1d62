/**
 * `PeerStore`: a store at the other end of a connection, or a binary cache, as a `Store`.
 *
 * Questions wait for their answers (`BlockingPeer`); archives come and go over a connection of their
 * own. What is valid stays known, since it cannot change. Files are fetched when somebody asks where
 * they stand, into a folder that goes with this object, unless the store's own files can be read on
 * this machine. Outputs are put together in that folder and go over when they are complete.
 *
 * Nobody else can be kept from making the same path: locks are among the users of this object, and
 * the other end sees to it that a path comes into being once.
 */

import { closeSync, existsSync, mkdtempSync, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { encodeHex, noProgress, reachable, type Hash, type HashAlgorithm, type Progress } from '#base';
import {
  baseNameOf, checkStorePathName, derivationPath, derivationReferences, isDerivationPath, makeContentAddressedPath, makeTextPath, nameOf, printDerivation, splitStorePath, type Derivation,
  type IngestionMethod, type PathInfo, type StorePath,
} from '#formats';
import { knownOutputs, readDerivationAt } from '../derivation-file.ts';
import { fileChanged, pathNotValid, referenceNotValid } from '../errors.ts';
import { bytePath, deleteTree, narPieces, writeAll } from '../file-tree.ts';
import { measureOutput } from '../measure-output.ts';
import { PathTurns } from '../path-turns.ts';
import { receiveNar } from '../receive-nar.ts';
import type { RootKeeper } from '../roots.ts';
import { stageText, stageTree, type PreparedText, type PreparedTree } from '../staging.ts';
import type {
  AddTreeOptions, CommitOptions, FinishedOutput, PathLock, Realisation, SoonDurable, Store, ValidPathInfo,
} from '../store.ts';
import { hashTreeNow } from '../tree-hash.ts';
import { BlockingPeer } from './blocking-peer.ts';
import { referencesFirst } from './copy-paths.ts';
import { operationUnsupported } from './errors.ts';
import { openPeer, type PeerExtras, type PeerRequest } from './open-peer.ts';
import type { AblePeer } from './peer.ts';
import type { FiledPath } from './peer-questions.ts';

export interface PeerStoreOptions extends PeerExtras {
  /** The folder that the store's `/nix` stands in, where that is on this machine. */
  readonly root?: string | undefined;
}

export class PeerStore implements Store, RootKeeper {
  readonly name: string;
  readonly storeDirectory: string;
  readonly #request: PeerRequest;
  readonly #options: PeerStoreOptions;
  readonly #asked: BlockingPeer;
  readonly #infos = new Map<StorePath, ValidPathInfo>();
  readonly #derivations = new Map<StorePath, Derivation>();
  readonly #turns = new PathTurns();
  #peer: AblePeer | undefined;
  #folder: string | undefined;

  /** Nothing is asked yet. */
  constructor(request: PeerRequest, options: PeerStoreOptions = {}) {
    this.#request = request;
    this.#options = options;
    this.#asked = new BlockingPeer(request);
    this.name = request.name.replace(/\?.*/, '');
    this.storeDirectory = request.storeDirectory;
  }

  /** The folder that the store's `/nix` stands in, where that is on this machine. */
  get root(): string | undefined {
    return this.#options.root;
  }

  /** Where the files stand, or are put when somebody asks for them. */
  get physicalStoreDirectory(): string {
    return this.root === undefined ? this.#files() : join(this.root, this.storeDirectory);
  }

  /** The same store for those who can wait. */
  get peer(): AblePeer {
    return this.#peer ??= openPeer(this.#request, this.#options);
  }

  physicalPath(path: string): string {
    if (this.#options.root !== undefined) return join(this.#options.root, path);
    const split = splitStorePath(path, this.storeDirectory);
    if (split === undefined) return this.#files();
    const place = join(this.#files(), baseNameOf(split.storePath));
    if (!existsSync(place) && this.isValidPath(split.storePath)) this.#asked.ask('unpack', split.storePath, place);
    return place + split.rest;
  }

  isValidPath(path: StorePath): boolean {
    return this.queryPathInfo(path) !== undefined;
  }

  queryPathInfo(path: StorePath): ValidPathInfo | undefined {
    this.#learn([path]);
    return this.#infos.get(path);
  }

  queryReferrers(path: StorePath): StorePath[] {
    return this.#unless(() => this.#asked.ask('referrers', path), () =>
      this.allValidPaths().filter((one) => this.queryPathInfo(one)?.references.includes(path)));
  }

  queryDerivers(path: StorePath): StorePath[] {
    return this.#unless(() => this.#asked.ask('derivers', path), () => this.allValidPaths()
      .filter((one) => isDerivationPath(one) && [...this.queryDerivationOutputs(one).values()].includes(path)));
  }

  queryDerivationOutputs(drvPath: StorePath): Map<string, StorePath> {
    if (!isDerivationPath(drvPath) || !this.isValidPath(drvPath)) return new Map();
    const told = this.#asked.ask('outputs', drvPath);
    const known = told === undefined ? knownOutputs(this.readDerivation(drvPath))
      : new Map([...told].filter((one): one is [string, StorePath] => one[1] !== undefined));
    if (told !== undefined) return known;
    for (const name of this.readDerivation(drvPath).outputs.keys()) {
      const realisation = known.has(name) ? undefined : this.queryRealisation(drvPath, name);
      if (realisation !== undefined) known.set(name, realisation.path);
    }
    return known;
  }

  queryRealisation(drvPath: StorePath, output: string): Realisation | undefined {
    return this.#asked.ask('realisation', drvPath, output);
  }

  registerRealisations(realisations: readonly Realisation[]): void {
    if (realisations.length > 0) this.#asked.ask('registerRealisations', realisations);
  }

  queryPathFromHashPart(hashPart: string): StorePath | undefined {
    return this.#asked.ask('pathFromHashPart', hashPart);
  }

  allValidPaths(): StorePath[] {
    return this.#asked.ask('allValidPaths').sort();
  }

  closureOf(paths: Iterable<StorePath>): StorePath[] {
    // Level by level: a store far away is asked few times.
    const roots = [...paths];
    let level = roots;
    for (const seen = new Set(level); level.length > 0;) {
      this.#learn(level);
      level = level.flatMap((path) => this.#infoOf(path).references).filter((path) => !seen.has(path) && seen.add(path));
    }
    return [...reachable(roots, (path) => this.#infoOf(path).references)].sort();
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
    this.addAll([], [{ path, text, references: derivationReferences(derivation) }]);
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
    const path = makeContentAddressedPath(
      name, { method, hash: hashTreeNow(bytePath(physical), method, algorithm, options.filter) },
      { others: references, self: false }, this.storeDirectory);
    if (options.expected !== undefined && options.expected !== path) throw fileChanged(physical);
    this.addAll([{ path, name, physical, options }], []);
    return path;
  }

  /** Adds many trees and texts at once, in one go over the connection. */
  addAll(trees: readonly PreparedTree[], texts: readonly PreparedText[]): void {
    this.#learn([...trees, ...texts].map(({ path }) => path));
    const fresh = (path: StorePath): boolean => !this.#infos.has(path);
    const places: string[] = [];
    const staged = (path: StorePath, write: (place: string) => PathInfo): { info: ValidPathInfo; place: string } => {
      const place = bytePath(this.prepareOutput(path));
      places.push(place);
      return { info: filled(write(place)), place };
    };
    try {
      this.#send([
        ...trees.filter(({ path }) => fresh(path)).map((tree) => staged(tree.path, (place) =>
          stageTree(tree, place, this.storeDirectory))),
        ...texts.filter(({ path }) => fresh(path)).map((text) => staged(text.path, (place) => stageText(text, place))),
      ]);
    } finally {
      for (const place of places) deleteTree(place);
    }
  }

  async addNar(info: PathInfo, nar: AsyncIterable<Uint8Array>, progress: Progress = noProgress): Promise<void> {
    if (this.isValidPath(info.path)) {
      for await (const _ of nar);
      return;
    }
    const place = bytePath(this.prepareOutput(info.path));
    try {
      const complete = filled({ ...info, narSizeBytes: await receiveNar(info, nar, place) });
      this.#checkReferences([complete]);
      await this.#sendSoon([{ info: complete, place }], progress);
    } finally {
      deleteTree(place);
    }
  }

  async *narOf(path: StorePath): AsyncIterable<Uint8Array> {
    yield* this.peer.narOf(path);
  }

  prepareOutput(path: StorePath): string {
    return join(this.#files(), `${encodeHex(randomBytes(16))}-${nameOf(path)}`);
  }

  async commitOutputs(outputs: readonly FinishedOutput[], options: CommitOptions): Promise<ValidPathInfo[]> {
    return [...(await this.commitSoon(outputs, options)).infos];
  }

  async commitSoon(outputs: readonly FinishedOutput[], options: CommitOptions): Promise<SoonDurable> {
    const fresh = outputs.filter((output) => !this.isValidPath(output.path));
    const candidates = [...new Set([...options.candidates, ...outputs.map((output) => output.path)])];
    const made: { info: ValidPathInfo; place: string }[] = [];
    for (const output of fresh) {
      const info = await measureOutput(output, candidates, options);
      const signatures = options.sign?.(info) ?? info.signatures;
      made.push({ info: { ...info, signatures }, place: bytePath(output.physical) });
    }
    options.check?.(made.map(({ info }) => info));
    await this.#sendSoon(made, options.progress ?? noProgress);
    for (const { physical } of outputs) deleteTree(bytePath(physical));
    return { infos: outputs.map(({ path }) => this.#infoOf(path)), durable: Promise.resolve() };
  }

  async flush(): Promise<void> {
    // What has gone over is the other end's to keep.
  }

  registerValidPaths(): void {
    throw operationUnsupported(this.name, 'registerValidPaths');
  }

  addSignatures(path: StorePath, signatures: readonly string[]): void {
    const info = this.#infoOf(path);
    this.#asked.ask('addSignatures', path, signatures);
    this.#infos.set(path, { ...info, signatures: [...new Set([...info.signatures, ...signatures])].sort() });
  }

  async hashTree(physical: string, method: IngestionMethod, algorithm: HashAlgorithm): Promise<Hash> {
    return hashTreeNow(bytePath(physical), method, algorithm);
  }

  addTemporaryRoot(path: StorePath): void {
    this.#asked.ask('addTemporaryRoot', path);
  }

  /** Throws UNSUPPORTED_BY_STORE where the store keeps no roots. */
  keepLink(link: string): void {
    this.#asked.ask('addIndirectRoot', link);
  }

  lockPaths(paths: readonly StorePath[], signal?: AbortSignal): Promise<PathLock> {
    return this.#turns.take(paths, signal);
  }

  close(): void {
    void this.#asked.close();
    void this.#peer?.close();
    if (this.#folder !== undefined) deleteTree(bytePath(this.#folder));
    this.#folder = undefined;
  }

  #files(): string {
    return this.#folder ??= mkdtempSync(join(tmpdir(), 'firn-store-'));
  }

  /** Asks for what is not known of the paths. */
  #learn(paths: readonly StorePath[]): void {
    const unknown = [...new Set(paths)].filter((path) => !this.#infos.has(path));
    if (unknown.length === 0) return;
    for (const info of this.#asked.ask('infos', unknown).values()) this.#infos.set(info.path, info);
  }

  #infoOf(path: StorePath): ValidPathInfo {
    const info = this.queryPathInfo(path);
    if (info === undefined) throw pathNotValid(path);
    return info;
  }

  #unless<T>(ask: () => T, otherwise: () => T): T {
    try {
      return ask();
    } catch (error) {
      if ((error as { code?: string }).code !== 'UNSUPPORTED_BY_STORE') throw error;
      return otherwise();
    }
  }

  #checkReferences(infos: readonly PathInfo[]): void {
    const own = new Set(infos.map(({ path }) => path));
    this.#learn(infos.flatMap(({ references }) => references).filter((path) => !own.has(path)));
    for (const { path, references } of infos) {
      for (const one of references) if (!own.has(one) && !this.#infos.has(one)) throw referenceNotValid(path, one);
    }
  }

  /** Sends what stands at the places, waiting; all archives lie in one file meanwhile. */
  #send(paths: readonly { readonly info: ValidPathInfo; readonly place: string }[]): void {
    if (paths.length === 0) return;
    this.#checkReferences(paths.map(({ info }) => info));
    const file = join(this.#files(), `${encodeHex(randomBytes(16))}.nars`);
    const descriptor = openSync(file, 'wx');
    try {
      const places = new Map(paths.map(({ info, place }) => [info.path, place]));
      let offset = 0;
      const filed = referencesFirst(paths.map(({ info }) => info)).map((info): FiledPath => {
        const begin = offset;
        for (const piece of narPieces(places.get(info.path) as string)) {
          writeAll(descriptor, piece);
          offset += piece.length;
        }
        return { info, file, offset: begin };
      });
      this.#asked.ask('addFiled', filed);
      for (const { info } of paths) this.#infos.set(info.path, info);
    } finally {
      closeSync(descriptor);
      deleteTree(bytePath(file));
    }
  }

  async #sendSoon(paths: readonly { readonly info: ValidPathInfo; readonly place: string }[], progress: Progress): Promise<void> {
    const places = new Map(paths.map(({ info, place }) => [info.path, place]));
    const offered = referencesFirst(paths.map(({ info }) => info)).map((info) => ({
      info, nar: () => soon(narPieces(places.get(info.path) as string)),
    }));
    if (offered.length === 0) return;
    await this.peer.addPaths(offered, { withoutSignatures: true, progress });
    for (const { info } of paths) this.#infos.set(info.path, info);
  }
}

async function* soon(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  yield* pieces;
}

function filled(info: PathInfo & Partial<ValidPathInfo>): ValidPathInfo {
  return { registrationTime: Math.floor(Date.now() / 1000), ultimate: false, ...info };
}
