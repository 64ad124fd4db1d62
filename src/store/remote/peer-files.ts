/** Trees and files inside store paths of any store, without making the paths valid here. */

import { concatBytes } from '#base';
import type { StorePath } from '#formats';
import { CachePeer } from '../binary-cache/cache-peer.ts';
import { notAFile, notInNar } from '../binary-cache/errors.ts';
import { findInListing, ListingBuilder, type ListedTree } from '../binary-cache/nar-listing.ts';
import type { StorePeer } from './peer.ts';

/** The tree of a path. A cache's listing saves its NAR. */
export async function treeOf(peer: StorePeer, path: StorePath): Promise<ListedTree> {
  if (peer instanceof CachePeer) return peer.listing(path);
  const builder = new ListingBuilder();
  for await (const piece of peer.narOf(path)) builder.take(piece);
  return builder.finish();
}

/** The content of a file below a path; `inner` is relative to it. Throws NOT_IN_NAR, NOT_A_FILE. */
export async function fileOf(peer: StorePeer, path: StorePath, inner: string): Promise<Uint8Array> {
  if (peer instanceof CachePeer) return peer.file(path, inner);
  const pieces: Uint8Array[] = [];
  const builder = new ListingBuilder();
  for await (const piece of peer.narOf(path)) {
    builder.take(piece);
    pieces.push(piece.slice());
  }
  const node = findInListing(builder.finish(), inner);
  if (node === undefined) throw notInNar(`${path}/${inner}`);
  if (node.type !== 'regular') throw notAFile(`${path}/${inner}`);
  return concatBytes(pieces).subarray(node.narOffset, (node.narOffset ?? 0) + node.sizeBytes);
}
