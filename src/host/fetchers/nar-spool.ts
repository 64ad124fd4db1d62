/**
 * Trees that are written as a NAR before their store path is known.
 *
 * The path comes from the NAR's hash, so the NAR goes to a file first and from there into the store;
 * a tree of any size needs little memory. The file has no name as soon as it is open.
 */

import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { formatHash, Hasher, type Hash } from '#base';
import {
  makeContentAddressedPath, NarWriter, noReferences, type ContentAddress, type StorePath,
} from '#formats';
import { writeAll, type Store } from '#store';

export interface AddedTree {
  readonly storePath: StorePath;
  /** SRI. */
  readonly narHash: string;
}

/** A path that does not come from the NAR's hash. */
export interface KnownAddress {
  readonly path: StorePath;
  readonly contentAddress: ContentAddress;
}

/** Adds the tree that `write` tells the writer of. */
export async function addTreeByNar(
  store: Store, cacheDirectory: string, name: string, write: (writer: NarWriter) => void | Promise<void>,
  address?: KnownAddress,
): Promise<AddedTree> {
  const file = openNameless(join(cacheDirectory, 'unpacking'));
  try {
    const hasher = new Hasher('sha256');
    let narSizeBytes = 0;
    const writer = new NarWriter((piece) => {
      hasher.update(piece);
      writeAll(file, piece);
      narSizeBytes += piece.length;
    });
    await write(writer);
    writer.finish();
    const hash = hasher.digest();
    const storePath = address?.path ?? pathOfTree(store, name, hash);
    await store.addNar({
      path: storePath, narHash: hash, narSizeBytes, references: [], signatures: [],
      contentAddress: address?.contentAddress ?? { method: 'recursive', hash },
    }, piecesOf(file));
    return { storePath, narHash: formatHash(hash, 'sri') };
  } finally {
    closeSync(file);
  }
}

/** The path of a tree with this NAR hash. */
export function pathOfTree(store: Store, name: string, hash: Hash): StorePath {
  return makeContentAddressedPath(name, { method: 'recursive', hash }, noReferences, store.storeDirectory);
}

function openNameless(folder: string): number {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, randomBytes(12).toString('hex'));
  const file = openSync(path, 'wx+', 0o600);
  rmSync(path);
  return file;
}

async function* piecesOf(file: number): AsyncGenerator<Uint8Array, void, void> {
  const buffer = new Uint8Array(1 << 18);
  for (let position = 0;;) {
    const count = readSync(file, buffer, 0, buffer.length, position);
    if (count === 0) return;
    position += count;
    yield buffer.subarray(0, count);
  }
}
