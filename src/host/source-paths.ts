/**
 * Store paths of source files and folders: the hash of what a filter lets through, and the copy.
 *
 * The filter is Nix code: it is called once for each entry, in order, while the tree is hashed; what
 * it said is kept for the copy. Hashes of large trees are kept between runs, by what `lstat` tells
 * of each entry: a tree in which nothing was touched is not read again.
 */

import { encodeHex, sha256Hex, type Hash } from '#base';
import {
  checkStorePathName, makeContentAddressedPath, type IngestionMethod, type StorePath,
} from '#formats';
import { BackgroundHash, bytePath, hashTreeNow, type PreparedTree, type TreeFilter } from '#store';
import type { EvaluationTrace } from './results/trace.ts';
import { surveyKey, surveyTree, type Companion } from './results/tree-survey.ts';

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
  /** Is told what the tree was. */
  readonly trace?: EvaluationTrace;
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
  const { hash, entryCount } = hashSource(bytePath(physical), method, filter, accepted, cache, request.trace);
  const path = makeContentAddressedPath(request.name, { method, hash }, { others: references, self: false }, storeDirectory);
  return {
    path, hash, name: request.name, physical,
    options: { method, algorithm: 'sha256', expected: path, references },
    ...(accepted === undefined ? {} : { accepted }),
    ...(entryCount === undefined ? {} : { entryCount }),
  };
}

function hashSource(
  path: string, method: IngestionMethod, filter: TreeFilter | undefined, accepted: Set<string> | undefined,
  cache: HashCache | undefined, trace: EvaluationTrace | undefined,
): { readonly hash: Hash; readonly entryCount?: number } {
  const isSurveyed = cache !== undefined || trace !== undefined;
  const marker = sha256Hex(`place\0${path}`);
  // Where a tree was hashed before, it is likely to be as it was.
  const helper = isSurveyed && method === 'recursive' && cache?.load(marker) === undefined
    ? new HashHelper(path) : undefined;
  try {
    const survey = isSurveyed ? surveyTree(path, filter, helper?.companion) : undefined;
    // What cannot be surveyed is reported by whom it cannot be read by.
    if (survey === undefined) {
      trace?.giveUp();
      return { hash: hashTreeNow(path, method, 'sha256', filter) };
    }
    const isKept = cache !== undefined && method === 'recursive' && survey.settled && survey.count >= fewEntries;
    const key = surveyKey(survey);
    const known = isKept ? cache.load(key) : undefined;
    if (known !== undefined) {
      trace?.tree({ ...survey, place: path, method, hash: encodeHex(known) });
      return { hash: { algorithm: 'sha256', bytes: known }, entryCount: survey.count };
    }
    const recorded = accepted === undefined ? undefined : (inner: string) => accepted.has(inner);
    const hash = helper?.finish() ?? hashTreeNow(path, method, 'sha256', recorded);
    // What was touched since the survey has another change time now, so its states never come back.
    if (isKept) {
      cache.store(key, hash.bytes);
      cache.store(marker, hash.bytes);
    }
    trace?.tree({ ...survey, place: path, method, hash: encodeHex(hash.bytes) });
    return { hash, entryCount: survey.count };
  } finally {
    helper?.cancel();
  }
}

/** Has a large tree hashed on another thread from when it is seen to be large. */
class HashHelper {
  readonly #root: string;
  /** What was surveyed before there was a thread. */
  #first: Parameters<Companion>[] = [];
  #hash: BackgroundHash | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  readonly companion: Companion = (...entry) => {
    if (this.#hash === undefined) {
      this.#first.push(entry);
      if (this.#first.length < manyEntries) return;
      this.#hash = new BackgroundHash(this.#root);
      for (const early of this.#first) this.#tell(this.#hash, ...early);
      this.#first = [];
    } else {
      this.#tell(this.#hash, ...entry);
    }
  };

  finish(): Hash | undefined {
    return this.#hash?.finish();
  }

  cancel(): void {
    this.#hash?.cancel();
  }

  #tell(hash: BackgroundHash, ...[name, depth, { mode, size }]: Parameters<Companion>): void {
    hash.add(name, depth, mode, size);
  }
}

/** From here on a thread is worth its start. */
const manyEntries = 2000;
/** Smaller trees are hashed faster than their hash is looked up. */
const fewEntries = 200;
