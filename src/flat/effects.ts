/**
 * What evaluation shows: traces and warnings.
 *
 * A thunk that is valid in another revision without running shows again what it has shown, when the
 * running program first reads it, and in the order in which it did: its edges tell. What runs only
 * in order to validate something else shows nothing, until it is read.
 */

import type { WarningLabel } from '#runtime';
import {
  boxOf, heap, MANNER, newBox, NOTED, PLAIN, REVISION, type Index,
} from './heap.ts';
import { edgesEnd, FIRST_EDGE, hasShown, noteShown, shownCell } from './notes.ts';

const H = heap;

/** A line of `builtins.trace`, or a warning, which has a label. */
export interface Shown {
  readonly text: string;
  readonly label?: WarningLabel;
}

/** Is shown once in a revision, however often it is met. */
export class Effect {
  readonly shown: Shown;
  #shownIn = 0;

  constructor(shown: Shown) {
    this.shown = shown;
  }

  show(): void {
    if (this.#shownIn === H[REVISION]) return;
    this.#shownIn = H[REVISION]!;
    show(this.shown);
  }
}

let show: (shown: Shown) => void;

/** What is shown goes there. */
export function setShow(given: typeof show): void {
  show = given;
}

/** Records that have shown all that they have to in this revision. */
const finished = new Set<Index>();
/** Whether what runs does so only in order to validate. */
let validating = false;

export function forgetShown(): void {
  finished.clear();
  validating = false;
}

/** Has what runs from now on be silent, or not; what was before. */
export function setValidating(on: boolean): boolean {
  const before = validating;
  validating = on;
  return before;
}

/** Shows something that belongs to the running thunk. */
export function perform(shown: Shown): void {
  if (H[MANNER] === PLAIN) return show(shown);
  const effect = new Effect(shown);
  noteShown(newBox(effect));
  if (!validating) effect.show();
}

/** The running program reads a thunk that has shown something. */
export function showAgain(record: Index): void {
  if (validating || finished.has(record)) return;
  finished.add(record);
  showEdges(H, record + FIRST_EDGE, edgesEnd(record));
}

/** Shows what was shown where these edges come from. */
export function showEdges(edges: Int32Array, from = 0, end = edges.length): void {
  if (validating) return;
  for (let at = from; at < end; at += 2) {
    const cell = edges[at]! & -2;
    if (cell === shownCell) (boxOf(edges[at + 1]!) as Effect).show();
    else if (cell > 0 && H[cell] === NOTED && hasShown(H[cell + 1]!)) showAgain(H[cell + 1]!);
  }
}
