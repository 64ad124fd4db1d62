/**
 * Where the files of logical store paths stand.
 *
 * In our store if it has the path; one that our store does not have is read at its own name, so
 * that a configuration may stand in a store that is not ours.
 */

import { lstatSync } from 'node:fs';
import { decodeUtf8 } from '#base';
import { splitStorePath } from '#formats';
import { bytePath, systemPath, type LocalStore } from '#store';

/** Place on disk of a path at or below the store's directory; both are byte strings. */
export function placeInStore(store: LocalStore, path: string): string {
  const physical = bytePath(store.physicalPath(decodeUtf8(path)));
  if (physical === path) return path;
  const found = splitStorePath(path, store.storeDirectory);
  const inOurs = found !== undefined && store.isValidPath(found.storePath);
  return inOurs || lstatSync(systemPath(path), { throwIfNoEntry: false }) === undefined ? physical : path;
}
