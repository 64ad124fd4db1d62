/**
 * Garbage collection: deleting what no root needs.
 *
 * The collector's lock is held exclusively, so nobody makes new paths meanwhile: neither a Firn that
 * writes (it holds the lock shared) nor C++ Nix. A path is forgotten by the database before its
 * files go, so a killed collector leaves only leftovers, which the next one finds.
 */

import { readFileSync, readdirSync, readlinkSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { noProgress, type Progress } from '#base';
import { isDerivationPath, maybeStorePath, type StorePath } from '#formats';
import { pathNotValid, pathStillReferenced } from './errors.ts';
import { lockFile, tryLockFile } from './file-lock.ts';
import { bytePath, deleteTree } from './file-tree.ts';
import type { LocalStore } from './local-store.ts';
import { findRoots, removeStaleRoots } from './roots.ts';

export interface CollectOptions {
  /** Stops when so much is freed. */
  readonly maximumFreedBytes?: number;
  /** Keeps derivations of outputs that are kept. Default: true, as in C++ Nix. */
  readonly keepDerivations?: boolean;
  /** Keeps outputs of derivations that are kept. Default: false. */
  readonly keepOutputs?: boolean;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface Collected {
  readonly paths: readonly string[];
  readonly freedBytes: number;
}

type LivenessOptions = Pick<CollectOptions, 'keepDerivations' | 'keepOutputs'>;

/** Deletes everything that is not alive. */
export async function collectGarbage(store: LocalStore, options: CollectOptions = {}): Promise<Collected> {
  const lock = await lockForCollection(store, options.signal);
  const progress = options.progress ?? noProgress;
  const activity = progress.start('verify', 'store paths');
  try {
    removeStaleRoots(store);
    const alive = livePaths(store, options);
    const deleted: string[] = [];
    let freedBytes = 0;
    const limit = options.maximumFreedBytes ?? Infinity;
    for (const path of deadPathsInOrder(store, alive)) {
      options.signal?.throwIfAborted();
      if (freedBytes >= limit) break;
      freedBytes += deletePath(store, path);
      deleted.push(path);
      activity.advance(1);
    }
    activity.finish();
    return { paths: deleted, freedBytes };
  } catch (error) {
    activity.finish('failed');
    throw error;
  } finally {
    lock.release();
  }
}

/** Deletes the given paths; fails if one is alive. */
export async function deletePaths(
  store: LocalStore, paths: readonly StorePath[], options: { ignoreLiveness?: boolean; signal?: AbortSignal } = {},
): Promise<Collected> {
  const lock = await lockForCollection(store, options.signal);
  try {
    removeStaleRoots(store);
    const alive = options.ignoreLiveness === true ? new Set<StorePath>() : livePaths(store, {});
    const wanted = new Set(paths);
    const deleted: string[] = [];
    let freedBytes = 0;
    for (const path of deadPathsInOrder(store, new Set(), wanted)) {
      if (alive.has(path as StorePath)) throw pathStillReferenced(path, 'a root');
      const referrer = store.queryReferrers(path as StorePath).find((one) => one !== path && !wanted.has(one));
      if (referrer !== undefined) throw pathStillReferenced(path, referrer);
      freedBytes += deletePath(store, path);
      deleted.push(path);
    }
    for (const path of paths) if (!deleted.includes(path)) throw pathNotValid(path);
    return { paths: deleted, freedBytes };
  } finally {
    lock.release();
  }
}

/** Everything that roots, running programs and temporary roots need. */
export function livePaths(store: LocalStore, options: LivenessOptions): Set<StorePath> {
  const { keepDerivations = true, keepOutputs = false } = options;
  const alive = new Set<StorePath>();
  const left = [...findRoots(store).values(), ...temporaryRoots(store), ...runtimeRoots(store)]
    .filter((path) => store.isValidPath(path));
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    if (alive.has(path)) continue;
    alive.add(path);
    const info = store.queryPathInfo(path);
    left.push(...(info?.references ?? []));
    if (keepDerivations) {
      left.push(...store.queryDerivers(path));
      if (info?.deriver !== undefined && store.isValidPath(info.deriver)) left.push(info.deriver);
    }
    if (keepOutputs && isDerivationPath(path)) {
      for (const output of store.queryDerivationOutputs(path).values()) {
        if (store.isValidPath(output)) left.push(output);
      }
    }
  }
  return alive;
}

/** Paths in use by running programs, as far as this user may see. Linux only. */
export function runtimeRoots(store: LocalStore): StorePath[] {
  if (process.platform !== 'linux') return [];
  const found = new Set<StorePath>();
  const pattern = new RegExp(`${store.storeDirectory.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}/[0-9a-z]{32}-[0-9A-Za-z+._?=-]+`, 'g');
  for (const pid of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))) {
    for (const text of whatIsOpen(`/proc/${pid}`)) {
      for (const match of text.matchAll(pattern)) {
        const path = maybeStorePath(match[0], store.storeDirectory);
        if (path !== undefined) found.add(path);
      }
    }
  }
  return [...found];
}

