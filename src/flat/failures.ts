/**
 * Failures, where it is noted what is read: what was caught, and who depends on it.
 *
 * What has failed fails for the rest of the revision, so that it does not run again and again. Whoever
 * meets it has read all that was read up to the failure, which is not kept for other revisions.
 */

import { showEdges } from './effects.ts';
import { Unkept } from './errors.ts';
import { addBox, boxAt, FAILED, heap, TRAIL, type Index } from './heap.ts';
import { edgesSince, haveShown, noteEdges } from './notes.ts';

const H = heap;

/** Thunks that failed in this revision, each as it was before: cell, code, home. */
const failed: Index[] = [];
let hasFailedShowing = false;

/** A failure that was caught: who reads its thunk depends on all that was read up to it. */
class Failure {
  readonly error: object;
  readonly edges: Int32Array;

  constructor(error: object, edges: Int32Array) {
    this.error = error;
    this.edges = edges;
  }
}

/** Has the thunks that ran since `mark` fail with this error in this revision; `edges`: what they read. */
export function failNoted(mark: Index, error: object, edges: Index): void {
  const failure = new Failure(error, edgesSince(edges));
  if (haveShown(failure.edges)) hasFailedShowing = true;
  const box = addBox(failure) >>> 3;
  for (let trail = H[TRAIL]! - 2; trail >= mark; trail -= 2) {
    const cell = H[trail]!;
    failed.push(cell, H[trail + 1]!, H[cell + 1]!);
    H[cell] = FAILED;
    H[cell + 1] = box;
  }
  H[TRAIL] = mark;
}

/** The error of a thunk that has failed. */
export function failedBefore(box: number): object {
  const failure = boxAt(box) as Failure;
  noteEdges(failure.edges);
  showEdges(failure.edges);
  return failure.error;
}

/**
 * Makes thunks that have failed whole again, for another revision. What was shown by one of them
 * would be shown as often as others read it then, not once: that is left to evaluating anew.
 */
export function restoreFailed(): void {
  for (let i = failed.length - 3; i >= 0; i -= 3) {
    H[failed[i]!] = failed[i + 1]!;
    H[failed[i]! + 1] = failed[i + 2]!;
  }
  failed.length = 0;
  if (hasFailedShowing) throw new Unkept('what failed after it was shown');
}

export function forgetFailed(): void {
  failed.length = 0;
  hasFailedShowing = false;
}
