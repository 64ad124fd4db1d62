/** Positions as values. */

import { originOf, resolvePosition, type Position } from '#diagnostics';
import { wantedPosition } from './inputs.ts';
import { heap, MANNER, newInt, newString, newThunk, NULL, PLAIN, symbolOf, type Word } from './heap.ts';
import { NODE_COLUMN, NODE_LINE } from './encode.ts';
import { setOf } from './sets.ts';

const H = heap;
const symbols = ['file', 'line', 'column'].map(symbolOf);

/** `{ file, line, column }`, or null where that is not known. The line is counted when wanted. */
export function positionSet(noted: Position): Word {
  const position = truePosition(noted);
  const origin = originOf(position);
  if (origin?.kind !== 'file') return NULL;
  const line = newThunk(NODE_LINE, position);
  return setOf(symbols, [newString(origin.path), line, newThunk(NODE_COLUMN, position)]);
}

export function lineOf(position: Position): Word {
  return newInt(resolvePosition(position)!.line);
}

export function columnOf(position: Position): Word {
  return newInt(resolvePosition(position)!.column);
}

/** Where something stands now that had this position when its node was made. */
export function truePosition(position: Position): Position {
  return H[MANNER] === PLAIN ? position : wantedPosition(position);
}
