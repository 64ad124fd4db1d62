/**
 * Writes paths into a binary cache, wherever it stands: the NAR of each, compressed, its listing and
 * an index of its debug information if these are wanted, and its description.
 *
 * A path is described after its NAR is there, and after all that it refers to; every file appears
 * whole. So whoever reads the cache meanwhile, or after we were killed, sees a valid one.
 */

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import {
  byteString, bytesOf, encodeHex, Hasher, formatHash, formatPrefixedHash, sameHash, type Hash,
} from '#base';
import {
  baseNameOf, formatNarInfo, hashPartOf, parseNarInfo, parseSecretKey, signPath, type NamedKey, type NarInfo,
  type PathInfo, type StorePath,
} from '#formats';
import { hashMismatch } from '../errors.ts';
import { formatCacheInfo, parseCacheInfo } from './cache-info.ts';
import type { CacheUrl } from './cache-url.ts';
import { compressNar, writtenCompressions } from './compression.ts';
import { cacheFileFailed, cannotCompress, otherStoreDirectory } from './errors.ts';
import { debugFilesOf, formatListing, ListingBuilder, type ListedTree } from './nar-listing.ts';
import type { WritableTransport } from './transport.ts';

export interface CacheWriterOptions {
  /** Over the one in the cache's URL. */
  readonly compression?: string;
  readonly level?: number;
  /** Each signs every path. */
  readonly secretKeys?: readonly NamedKey[];
  readonly signal?: AbortSignal;
}

/** zstd, since it is by far the quickest to unpack. */
export const defaultCompression = 'zstd';
const maximumFileBytes = 1 << 20;

/** Reads files of secret keys. */
export function readSecretKeys(files: readonly string[]): NamedKey[] {
  return files.map((file) => {
    let text;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      throw cacheFileFailed('reading the secret key', file, error);
    }
    return parseSecretKey(text);
  });
}

export class CacheWriter {
  readonly #url: CacheUrl;
  readonly #transport: WritableTransport;
  readonly #storeDirectory: string;
  readonly #compression: string;
  readonly #options: CacheWriterOptions;

