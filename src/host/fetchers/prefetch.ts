/**
 * Files and archives fetched for their own sake: by `nix-prefetch-url`, whose user wants to know the
 * hash, and for channels.
 */

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeUtf8, formatHash, sameHash, UserError, type Hash, type HashAlgorithm } from '#base';
import { unpackArchive, writeUnpacked } from '#build';
import {
  checkStorePathName, makeContentAddressedPath, noReferences, type IngestionMethod, type StorePath,
  type UnpackNode,
} from '#formats';
import { parseUrl, urlPathToFile } from '#runtime';
import { bytePath, deleteTree, hashTreeNow } from '#store';
import { downloadMismatch, emptyArchive, namelessUrl } from '../errors.ts';
import { FetchContext, type FetchOptions } from './context.ts';
import { downloadFile, isLocalFolder, readUrl } from './download.ts';

export interface PrefetchRequest {
  readonly url: string;
  /** Default: the last part of the URL's path. */
  readonly name: string | undefined;
  readonly algorithm: HashAlgorithm;
  readonly expected: Hash | undefined;
  /** Adds what is in the archive. */
  readonly unpack: boolean;
  readonly executable: boolean;
}

export interface Prefetched {
  readonly storePath: StorePath;
  /** Of the file's bytes or, of a tree or an executable file, of the NAR. */
  readonly hash: Hash;
}

export async function prefetch(request: PrefetchRequest, options: FetchOptions): Promise<Prefetched> {
  const { url, expected, unpack, executable } = request;
  const { store } = options;
  const name = request.name ?? lastSegment(url);
  checkStorePathName(name);
  const method: IngestionMethod = unpack || executable ? 'recursive' : 'flat';
  const pathOf = (hash: Hash) => makeContentAddressedPath(name, { method, hash }, noReferences, store.storeDirectory);
  if (expected !== undefined && store.isValidPath(pathOf(expected))) {
    return { storePath: pathOf(expected), hash: expected };
  }
  const page = await readUrl(new FetchContext(options), url, {}, undefined);
  const data = page.bytes ?? new Uint8Array();
  const node: UnpackNode = unpack ? topOf(data, url) : { type: 'file', data, executable };
  const folder = mkdtempSync(join(tmpdir(), 'nix-prefetch-url.'));
  try {
    const place = join(folder, 'content');
    writeUnpacked(place, node);
    const algorithm = expected?.algorithm ?? request.algorithm;
    const hash = hashTreeNow(bytePath(place), method, algorithm);
    if (expected !== undefined && !sameHash(hash, expected)) {
      throw downloadMismatch(url, formatHash(expected, 'sri'), formatHash(hash, 'sri'));
    }
    const storePath = pathOf(hash);
    store.addTree(name, place, { method, algorithm, expected: storePath });
    return { storePath, hash };
  } finally {
    deleteTree(bytePath(folder));
  }
}

/** The archive of the channel at a URL: that itself, or a folder that has one. */
export async function fetchChannel(url: string, options: FetchOptions): Promise<StorePath> {
  const context = new FetchContext(options);
  const name = lastSegment(url);
  if (/\.tar\.(gz|bz2|xz)$/.test(name)) return (await downloadFile(context, url, name)).storePath;
  // Where the folder leads now is where all of its parts are taken from.
  const folder = isLocalFolder(url) ? url : (await readUrl(context, url, {}, undefined)).urls.at(-1) ?? url;
  try {
    return (await downloadFile(context, `${folder}/nixexprs.tar.xz`, 'nixexprs.tar.xz')).storePath;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return (await downloadFile(context, `${folder}/nixexprs.tar.bz2`, 'nixexprs.tar.bz2')).storePath;
  }
}

/** What is in an archive: its only entry, or all of it. */
function topOf(bytes: Uint8Array, url: string): UnpackNode {
  const root = unpackArchive(bytes, url);
  const [only, ...others] = root.children.values();
  if (only === undefined) throw emptyArchive(url);
  return others.length === 0 ? only : root;
}

function lastSegment(url: string): string {
  const path = /^[a-z+]+:/i.test(url) ? decodeUtf8(urlPathToFile(parseUrl(url).path)) : url;
  const name = path.replace(/\/+$/, '').split('/').at(-1) ?? '';
  if (name === '') throw namelessUrl(url);
  return name;
}
