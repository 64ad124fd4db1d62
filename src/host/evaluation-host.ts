/**
 * The evaluator's door to the world: files, the store, derivations.
 *
 * Everything is synchronous; what must wait goes through `BlockingServices`, which a thread
 * implements by blocking until another has done it. The store is opened only when something needs
 * it: an expression without files starts without. Whatever is seen of the world is told to a trace,
 * if there is one, so that the result can be kept for as long as all of it stays the same.
 */

import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { decodeUtf8, encodeHex, formatHash, sha256Hex, UserError, type Progress } from '#base';
import {
  checkStorePathName, isBelowStore, makeTextPath, parseDerivation, splitStorePath, makeContentAddressedPath,
  derivationExtension, nameOf, type Derivation, type StorePath,
} from '#formats';
import { knownOutputs, readLinkBytes, systemPath, bytePath, type LocalStore } from '#store';
import type {
  AddPathOptions, DerivationRequest, FetchAttribute, FetchResult, FileIdentity, FileStatus, FileType, Host,
  IdentifiedText, InstantiatedDerivation,
} from '#eval';
import { Unkept } from '#runtime';
import { DerivationMaker, outputPlaces } from './derivation-maker.ts';
import { readEarlier, textsOfEarlier, type Earlier } from './images/earlier-derivations.ts';
import { contentMismatch, fileTooLarge, notRegularFile, pathNotValid, readFailed } from './errors.ts';
import { describeEntry, describePath } from './file-description.ts';
import { PendingWrites } from './pending-writes.ts';
import { settledState, targetStatusAt } from './results/file-state.ts';
import type { EvaluationTrace } from './results/trace.ts';
import { sourcePath, type HashCache } from './source-paths.ts';
import { placeInStore } from './store-place.ts';

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
  /** Is told what was seen of the world. */
  readonly trace?: EvaluationTrace | undefined;
  /** The image that the evaluation goes on from. */
  readonly image?: { text(name: string): string } | undefined;
}

/** `path` names it in errors. A pipe that nobody writes to would be waited for, a device read for ever. */
function readTextFile(place: ReturnType<typeof systemPath>, path: string): string {
  // Without the flag, opening such a pipe waits.
  const file = openSync(place, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const status = fstatSync(file);
    // Of a folder the reading itself tells.
    if (!status.isFile() && !status.isDirectory()) throw notRegularFile(decodeUtf8(path));
    return readFileSync(file, 'latin1');
  } finally {
    closeSync(file);
  }
}

/** A file's state if it tells all later changes. */
function stateNow(place: string): string | undefined {
  try {
    return settledState(targetStatusAt(place), place);
  } catch {
    return undefined;
  }
}

export class EvaluationHost implements Host {
  readonly storeDirectory: string;
  readonly progress: Progress;
  readonly #options: EvaluationHostOptions;
  readonly #pending = new PendingWrites();
  readonly #derivations = new Map<StorePath, Derivation>();
  readonly #maker: DerivationMaker;
  readonly #trace: EvaluationTrace | undefined;
  readonly #earlier: Earlier | undefined;
  #store: LocalStore | undefined;
  #mayBuild = true;

