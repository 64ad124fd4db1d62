/**
 * Writes a binary cache into a folder: the NARs of paths, compressed, and a description of each.
 *
 * A path is described after its NAR is there, and after all that it refers to; every file is
 * written beside its place, synced and renamed. So whoever reads the folder meanwhile, or after we
 * were killed, sees a valid cache. What is described already is not written again.
 */

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { open, readFile, rename, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import {
  encodeHex, Hasher, formatHash, formatPrefixedHash, noProgress, sameHash, type Hash, type Progress,
} from '#base';
import {
  baseNameOf, formatNarInfo, hashPartOf, nameOf, parseNarInfo, parseSecretKey, signPath, type NamedKey, type NarInfo,
  type StorePath,
} from '#formats';
import { hashMismatch, pathNotValid } from '../errors.ts';
import type { Store, ValidPathInfo } from '../store.ts';
import { formatCacheInfo, parseCacheInfo } from './cache-info.ts';
import { compressNar, writtenCompressions } from './compression.ts';
import { cacheFileFailed, cannotCompress, otherStoreDirectory } from './errors.ts';

export interface CacheWriterOptions {
  readonly compression?: string;
  readonly level?: number;
  /** Each signs every path. */
  readonly secretKeys?: readonly NamedKey[];
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** zstd, since it is by far the quickest to unpack. */
export const defaultCompression = 'zstd';

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

/** Writes paths with all they refer to; returns how many were not there. */
export async function writeBinaryCache(
  store: Store, paths: readonly StorePath[], directory: string, options: CacheWriterOptions = {},
): Promise<number> {
  const compression = options.compression ?? defaultCompression;
  if (writtenCompressions[compression] === undefined) throw cannotCompress(compression);
  for (const path of paths) if (!store.isValidPath(path)) throw pathNotValid(path);
  const writer = new CacheWriter(store, directory, compression, options);
  await writer.begin();
  return writer.write(store.closureOf(paths));
}

class CacheWriter {
  readonly #store: Store;
  readonly #directory: string;
  readonly #compression: string;
  readonly #options: CacheWriterOptions;

  constructor(store: Store, directory: string, compression: string, options: CacheWriterOptions) {
    this.#store = store;
    this.#directory = directory;
    this.#compression = compression;
    this.#options = options;
  }

  async begin(): Promise<void> {
    const place = join(this.#directory, 'nix-cache-info');
    const { storeDirectory } = this.#store;
    try {
      mkdirSync(join(this.#directory, 'nar'), { recursive: true });
      if (!existsSync(place)) await this.#writeFile(place, formatCacheInfo({ storeDirectory }));
    } catch (error) {
      throw cacheFileFailed('writing the binary cache', this.#directory, error);
    }
    const theirs = parseCacheInfo(await readFile(place, 'latin1'), this.#directory).storeDirectory;
    if (theirs !== storeDirectory) throw otherStoreDirectory(this.#directory, theirs, storeDirectory);
  }

  async write(closure: readonly StorePath[]): Promise<number> {
    const fresh = referencesFirst(this.#store, closure.filter((path) => !existsSync(this.#narInfoPlace(path))));
    const total = fresh.reduce((sum, info) => sum + info.narSizeBytes, 0);
    const activity = (this.#options.progress ?? noProgress)
      .start('copy', `${fresh.length} paths`, { unit: 'bytes', total });
    try {
      for (const info of fresh) {
        this.#options.signal?.throwIfAborted();
        activity.detail(nameOf(info.path));
        await this.#writePath(info, (bytes) => activity.advance(bytes));
      }
      // A path that is there may lack the signatures that are wanted now.
      const keys = this.#options.secretKeys ?? [];
      const written = new Set(fresh.map((info) => info.path));
      if (keys.length > 0) for (const path of closure) if (!written.has(path)) await this.#sign(path, keys);
      activity.finish();
      return fresh.length;
    } catch (error) {
      activity.finish('failed');
      throw error;
    }
  }

  async #writePath(info: ValidPathInfo, advance: (bytes: number) => void): Promise<void> {
    const temporary = join(this.#directory, 'nar', `.${encodeHex(randomBytes(8))}.tmp`);
    const narHasher = new Hasher('sha256');
    const fileHasher = new Hasher('sha256');
    let fileSizeBytes = 0;
    const nar = observed(this.#store.narOf(info.path), (piece) => {
      narHasher.update(piece);
      advance(piece.length);
      this.#options.signal?.throwIfAborted();
    });
    try {
      await withFile(temporary, async (file) => {
        for await (const piece of compressNar(this.#compression, nar, this.#options.level)) {
          fileHasher.update(piece);
          fileSizeBytes += piece.length;
          await writeWhole(file, piece);
        }
      });
      const narHash = narHasher.digest();
      if (!sameHash(narHash, info.narHash)) throw damaged(info.path, info.narHash, narHash);
      const fileHash = fileHasher.digest();
      const url = `nar/${formatHash(fileHash, 'nix32')}.nar${writtenCompressions[this.#compression]}`;
      await rename(temporary, join(this.#directory, url));
      const described: NarInfo = { ...info, url, compression: this.#compression, fileHash, fileSizeBytes };
      const signatures = new Set([...info.signatures, ...(this.#options.secretKeys ?? []).map((key) => signPath(info, key))]);
      await this.#writeFile(this.#narInfoPlace(info.path), formatNarInfo({ ...described, signatures: [...signatures].sort() }));
    } catch (error) {
      await rm(temporary, { force: true });
      throw (error as NodeJS.ErrnoException).syscall === undefined ? error
        : cacheFileFailed('writing the binary cache', this.#directory, error);
    }
  }

  async #sign(path: StorePath, keys: readonly NamedKey[]): Promise<void> {
    const place = this.#narInfoPlace(path);
    const info = parseNarInfo(await readFile(place, 'latin1'), place, this.#store.storeDirectory);
    const own = this.#store.queryPathInfo(path);
    // Ours says nothing of a NAR that another build made.
    if (own === undefined || !sameHash(own.narHash, info.narHash)) return;
    const signatures = new Set([...info.signatures, ...keys.map((key) => signPath(own, key))]);
    if (signatures.size === info.signatures.length) return;
    await this.#writeFile(place, formatNarInfo({ ...info, signatures: [...signatures].sort() }));
  }

  #narInfoPlace(path: StorePath): string {
    return join(this.#directory, `${hashPartOf(path)}.narinfo`);
  }

  async #writeFile(place: string, text: string): Promise<void> {
    const temporary = `${place}.${encodeHex(randomBytes(8))}.tmp`;
    try {
      await writeFile(temporary, text, { encoding: 'latin1', flush: true });
      await rename(temporary, place);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }
}

/** The descriptions of `paths`, each after what it refers to. */
function referencesFirst(store: Store, paths: readonly StorePath[]): ValidPathInfo[] {
  const infos = new Map(paths.map((path) => [path, store.queryPathInfo(path) as ValidPathInfo]));
  const order: ValidPathInfo[] = [];
  const seen = new Set<StorePath>();
  const stack = [...infos.values()].map((info) => ({ info, done: false })).reverse();
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { info, done } = next;
    if (done) {
      order.push(info);
      continue;
    }
    if (seen.has(info.path)) continue;
    seen.add(info.path);
    stack.push({ info, done: true });
    for (const reference of info.references) {
      const found = infos.get(reference);
      if (found !== undefined && !seen.has(reference)) stack.push({ info: found, done: false });
    }
  }
  return order;
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
