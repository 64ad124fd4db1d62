/**
 * What an evaluation has added to the store but not written yet.
 *
 * Derivations, texts and source copies get their paths at once; writing them waits until somebody
 * needs the files (a build during evaluation, the end of an instantiation) and then happens all
 * together: one sync, one transaction. An evaluation that only prints values writes nothing.
 */

import type { StorePath } from '#formats';
import { StagingAhead, type LocalStore, type PreparedText, type PreparedTree } from '#store';

export class PendingWrites {
  readonly #texts = new Map<StorePath, PreparedText>();
  readonly #trees = new Map<StorePath, PreparedTree>();
  #ahead: StagingAhead | undefined;

  /** From now on, what is added is written to temporary places of the store while others go on. */
  stageIn(openStore: () => LocalStore, fewPaths?: number): void {
    this.#ahead ??= new StagingAhead(openStore, fewPaths);
  }

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
    return this.#texts.get(path)?.references ?? this.#treeReferences(path);
  }

  /** Everything that waits, with what it refers to. */
  *all(): Generator<{ readonly path: StorePath; readonly references: readonly StorePath[] }, void, void> {
    for (const { path, references } of this.#texts.values()) yield { path, references };
    for (const { path, options } of this.#trees.values()) yield { path, references: options.references ?? [] };
  }

  addText(text: PreparedText): void {
    if (this.#texts.has(text.path)) return;
    this.#texts.set(text.path, text);
    this.#ahead?.addText(text);
  }

  addTree(tree: PreparedTree): void {
    if (this.#trees.has(tree.path)) return;
    this.#trees.set(tree.path, tree);
    this.#ahead?.addTree(tree);
  }

  /** Writes everything. */
  flush(store: LocalStore): void {
    store.addAll([...this.#trees.values()], [...this.#texts.values()], this.#ahead?.finish());
    this.#trees.clear();
    this.#texts.clear();
  }

  /** Forgets what was not written, and removes what of it was begun. */
  abandon(): void {
    this.#ahead?.abandon();
    this.#trees.clear();
    this.#texts.clear();
  }

  #treeReferences(path: StorePath): readonly StorePath[] | undefined {
    const tree = this.#trees.get(path);
    return tree === undefined ? undefined : tree.options.references ?? [];
  }
}
