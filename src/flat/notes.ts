/**
 * Notes: what thunks read that may be another value in a later revision.
 *
 * Inputs (inputs.ts) may change. A thunk that read one, or that read such a thunk, gets a record when
 * it ends: what it read, in order and with the values that it found, and the log of what it made.
 * Its cell is [NOTED, record], and it is never replaced by its value where it stands, for that may
 * change while the thunk stays the same. All other thunks become [FORWARD, value] as ever.
 *
 * While a thunk runs, its edges are on a stack: a cell and the value found. A negative cell was only
 * peeked at; the lowest bit of one there says that it has shown something (effects.ts). Each running
 * thunk has a number; a record keeps that of its last reader, so that most reads of the same are noted
 * once.
 *
 * A record is [value, revision in which it was found valid, last reader, node, frame, words of edges,
 * place of its log, words of that, edges …]. The lowest bit of the words of edges says that it, or
 * what it read, has shown something.
 */

import {
  alloc, edgeEnd, EDGES, edgeStart, heap, LOG, logStart, NOTED, READER, REVISION,
  type Index, type Word,
} from './heap.ts';
import { keepLog, loggedWords } from './log.ts';

const H = heap;

/** Places in a record. */
export const VALUE = 0;
export const VALID_IN = 1;
const LAST_READER = 2;
export const CODE = 3;
export const HOME = 4;
const EDGE_WORDS = 5;
export const LOG_AT = 6;
export const LOG_WORDS = 7;
export const FIRST_EDGE = 8;

/** A cell that stands for what was shown: the other word is the box with it. */
export const shownCell = alloc(2);

/** Begins with empty stacks. */
export function clearStacks(): void {
  H[EDGES] = edgeStart;
  H[LOG] = logStart;
  H[READER] = 0;
}

function push(cell: number, word: Word): void {
  const at = H[EDGES]!;
  if (at + 2 > edgeEnd) throw new RangeError('too much was read at once');
  H[at] = cell;
  H[at + 1] = word;
  H[EDGES] = at + 2;
}

/** The running thunk has read one with a record. */
export function noteRead(cell: Index, record: Index): void {
  const reader = H[READER]!;
  if (H[record + LAST_READER] === reader) return;
  H[record + LAST_READER] = reader;
  push(cell | (H[record + EDGE_WORDS]! & 1), H[record]!);
}

/** The value was used because it was known: had it failed, the reader would have gone on without. */
export function notePeek(cell: Index): void {
  if (H[cell] !== NOTED) return;
  const record = H[cell + 1]!;
  const reader = H[READER]!;
  if (H[record + LAST_READER] === reader) return;
  H[record + LAST_READER] = reader;
  push(-cell, H[record]!);
}

/** What is on the stack of edges since a place. */
export function edgesSince(edges: Index): Int32Array {
  return H.slice(edges, H[EDGES]);
}

/** The running thunk has read what others did. */
export function noteEdges(edges: Int32Array): void {
  for (let i = 0; i < edges.length; i += 2) push(edges[i]!, edges[i + 1]!);
}

/** Whether something was shown by what has these edges. */
export function haveShown(edges: Int32Array): boolean {
  for (let i = 0; i < edges.length; i += 2) if ((edges[i]! & 1) === 1) return true;
  return false;
}

/** The running thunk has shown something. */
export function noteShown(box: Word): void {
  push(shownCell | 1, box);
}

export function edgesEnd(record: Index): Index {
  return record + FIRST_EDGE + (H[record + EDGE_WORDS]! & -2);
}

/** Whether the thunk, or what it read, has shown something. */
export function hasShown(record: Index): boolean {
  return (H[record + EDGE_WORDS]! & 1) === 1;
}

/** Says whether the thunk, or what it read, has shown something. */
export function markShown(record: Index, shown: boolean): void {
  if (hasShown(record) !== shown) H[record + EDGE_WORDS]! ^= 1;
}

/** The record of an input, which reads nothing. */
export function newInputRecord(value: Word): Index {
  const record = alloc(FIRST_EDGE);
  H[record + VALUE] = value;
  H[record + VALID_IN] = H[REVISION]!;
  return record;
}

/** The record of a thunk that has ended, of what was read and made since two places of the stacks. */
export function newRecord(edges: Index, log: Index, code: Index, home: Index, value: Word): Index {
  const count = H[EDGES]! - edges;
  const record = alloc(FIRST_EDGE + count);
  H[record + VALUE] = value;
  H[record + VALID_IN] = H[REVISION]!;
  H[record + CODE] = code;
  H[record + HOME] = home;
  H[record + LOG_AT] = loggedWords();
  H[record + LOG_WORDS] = keepLog(log);
  let shown = 0;
  for (let i = 0; i < count; i += 2) {
    const cell = H[edges + i]!;
    shown |= cell;
    H[record + FIRST_EDGE + i] = cell & -2;
    H[record + FIRST_EDGE + i + 1] = H[edges + i + 1]!;
  }
  H[record + EDGE_WORDS] = count | (shown & 1);
  H[EDGES] = edges;
  return record;
}
