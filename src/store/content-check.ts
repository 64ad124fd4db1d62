/**
 * Whether what arrived is what its content address says: a path may be believed without a signature
 * because of it, so it is never registered unchecked.
 */

import { sameHash } from '#base';
import type { PathInfo } from '#formats';
import { hashWithoutItself } from './content-addressing.ts';
import { contentAddressMismatch } from './errors.ts';
import { hashTreeNow } from './tree-hash.ts';

/** Compares the tree at `place` (a byte string) with the content address; its own path counts as zeros. */
export function checkContentAddress(info: PathInfo, place: string): void {
  const { contentAddress: wanted } = info;
  if (wanted === undefined) return;
  const { method, hash } = wanted;
  const { algorithm } = hash;
  if (info.references.includes(info.path)) {
    if (!sameHash(hashWithoutItself(place, { scratch: info.path, method, algorithm }), hash)) {
      throw contentAddressMismatch(info.path);
    }
    return;
  }
  // The NAR has been hashed and compared already.
  const found = method === 'recursive' && hash.algorithm === info.narHash.algorithm
    ? info.narHash : hashTreeNow(place, method, hash.algorithm);
  if (!sameHash(found, hash)) throw contentAddressMismatch(info.path);
}
