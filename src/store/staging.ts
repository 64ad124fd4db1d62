/**
 * Staging: writing a text or a copy of a tree to a temporary place in the store's folder, complete
 * and canonical, with all that the database will say of it.
 */

import { chmodSync } from 'node:fs';
import { Hasher, hashOf, type Hash } from '#base';
import { makeContentAddressedPath, NarWriter, type StorePath } from '#formats';
import type { Registration } from './database.ts';
import { fileChanged } from './errors.ts';
import { CopyingWriter, dumpTree, statusOf, systemPath, TreeRestorer } from './file-tree.ts';
import type { AddTreeOptions } from './store.ts';
import { hashTreeNow, measureNar } from './tree-hash.ts';

/** A text to be added, with its path computed. */
export interface PreparedText {
  readonly path: StorePath;
  readonly text: string;
  readonly references: readonly StorePath[];
  /** Of a derivation. */
  readonly outputs?: ReadonlyMap<string, StorePath>;
}

/** A tree to be copied, with the path that it had when it was hashed. */
export interface PreparedTree {
  readonly path: StorePath;
  readonly name: string;
  /** Where it stands: an ordinary string. */
  readonly physical: string;
  readonly options: AddTreeOptions;
}

/** Writes the text to `place` (a byte string). */
export function stageText(text: PreparedText, place: string): Registration {
  const bytes = Buffer.from(text.text, 'latin1');
  const { writer, measure } = measuringWriter();
  writer.file(bytes, false);
  const restorer = new TreeRestorer(place);
  restorer.beginFile(undefined, bytes.length, false);
  restorer.contents(bytes);
  restorer.endFile();
  return {
    path: text.path, ...measure(), references: [...text.references].sort(), signatures: [],
    contentAddress: { method: 'text', hash: hashOf('sha256', bytes) },
    ...(text.outputs === undefined ? {} : { outputs: text.outputs }),
  };
}

/** Copies the tree to `place` (a byte string); fails if it is no longer what it was. */
export function stageTree(tree: PreparedTree, source: string, place: string, storeDirectory: string): Registration {
  const { method, algorithm, filter, references = [] } = tree.options;
  const { writer, measure } = measuringWriter();
  const restorer = new TreeRestorer(place);
  const isFlat = method === 'flat' || method === 'text';
  if (isFlat && !statusOf(source).isFile()) throw fileChanged(tree.physical);
  try {
    dumpTree(source, new CopyingWriter(writer, restorer), filter);
  } catch (error) {
    restorer.abandon();
    throw error;
  }
  let nar = measure();
  if (isFlat) {
    // A flat file or text is a NAR of one plain file: it loses its executable bit.
    chmodSync(systemPath(place), 0o444);
    nar = measureNar(place);
  }
  const hash: Hash = method === 'recursive' && algorithm === 'sha256' ? nar.narHash
    : hashTreeNow(place, method, algorithm);
  const contentAddress = { method, hash };
  const found = makeContentAddressedPath(tree.name, contentAddress, { others: references, self: false }, storeDirectory);
  if (found !== tree.path) throw fileChanged(tree.physical);
  return { path: tree.path, ...nar, references, signatures: [], contentAddress };
}

/** A NAR writer that keeps only hash and size. */
function measuringWriter() {
  const hasher = new Hasher('sha256');
  let narSizeBytes = 0;
  const writer = new NarWriter((bytes) => {
    hasher.update(bytes);
    narSizeBytes += bytes.length;
  });
  const measure = () => {
    writer.finish();
    return { narHash: hasher.digest(), narSizeBytes };
  };
  return { writer, measure };
}
