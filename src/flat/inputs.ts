/**
 * Inputs: files that may change, and the text that is evaluated.
 *
 * An input is a cell with a record that reads nothing; its value is the number of its version. Who
 * imports it has read it, and who calls a function of it: that may have another body in another
 * version. Its nodes stand in ranges of the heap, one for each version, in which the last one holds
 * what has changed. All other nodes mean the same for ever.
 */

import type { Position } from '#diagnostics';
import type { KnownTree } from './changed-tree.ts';
import { alloc, heap, HIGH, LOW, newInt, NOTED, type Index } from './heap.ts';
import type { ImageReader, ImageWriter } from './image-parts.ts';
import { newInputRecord, noteRead, VALUE } from './notes.ts';
import { inputOfPosition, positionNow } from './moved-positions.ts';

const H = heap;

export interface Input {
  readonly cell: Index;
  version: number;
  /** The node of its program. */
  root: Index;
  text: string;
  known: () => KnownTree;
}

const inputs = new Map<string, Input>();
/** Where ranges of nodes begin and end, ascending, and the cells of their inputs. */
const lows: Index[] = [];
const highs: Index[] = [];
const cells: Index[] = [];

export function forgetInputs(): void {
  inputs.clear();
  for (const list of [lows, highs, cells]) list.length = 0;
  H[LOW] = 0x7fffffff;
  H[HIGH] = 0;
}

export function inputNamed(name: string): Input | undefined {
  return inputs.get(name);
}

export function inputsByName(): ReadonlyMap<string, Input> {
  return inputs;
}

export function newInputCell(): Index {
  const cell = alloc(2);
  H[cell] = NOTED;
  H[cell + 1] = newInputRecord(newInt(1));
  return cell;
}

export function addInput(name: string, input: Input): void {
  inputs.set(name, input);
}

/** Whoever has read the input runs again when it is wanted. */
export function countVersion(input: Input): void {
  input.version++;
  H[H[input.cell + 1]! + VALUE] = newInt(input.version);
}

/** Nodes of an input stand there. */
export function addCodeRange(low: Index, high: Index, cell: Index): void {
  lows.push(low);
  highs.push(high);
  cells.push(cell);
  H[LOW] = Math.min(H[LOW]!, low);
  H[HIGH] = high;
}

export function saveCodeRanges(image: ImageWriter): void {
  image.numbers('code-ranges', lows.flatMap((low, i) => [low, highs[i]!, cells[i]!]));
}

/** Begins with the ranges of an image, and no inputs. */
export function restoreCodeRanges(image: ImageReader): void {
  forgetInputs();
  const words = image.numbers('code-ranges');
  for (let i = 0; i < words.length; i += 3) addCodeRange(words[i]!, words[i + 1]!, words[i + 2]!);
}

/** Whether a node is one of an input. */
export function isInputCode(node: Index): boolean {
  return node >= H[LOW]! && node < H[HIGH]! && rangeOf(node) >= 0;
}

/** The running thunk has called the function of a node. */
export function noteCode(node: Index): void {
  if (node < H[LOW]! || node >= H[HIGH]!) return;
  const range = rangeOf(node);
  if (range >= 0) noteInput(cells[range]!);
}

export function noteInput(cell: Index): void {
  noteRead(cell, H[cell + 1]!);
}

function rangeOf(node: Index): number {
  let low = 0;
  let high = lows.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (node < lows[middle]!) high = middle - 1;
    else if (node >= highs[middle]!) low = middle + 1;
    else return middle;
  }
  return -1;
}

/** Where something stands now; the running thunk has asked for it. */
export function wantedPosition(position: Position): Position {
  const input = inputOfPosition(position);
  if (input === undefined) return position;
  noteInput(input);
  return positionNow(position);
}