  constructor(url: CacheUrl, transport: WritableTransport, storeDirectory: string, options: CacheWriterOptions) {
    this.#url = url;
    this.#transport = transport;
    this.#storeDirectory = storeDirectory;
    this.#compression = options.compression ?? url.compression ?? defaultCompression;
    this.#options = options;
    if (writtenCompressions[this.#compression] === undefined) throw cannotCompress(this.#compression);
  }

  /** Makes a cache where there is none. Throws OTHER_STORE_DIRECTORY. */
  async begin(): Promise<void> {
    const bytes = await this.#transport.read('nix-cache-info', maximumFileBytes, this.#reading);
    if (bytes === undefined) {
      const { wantMassQuery, priority } = this.#url;
      await this.#write('nix-cache-info', 'text/x-nix-cache-info', formatCacheInfo({
        storeDirectory: this.#storeDirectory,
        ...(wantMassQuery === undefined ? {} : { wantMassQuery }), ...(priority === undefined ? {} : { priority }),
      }));
      return;
    }
    const theirs = parseCacheInfo(byteString(bytes), this.#url.name).storeDirectory;
    if (theirs !== this.#storeDirectory) throw otherStoreDirectory(this.#url.name, theirs, this.#storeDirectory);
  }

  has(path: StorePath): Promise<boolean> {
    return this.#transport.exists(`${hashPartOf(path)}.narinfo`, this.#reading);
  }

  /** Writes the NAR, and what its description will say is returned. */
  async writeNar(info: PathInfo, source: AsyncIterable<Uint8Array>): Promise<NarInfo> {
    const temporary = join(await this.#transport.stagingFolder(), `.${encodeHex(randomBytes(8))}.tmp`);
    const narHasher = new Hasher('sha256');
    const fileHasher = new Hasher('sha256');
    const listing = this.#url.writeListing || this.#url.indexDebugInfo ? new ListingBuilder() : undefined;
    let fileSizeBytes = 0;
    const { signal, level = this.#url.compressionLevel } = this.#options;
    const nar = observed(source, (piece) => {
      narHasher.update(piece);
      listing?.take(piece);
      signal?.throwIfAborted();
    });
    try {
      await withFile(temporary, async (file) => {
        for await (const piece of compressNar(this.#compression, nar, level)) {
          fileHasher.update(piece);
          fileSizeBytes += piece.length;
          await writeWhole(file, piece);
        }
      });
      const narHash = narHasher.digest();
      if (!sameHash(narHash, info.narHash)) throw damaged(info.path, info.narHash, narHash);
      const fileHash = fileHasher.digest();
      const url = `nar/${formatHash(fileHash, 'nix32')}.nar${writtenCompressions[this.#compression]}`;
      await this.#transport.write({ name: url, type: 'application/x-nix-nar', content: { staged: temporary } }, this.#reading);
      const tree = listing?.finish();
      if (tree !== undefined && this.#url.writeListing) {
        await this.#write(`${hashPartOf(info.path)}.ls`, 'application/json', formatListing(tree), 'utf8');
      }
      if (tree !== undefined && this.#url.indexDebugInfo) await this.#indexDebugInfo(tree, url);
      return { ...info, url, compression: this.#compression, fileHash, fileSizeBytes };
    } catch (error) {
      await rm(temporary, { force: true });
      throw (error as NodeJS.ErrnoException).syscall === undefined ? error
        : cacheFileFailed('writing the binary cache', this.#url.name, error);
    }
  }

  /** Links each build ID of the tree to the NAR that has its file; the first to name one stays. */
  async #indexDebugInfo(tree: ListedTree, narUrl: string): Promise<void> {
    for (const [buildId, member] of debugFilesOf(tree)) {
      const name = `debuginfo/${buildId}`;
      if (await this.#transport.exists(name, this.#reading)) continue;
      await this.#write(name, 'application/json', JSON.stringify({ archive: `../${narUrl}`, member }), 'utf8');
    }
  }

  /** Writes the description, by which the path is in the cache. */
  async describe(info: NarInfo): Promise<void> {
    const keys = this.#options.secretKeys ?? [];
    const signatures = new Set([...info.signatures, ...keys.map((key) => signPath(info, key))]);
    await this.#write(`${hashPartOf(info.path)}.narinfo`, 'text/x-nix-narinfo',
      formatNarInfo({ ...info, signatures: [...signatures].sort() }));
  }

  /** Adds our signatures to a path that is there already, if it is what `own` says. */
  async sign(own: PathInfo): Promise<void> {
    const keys = this.#options.secretKeys ?? [];
    if (keys.length === 0) return;
    const name = `${hashPartOf(own.path)}.narinfo`;
    const bytes = await this.#transport.read(name, maximumFileBytes, this.#reading);
    if (bytes === undefined) return;
    const info = parseNarInfo(byteString(bytes), `${this.#url.name}/${name}`, this.#storeDirectory);
    // Ours says nothing of a NAR that another build made.
    if (!sameHash(own.narHash, info.narHash)) return;
    await this.addSignatures(info, keys.map((key) => signPath(own, key)));
  }

  /** Describes the path anew, with the signatures too. */
  async addSignatures(info: NarInfo, more: readonly string[]): Promise<void> {
    const signatures = new Set([...info.signatures, ...more]);
    if (signatures.size === info.signatures.length) return;
    await this.#write(`${hashPartOf(info.path)}.narinfo`, 'text/x-nix-narinfo',
      formatNarInfo({ ...info, signatures: [...signatures].sort() }));
  }

  get #reading(): { readonly signal?: AbortSignal } {
    return this.#options.signal === undefined ? {} : { signal: this.#options.signal };
  }

  #write(name: string, type: string, text: string, encoding: 'latin1' | 'utf8' = 'latin1'): Promise<void> {
    const content = encoding === 'utf8' ? Buffer.from(text) : bytesOf(text);
    return this.#transport.write({ name, type, content }, this.#reading);
  }
}

async function* observed(
  source: AsyncIterable<Uint8Array>, see: (piece: Uint8Array) => void,
): AsyncGenerator<Uint8Array, void, void> {
  for await (const piece of source) {
    see(piece);
    yield piece;
  }
}

async function withFile(path: string, work: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, 'wx', 0o644);
  try {
    await work(file);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at, bytes.length - at)).bytesWritten;
}

function damaged(path: StorePath, wanted: Hash, found: Hash): Error {
  return hashMismatch(baseNameOf(path), formatPrefixedHash(wanted, 'nix32'), formatPrefixedHash(found, 'nix32'));
}
