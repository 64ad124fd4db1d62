/** `result` links: made, and registered so that what they point to is kept. */

import type { StorePath } from '#formats';
import { addIndirectRoot, type LocalStore } from '#store';

/** Links `link` (an absolute path) to a valid path. */
export function addRoot(store: LocalStore, link: string, path: StorePath): string {
  return addIndirectRoot(store, path, link);
}
