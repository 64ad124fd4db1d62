/**
 * What an evaluation has added to the store but not written yet.
 *
 * Derivations, texts and source copies get their paths at once; writing them waits until somebody
 * needs the files (a build during evaluation, the end of an instantiation) and then happens all
 * together: one sync, one transaction. An evaluation that only prints values writes nothing.
 */

import type { StorePath } from '#formats';
import type { LocalStore, PreparedText } from '#store';

/** A copy of a source tree that is to be made. */
export interface PendingTree {
  readonly path: StorePath;
  readonly references: readonly StorePath[];
  /** Copies it; the result must be `path`. */
  copy(store: LocalStore): void;
}

export class PendingWrites {
  readonly #texts = new Map<StorePath, PreparedText>();
  readonly #trees = new Map<StorePath, PendingTree>();

  /** Whether the path is waiting here. */
  has(path: StorePath): boolean {
    return this.#texts.has(path) || this.#trees.has(path);
  }

  get isEmpty(): boolean {
    return this.#texts.size === 0 && this.#trees.size === 0;
  }

  /** The content of a text that is waiting. */
  text(path: StorePath): string | undefined {
    return this.#texts.get(path)?.text;
  }

  /** References of a path that is waiting. */
  references(path: StorePath): readonly StorePath[] | undefined {
    return (this.#texts.get(path) ?? this.#trees.get(path))?.references;
  }

  addText(text: PreparedText): void {
    this.#texts.set(text.path, text);
  }

  addTree(tree: PendingTree): void {
    this.#trees.set(tree.path, tree);
  }

  /** Writes everything. Trees come first, since texts may refer to them. */
  flush(store: LocalStore): void {
    for (const tree of this.#trees.values()) {
      tree.copy(store);
      this.#trees.delete(tree.path);
    }
    if (this.#texts.size > 0) store.addTexts([...this.#texts.values()]);
    this.#texts.clear();
  }
}
