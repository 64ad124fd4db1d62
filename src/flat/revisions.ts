/**
 * Thunks in noting manners: run with notes, found valid in another revision, or run again.
 *
 * A thunk is its node and its frame, and stays that when what it reads changes. When one of an older
 * revision is read, what it read is made valid in the order in which it read it. If all that is the
 * same, so is its value. Else it runs again, meets what it made before, and keeps its word if the
 * value is alike. The order has validation demand exactly what the program would, so it neither fails
 * nor runs for ever where the program would not.
 *
 * Where what it read fails now, the thunk runs again too: it may fail, catch the error, or do without.
 * What has failed fails for the rest of the revision, so that it does not run again and again.
 */

import { NixError } from '#diagnostics';
import { Unkept } from './errors.ts';
import { deepenTrail } from './calls.ts';
import { isAlike } from './contents.ts';
import { finishShowing, setValidating, showAgain, showEdges } from './effects.ts';
import { NODE_FOREIGN } from './encode.ts';
import {
  addBox, BLACK, boxAt, DEPTH, EDGES, FAILED, FORWARD, heap, LOG, NOTED, READER, READERS, REVISION,
  TRAIL, TRAIL_LIMIT, type Index, type Word,
} from './heap.ts';
import { noteCode } from './inputs.ts';
import { recallLog } from './known-cells.ts';
import { evaluate, runThunk, unwind } from './machine.ts';
import {
  caughtCell, CODE, edgesEnd, edgesSince, FIRST_EDGE, forgetRead, hasShown, haveShown, HOME, LOG_AT, LOG_WORDS, markShown,
  newRecord, noteEdges, noteRead, shownCell, VALID_IN, VALUE,
} from './notes.ts';
import { collectedContext, endContext } from './texts.ts';

const H = heap;

/** How often what was done. */
export const revisionCounts = { validated: 0, again: 0, alike: 0 };

function beginTrail(cell: Index, code: Index): Index {
  const trail = H[TRAIL]!;
  if (trail >= H[TRAIL_LIMIT]!) deepenTrail(trail);
  H[trail] = cell;
  H[trail + 1] = code;
  H[TRAIL] = trail + 2;
  H[cell] = BLACK;
  return trail;
}

/** Runs a thunk for the first time. */
export function runNoted(cell: Index, code: Index): Word {
  const trail = beginTrail(cell, code);
  const depth = H[DEPTH]!;
  const reader = H[READER]!;
  const edges = H[EDGES]!;
  const log = H[LOG]!;
  H[READER] = ++H[READERS]!;
  noteCode(code);
  const home = H[cell + 1]!;
  const value = evaluate(code, home);
  H[DEPTH] = depth;
  H[READER] = reader;
  if (finish(cell, edges, log, code, home, value)) noteRead(cell, H[cell + 1]!);
  H[TRAIL] = trail;
  return value;
}

/** Ends a thunk's running. Whether it has read anything that may change. */
function finish(cell: Index, edges: Index, log: Index, code: Index, home: Index, value: Word): boolean {
  if (H[EDGES] === edges) {
    H[LOG] = log;
    H[cell + 1] = value;
    H[cell] = FORWARD;
    return false;
  }
  const record = newRecord(edges, log, code, home, value);
  H[cell + 1] = record;
  H[cell] = NOTED;
  finishShowing(record);
  return true;
}

/** The value of a thunk with a record, for the program. */
export function readNoted(cell: Index): Word {
  if (H[H[cell + 1]! + VALID_IN] !== H[REVISION]) validate(cell);
  if (H[cell] !== NOTED) return H[cell + 1]!;
  const record = H[cell + 1]!;
  if (hasShown(record)) showAgain(record);
  noteRead(cell, record);
  return H[record + VALUE]!;
}

/** Makes a thunk with a record valid in this revision. */
function validate(cell: Index): void {
  const record = H[cell + 1]!;
  const trail = beginTrail(cell, NOTED);
  revisionCounts.validated++;
  if (isUnchanged(record)) {
    H[record + VALID_IN] = H[REVISION]!;
    H[cell] = NOTED;
  } else {
    runAgain(cell, record);
  }
  H[TRAIL] = trail;
}

