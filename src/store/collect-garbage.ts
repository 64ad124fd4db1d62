/**
 * Garbage collection: deleting what no root needs, while others go on building and evaluating.
 *
 * Only one collector runs at a time: it holds `gc.lock`. Others tell it by its socket what they need
 * from now on, and what they needed before stands in their files of temporary roots. Deletion is one
 * path after the other, and between two the answers go out: so whoever has an answer may count on
 * the path, if it is valid still. A path is forgotten by the database before its files go, so a
 * killed collector leaves only leftovers, which the next one finds.
 */

import { lstatSync, readdirSync, renameSync, statfsSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { noProgress, type Progress } from '#base';
import { hashPartOf, type StorePath } from '#formats';
import { pathStillReferenced } from './errors.ts';
import { lockFile, tryLockFile } from './file-lock.ts';
import { bytePath, deleteTree, listNames, systemPath } from './file-tree.ts';
import { addLive, livePaths, temporaryRoots, type LivenessOptions } from './live-paths.ts';
import type { LocalStore } from './local-store.ts';
import { removeStaleRoots } from './roots.ts';
import { listenForRoots } from './roots-server.ts';

export interface CollectOptions extends LivenessOptions {
  /** Stops when so much is freed. */
  readonly maximumFreedBytes?: number;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
  /** Waited for when the lock is taken, and when the roots have been read: C++ Nix's tests meet us there. */
  readonly meet?: (point: 'locked' | 'rooted') => Promise<void>;
}

export interface Collected {
  readonly paths: readonly string[];
  readonly freedBytes: number;
}

/** Deletes everything that is not alive. */
export async function collectGarbage(store: LocalStore, options: CollectOptions = {}): Promise<Collected> {
  const activity = (options.progress ?? noProgress).start('verify', 'store paths');
  try {
    const collected = await whileCollecting(store, options, (needed) =>
      deleteDead(store, options, needed, () => activity.advance(1)));
    activity.finish();
    return collected;
  } catch (error) {
    activity.finish('failed');
    throw error;
  }
}

/** Deletes the given paths; fails if one is alive. What is not there need not be deleted. */
export function deletePaths(
  store: LocalStore, paths: readonly StorePath[], options: { ignoreLiveness?: boolean; signal?: AbortSignal } = {},
): Promise<Collected> {
  return whileCollecting(store, options, async (needed) => {
    // Named paths go with their derivations, whatever the settings keep: as C++ Nix does it.
    const alive = options.ignoreLiveness === true ? new Set<StorePath>() : livePaths(store, { keepDerivations: false });
    const wanted = new Set(paths);
    const deleted: string[] = [];
    let freedBytes = 0;
    for (const path of deadPathsInOrder(store, new Set(), wanted)) {
      await nextTurn();
      if (alive.has(path as StorePath) || needed.includes(path)) throw pathStillReferenced(path, 'a root');
      const referrer = store.queryReferrers(path as StorePath).find((one) => one !== path && !wanted.has(one));
      if (referrer !== undefined) throw pathStillReferenced(path, referrer);
      freedBytes += deletePath(store, path);
      deleted.push(path);
    }
    freedBytes += removeUnusedLinks(store);
    return { paths: deleted, freedBytes };
  });
}

export interface SpaceOptions extends LivenessOptions {
  /** Collects when less is free than this, */
  readonly minimumFreeBytes: number;
  /** until so much is. */
  readonly maximumFreeBytes: number;
  readonly checkedEverySeconds: number;
  /** How much is free; by default what the system says of the store's disk. */
  readonly freeBytes?: () => number;
}

/** When the room was last looked at, and how much the last collection left free. */
const lastChecks = new Map<string, { time: number; freeAfter: number }>();

/**
 * Collects garbage if the store's disk has too little room; nothing if another process does, or if
 * there is as little as after the last collection: it would find nothing.
 */
export async function collectForSpace(store: LocalStore, options: SpaceOptions): Promise<void> {
  const now = performance.now();
  const last = lastChecks.get(store.stateDirectory) ?? { time: Number.NEGATIVE_INFINITY, freeAfter: Infinity };
  if (now - last.time < options.checkedEverySeconds * 1000) return;
  const check = { ...last, time: now };
  lastChecks.set(store.stateDirectory, check);
  const { freeBytes = () => freeOnDisk(store) } = options;
  const free = freeBytes();
  if (free >= options.minimumFreeBytes || free >= options.maximumFreeBytes) return;
  if (free > check.freeAfter * nearlyAsMuch) return;
  const lock = tryLockFile(join(store.stateDirectory, 'gc.lock'), 'exclusive');
  if (lock === undefined) return;
  lock.release();
  await collectGarbage(store, { ...options, maximumFreedBytes: options.maximumFreeBytes - free });
  check.time = performance.now();
  check.freeAfter = freeBytes();
}

/** Of what was free after the last collection: less than this, and it is worth another. */
const nearlyAsMuch = 0.97;

function freeOnDisk(store: LocalStore): number {
  const { bavail, bsize } = statfsSync(store.physicalStoreDirectory);
  return bavail * bsize;
}

/** What is needed by those who came while garbage is collected. */
class Needed {
  readonly #hashParts = new Set<string>();
  readonly #paths: StorePath[] = [];

  add(path: StorePath): void {
    this.#hashParts.add(hashPartOf(path));
    this.#paths.push(path);
  }

  /** Whether it is a path that is needed, or a lock or leftover beside one. */
  includes(path: string): boolean {
    return this.#hashParts.has(hashPartOf(path as StorePath));
  }

  /** Paths that came since it was last asked. */
  takeNew(): StorePath[] {
    return this.#paths.splice(0);
  }
}

/** Runs `work` as the only collector, with what others need from now on. */
async function whileCollecting<T>(
  store: LocalStore, { signal, meet }: Pick<CollectOptions, 'signal' | 'meet'>, work: (needed: Needed) => Promise<T>,
): Promise<T> {
  const lock = await lockFile(join(store.stateDirectory, 'gc.lock'), 'exclusive', { signal });
  try {
    await meet?.('locked');
    const needed = new Needed();
    const server = await listenForRoots(store.stateDirectory, store.storeDirectory, (path) => needed.add(path));
    try {
      removeStaleRoots(store);
      return await work(needed);
    } finally {
      await server.close();
    }
  } finally {
    lock.release();
  }
}

async function deleteDead(
  store: LocalStore, options: CollectOptions, needed: Needed, advance: () => void,
): Promise<Collected> {
  // Only after the socket is open: whoever comes later says so there.
  for (const path of temporaryRoots(store)) needed.add(path);
  const alive = livePaths(store, options);
  await options.meet?.('rooted');
  const deleted: string[] = [];
  const limit = options.maximumFreedBytes ?? Infinity;
  let freedBytes = 0;
  for (const path of deadPathsInOrder(store, alive)) {
    options.signal?.throwIfAborted();
    if (freedBytes >= limit) break;
    await nextTurn();
    addLive(store, needed.takeNew(), alive, options);
    if (alive.has(path as StorePath) || needed.includes(path)) continue;
    // Somebody may have registered what refers to it since the order was made.
    if (store.queryReferrers(path as StorePath).some((one) => one !== path)) continue;
    freedBytes += deletePath(store, path);
    deleted.push(path);
    advance();
  }
  return { paths: deleted, freedBytes: freedBytes + removeUnusedLinks(store) };
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
    if (only !== undefined ? !only.has(path) : store.database.isValid(path) || isInUse(store, name)) continue;
    yield path;
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

/** Folders that C++ Nix works in are locked as long as it does. */
function isInUse(store: LocalStore, name: string): boolean {
  if (!name.startsWith('tmp-')) return false;
  const lock = tryLockFile(join(store.physicalStoreDirectory, name), 'exclusive');
  lock?.release();
  return lock === undefined;
}

/** Shared files that no path has any more. */
function removeUnusedLinks(store: LocalStore): number {
  const links = `${bytePath(store.physicalStoreDirectory)}/.links`;
  if (lstatSync(systemPath(links), { throwIfNoEntry: false }) === undefined) return 0;
  let freedBytes = 0;
  for (const name of listNames(links)) {
    const status = lstatSync(systemPath(`${links}/${name}`), { throwIfNoEntry: false });
    if (status === undefined || status.nlink > 1) continue;
    unlinkSync(systemPath(`${links}/${name}`));
    freedBytes += status.blocks * 512;
  }
  return freedBytes;
}