/** Program, folder, open files, mapped files and variables of a process. Its arguments are no use of a path. */
function* whatIsOpen(process: string): Generator<string> {
  const reads = [
    ...['exe', 'cwd'].map((name) => () => readlinkSync(`${process}/${name}`)),
    () => readdirSync(`${process}/fd`).map((name) => `${readlinkSync(`${process}/fd/${name}`)}\n`).join(''),
    ...['maps', 'environ'].map((name) => () => readFileSync(`${process}/${name}`, 'latin1')),
  ];
  for (const read of reads) {
    try {
      yield read();
    } catch {
      // Another user's process, or one that has ended.
    }
  }
}

/** What other processes hold by C++ Nix's files of temporary roots. */
function temporaryRoots(store: LocalStore): StorePath[] {
  const directory = join(store.stateDirectory, 'temproots');
  const roots: StorePath[] = [];
  for (const name of readdirSync(directory)) {
    const file = join(directory, name);
    const lock = tryLockFile(file, 'exclusive');
    // Whoever wrote it is gone if nobody holds its lock.
    lock?.release();
    if (lock !== undefined) continue;
    for (const text of readFileSync(file, 'latin1').split('\0')) {
      const path = maybeStorePath(text.startsWith('/') ? text : `${store.storeDirectory}/${text}`, store.storeDirectory);
      if (path !== undefined) roots.push(path);
    }
  }
  return roots;
}

/** Dead valid paths, those that refer before those referred to; then leftovers. */
function* deadPathsInOrder(
  store: LocalStore, alive: ReadonlySet<StorePath>, only?: ReadonlySet<string>,
): Generator<string, void, void> {
  const valid = new Set(store.allValidPaths());
  const dead = new Set([...valid].filter((path) => !alive.has(path) && (only === undefined || only.has(path))));
  const visited = new Set<StorePath>();
  for (const start of dead) {
    const stack: { path: StorePath; referrers: StorePath[] }[] = [];
    const enter = (path: StorePath) => {
      visited.add(path);
      stack.push({ path, referrers: store.queryReferrers(path).filter((one) => dead.has(one)) });
    };
    if (!visited.has(start)) enter(start);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = top.referrers.pop();
      if (next === undefined) {
        stack.pop();
        yield top.path;
      } else if (!visited.has(next)) {
        enter(next);
      }
    }
  }
  for (const name of readdirSync(store.physicalStoreDirectory)) {
    const path = `${store.storeDirectory}/${name}`;
    if (name === '.links' || valid.has(path as StorePath)) continue;
    if (only === undefined || only.has(path)) yield path;
  }
}

function deletePath(store: LocalStore, path: string): number {
  store.database.invalidate(path as StorePath);
  const place = bytePath(store.physicalPath(path));
  // Out of the way in one step: a half-deleted tree never has a store path's name.
  const aside = `${bytePath(store.physicalStoreDirectory)}/.deleted-${process.pid}`;
  try {
    renameSync(Buffer.from(place, 'latin1'), Buffer.from(aside, 'latin1'));
  } catch {
    return deleteTree(place);
  }
  return deleteTree(aside);
}

async function lockForCollection(store: LocalStore, signal: AbortSignal | undefined) {
  store.releaseCollectorLock();
  return lockFile(join(store.stateDirectory, 'gc.lock'), 'exclusive', { signal });
}
