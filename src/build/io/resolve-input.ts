/**
 * What a path in the store leads to when every link on the way is followed, as the running system
 * would follow it: absolute links are logical, wherever the files stand.
 */
import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { resolve } from 'node:path/posix';
import { decodeUtf8 } from '#base';
import { isBelowStore } from '#formats';
import { bytePath, systemPath } from '#store';

export interface ResolvedInput {
  /** The path without links, logical, a byte string. */
  readonly logical: string;
  /** Where it stands, a byte string. */
  readonly physical: string;
  /** `outside`: a link leads out of the store, where nothing is looked at. */
  readonly kind: 'directory' | 'other' | 'missing' | 'outside';
}

/** The store, as far as is needed to follow links in it. */
export interface LinkedStore {
  readonly storeDirectory: string;
  physicalPath(storePath: string): string;
}

/** Follows `path`, a logical byte string at or below a store path. */
export function resolveInput(path: string, store: LinkedStore): ResolvedInput {
  const { storeDirectory } = store;
  let pending = resolve(path);
  for (let links = 0; links <= linkLimit; links++) {
    const target = firstLink(pending, store);
    if (target === undefined) return describe(pending, store);
    pending = target;
    if (!isBelowStore(pending, storeDirectory)) return { logical: pending, physical: pending, kind: 'outside' };
  }
  return { logical: path, physical: placeOf(path, store), kind: 'missing' };
}

/** The path with its first link replaced by what that leads to; undefined if there is none. */
function firstLink(path: string, store: LinkedStore): string | undefined {
  const names = path.slice(store.storeDirectory.length + 1).split('/');
  let reached = store.storeDirectory;
  for (const [index, name] of names.entries()) {
    const here = `${reached}/${name}`;
    if (statusOf(here, store)?.isSymbolicLink() === true) {
      const target = readlinkSync(systemPath(placeOf(here, store)), 'latin1');
      return resolve(reached, target, ...names.slice(index + 1));
    }
    reached = here;
  }
  return undefined;
}

function describe(path: string, store: LinkedStore): ResolvedInput {
  const status = statusOf(path, store);
  const kind = status === undefined ? 'missing' : status.isDirectory() ? 'directory' : 'other';
  return { logical: path, physical: placeOf(path, store), kind };
}

function statusOf(path: string, store: LinkedStore): Stats | undefined {
  try {
    return lstatSync(systemPath(placeOf(path, store)));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function placeOf(path: string, store: LinkedStore): string {
  return bytePath(store.physicalPath(decodeUtf8(path)));
}

/** How many links one path may lead through, as in the kernel. */
const linkLimit = 40;