  constructor(options: EvaluationHostOptions) {
    this.#options = options;
    this.storeDirectory = options.storeDirectory;
    this.progress = options.progress;
    this.#trace = options.trace;
    this.#earlier = options.image === undefined ? undefined : readEarlier(options.image);
    this.#maker = new DerivationMaker({
      readDerivation: (path) => this.#readDerivation(path),
      referencesOf: (path) => this.storePathReferences(path) as StorePath[],
    }, options.storeDirectory, (text) => options.progress.message('warning', text), this.#earlier?.modulos);
  }

  /** What another evaluation has to know that goes on from this one. */
  imageTexts(): ReadonlyMap<string, string> {
    const added = [...this.#pending.all()].map(({ path }) => path);
    return textsOfEarlier({ modulos: this.#maker.modulos, added: new Set([...this.#earlier?.added ?? [], ...added]) });
  }

  readFile(path: string): string {
    const pending = this.#pendingText(path);
    if (pending !== undefined) return pending;
    const place = this.#place(path);
    const begun = this.#trace?.beginReading(place);
    const text = this.#readText(path, place);
    this.#trace?.file(place, begun, sha256Hex(text));
    this.#trace?.text(place);
    return text;
  }

  readIdentified(path: string, known: FileIdentity | undefined): IdentifiedText {
    const pending = this.#pendingText(path);
    if (pending !== undefined) return { text: pending };
    const place = this.#place(path);
    const state = this.#trace === undefined ? stateNow(place) : this.#trace.beginReading(place);
    const isKnown = known?.state !== undefined && known.state === state;
    const text = isKnown ? undefined : this.#readText(path, place);
    const hash = text === undefined ? known!.hash : sha256Hex(text);
    this.#trace?.file(place, state, hash);
    return { identity: { hash, state }, ...(text === undefined ? {} : { text }) };
  }

  #readText(path: string, place: string): string {
    try {
      return readTextFile(systemPath(place), path);
    } catch (error) {
      this.#trace?.giveUp();
      if (error instanceof UserError) throw error;
      if ((error as NodeJS.ErrnoException).code === 'ERR_STRING_TOO_LONG') {
        throw fileTooLarge(decodeUtf8(path), statSync(systemPath(place), { throwIfNoEntry: false })?.size);
      }
      throw readFailed(decodeUtf8(path), error);
    }
  }

  lstat(path: string): FileStatus | null {
    const pending = this.#pendingText(path);
    if (pending !== undefined) return { type: 'regular', sizeBytes: pending.length, executable: false };
    const place = this.#place(path);
    try {
      const status = describePath(systemPath(place));
      this.#trace?.status(place, status);
      return status;
    } catch (error) {
      this.#trace?.giveUp();
      throw readFailed(decodeUtf8(path), error);
    }
  }

  readDirectory(path: string): ReadonlyMap<string, FileType> {
    const place = this.#place(path);
    const begun = this.#trace?.beginReading(place);
    try {
      const entries = readdirSync(systemPath(place), { withFileTypes: true, encoding: 'latin1' });
      const types = new Map(entries.map((entry) => [entry.name, describeEntry(entry).type]));
      this.#trace?.folder(place, begun, types);
      return types;
    } catch (error) {
      this.#trace?.giveUp();
      throw readFailed(decodeUtf8(path), error);
    }
  }

  readLink(path: string): string {
    const place = this.#place(path);
    const target = this.#traced(() => readLinkBytes(place));
    this.#trace?.link(place, target);
    return target;
  }

  addPathToStore(name: string, path: string, options: AddPathOptions): string {
    checkStorePathName(name);
    const method = options.recursive ? 'recursive' : 'flat';
    const { expectedSha256 } = options;
    if (expectedSha256 !== undefined) {
      const wanted = { algorithm: 'sha256', bytes: Uint8Array.from(Buffer.from(expectedSha256, 'hex')) } as const;
      const references = { others: (options.references ?? []) as readonly StorePath[], self: false };
      const known = makeContentAddressedPath(name, { method, hash: wanted }, references, this.storeDirectory);
      // If it is not valid, what the tree is decides alone.
      if (this.#pending.has(known) || this.#openStore().isValidPath(known)) return this.#known(known);
    }
    if (splitStorePath(path, this.storeDirectory) !== undefined) this.flush();
    const filter = options.filter;
    const source = this.#traced(() => sourcePath({
      name, method, physical: decodeUtf8(this.#place(path)),
      ...(options.references === undefined ? {} : { references: options.references as readonly StorePath[] }),
      ...(filter === undefined ? {} : { filter: (inner: string, type: FileType) => filter(path + inner, type) }),
      ...(this.#trace === undefined ? {} : { trace: this.#trace }),
    }, this.storeDirectory, this.#options.hashCache));
    if (expectedSha256 !== undefined && encodeHex(source.hash.bytes) !== expectedSha256.toLowerCase()) {
      const wanted = { algorithm: 'sha256', bytes: Uint8Array.from(Buffer.from(expectedSha256, 'hex')) } as const;
      throw contentMismatch(decodeUtf8(path), formatHash(wanted, 'sri'), formatHash(source.hash, 'sri'));
    }
    if (options.dryRun !== true) this.#pending.addTree(source);
    return source.path;
  }

  /** A path that did not have to be looked at, since it was there already. */
  #known(path: StorePath): string {
    if (!this.#pending.has(path)) this.#trace?.validity(path, true);
    return path;
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

  /** Says that what is added will be written at the end, so that it can be written meanwhile. */
  expectFlush(): void {
    this.#pending.stageIn(() => this.#openStore());
  }

  /** From now on nothing is built: what is not there counts as invalid. */
  refuseBuilds(): void {
    this.#mayBuild = false;
  }

  realise(elements: readonly string[]): ReadonlyMap<string, string> {
    let placeholders: ReadonlyMap<string, string> = new Map();
    const missing = elements.find((element) => !this.#isThere(element));
    if (missing !== undefined) {
      if (!this.#mayBuild) throw pathNotValid(missing.replace(/^(?:=|![^!]*!)/, ''));
      this.flush();
      placeholders = this.#traced(() => this.#options.services.realise(elements));
    }
    if (this.#trace !== undefined) this.#traceRealised(this.#trace, elements, placeholders);
    return placeholders;
  }

  isValidPath(storePath: string): boolean {
    if (this.#pending.has(storePath as StorePath)) return true;
    this.#refuseEarlier(storePath);
    const isValid = this.#openStore().isValidPath(storePath as StorePath);
    this.#trace?.validity(storePath, isValid);
    return isValid;
  }

  storePathReferences(storePath: string): readonly string[] {
    const pending = this.#pending.references(storePath as StorePath);
    if (pending !== undefined) return pending;
    this.#refuseEarlier(storePath);
    const references = this.#openStore().queryPathInfo(storePath as StorePath)?.references ?? [];
    this.#trace?.references(storePath, references);
    return references;
  }

  readDerivation(drvPath: string): { readonly name: string } & InstantiatedDerivation {
    const path = drvPath as StorePath;
    const { name, outputs } = this.#readDerivation(path);
    return { name, drvPath, outputs: outputPlaces(path, outputs) };
  }

  fetch(kind: string, attributes: ReadonlyMap<string, FetchAttribute>): FetchResult {
    const result = this.#traced(() => this.#options.services.fetch(kind, attributes));
    this.#trace?.fetched(kind, attributes, result);
    return result;
  }

  environmentVariable(name: string): string | undefined {
    const given = this.#options.environment[name];
    const value = given === undefined ? undefined : bytePath(given);
    this.#trace?.variable(name, value);
    return value;
  }

  currentTime(): number {
    this.#trace?.giveUp();
    return this.#options.currentTime;
  }

  resolveSearchPathEntry(entry: string): string | null {
    const path = this.#traced(() => this.#options.services.resolveSearchPathEntry(entry));
    this.#trace?.searchPathEntry(entry, path);
    return path;
  }

  /** Writes what was added so far. */
  flush(): void {
    if (this.#pending.isEmpty) return;
    if (this.#trace !== undefined) {
      for (const { path, references } of this.#pending.all()) this.#trace.written(path, references);
    }
    this.#pending.flush(this.#openStore());
  }

  close(): void {
    this.#pending.abandon();
    this.#store?.close();
    this.#store = undefined;
  }

  /** Whether a context element's files can be read without building anything. */
  #isThere(element: string): boolean {
    this.#refuseEarlier(element.replace(/^=/, ''));
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
      if (text === undefined) this.#refuseEarlier(drvPath);
      // What a valid path contains never changes.
      if (text === undefined) this.#trace?.validity(drvPath, this.#openStore().isValidPath(drvPath));
      derivation = text === undefined ? this.#traced(() => this.#openStore().readDerivation(drvPath))
        : parseDerivation(text, nameOf(drvPath).slice(0, -derivationExtension.length), this.storeDirectory);
      this.#derivations.set(drvPath, derivation);
    }
    return derivation;
  }

  /**
   * What the evaluation that this one goes on from has added is as good as there, for that one at
   * least; where it was not written, what it is can be known by adding it again only.
   */
  #refuseEarlier(path: string): void {
    if (this.#earlier?.added.has(path) !== true || this.#pending.has(path as StorePath)) return;
    if (!this.#openStore().isValidPath(path as StorePath)) throw new Unkept('a path that was not written');
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
    else if (found !== undefined) this.#refuseEarlier(found.storePath);
    const place = this.#traced(() => placeInStore(this.#openStore(), path));
    this.#trace?.place(path, place);
    return place;
  }

  /** What fails may be caught by whoever asked, who then has seen something that is not noted. */
  #traced<Answer>(look: () => Answer): Answer {
    try {
      return look();
    } catch (error) {
      this.#trace?.giveUp();
      throw error;
    }
  }

  /** What must still be there for the files that were made readable to be so. */
  #traceRealised(
    trace: EvaluationTrace, elements: readonly string[], placeholders: ReadonlyMap<string, string>,
  ): void {
    if (placeholders.size > 0) return trace.giveUp();
    for (const element of elements) {
      const path = this.#pathMadeReadable(element);
      if (path === undefined) return trace.giveUp();
      if (!this.#pending.has(path)) trace.validity(path, true);
    }
  }

  /** The path that a context element stands for, if it is known without a build. */
  #pathMadeReadable(element: string): StorePath | undefined {
    if (element.startsWith('=')) return element.slice(1) as StorePath;
    if (!element.startsWith('!')) return element as StorePath;
    const end = element.indexOf('!', 1);
    const output = this.#readDerivation(element.slice(end + 1) as StorePath).outputs.get(element.slice(1, end));
    return output?.kind === 'input-addressed' || output?.kind === 'fixed' ? output.path : undefined;
  }

  #openStore(): LocalStore {
    return this.#store ??= this.#options.openStore();
  }
}
