/**
 * Roots: what garbage collection must keep.
 *
 * A root is a symbolic link to a store path below `gcroots`, or a link anywhere that `gcroots/auto`
 * points to (an indirect root, such as `result`): removing the link is enough to let the path go.
 * Where the store is not at `/nix`, and it was not named, such a link points to the real file, so
 * that people can use it; C++ Nix would not take that for a root, so `gcroots/firn` then holds the
 * logical path as well.
 */

import {
  existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync, unlinkSync,
  type Dirent,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { formatHash, hashOf } from '#base';
import { splitStorePath, type StorePath } from '#formats';
import { fileFailed, rootInTheWay } from './errors.ts';
import { bytePath } from './file-tree.ts';
import type { LocalStore } from './local-store.ts';
import type { Store } from './store.ts';

/** A store that keeps roots by itself, behind a connection, and whose files are on this machine. */
export interface RootKeeper {
  readonly storeDirectory: string;
  readonly physicalStoreDirectory: string;
  /** Registers a link, made by the caller, that leads to a store path. */
  keepLink(link: string): void;
}

/** Links `link` (absolute) to a valid path and registers it as a root. Returns `link`. */
export function addIndirectRoot(store: LocalStore | RootKeeper, path: StorePath, link: string): string {
  const status = lstatSync(link, { throwIfNoEntry: false });
  if (status !== undefined && (!status.isSymbolicLink() || storePathOfLink(store, link) === undefined)) {
    throw rootInTheWay(link);
  }
  if ('keepLink' in store) {
    // The logical name: by another the other end would not know what the link keeps.
    replaceLink(link, path);
    store.keepLink(link);
    return link;
  }
  const auto = join(store.stateDirectory, 'gcroots/auto');
  const name = formatHash(hashOf('sha1', bytePath(link)), 'nix32');
  // Registered first: a link that is not registered could be collected at once.
  replaceLink(join(auto, name), link);
  const leadsToFile = store.physicalStoreDirectory !== store.storeDirectory && store.location.logicalLinks !== true;
  if (leadsToFile) replaceLink(join(store.stateDirectory, 'gcroots/firn', name), path);
  replaceLink(link, leadsToFile ? store.physicalPath(path) : path);
  return link;
}

/** The roots that stand now: where each is found, and the store path it keeps. */
export function findRoots(store: LocalStore): Map<string, StorePath> {
  const roots = new Map<string, StorePath>();
  const visit = (path: string, entry: Dirent | undefined): void => {
    const status = entry ?? lstatSync(path, { throwIfNoEntry: false });
    if (status === undefined) return;
    if (status.isDirectory()) {
      // For C++ Nix only; we find the same roots by their links.
      if (path === join(store.stateDirectory, 'gcroots/firn')) return;
      for (const child of readdirSync(path, { withFileTypes: true })) visit(join(path, child.name), child);
    } else if (status.isSymbolicLink()) {
      visitLink(store, path, roots);
    } else if (status.isFile()) {
      // A file's name may be a root by itself.
      const named = splitStorePath(`${store.storeDirectory}/${path.slice(path.lastIndexOf('/') + 1)}`, store.storeDirectory);
      if (named !== undefined && store.isValidPath(named.storePath)) roots.set(path, named.storePath);
    }
  };
  for (const directory of ['gcroots', 'profiles']) {
    const path = join(store.stateDirectory, directory);
    if (existsSync(path)) visit(path, undefined);
  }
  return roots;
}

/** Removes indirect roots whose link is gone or points elsewhere now. */
export function removeStaleRoots(store: LocalStore): void {
  const auto = join(store.stateDirectory, 'gcroots/auto');
  const ours = join(store.stateDirectory, 'gcroots/firn');
  for (const name of existsSync(auto) ? readdirSync(auto) : []) {
    const target = readLink(join(auto, name));
    if (target === undefined || storePathOfLink(store, target) === undefined) unlinkSync(join(auto, name));
  }
  for (const name of existsSync(ours) ? readdirSync(ours) : []) {
    const target = readLink(join(auto, name));
    const kept = target === undefined ? undefined : storePathOfLink(store, target);
    if (kept === undefined) unlinkSync(join(ours, name));
    else if (kept !== readLink(join(ours, name))) replaceLink(join(ours, name), kept);
  }
}

function visitLink(store: LocalStore, path: string, roots: Map<string, StorePath>): void {
  const direct = storePathOfLink(store, path);
  if (direct !== undefined) {
    roots.set(path, direct);
    return;
  }
  const target = readLink(path);
  if (target === undefined) return;
  const link = resolve(dirname(path), target);
  const indirect = lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() === true
    ? storePathOfLink(store, link) : undefined;
  if (indirect !== undefined) roots.set(link, indirect);
}

/** The store path that a link points to or into, logically or physically. */
export function storePathOfLink(
  store: Pick<LocalStore, 'storeDirectory' | 'physicalStoreDirectory'>, link: string,
): StorePath | undefined {
  const target = readLink(link);
  if (target === undefined) return undefined;
  const absolute = resolve(dirname(link), target);
  const logical = absolute.startsWith(`${store.physicalStoreDirectory}/`)
    ? store.storeDirectory + absolute.slice(store.physicalStoreDirectory.length) : absolute;
  return splitStorePath(bytePath(logical), store.storeDirectory)?.storePath;
}

/** Where the files are that a chain of links, such as a profile is, leads to. */
export function placeOfLink(store: Pick<Store, 'storeDirectory' | 'physicalPath'>, link: string): string {
  let place = link;
  for (let links = 0; links < linkLimit; links++) {
    if (place.startsWith(`${store.storeDirectory}/`)) return store.physicalPath(place);
    const target = readLink(place);
    if (target === undefined) break;
    place = resolve(dirname(place), target);
  }
  return place;
}

const linkLimit = 64;

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Makes or replaces a link in one step. */
export function replaceLink(path: string, target: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    // What a killed process of the same number left: in containers numbers come again.
    rmSync(temporary, { force: true });
    symlinkSync(target, temporary);
    renameSync(temporary, path);
  } catch (error) {
    throw fileFailed('making link', path, error);
  }
}
