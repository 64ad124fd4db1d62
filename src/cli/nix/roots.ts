/** `result` links: made, and registered so that what they point to is kept. */

import type { StorePath } from '#formats';
import { addIndirectRoot, LocalStore, PeerStore, type Store } from '#store';

/**
 * Links `link` (an absolute path) to a valid path. Of a store whose files are not on this machine
 * there is nothing to link to: then no link is made, and the path itself is returned.
 */
export function addRoot(store: Store, link: string, path: StorePath): string {
  const keepsRoots = store instanceof LocalStore || (store instanceof PeerStore && store.root !== undefined);
  return keepsRoots ? addIndirectRoot(store, path, link) : path;
}
