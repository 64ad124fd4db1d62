/**
 * `BinaryCache`: one binary cache, read: what it says of itself, of a path, and the path's NAR.
 *
 * Nothing that it says is trusted here but for its form: sizes are bounded before anything is read,
 * a description must be of the path that was asked for, and the NAR is no longer than it says.
 * Whether to believe the description is for whoever asks (`isTrusted`).
 */

import { byteString, type Activity } from '#base';
import { hashPartOf, parseNarInfo, type NarInfo, type StorePath } from '#formats';
import type { Realisation } from '../store.ts';
import { parseCacheInfo, type CacheInfo } from './cache-info.ts';
import { parseRealisation, realisationName } from './cache-realisation.ts';
import type { CacheUrl } from './cache-url.ts';
import { decompressNar } from './compression.ts';
import { corruptNarInfo, notABinaryCache, otherStoreDirectory, wrongNarInfoPath } from './errors.ts';
import { cacheInfoName, type LookupMemory } from './lookup-memory.ts';
import type { SubstituteSource } from './substitute-source.ts';
import { openTransport, type CacheTransport, type TransportSettings } from './transport.ts';

export interface BinaryCacheOptions {
  /** Logical. */
  readonly storeDirectory: string;
  readonly transport?: TransportSettings;
  readonly memory?: LookupMemory;
  /** Whether what folders say is remembered too, as if they were far away. */
  readonly remembersFolders?: boolean;
}

const maximumCacheInfoBytes = 1 << 16;
const maximumRealisationBytes = 1 << 16;
/** Room for some ten thousand references. */
const maximumNarInfoBytes = 1 << 20;

export class BinaryCache implements SubstituteSource {
  readonly url: CacheUrl;
  readonly info: CacheInfo;
  readonly #transport: CacheTransport;
  readonly #options: BinaryCacheOptions;

  private constructor(url: CacheUrl, info: CacheInfo, transport: CacheTransport, options: BinaryCacheOptions) {
    this.url = url;
    this.info = info;
    this.#transport = transport;
    this.#options = options;
  }

  /** Throws NOT_A_BINARY_CACHE, OTHER_STORE_DIRECTORY, and what keeps the cache from being read. */
  static async open(url: CacheUrl, options: BinaryCacheOptions, signal?: AbortSignal): Promise<BinaryCache> {
    const transport = await openTransport(url, options.transport ?? {});
    const memory = memoryFor(url, options);
    const recalled = memory?.recall(url.name, cacheInfoName) ?? undefined;
    let text = recalled;
    if (text === undefined) {
      const bytes = await transport.read(cacheInfoName, maximumCacheInfoBytes, { signal });
      if (bytes === undefined) throw notABinaryCache(url.name);
      text = byteString(bytes);
    }
    const info = parseCacheInfo(text, url.name);
    if (recalled === undefined) memory?.remember(url.name, cacheInfoName, text);
    if (info.storeDirectory !== options.storeDirectory) {
      throw otherStoreDirectory(url.name, info.storeDirectory, options.storeDirectory);
    }
    return new BinaryCache(url, info, transport, options);
  }

  get name(): string {
    return this.url.name;
  }

  get trusted(): boolean {
    return this.url.trusted;
  }

  get wantsMassQuery(): boolean {
    return this.url.wantMassQuery ?? this.info.wantMassQuery === true;
  }

  get storeDirectory(): string {
    return this.#options.storeDirectory;
  }

  get priority(): number {
    return this.url.priority ?? this.info.priority;
  }

  /** What the cache says of the path; undefined if it has none. Throws for a corrupt description. */
  async narInfo(path: StorePath, signal?: AbortSignal): Promise<NarInfo | undefined> {
    return this.narInfoOf(hashPartOf(path), signal, path);
  }

  /** As `narInfo`, for whatever path has the hash part, or the one that is wanted. */
  async narInfoOf(hashPart: string, signal?: AbortSignal, wanted?: StorePath): Promise<NarInfo | undefined> {
    const { storeDirectory } = this.#options;
    const source = `${this.name}/${hashPart}.narinfo`;
    const remembers = this.#remembers;
    const recalled = remembers?.recall(this.name, hashPart);
    if (recalled === null) return undefined;
    let text = recalled;
    if (text === undefined) {
      const bytes = await this.#transport.read(`${hashPart}.narinfo`, maximumNarInfoBytes, { signal });
      text = bytes === undefined ? undefined : byteString(bytes);
    }
    if (text === undefined) {
      remembers?.remember(this.name, hashPart, null);
      return undefined;
    }
    const info = parseNarInfo(text, source, storeDirectory);
    if (wanted === undefined ? hashPartOf(info.path) !== hashPart : info.path !== wanted) {
      throw wrongNarInfoPath(source, wanted ?? hashPart, info.path);
    }
    if (info.narHash.algorithm !== 'sha256') throw corruptNarInfo(source, "'NarHash' is not a SHA-256 hash");
    if (info.narSizeBytes === 0) throw corruptNarInfo(source, "'NarSize' is zero");
    if (recalled === undefined) remembers?.remember(this.name, hashPart, text);
    return info;
  }

  /** The path that an output was built to, if the cache knows; who believes it is for the asker. */
  async realisation(drvPath: StorePath, output: string, signal?: AbortSignal): Promise<Realisation | undefined> {
    const name = realisationName(drvPath, output);
    let text = this.#remembers?.recall(this.name, name);
    if (text === undefined) {
      const bytes = await this.#transport.read(name, maximumRealisationBytes, { signal });
      text = bytes === undefined ? null : byteString(bytes);
      this.#remembers?.remember(this.name, name, text);
    }
    return text === null ? undefined
      : parseRealisation(text, `${this.name}/${name}`, { drvPath, output }, this.#options.storeDirectory);
  }

  get #remembers(): LookupMemory | undefined {
    return memoryFor(this.url, this.#options);
  }

  /** The NAR, unpacked; `activity` advances by what arrives. */
  async *nar(info: NarInfo, signal?: AbortSignal, activity?: Activity): AsyncGenerator<Uint8Array, void, void> {
    // Compression never makes much more of it, and the announced size is nobody's promise.
    const limit = Math.min(info.fileSizeBytes ?? Infinity, Math.ceil(info.narSizeBytes * 1.1) + 65_536);
    const packed = counted(this.#transport.stream(info.url, limit, { signal }), activity);
    const url = /^https?:/.test(info.url) ? info.url : `${this.name}/${info.url}`;
    yield* decompressNar(info.compression, packed, info.narSizeBytes, url);
  }

  /** To be called when what the cache said has turned out wrong: it is asked again. */
  forget(path: StorePath): void {
    this.#options.memory?.forget(this.name, hashPartOf(path));
  }
}

/** A folder of this machine is asked as quickly as the memory. */
function memoryFor(url: CacheUrl, { memory, remembersFolders = false }: BinaryCacheOptions): LookupMemory | undefined {
  return url.directory === undefined || remembersFolders ? memory : undefined;
}

async function* counted(
  source: AsyncIterable<Uint8Array>, activity: Activity | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  for await (const piece of source) {
    activity?.advance(piece.length);
    yield piece;
  }
}
