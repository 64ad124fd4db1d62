/**
 * Staging: writing a text or a copy of a tree to a temporary place in the store's folder, complete
 * and canonical, with all that the database will say of it.
 */

import { chmodSync } from 'node:fs';
import { Hasher, hashOf, type Hash } from '#base';
import { makeContentAddressedPath, NarWriter, type StorePath } from '#formats';
import type { Registration } from './database.ts';
import type { OutputReader } from './derivation-file.ts';
import { fileChanged } from './errors.ts';
import {
  bytePath, CopyingWriter, deleteTree, dumpTree, statusOf, systemPath, TreeRestorer,
} from './file-tree.ts';
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
  /** The entries that are copied, as a filter is asked for them; absent: what `options` say. */
  readonly accepted?: ReadonlySet<string>;
  /** How many entries were seen in it, those that are not copied too, if they were counted. */
  readonly entryCount?: number;
}

/** What was written to a temporary place; without `info` only begun, or not to be believed. */
export interface StagedPath {
  /** A byte string. */
  readonly temporary: string;
  readonly info?: Registration;
}

/** Paths that are written one by one, to be registered together. */
export class Staging {
  readonly #ahead: ReadonlyMap<StorePath, StagedPath>;
  readonly #prepare: (path: StorePath) => string;
  readonly #outputs: OutputReader;
  readonly #staged: Required<StagedPath>[] = [];
  /** All that stands at temporary places. */
  readonly #places: Set<string>;

  /**
   * `ahead` is what was written before, and belongs to this staging now. `prepare` makes a temporary
   * place, a byte string.
   */
  constructor(
    ahead: ReadonlyMap<StorePath, StagedPath>, prepare: (path: StorePath) => string, outputs: OutputReader,
  ) {
    this.#ahead = ahead;
    this.#prepare = prepare;
    this.#outputs = outputs;
    this.#places = new Set([...ahead.values()].map(({ temporary }) => temporary));
  }

  /** Has the path written to a temporary place, if that has not been done. */
  add(path: StorePath, write: (place: string) => Registration): void {
    const { temporary, info } = this.#ahead.get(path) ?? {};
    if (temporary !== undefined && info !== undefined) {
      this.#complete(path, temporary, info);
      return;
    }
    const place = this.#prepare(path);
    this.#places.add(place);
    this.#complete(path, place, write(place));
  }

  /** Removes what was written and is not wanted; returns the rest. */
  finish(): readonly Required<StagedPath>[] {
    for (const { temporary } of this.#staged) this.#places.delete(temporary);
    this.#remove();
    return this.#staged;
  }

  /** Removes everything. */
  abandon(): void {
    for (const { temporary } of this.#staged) this.#places.add(temporary);
    this.#remove();
  }

  #complete(path: StorePath, temporary: string, info: Registration): void {
    const outputs = info.outputs === undefined ? this.#outputs.read(temporary, path) : {};
    this.#staged.push({ temporary, info: { ...info, ...outputs } });
  }

  #remove(): void {
    for (const place of this.#places) deleteTree(place);
    this.#places.clear();
  }
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

/**
 * Copies the tree to `place` (a byte string); fails if it is no longer what it was. `look` is called
 * for each entry, and ends the copy by throwing.
 */
export function stageTree(
  tree: PreparedTree, place: string, storeDirectory: string, look: () => void = () => {},
): Registration {
  const { method, algorithm, references = [] } = tree.options;
  const { writer, measure } = measuringWriter();
  const restorer = new TreeRestorer(place);
  const isFlat = method === 'flat' || method === 'text';
  if (isFlat && !statusOf(bytePath(tree.physical)).isFile()) throw fileChanged(tree.physical);
  try {
    dumpTree(bytePath(tree.physical), new CopyingWriter(writer, restorer), (inner, type) => {
      look();
      return tree.accepted?.has(inner) ?? tree.options.filter?.(inner, type) ?? true;
    });
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
