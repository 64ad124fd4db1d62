/** Unpacking an archive that comes from elsewhere, and comparing it with what is said of it. */

import { formatPrefixedHash, Hasher, sameHash, type Hash } from '#base';
import { baseNameOf, NarReader, type PathInfo, type StorePath } from '#formats';
import { checkContentAddress } from './content-check.ts';
import { hashMismatch, sizeMismatch } from './errors.ts';
import { TreeRestorer } from './file-tree.ts';

/**
 * Unpacks to `place` (a byte string), which the caller removes if this throws; returns the size.
 * Throws HASH_MISMATCH, SIZE_MISMATCH, CONTENT_ADDRESS_MISMATCH, and what a malformed NAR is.
 */
export async function receiveNar(
  info: PathInfo, nar: AsyncIterable<Uint8Array>, place: string, advance: (bytes: number) => void = () => {},
): Promise<number> {
  const hasher = new Hasher(info.narHash.algorithm);
  const restorer = new TreeRestorer(place);
  const reader = new NarReader(restorer);
  let sizeBytes = 0;
  try {
    for await (const piece of nar) {
      hasher.update(piece);
      sizeBytes += piece.length;
      if (info.narSizeBytes > 0 && sizeBytes > info.narSizeBytes) {
        throw sizeMismatch(info.path, info.narSizeBytes, sizeBytes);
      }
      if (reader.write(piece) < piece.length) throw sizeMismatch(info.path, sizeBytes - 1, sizeBytes);
      advance(piece.length);
    }
    reader.end();
  } catch (error) {
    restorer.abandon();
    throw error;
  }
  const narHash = hasher.digest();
  if (!sameHash(narHash, info.narHash)) throw narMismatch(info.path, info.narHash, narHash);
  checkContentAddress(info, place);
  return sizeBytes;
}

function narMismatch(path: StorePath, wanted: Hash, found: Hash): Error {
  return hashMismatch(baseNameOf(path), formatPrefixedHash(wanted, 'nix32'), formatPrefixedHash(found, 'nix32'));
}
