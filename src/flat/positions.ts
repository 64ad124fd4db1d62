/** Positions as values. */

import { originOf, resolvePosition, type Position } from '#diagnostics';
import { wantedPosition } from './inputs.ts';
import { heap, MANNER, newBox, newInt, newString, newThunk, NULL, PLAIN, symbolOf, type Word } from './heap.ts';
import { NODE_FOREIGN } from './encode.ts';
import { setOf } from './sets.ts';

const H = heap;
const symbols = ['file', 'line', 'column'].map(symbolOf);

/** `{ file, line, column }`, or null where that is not known. The line is counted when wanted. */
export function positionSet(noted: Position): Word {
  const position = truePosition(noted);
  const origin = originOf(position);
  if (origin?.kind !== 'file') return NULL;
  const line = newThunk(NODE_FOREIGN, newBox(() => newInt(resolvePosition(position)!.line)) >>> 3);
  const column = newThunk(NODE_FOREIGN, newBox(() => newInt(resolvePosition(position)!.column)) >>> 3);
  return setOf(symbols, [newString(origin.path), line, column]);
}

/** Where something stands now that had this position when its node was made. */
export function truePosition(position: Position): Position {
  return H[MANNER] === PLAIN ? position : wantedPosition(position);
}
