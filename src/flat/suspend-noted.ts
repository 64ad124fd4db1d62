/**
 * Suspending nodes where it is noted what is read and made: thunks that were made before are met
 * again, and what was a thunk once stays one, since others know it.
 *
 * `elemAt list n` of a known list and a known number is the element itself. Lists are reversed,
 * numbered and shortened in that way, by `genList`; without this, one module more in a list would
 * give each one behind it another identity. A value that may change is peeked at for it only.
 */

import { primitiveNames } from './calls.ts';
import {
  alloc, heap, NOTED, newInt, newThunk, PRIMOP, settled, type Index, type Word,
} from './heap.ts';
import type { ImageReader, ImageWriter } from './image-parts.ts';
import { isInputCode } from './inputs.ts';
import { knownApplication, knownThunk } from './known-cells.ts';
import { logThunk } from './log.ts';
import { notePeek } from './notes.ts';
import { outerFrame } from './selections.ts';
import { slotOf } from './suspend.ts';
import { peekNoted } from './validation.ts';

const H = heap;

/** A node as a slot, as `suspend` gives it. */
export function suspendNoted(node: Index, frame: Index): Word {
  switch (H[node]) {
    case 1: // own
    case 2: // outer
    case 3: { // far
      const word = variable(node, frame);
      return word === 0 ? thunkOf(node, frame) : word;
    }
    case 5: // withVariable
    case 6: { // select
      const known = knownThunk(node, frame);
      if (known !== 0) return settled(known);
      const slot = slotOf(node, frame);
      // A thunk that has just been made for it; any other was there before.
      return isThunkOf(slot, node, frame) ? adopted(slot, node, frame) : slot;
    }
    case 17: { // call2
      const known = knownThunk(node, frame);
      if (known !== 0) return settled(known);
      const element = isElemAt(node, frame) ? elementAt(node, frame) : 0;
      return element === 0 ? thunkOf(node, frame) : element;
    }
    case 0: // constant
    case 4:
    case 15: // lambda
      return slotOf(node, frame);
    case 14: // list
      return H[node + 2] === 1 ? slotOf(node, frame) : thunkOf(node, frame);
    default:
      return thunkOf(node, frame);
  }
}

function thunkOf(node: Index, frame: Index): Word {
  const known = knownThunk(node, frame);
  return known !== 0 ? settled(known) : adopted(0, node, frame);
}

function isThunkOf(slot: Word, node: Index, frame: Index): boolean {
  return (slot & 7) === 0 && H[slot >>> 2] === node && H[(slot >>> 2) + 1] === frame;
}

/** Thunks of inputs' nodes by node and frame, each of which is the same in all revisions. */
const inputThunks = new Map<Index, Map<Index, Word>>();

export function forgetInputThunks(): void {
  inputThunks.clear();
}

export function saveInputThunks(image: ImageWriter): void {
  const words: number[] = [];
  for (const [node, ofNode] of inputThunks) for (const [frame, thunk] of ofNode) words.push(node, frame, thunk);
  image.numbers('input-thunks', words);
}

export function restoreInputThunks(image: ImageReader): void {
  const words = image.numbers('input-thunks');
  for (let i = 0; i < words.length; i += 3) inputThunk(words[i + 2]!, words[i]!, words[i + 1]!);
}

/** The thunk that stands for a node in a frame from now on: `made`, a new one, or an input's. */
function adopted(made: Word, node: Index, frame: Index): Word {
  let thunk = isInputCode(node) ? inputThunk(made, node, frame) : made;
  if (thunk === 0) thunk = newThunk(node, frame);
  logThunk(node, frame, thunk);
  return settled(thunk);
}

function inputThunk(made: Word, node: Index, frame: Index): Word {
  let ofNode = inputThunks.get(node);
  if (ofNode === undefined) inputThunks.set(node, ofNode = new Map());
  let thunk = ofNode.get(frame);
  if (thunk === undefined) ofNode.set(frame, thunk = made === 0 ? newThunk(node, frame) : made);
  return thunk;
}

/** What stands in a variable's place; 0 for other nodes, and for places that are not filled yet. */
function variable(node: Index, frame: Index): Word {
  switch (H[node]) {
    case 0:
      return H[node + 1]!;
    case 1:
      return settled(H[frame + H[node + 1]!]!);
    case 2:
      return settled(H[H[frame]! + H[node + 1]!]!);
    case 3:
      return settled(H[outerFrame(frame, H[node + 2]!) + H[node + 1]!]!);
    default:
      return 0;
  }
}

/** Whether a node calls `elemAt` with two arguments. */
function isElemAt(node: Index, frame: Index): boolean {
  const f = variable(H[node + 1]!, frame);
  return (f & 7) === 3 && H[f >>> 2] === PRIMOP && primitiveNames[H[(f >>> 2) + 1]!] === 'elemAt';
}

/** Cells whose values a peek has used. */
const peeked: Index[] = [];

/** The element that such a call gives, as far as list and number are known; else 0. */
function elementAt(node: Index, frame: Index): Word {
  peeked.length = 0;
  const list = peekValue(H[node + 2]!, frame);
  if ((list & 7) !== 2) return 0;
  const index = peekValue(H[node + 3]!, frame);
  if ((index & 7) !== 6) return 0;
  const at = index >> 3;
  if (at < 0 || at >= H[list >>> 2]!) return 0;
  for (let i = 0; i < peeked.length; i++) notePeek(peeked[i]!);
  return settled(H[(list >>> 2) + 1 + at]!);
}

/** The value of a variable, or of a sum or difference of some, if it is known; else 0. */
function peekValue(node: Index, frame: Index): Word {
  const op = H[node]!;
  if (op === 32 || op === 35) {
    const a = peekValue(H[node + 1]!, frame);
    if ((a & 7) !== 6) return 0;
    const b = peekValue(H[node + 2]!, frame);
    if ((b & 7) !== 6) return 0;
    const result = op === 32 ? (a >> 3) + (b >> 3) : (a >> 3) - (b >> 3);
    return Math.abs(result) < 0xfffffff ? newInt(result) : 0;
  }
  const word = variable(node, frame);
  if ((word & 7) !== 0 || word === 0) return word;
  const cell = word >>> 2;
  if (H[cell] !== NOTED) return 0;
  const value = peekNoted(cell);
  if (value !== 0) peeked.push(cell);
  return value;
}

/**
 * Fills places of the list that `genList f count` makes with the elements themselves, where `f` takes
 * them from a known list; leaves the others empty.
 */
export function fillWithElements(f: Word, count: number, to: Index): void {
  const code = (f & 7) === 3 ? H[f >>> 2]! : 0;
  if (code <= 0 || H[code + 1] !== 1 || H[code + 2] !== 0 || H[H[code + 4]!] !== 17) return;
  // Of an input, the body would have to be noted as read.
  if (isInputCode(code)) return;
  const body = H[code + 4]!;
  const frame = alloc(2);
  H[frame] = H[(f >>> 2) + 1]!;
  H[frame + 1] = newInt(0);
  if (!isElemAt(body, frame)) return;
  // Nobody has the frame, so it serves for all.
  for (let i = 0; i < count; i++) {
    H[frame + 1] = newInt(i);
    const known = knownApplication(f, newInt(i));
    H[to + i] = known !== 0 ? settled(known) : elementAt(body, frame);
  }
}
