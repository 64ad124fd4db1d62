/**
 * `CachePeer`: a binary cache as one of the stores that paths are copied between, both ways; and
 * what else it keeps: listings, single files, and realisations.
 */

import { readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { concatBytes, noProgress, type Progress } from '#base';
import { baseNameOf, defaultStoreDirectory, hashPartOf, type NarInfo, type StorePath } from '#formats';
import type { Realisation, Store, ValidPathInfo } from '../store.ts';
import { copyPaths, describe } from '../remote/copy-paths.ts';
import { operationUnsupported, pathNotAtPeer } from '../remote/errors.ts';
import {
  LocalPeer, type AddPathsOptions, type OfferedPath, type PeerAbilities, type StorePeer,
} from '../remote/peer.ts';
import { BinaryCache } from './binary-cache.ts';
import { parseCacheUrl, type CacheUrl } from './cache-url.ts';
import { CacheWriter, type CacheWriterOptions } from './cache-writer.ts';
import { formatRealisation, realisationName } from './cache-realisation.ts';
import { notAFile, notInNar } from './errors.ts';
import type { LookupMemory } from './lookup-memory.ts';
import { findInListing, formatListing, ListingBuilder, parseListing, type ListedTree } from './nar-listing.ts';
import { openTransport, type TransportSettings, type WritableTransport } from './transport.ts';

export interface CachePeerOptions extends CacheWriterOptions {
  readonly storeDirectory?: string;
  readonly transport?: TransportSettings;
  readonly memory?: LookupMemory;
}

const questionsAtOnce = 16;
const narsAtOnce = 4;
const maximumListingBytes = 1 << 28;
const maximumLogBytes = 1 << 28;

export class CachePeer implements StorePeer, Partial<PeerAbilities> {
  readonly name: string;
  readonly storeDirectory: string;
  readonly #url: CacheUrl;
  readonly #options: CachePeerOptions;
  #transport: Promise<WritableTransport> | undefined;
  #cache: Promise<BinaryCache> | undefined;
  #writer: Promise<CacheWriter> | undefined;

  /** Nothing is asked yet. Throws BAD_CACHE_URL, and CANNOT_COMPRESS later. */
  constructor(url: string, options: CachePeerOptions = {}) {
    this.#url = parseCacheUrl(url);
    this.name = this.#url.name;
    this.storeDirectory = this.#url.storeDirectory ?? options.storeDirectory ?? defaultStoreDirectory;
    this.#options = options;
  }

  async queryValidPaths(paths: readonly StorePath[]): Promise<Set<StorePath>> {
    const writer = await this.#openWriter();
    const found = await atOnce(questionsAtOnce, paths, (path) => writer.has(path));
    return new Set(paths.filter((_, index) => found[index]));
  }

  async queryPathInfos(paths: readonly StorePath[]): Promise<Map<StorePath, ValidPathInfo>> {
    const cache = await this.#openCache();
    const found = await atOnce(questionsAtOnce, paths, (path) => cache.narInfo(path, this.#options.signal));
    const infos = new Map<StorePath, ValidPathInfo>();
    for (const info of found) if (info !== undefined) infos.set(info.path, { ...info, registrationTime: 0, ultimate: false });
    return infos;
  }

  async *narOf(path: StorePath): AsyncGenerator<Uint8Array, void, void> {
    const cache = await this.#openCache();
    yield* cache.nar(await this.#narInfo(path), this.#options.signal);
  }

  async addPaths(paths: readonly OfferedPath[], options: AddPathsOptions = {}): Promise<void> {
    const writer = await this.#openWriter();
    const narsWritten = new Map<StorePath, Promise<NarInfo>>();
    // NARs go several at once, descriptions in the order that keeps the cache valid.
    let next = 0;
    const begin = (): void => {
      const offered = paths[next];
      if (offered === undefined) return;
      next += 1;
      const written = writer.writeNar(offered.info, offered.nar());
      narsWritten.set(offered.info.path, written);
      written.then(begin, () => { next = paths.length; });
    };
    const count = this.#url.parallelCompression || this.#url.directory === undefined ? narsAtOnce : 1;
    for (let i = 0; i < count; i++) begin();
    try {
      for (const { info } of paths) {
        options.signal?.throwIfAborted();
        await writer.describe(await (narsWritten.get(info.path) as Promise<NarInfo>));
      }
    } finally {
      next = paths.length;
      await Promise.allSettled(narsWritten.values());
    }
  }

  /** Of a cache in a folder: others cannot be listed. */
  async queryAllValidPaths(): Promise<StorePath[]> {
    const transport = await this.#open();
    if (transport.list === undefined) throw operationUnsupported(this.name, 'queryAllValidPaths');
    const names = (await transport.list()).flatMap((name) => /^([0-9a-z]{32})\.narinfo$/.exec(name)?.[1] ?? []);
    const found = await atOnce(questionsAtOnce, names, (hashPart) => this.queryPathFromHashPart(hashPart));
    return found.filter((path) => path !== undefined);
  }

  async queryPathFromHashPart(hashPart: string): Promise<StorePath | undefined> {
    return (await (await this.#openCache()).narInfoOf(hashPart, this.#options.signal))?.path;
  }

  async addSignatures(path: StorePath, signatures: readonly string[]): Promise<void> {
    await (await this.#openWriter()).addSignatures(await this.#narInfo(path), signatures);
  }

  /** Adds our signatures to paths that are there. */
  async sign(infos: readonly ValidPathInfo[]): Promise<void> {
    const writer = await this.#openWriter();
    await atOnce(questionsAtOnce, infos, (info) => writer.sign(info));
  }

  /** The tree of a path: its listing, or what its NAR shows. */
  async listing(path: StorePath): Promise<ListedTree> {
    await this.#narInfo(path);
    const name = `${hashPartOf(path)}.ls`;
    const kept = this.#readKept(name);
    if (kept !== undefined) return parseListing(kept.toString('utf8'), name);
    const bytes = await (await this.#open()).read(name, maximumListingBytes, this.#reading);
    if (bytes !== undefined) return parseListing(Buffer.from(bytes).toString('utf8'), `${this.name}/${name}`);
    const builder = new ListingBuilder();
    for await (const piece of this.#narPieces(path)) builder.take(piece);
    const tree = builder.finish();
    await this.#keep(name, Buffer.from(formatListing(tree)));
    return tree;
  }

  /** The content of one file below a path; `inner` is relative to it. Throws NOT_IN_NAR, NOT_A_FILE. */
  async file(path: StorePath, inner: string): Promise<Uint8Array> {
    const node = findInListing(await this.listing(path), inner);
    if (node === undefined) throw notInNar(`${path}/${inner}`);
    if (node.type !== 'regular') throw notAFile(`${path}/${inner}`);
    const { narOffset, sizeBytes } = node;
    const wanted: Uint8Array[] = [];
    let at = 0;
    for await (const piece of this.#narPieces(path)) {
      const from = Math.max(0, (narOffset ?? 0) - at);
      const to = Math.min(piece.length, (narOffset ?? 0) + sizeBytes - at);
      if (to > from) wanted.push(piece.slice(from, to));
      at += piece.length;
    }
    return concatBytes(wanted);
  }

  /** The path of an output whose path does not follow from its derivation. */
  async queryRealisation(drvPath: StorePath, output: string): Promise<Realisation | undefined> {
    return (await this.#openCache()).realisation(drvPath, output, this.#options.signal);
  }

  /** What is known of the output stays, and gets the signatures too. */
  async registerRealisation(realisation: Realisation): Promise<void> {
    await this.#openWriter();
    const { drvPath, output, signatures } = realisation;
    const known = await this.queryRealisation(drvPath, output);
    await (await this.#open()).write({
      name: realisationName(drvPath, output), type: 'application/json',
      content: Buffer.from(formatRealisation(
        { ...known ?? realisation, signatures: [...known?.signatures ?? [], ...signatures] }, this.#options.secretKeys ?? [])),
    }, this.#reading);
  }

  /** What a derivation's build printed, if the cache keeps it. */
  async buildLog(drvPath: StorePath): Promise<Uint8Array | undefined> {
    return (await this.#open()).read(logName(drvPath), maximumLogBytes, this.#reading);
  }

  async addBuildLog(drvPath: StorePath, log: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#openWriter();
    const pieces: Uint8Array[] = [];
    for await (const piece of log) pieces.push(piece.slice());
    await (await this.#open()).write({
      name: logName(drvPath), type: 'text/plain; charset=utf-8', content: concatBytes(pieces),
    }, this.#reading);
  }

  async close(): Promise<void> {
    this.#options.memory?.close();
    await (await this.#transport?.catch(() => undefined))?.close();
  }

  async #narInfo(path: StorePath): Promise<NarInfo> {
    const info = await (await this.#openCache()).narInfo(path, this.#options.signal);
    if (info === undefined) throw pathNotAtPeer(this.name, path);
    return info;
  }

  /** The NAR, from the folder that keeps them if it is there. */
  async *#narPieces(path: StorePath): AsyncGenerator<Uint8Array, void, void> {
    const name = `${hashPartOf(path)}.nar`;
    const kept = this.#readKept(name);
    if (kept !== undefined) {
      yield kept;
      return;
    }
    const pieces: Uint8Array[] = [];
    for await (const piece of this.narOf(path)) {
      if (this.#url.localNarCache !== undefined) pieces.push(piece.slice());
      yield piece;
    }
    if (this.#url.localNarCache !== undefined) await this.#keep(name, concatBytes(pieces));
  }

  #readKept(name: string): Buffer | undefined {
    const folder = this.#url.localNarCache;
    try {
      return folder === undefined ? undefined : readFileSync(join(folder, name));
    } catch {
      return undefined;
    }
  }

  async #keep(name: string, bytes: Uint8Array): Promise<void> {
    const folder = this.#url.localNarCache;
    if (folder === undefined) return;
    await mkdir(folder, { recursive: true });
    const place = join(folder, name);
    await writeFile(`${place}.${process.pid}.tmp`, bytes);
    await rename(`${place}.${process.pid}.tmp`, place);
  }

  get #reading(): { readonly signal?: AbortSignal } {
    return this.#options.signal === undefined ? {} : { signal: this.#options.signal };
  }

  #open(): Promise<WritableTransport> {
    return this.#transport ??= openTransport(this.#url, this.#options.transport ?? {});
  }

  #openCache(): Promise<BinaryCache> {
    const { storeDirectory } = this;
    const { transport, memory, signal } = this.#options;
    return this.#cache ??= (async () => {
      // A folder that is no cache yet becomes one, as in C++ Nix.
      if (this.#url.directory !== undefined) await this.#openWriter();
      return BinaryCache.open(this.#url, {
        storeDirectory, ...(transport === undefined ? {} : { transport }), ...(memory === undefined ? {} : { memory }),
      }, signal);
    })();
  }

  #openWriter(): Promise<CacheWriter> {
    return this.#writer ??= (async () => {
      const writer = new CacheWriter(this.#url, await this.#open(), this.storeDirectory, this.#options);
      await writer.begin();
      return writer;
    })();
  }
}

/** Writes paths of a store with all they refer to into a cache in a folder; returns how many were not there. */
export async function writeBinaryCache(
  store: Store, paths: readonly StorePath[], directory: string, options: CachePeerOptions & { progress?: Progress } = {},
): Promise<number> {
  return copyToCache(store, paths, new CachePeer(new URL(`file://${encodeURI(directory)}`).href, {
    ...options, storeDirectory: store.storeDirectory,
  }), options);
}

/** Writes paths of a store with all they refer to into a cache; signs those that are there. */
export async function copyToCache(
  store: Store, paths: readonly StorePath[], cache: CachePeer,
  options: Pick<CachePeerOptions, 'secretKeys' | 'signal'> & { progress?: Progress } = {},
): Promise<number> {
  const local = new LocalPeer(store);
  const { progress = noProgress, signal } = options;
  try {
    const written = await copyPaths(local, cache, paths, { progress, ...(signal === undefined ? {} : { signal }) });
    if ((options.secretKeys ?? []).length > 0) {
      const fresh = new Set(written.map((info) => info.path));
      const closure = await describe(local, paths);
      await cache.sign([...closure.values()].filter((info) => !fresh.has(info.path)));
    }
    return written.length;
  } finally {
    await cache.close();
  }
}

/** Where the log of a derivation's build is, as in C++ Nix. */
function logName(drvPath: StorePath): string {
  return `log/${baseNameOf(drvPath)}`;
}

/** The results for all items, so many at once. */
async function atOnce<T, R>(limit: number, items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const run = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) results[index] = await work(items[index] as T);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, run));
  return results;
}