function runAgain(cell: Index, record: Index): void {
  const code = H[record + CODE]!;
  const home = H[record + HOME]!;
  if (code === NODE_FOREIGN) throw new Unkept('what a builtin has suspended');
  const depth = H[DEPTH]!;
  const reader = H[READER]!;
  const edges = H[EDGES]!;
  const log = H[LOG]!;
  H[READER] = ++H[READERS]!;
  revisionCounts.again++;
  recallLog(H[record + LOG_AT]!, H[record + LOG_WORDS]!);
  noteCode(code);
  let value = evaluate(code, home);
  H[DEPTH] = depth;
  H[READER] = reader;
  if (isAlike(value, H[record + VALUE]!)) {
    value = H[record + VALUE]!;
    revisionCounts.alike++;
  }
  finish(cell, edges, log, code, home, value);
}

/** Whether all that a thunk has read is what it was. */
function isUnchanged(record: Index): boolean {
  const end = edgesEnd(record);
  const state = stateNow();
  const wasValidating = setValidating(true);
  let at = record + FIRST_EDGE;
  let shown = false;
  try {
    for (; at < end; at += 2) {
      const edge = H[at]!;
      const cell = edge < 0 ? -edge : edge;
      if (cell === shownCell) {
        shown = true;
        continue;
      }
      const now = valueNow(cell);
      if (now !== H[at + 1] && !isAlike(now, H[at + 1]!)) return false;
      if (edge > 0 && H[cell] === NOTED && hasShown(H[cell + 1]!)) shown = true;
    }
    markShown(record, shown);
    return true;
  } catch (error) {
    if (error instanceof Unkept) throw error;
    const isCatchable = error instanceof NixError && error.isCatchable;
    // No program catches this, and it would come to it too, if not by a way that it took to catch another.
    if (!isCatchable && H[at]! > 0 && !hasCaught(record, end)) throw error;
    // What has read up to it is noted by the thunk itself, which fails in its turn when it runs again.
    if (isCatchable) failNoted(state.trail, error, state.edges);
    restore(state);
    return false;
  } finally {
    setValidating(wasValidating);
  }
}

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
  forgetFailed();
  if (hasFailedShowing) throw new Unkept('what failed after it was shown');
}

export function forgetFailed(): void {
  failed.length = 0;
  if (H[REVISION] === 1) hasFailedShowing = false;
}

function hasCaught(record: Index, end: Index): boolean {
  for (let at = record + FIRST_EDGE; at < end; at += 2) if (H[at] === caughtCell) return true;
  return false;
}

/** The value of a thunk that has a record, if it has one in this revision without failing; else 0. */
export function peekNoted(cell: Index): Word {
  const record = H[cell + 1]!;
  if (H[record + VALID_IN] === H[REVISION]) return H[record + VALUE]!;
  const state = stateNow();
  const before = setValidating(true);
  try {
    return valueNow(cell);
  } catch (error) {
    if (error instanceof Unkept) throw error;
    restore(state);
    return 0;
  } finally {
    setValidating(before);
  }
}

function valueNow(cell: Index): Word {
  if (H[cell] === FORWARD) return H[cell + 1]!;
  if (H[cell] === NOTED) {
    if (H[H[cell + 1]! + VALID_IN] !== H[REVISION]) validate(cell);
  } else {
    const edges = H[EDGES]!;
    runThunk(cell);
    forgetRead(cell, edges);
  }
  return H[cell] === NOTED ? H[H[cell + 1]! + VALUE]! : H[cell + 1]!;
}

/** What whoever catches an error has to put back. */
interface State {
  readonly trail: Index;
  readonly depth: number;
  readonly reader: number;
  readonly edges: Index;
  readonly log: Index;
  readonly context: ReturnType<typeof collectedContext>;
}

function stateNow(): State {
  return {
    trail: H[TRAIL]!, depth: H[DEPTH]!, reader: H[READER]!, edges: H[EDGES]!, log: H[LOG]!, context: collectedContext(),
  };
}

function restore({ trail, depth, reader, edges, log, context }: State): void {
  unwind(trail);
  H[DEPTH] = depth;
  H[READER] = reader;
  H[EDGES] = edges;
  H[LOG] = log;
  endContext(context);
}
