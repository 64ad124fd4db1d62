/**
 * A store in memory: for tests, and for work whose results nobody keeps.
 *
 * Each path is its NAR and what is known of it. Files are there for those who ask where a path
 * stands: it is unpacked then, into a folder that the store's owner gives, and goes with that.
 * Nothing is shared between processes, so locks are among the users of one object.
 */

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { concatBytes, encodeHex, Hasher, reachable, type Hash, type HashAlgorithm } from '#base';
import {
  baseNameOf, checkStorePathName, defaultStoreDirectory, derivationPath, derivationReferences, hashPartOf,
  isDerivationPath, makeContentAddressedPath, makeTextPath, nameOf, NarReader, NarWriter, printDerivation,
  splitStorePath, type Derivation, type IngestionMethod, type PathInfo, type StorePath,
} from '#formats';
import { knownOutputs, readDerivationAt } from './derivation-file.ts';
import { fileChanged, outputMissing, pathNotValid, referenceNotValid } from './errors.ts';
import { bytePath, canonicaliseTree, deleteTree, dumpTree, narPieces, TreeRestorer } from './file-tree.ts';
import { makeDirectory } from './make-directory.ts';
import { PathTurns } from './path-turns.ts';
import { receiveNar } from './receive-nar.ts';
import type {
  AddTreeOptions, CommitOptions, FinishedOutput, PathLock, Realisation, SoonDurable, Store, ValidPathInfo,
} from './store.ts';
import { hashTreeNow, scanTree } from './tree-hash.ts';

interface Kept {
  readonly info: ValidPathInfo;
  readonly nar: Uint8Array;
}

export class MemoryStore implements Store {
  readonly storeDirectory: string;
  readonly #folder: string;
  readonly #paths = new Map<StorePath, Kept>();
  readonly #realisations = new Map<string, Realisation>();
  readonly #turns = new PathTurns();

  /** `folder` is for files that somebody asks for; its owner removes it. */
  constructor(folder: string, storeDirectory = defaultStoreDirectory) {
    this.storeDirectory = storeDirectory;
    this.#folder = folder;
    makeDirectory(folder);
  }

