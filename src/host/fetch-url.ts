/**
 * `builtins.fetchurl` and `builtins.fetchTarball`: files and source archives by URL, as store paths.
 *
 * With a hash the path is known beforehand, and nothing is downloaded if it is valid. Without one,
 * what a URL gave is believed for an hour, as in C++ Nix. An archive is unpacked in memory, through
 * the one hardened way, and its single top folder is the result.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { xz } from '@napi-rs/lzma';
import {
  concatBytes, decodeUtf8, formatHash, hashOf, noProgress, parseHash, sha256Hex, type Hash, type Progress,
} from '#base';
import { downloadBytes } from '#debian';
import type { FetchAttribute, FetchResult } from '#eval';
import {
  makeContentAddressedPath, NarWriter, planUnpacking, readTar, sortedNames, type ContentAddress, type PathInfo,
  type StorePath, type UnpackDirectory, type UnpackNode, noReferences,
} from '#formats';
import type { Store } from '#store';
import {
  cannotFetch, downloadMismatch, unknownArchive, unreadableDownload, unusableArchive,
} from './errors.ts';

export interface FetchOptions {
  readonly store: Store;
  /** Firn's cache. */
  readonly cacheDirectory: string;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** Serves `fetchurl` and `fetchTarball`; throws for what it cannot fetch. */
export async function fetchToStore(
  kind: string, attributes: ReadonlyMap<string, FetchAttribute>, options: FetchOptions,
): Promise<FetchResult> {
  if (kind !== 'fetchurl' && kind !== 'fetchTarball') throw cannotFetch(kind);
  const url = resolveChannel(decodeUtf8(String(attributes.get('url'))));
  const name = String(attributes.get('name') ?? 'source');
  const sha256 = attributes.get('sha256');
  const wanted = sha256 === undefined ? undefined : parseHash(String(sha256), 'sha256');
  const storePath = await fetchOnce({ kind, url, name, wanted }, options);
  return { storePath, attributes: new Map() };
}

/** The folder that an archive's URL in the search path means, in the store; null for no URL. */
export async function fetchSearchPathEntry(entry: string, options: FetchOptions): Promise<string | null> {
  if (!/^(https?|file|channel):/.test(entry)) return null;
  const request = { kind: 'fetchTarball', url: resolveChannel(decodeUtf8(entry)), name: 'source', wanted: undefined } as const;
  return fetchOnce(request, options);
}

interface Request {
  readonly kind: 'fetchurl' | 'fetchTarball';
  readonly url: string;
  readonly name: string;
  readonly wanted: Hash | undefined;
}

async function fetchOnce(request: Request, options: FetchOptions): Promise<StorePath> {
  const { store } = options;
  const { wanted, name } = request;
  const method = request.kind === 'fetchurl' ? 'flat' : 'recursive';
  const pathOf = (hash: Hash) => makeContentAddressedPath(name, { method, hash }, noReferences, store.storeDirectory);
  const memory = join(options.cacheDirectory, 'fetched', sha256Hex(`${request.kind}\0${name}\0${request.url}`));
  const known = wanted === undefined ? recall(memory) : pathOf(wanted);
  if (known !== undefined && store.isValidPath(known)) return known;
  const bytes = await download(request.url, options);
  const nar = method === 'flat' ? narOfFile(bytes) : narOfArchive(bytes, request.url);
  const hash = hashOf('sha256', method === 'flat' ? bytes : nar);
  if (wanted !== undefined && formatHash(hash, 'sri') !== formatHash(wanted, 'sri')) {
    throw downloadMismatch(request.url, formatHash(wanted, 'sri'), formatHash(hash, 'sri'));
  }
  const path = pathOf(hash);
  await store.addNar(pathInfo(path, nar, { method, hash }), once(nar));
  if (wanted === undefined) remember(memory, path);
  return path;
}

async function download(url: string, options: FetchOptions): Promise<Uint8Array> {
  if (url.startsWith('file:')) {
    try {
      return readFileSync(fileURLToPath(url));
    } catch (error) {
      throw unreadableDownload(url, error);
    }
  }
  const activity = (options.progress ?? noProgress).start('download', url, { unit: 'bytes' });
  try {
    const bytes = await downloadBytes(url, maximumBytes, { activity, signal: options.signal });
    activity.finish();
    return bytes;
  } catch (error) {
    activity.finish('failed');
    throw error;
  }
}

/** The NAR of what is in the archive's only folder. */
function narOfArchive(bytes: Uint8Array, url: string): Uint8Array {
  const tree = planUnpacking(readTar(decompress(bytes, url), url), url);
  const [only, ...others] = tree.children.values();
  if (only?.type !== 'directory' || others.length > 0) throw unusableArchive(url);
  return collect((writer) => writeNode(writer, only));
}

function narOfFile(bytes: Uint8Array): Uint8Array {
  return collect((writer) => writer.file(bytes, false));
}

function writeNode(writer: NarWriter, node: UnpackNode): void {
  if (node.type === 'file') writer.file(node.data, node.executable);
  else if (node.type === 'symlink') writer.symlink(node.target);
  else writeDirectory(writer, node);
}

function writeDirectory(writer: NarWriter, directory: UnpackDirectory): void {
  writer.beginDirectory();
  for (const name of sortedNames(directory)) {
    writer.beginEntry(name);
    writeNode(writer, directory.children.get(name) as UnpackNode);
    writer.endEntry();
  }
  writer.endDirectory();
}

function collect(write: (writer: NarWriter) => void): Uint8Array {
  const pieces: Uint8Array[] = [];
  const writer = new NarWriter((piece) => { pieces.push(piece.slice()); });
  write(writer);
  writer.finish();
  return concatBytes(pieces);
}

/** Told by its first bytes, since URLs often do not say how an archive is compressed. */
function decompress(bytes: Uint8Array, url: string): Uint8Array {
  const starts = (...magic: number[]) => magic.every((byte, index) => bytes[index] === byte);
  try {
    if (starts(0x1f, 0x8b)) return gunzipSync(bytes);
    if (starts(0x28, 0xb5, 0x2f, 0xfd)) return zstdDecompressSync(bytes);
    if (starts(0xfd, 0x37, 0x7a, 0x58, 0x5a)) return xz.decompressSync(bytes);
  } catch (error) {
    throw unknownArchive(url, error);
  }
  if (bytes.length >= 512 && Buffer.from(bytes.subarray(257, 262)).toString('latin1') === 'ustar') return bytes;
  throw unknownArchive(url);
}

function pathInfo(path: StorePath, nar: Uint8Array, contentAddress: ContentAddress): PathInfo {
  return { path, narHash: hashOf('sha256', nar), narSizeBytes: nar.length, references: [], signatures: [], contentAddress };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}

/** `channel:NAME` is a short form. */
function resolveChannel(url: string): string {
  return url.startsWith('channel:') ? `https://channels.nixos.org/${url.slice('channel:'.length)}/nixexprs.tar.xz` : url;
}

function recall(file: string): StorePath | undefined {
  try {
    const [path, time] = readFileSync(file, 'utf8').split(' ');
    return Date.now() - Number(time) < believedFor ? path as StorePath : undefined;
  } catch {
    return undefined;
  }
}

function remember(file: string, path: StorePath): void {
  try {
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, `${path} ${Date.now()}`);
  } catch {
    // The next run downloads again.
  }
}

const maximumBytes = 2 ** 31;
const believedFor = 3600_000;
