/**
 * Store paths of source files and folders: the hash of what a filter lets through, and the copy.
 *
 * The filter is Nix code: it is called once for each entry, in order, while the tree is hashed; what
 * it said is kept for the copy. Hashes of large trees are kept between runs, by what `lstat` tells
 * of each entry: a tree in which nothing was touched is not read again.
 */

import { lstatSync } from 'node:fs';
import { encodeHex, Hasher, type Hash } from '#base';
import {
  checkStorePathName, makeContentAddressedPath, type IngestionMethod, type StorePath,
} from '#formats';
import { bytePath, hashTreeNow, systemPath, visitTree, type PreparedTree, type TreeFilter } from '#store';

/** Keeps hashes between runs; a key covers all that `lstat` tells of a tree. */
export interface HashCache {
  load(key: string): Uint8Array | undefined;
  store(key: string, hash: Uint8Array): void;
}

export interface SourceRequest {
  readonly name: string;
  /** Where it stands: an ordinary string. */
  readonly physical: string;
  readonly method: IngestionMethod;
  readonly filter?: TreeFilter;
  /** What the copy refers to, if it comes out of a store path that does. */
  readonly references?: readonly StorePath[];
}

export interface SourcePath extends PreparedTree {
  readonly hash: Hash;
}

/** Computes the store path of a source and how to copy it there. */
export function sourcePath(request: SourceRequest, storeDirectory: string, cache: HashCache | undefined): SourcePath {
  checkStorePathName(request.name);
  const { method, physical, references = [] } = request;
  const accepted = request.filter === undefined ? undefined : new Set<string>();
  const filter: TreeFilter | undefined = request.filter === undefined ? undefined
    : (path, type) => {
      const keep = request.filter!(path, type);
      if (keep) accepted!.add(path);
      return keep;
    };
  const hash = hashSource(bytePath(physical), method, filter, accepted, cache);
  const path = makeContentAddressedPath(request.name, { method, hash }, { others: references, self: false }, storeDirectory);
  const recorded = accepted === undefined ? {} : { filter: (inner: string) => accepted.has(inner) };
  return {
    path, hash, name: request.name, physical,
    options: { method, algorithm: 'sha256', expected: path, references, ...recorded },
  };
}

function hashSource(
  path: string, method: IngestionMethod, filter: TreeFilter | undefined, accepted: Set<string> | undefined,
  cache: HashCache | undefined,
): Hash {
  if (cache === undefined || method !== 'recursive' || !lstatSync(systemPath(path)).isDirectory()) {
    return hashTreeNow(path, method, 'sha256', filter);
  }
  const { key, entries } = fingerprint(path, filter);
  const worthwhile = key !== undefined && entries >= fewEntries;
  const known = worthwhile ? cache.load(key) : undefined;
  if (known !== undefined) return { algorithm: 'sha256', bytes: known };
  const recorded = accepted === undefined ? undefined : (inner: string) => accepted.has(inner);
  const hash = hashTreeNow(path, method, 'sha256', recorded);
  // Only if nothing was touched meanwhile does the key stand for what was read.
  if (worthwhile && fingerprint(path, recorded).key === key) cache.store(key, hash.bytes);
  return hash;
}

/**
 * What `lstat` tells of a tree, as a key. None if something changed so recently that a further
 * change might leave the same times.
 */
function fingerprint(path: string, filter: TreeFilter | undefined): { key: string | undefined; entries: number } {
  const hasher = new Hasher('sha256');
  let entries = 0;
  let newest = 0;
  let lines = '';
  visitTree(path, (inner, status) => {
    entries++;
    newest = Math.max(newest, status.ctimeMs, status.mtimeMs);
    lines += `${inner}\0${status.mode} ${status.size} ${status.mtimeMs} ${status.ctimeMs} ${status.ino} ${status.dev}\0`;
    if (lines.length < longLines) return;
    hasher.update(lines);
    lines = '';
  }, filter);
  hasher.update(lines);
  const settled = newest < Date.now() - settleTime;
  return { key: settled ? encodeHex(hasher.digest().bytes) : undefined, entries };
}

/** Smaller trees are hashed faster than their key is made and looked up. */
const fewEntries = 200;
/** Hashing has its price per call: lines are gathered to such a length. */
const longLines = 1 << 16;
/** Coarser than the clock of any file system's time stamps. */
const settleTime = 3000;