  physicalPath(path: string): string {
    const split = splitStorePath(path, this.storeDirectory);
    if (split === undefined) return this.#folder;
    const place = join(this.#folder, baseNameOf(split.storePath));
    const kept = this.#paths.get(split.storePath);
    if (kept !== undefined && !existsSync(place)) unpack(kept.nar, place);
    return place + split.rest;
  }

  isValidPath(path: StorePath): boolean {
    return this.#paths.has(path);
  }

  queryPathInfo(path: StorePath): ValidPathInfo | undefined {
    return this.#paths.get(path)?.info;
  }

  queryReferrers(path: StorePath): StorePath[] {
    return this.allValidPaths().filter((one) => this.#infoOf(one).references.includes(path));
  }

  queryDerivers(path: StorePath): StorePath[] {
    return this.allValidPaths().filter((one) => isDerivationPath(one)
      && [...this.queryDerivationOutputs(one).values()].includes(path));
  }

  queryDerivationOutputs(drvPath: StorePath): Map<string, StorePath> {
    if (!this.isValidPath(drvPath) || !isDerivationPath(drvPath)) return new Map();
    const derivation = this.readDerivation(drvPath);
    const outputs = knownOutputs(derivation);
    for (const name of derivation.outputs.keys()) {
      const realisation = this.queryRealisation(drvPath, name);
      if (!outputs.has(name) && realisation !== undefined) outputs.set(name, realisation.path);
    }
    return outputs;
  }

  queryRealisation(drvPath: StorePath, output: string): Realisation | undefined {
    return this.#realisations.get(`${drvPath}!${output}`);
  }

  registerRealisations(realisations: readonly Realisation[]): void {
    for (const one of realisations) {
      const key = `${one.drvPath}!${one.output}`;
      const known = this.#realisations.get(key);
      const signatures = [...new Set([...known?.signatures ?? [], ...one.signatures])].sort();
      this.#realisations.set(key, { ...known ?? one, signatures });
    }
  }

  queryPathFromHashPart(hashPart: string): StorePath | undefined {
    return this.allValidPaths().find((path) => hashPartOf(path) === hashPart);
  }

  allValidPaths(): StorePath[] {
    return [...this.#paths.keys()].sort();
  }

  closureOf(paths: Iterable<StorePath>): StorePath[] {
    return [...reachable(paths, (path) => this.#infoOf(path).references)].sort();
  }

  readDerivation(drvPath: StorePath): Derivation {
    if (!this.isValidPath(drvPath)) throw pathNotValid(drvPath);
    return readDerivationAt(bytePath(this.physicalPath(drvPath)), drvPath, this.storeDirectory);
  }

  addDerivation(derivation: Derivation): StorePath {
    const text = printDerivation(derivation);
    const path = derivationPath(derivation, text, this.storeDirectory);
    return this.#putText(path, text, derivationReferences(derivation));
  }

  addTextToStore(name: string, text: string, references: readonly StorePath[]): StorePath {
    checkStorePathName(name);
    return this.#putText(makeTextPath(name, text, references, this.storeDirectory), text, references);
  }

  addTree(name: string, physical: string, options: AddTreeOptions): StorePath {
    checkStorePathName(name);
    const { method, algorithm, references = [], filter } = options;
    const hash = hashTreeNow(bytePath(physical), method, algorithm, filter);
    const contentAddress = { method, hash };
    const path = makeContentAddressedPath(name, contentAddress, { others: references, self: false }, this.storeDirectory);
    if (options.expected !== undefined && options.expected !== path) throw fileChanged(physical);
    const nar = collectNar((writer) => dumpTree(bytePath(physical), writer, filter));
    this.#put({ ...measured(path, nar), references, signatures: [], contentAddress }, nar);
    return path;
  }

  async addNar(info: PathInfo, nar: AsyncIterable<Uint8Array>): Promise<void> {
    const pieces: Uint8Array[] = [];
    for await (const piece of nar) pieces.push(piece.slice());
    if (this.isValidPath(info.path)) return;
    const place = bytePath(this.prepareOutput(info.path));
    try {
      const narSizeBytes = await receiveNar(info, inTurn(pieces), place);
      this.#put({ ...info, narSizeBytes }, concatBytes(pieces));
    } finally {
      deleteTree(place);
    }
  }

  async *narOf(path: StorePath): AsyncIterable<Uint8Array> {
    const kept = this.#paths.get(path);
    if (kept === undefined) throw pathNotValid(path);
    yield kept.nar;
  }

  prepareOutput(path: StorePath): string {
    return join(this.#folder, `${encodeHex(randomBytes(16))}-${nameOf(path)}`);
  }

  async commitOutputs(outputs: readonly FinishedOutput[], options: CommitOptions): Promise<ValidPathInfo[]> {
    return [...(await this.commitSoon(outputs, options)).infos];
  }

  async commitSoon(outputs: readonly FinishedOutput[], options: CommitOptions): Promise<SoonDurable> {
    const fresh = outputs.filter((output) => !this.isValidPath(output.path));
    const candidates = [...new Set([...options.candidates, ...outputs.map((output) => output.path)])];
    const kept: Kept[] = [];
    for (const output of fresh) kept.push(await takeOutput(output, candidates, options));
    options.check?.(kept.map(({ info }) => info));
    for (const { info, nar } of kept) this.#paths.set(info.path, { info, nar });
    for (const { physical } of outputs) deleteTree(bytePath(physical));
    return { infos: outputs.map(({ path }) => this.#infoOf(path)), durable: Promise.resolve() };
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  registerValidPaths(infos: readonly (PathInfo & Partial<ValidPathInfo>)[]): void {
    for (const info of infos) {
      const place = bytePath(join(this.#folder, baseNameOf(info.path)));
      this.#paths.set(info.path, { info: filled(info), nar: collectNar((writer) => dumpTree(place, writer)) });
    }
  }

  addSignatures(path: StorePath, signatures: readonly string[]): void {
    const kept = this.#paths.get(path);
    if (kept === undefined) throw pathNotValid(path);
    const all = [...new Set([...kept.info.signatures, ...signatures])].sort();
    this.#paths.set(path, { ...kept, info: { ...kept.info, signatures: all } });
  }

  async hashTree(physical: string, method: IngestionMethod, algorithm: HashAlgorithm): Promise<Hash> {
    return hashTreeNow(bytePath(physical), method, algorithm);
  }

  addTemporaryRoot(): void {
    // Nothing collects garbage here.
  }

  lockPaths(paths: readonly StorePath[], signal?: AbortSignal): Promise<PathLock> {
    return this.#turns.take(paths, signal);
  }

  close(): void {}

  #infoOf(path: StorePath): ValidPathInfo {
    const kept = this.#paths.get(path);
    if (kept === undefined) throw pathNotValid(path);
    return kept.info;
  }

  #putText(path: StorePath, text: string, references: readonly StorePath[]): StorePath {
    const bytes = Buffer.from(text, 'latin1');
    const nar = collectNar((writer) => writer.file(bytes, false));
    const hash = new Hasher('sha256').update(bytes).digest();
    this.#put({ ...measured(path, nar), references: [...references].sort(), signatures: [], contentAddress: { method: 'text', hash } }, nar);
    return path;
  }

  #put(info: PathInfo, nar: Uint8Array): void {
    if (this.isValidPath(info.path)) return;
    for (const reference of info.references) {
      if (reference !== info.path && !this.isValidPath(reference)) throw referenceNotValid(info.path, reference);
    }
    this.#paths.set(info.path, { info: filled(info), nar });
  }
}

async function takeOutput(
  output: FinishedOutput, candidates: readonly StorePath[], options: CommitOptions,
): Promise<Kept> {
  const place = bytePath(output.physical);
  if (!existsSync(output.physical)) throw outputMissing(output.path);
  canonicaliseTree(place);
  const measure = await scanTree(place, output.withoutReferences === true ? [] : candidates);
  return {
    nar: concatBytes([...narPieces(place)].map((piece) => piece.slice())),
    info: filled({
      path: output.path, ...measure, signatures: [], ultimate: true,
      ...(options.deriver === undefined ? {} : { deriver: options.deriver }),
      ...(output.contentAddress === undefined ? {} : { contentAddress: output.contentAddress }),
    }),
  };
}

function filled(info: PathInfo & Partial<ValidPathInfo>): ValidPathInfo {
  return { registrationTime: Math.floor(Date.now() / 1000), ultimate: false, ...info };
}

function measured(path: StorePath, nar: Uint8Array): Pick<PathInfo, 'path' | 'narHash' | 'narSizeBytes'> {
  return { path, narHash: new Hasher('sha256').update(nar).digest(), narSizeBytes: nar.length };
}

function collectNar(write: (writer: NarWriter) => void): Uint8Array {
  const pieces: Uint8Array[] = [];
  const writer = new NarWriter((bytes) => { pieces.push(bytes.slice()); });
  write(writer);
  writer.finish();
  return concatBytes(pieces);
}

function unpack(nar: Uint8Array, place: string): void {
  const restorer = new TreeRestorer(bytePath(place));
  const reader = new NarReader(restorer);
  try {
    reader.write(nar);
    reader.end();
  } catch (error) {
    restorer.abandon();
    deleteTree(bytePath(place));
    throw error;
  }
}

async function* inTurn(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, void> {
  yield* pieces;
}
