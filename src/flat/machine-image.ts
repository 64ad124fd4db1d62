/**
 * Images of the machine: all that an evaluation with notes has come to, so that another process goes
 * on from it.
 */

/** What is kept of a machine: words and byte strings by name. */
export interface MachineImage {
  /** Large ones are views of the heap: they are to be written at once, before anything else runs. */
  readonly words: ReadonlyMap<string, Int32Array>;
  readonly texts: ReadonlyMap<string, string>;
}

/** An image as it is stored. It never fails: whoever opened it has checked it. */
export interface StoredImage {
  wordCount(name: string): number;
  /** Reads words from `from` on into a place. */
  readWords(name: string, from: number, into: Int32Array): void;
  text(name: string): string;
}

/** An image to go on from, and the inputs that are others now, by the paths that they really have. */
export interface AgainFrom {
  readonly image: StoredImage;
  readonly changed: readonly string[];
}

/** Files that may be others in later evaluations, by the paths that they really have. */
export type InputNames = Pick<ReadonlySet<string>, 'has'>;

/** How many thunks have run in this evaluation, of how many in one that begins anew. */
export interface RevisionCounts {
  readonly again: number;
  readonly ofAll: number;
}
