/**
 * Thunks in noting manners: run with notes, found valid in another revision, or run again.
 *
 * A thunk is its node and its frame, and stays that when what it reads changes. When one of an older
 * revision is read, it is looked whether what it read is what it was (validation.ts). If so, it has
 * its value. Else it runs again, meets what it made before, and keeps its word if the value is alike.
 */

import { deepenTrail } from './calls.ts';
import { isAlike } from './contents.ts';
import { showAgain } from './effects.ts';
import { NODE_FOREIGN } from './encode.ts';
import { Unkept } from './errors.ts';
import {
  BLACK, DEPTH, EDGES, FORWARD, heap, LOG, NOTED, READER, READERS, REVISION, TRAIL, TRAIL_LIMIT, type Index, type Word,
} from './heap.ts';
import { recallLog } from './known-cells.ts';
import { evaluate } from './machine.ts';
import {
  CODE, hasShown, HOME, LOG_AT, LOG_WORDS, newRecord, noteRead, VALID_IN, VALUE,
} from './notes.ts';
import { validate } from './validation.ts';

const H = heap;

/** How often what was done. */
export const validationCounts = { validated: 0, again: 0, alike: 0 };

/** Puts a thunk on the trail, where it is found when what runs fails. Its place there. */
export function beginTrail(cell: Index, code: Index): Index {
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

/** Runs a thunk that has a record once more: it is on the trail. */
export function runAgain(cell: Index, record: Index): void {
  const code = H[record + CODE]!;
  const home = H[record + HOME]!;
  if (code === NODE_FOREIGN) throw new Unkept('what a builtin has suspended');
  const depth = H[DEPTH]!;
  const reader = H[READER]!;
  const edges = H[EDGES]!;
  const log = H[LOG]!;
  H[READER] = ++H[READERS]!;
  validationCounts.again++;
  recallLog(H[record + LOG_AT]!, H[record + LOG_WORDS]!);
  let value = evaluate(code, home);
  H[DEPTH] = depth;
  H[READER] = reader;
  if (isAlike(value, H[record + VALUE]!)) {
    value = H[record + VALUE]!;
    validationCounts.alike++;
  }
  finish(cell, edges, log, code, home, value);
}
