/**
 * Whether what arrived is what its content address says: a path may be believed without a signature
 * because of it, so it is never registered unchecked.
 */

import { sameHash } from '#base';
import type { PathInfo } from '#formats';
import { contentAddressMismatch } from './errors.ts';
import { hashTreeNow } from './tree-hash.ts';

/**
 * Compares the tree at `place` (a byte string) with the content address. One that counts its own
 * path as zeros is left to the signature.
 */
export function checkContentAddress(info: PathInfo, place: string): void {
  const { contentAddress: wanted } = info;
  if (wanted === undefined || info.references.includes(info.path)) return;
  const { method, hash } = wanted;
  // The NAR has been hashed and compared already.
  const found = method === 'recursive' && hash.algorithm === info.narHash.algorithm
    ? info.narHash : hashTreeNow(place, method, hash.algorithm);
  if (!sameHash(found, hash)) throw contentAddressMismatch(info.path);
}
