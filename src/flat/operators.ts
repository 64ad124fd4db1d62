/** Operators on values of the flat heap. */

import type { Position } from '#diagnostics';
import {
  canonicalPath, ContextString, evalError, intAdd, intDivide, intMultiply, intSubtract, NixFloat,
  NixPath, printForError, showType, typeOf,
} from '#runtime';
import { toValue } from './bridge.ts';
import { failType } from './errors.ts';
import {
  boxAt, DEPTH, finishedList, heap, newBox, newInt, newList, newString, symbolOf, textAt,
  type Index, type Word,
} from './heap.ts';
import { enterNested } from './calls.ts';
import { forceWord, forcePlace, value } from './machine.ts';
import { get, merge, orderOf, SYMBOLS } from './sets.ts';
import { beginContext, coerce, endContext, madeString, textAlone, isString } from './texts.ts';

const H = heap;
const typeSymbol = symbolOf('type');
const outPathSymbol = symbolOf('outPath');

/** The integer that a value is; undefined if it is none. */
export function intOf(word: Word): number | bigint | undefined {
  if ((word & 7) === 6) return word >> 3;
  if ((word & 7) !== 5) return undefined;
  const box = boxAt(word >>> 3);
  return typeof box === 'number' || typeof box === 'bigint' ? box : undefined;
}

/** The number that a value is, as a float. */
export function numberOf(word: Word): number | undefined {
  if ((word & 7) === 6) return word >> 3;
  if ((word & 7) !== 5) return undefined;
  const box = boxAt(word >>> 3);
  if (box instanceof NixFloat) return box.value;
  return typeof box === 'number' || typeof box === 'bigint' ? Number(box) : undefined;
}

export function newFloat(number: number): Word {
  return newBox(new NixFloat(number));
}

/** `-` (35), `*` (36) and `/` (37). */
export function evaluateArithmetic(op: number, a: Word, b: Word, position: Position): Word {
  if ((a & 7) === 6 && (b & 7) === 6 && op === 35) return newInt((a >> 3) - (b >> 3));
  const x = intOf(a);
  const y = intOf(b);
  if (x !== undefined && y !== undefined) {
    if (op === 35) return newInt(intSubtract(x, y, position));
    return newInt(op === 36 ? intMultiply(x, y, position) : intDivide(x, y, position));
  }
  const p = numberOf(a);
  const q = numberOf(b);
  const wanted = isFloat(a) || isFloat(b) ? 'a float' : 'an integer';
  if (p === undefined) throw failType(wanted, a, position);
  if (q === undefined) throw failType(wanted, b, position);
  if (op === 37 && q === 0) throw evalError('division by zero', position);
  return newFloat(op === 35 ? p - q : op === 36 ? p * q : p / q);
}

function isFloat(word: Word): boolean {
  return (word & 7) === 5 && boxAt(word >>> 3) instanceof NixFloat;
}

/** `a + b`. */
export function evaluateAdd(a: Word, b: Word, position: Position): Word {
  if ((a & 7) === 4 && (b & 7) === 4) return newString(textAt(a >>> 3) + textAt(b >>> 3));
  if ((a & 7) === 6 && (b & 7) === 6) return newInt((a >> 3) + (b >> 3));
  const x = numberOf(a);
  if (x !== undefined) {
    const i = intOf(a);
    const j = intOf(b);
    if (i !== undefined && j !== undefined) return newInt(intAdd(i, j, position));
    const y = numberOf(b);
    const kind = i === undefined ? 'a float' : 'an integer';
    if (y === undefined) throw evalError(`cannot add ${showType(toValue(b))} to ${kind}`, position);
    return newFloat(x + y);
  }
  const outer = beginContext();
  const isPath = isPathValue(a);
  const copy = isString(a);
  const first = coerce(a, false, copy, position);
  const text = first + coerce(b, false, copy, position);
  return isPath ? madePath(text, outer, position) : madeString(text, outer);
}

export function isPathValue(word: Word): boolean {
  return (word & 7) === 5 && boxAt(word >>> 3) instanceof NixPath;
}

function madePath(text: string, outer: ReturnType<typeof beginContext>, position: Position): Word {
  if (endContext(outer).length > 0) {
    throw evalError('a string that refers to a store path cannot be appended to a path', position);
  }
  return newBox(new NixPath(canonicalPath(text)));
}

/** Path interpolation. */
export function evaluateAddMany(node: Index, frame: Index): Word {
  const count = H[node + 2]!;
  const position = H[node + 1]!;
  const values: Word[] = [];
  for (let i = 0; i < count; i++) values.push(value(H[node + 3 + i]!, frame));
  const isPath = isPathValue(values[0]!);
  const copy = isString(values[0]!);
  const outer = beginContext();
  let text = '';
  for (const one of values) text += coerce(one, false, copy, position);
  return isPath ? madePath(text, outer, position) : madeString(text, outer);
}

export function evaluateInterpolation(node: Index, frame: Index): Word {
  const count = H[node + 2]!;
  const outer = beginContext();
  let text = '';
  for (let i = 0; i < count; i++) {
    const part = value(H[node + 3 + i]!, frame);
    text += (part & 7) === 4 ? textAt(part >>> 3) : coerce(part, false, true, H[node + 1]!);
  }
  return madeString(text, outer);
}

/** Whether `a < b`. */
export function lessThan(a: Word, b: Word): boolean {
  if ((a & 7) === 6 && (b & 7) === 6) return (a >> 3) < (b >> 3);
  if (isString(a) && isString(b)) return textAlone(a) < textAlone(b);
  const i = intOf(a);
  const j = intOf(b);
  if (i !== undefined && j !== undefined) return i < j;
  const x = numberOf(a);
  const y = numberOf(b);
  if (x !== undefined && y !== undefined) return x < y;
  if (isPathValue(a) && isPathValue(b)) {
    return (boxAt(a >>> 3) as NixPath).path < (boxAt(b >>> 3) as NixPath).path;
  }
  if ((a & 7) === 2 && (b & 7) === 2) return lessLists(a >>> 2, b >>> 2);
  throw incomparable(a, b);
}

function incomparable(a: Word, b: Word): Error {
  const x = toValue(a);
  const y = toValue(b);
  const head = `cannot compare ${showType(x)} with ${showType(y)}; `;
  const shown = `${printForError(x)} and ${printForError(y)}`;
  return evalError(typeOf(x) === typeOf(y)
    ? `${head}values of that type are incomparable (values are ${shown})`
    : `${head}values are ${shown}`);
}

function lessLists(a: Index, b: Index): boolean {
  for (let i = 1; ; i++) {
    if (i > H[b]!) return false;
    if (i > H[a]!) return true;
    if (!equal(H[a + i]!, H[b + i]!)) return lessThan(forceWord(H[a + i]!), forceWord(H[b + i]!));
  }
}

/**
 * `==` of operands: a function is not even equal to itself, and a set that is compared with itself
 * has its attributes evaluated.
 */
export function equalWords(a: Word, b: Word): boolean {
  if (a === b && ((a & 7) === 4 || (a & 7) >= 6)) return true;
  return equalForced(a, b);
}

/** Equality of elements: what is the same is equal. */
export function equal(x: Word, y: Word): boolean {
  const a = forceWord(x);
  const b = forceWord(y);
  return a === b || equalForced(a, b);
}

function equalForced(a: Word, b: Word): boolean {
  switch (a & 7) {
    case 4:
      if ((b & 7) === 4) return textAt(a >>> 3) === textAt(b >>> 3);
      return isString(b) && textAt(a >>> 3) === textAlone(b);
    case 2: {
      if ((b & 7) !== 2) return false;
      enterNested();
      const isEqual = equalLists(a >>> 2, b >>> 2);
      H[DEPTH]!--;
      return isEqual;
    }
    case 1: {
      if ((b & 7) !== 1) return false;
      enterNested();
      const isEqual = equalSets(a, b);
      H[DEPTH]!--;
      return isEqual;
    }
    case 5:
      return equalBoxes(a, b);
    case 6: {
      if ((b & 7) !== 5) return false;
      return numberOf(b) === a >> 3;
    }
    default:
      return false;
  }
}

function equalBoxes(a: Word, b: Word): boolean {
  const x = boxAt(a >>> 3);
  if (x instanceof ContextString) return isString(b) && x.text === textAlone(b);
  if ((b & 7) === 5) {
    const y = boxAt(b >>> 3);
    if (x instanceof NixPath) return y instanceof NixPath && x.path === y.path;
    if (typeof x === 'bigint' || typeof y === 'bigint') {
      if (typeof x === typeof y) return x === y;
    }
  }
  const p = numberOf(a);
  return p !== undefined && p === numberOf(b);
}

function equalLists(a: Index, b: Index): boolean {
  const count = H[a]!;
  if (count !== H[b]) return false;
  for (let i = 1; i <= count; i++) {
    const x = forcePlace(a + i);
    const y = forcePlace(b + i);
    if (x !== y && !equalForced(x, y)) return false;
  }
  return true;
}

export function isDerivationSet(set: Word): boolean {
  const type = get(set, typeSymbol);
  if (type === 0) return false;
  const found = forceWord(type);
  return (found & 7) === 4 && textAt(found >>> 3) === 'derivation';
}

function equalSets(a: Word, b: Word): boolean {
  if (isDerivationSet(a) && isDerivationSet(b)) {
    const x = get(a, outPathSymbol);
    const y = get(b, outPathSymbol);
    if (x !== 0 && y !== 0) return equal(x, y);
  }
  const cellA = a >>> 2;
  const cellB = b >>> 2;
  const shapeA = H[cellA]!;
  const shapeB = H[cellB]!;
  const count = H[shapeA]!;
  if (count !== H[shapeB]) return false;
  const orderA = orderOf(shapeA);
  const orderB = orderOf(shapeB);
  // Values before a name that only one has are compared, and may fail.
  for (let i = 0; i < count; i++) {
    const atA = H[orderA + i]!;
    const atB = H[orderB + i]!;
    if (H[shapeA + SYMBOLS + atA] !== H[shapeB + SYMBOLS + atB]) return false;
    const x = forcePlace(cellA + 1 + atA);
    const y = forcePlace(cellB + 1 + atB);
    if (x !== y && !equalForced(x, y)) return false;
  }
  return true;
}

export function update(node: Index, frame: Index): Word {
  const right = value(H[node + 2]!, frame);
  const left = value(H[node + 1]!, frame);
  if ((right & 7) !== 1) throw failType('a set', right, H[node + 3]!);
  if ((left & 7) !== 1) throw failType('a set', left, H[node + 3]!);
  return merge(left, right);
}

/** `a ++ b ++ c …` at once: pair by pair, the last lists would be copied again and again. */
export function concatWords(node: Index, frame: Index): Word {
  const lists: Index[] = [];
  let rest = node;
  for (; H[rest] === CONCAT; rest = H[rest + 2]!) addList(lists, value(H[rest + 1]!, frame), H[rest + 3]!);
  addList(lists, value(rest, frame), H[node + 3]!);
  return joinedLists(lists);
}

const CONCAT = 31;

function addList(lists: Index[], list: Word, position: Position): void {
  if ((list & 7) !== 2) throw failType('a list', list, position);
  if (H[list >>> 2] !== 0) lists.push(list >>> 2);
}

/** One list of the elements of all; `lists` are cells. What is one already stays itself. */
export function joinedLists(lists: readonly Index[]): Word {
  if (lists.length === 1) return (lists[0]! << 2) | 2;
  let count = 0;
  for (let i = 0; i < lists.length; i++) count += H[lists[i]!]!;
  const result = newList(count);
  let to = (result >>> 2) + 1;
  for (let i = 0; i < lists.length; i++) {
    const list = lists[i]!;
    for (let j = 1; j <= H[list]!; j++) H[to++] = H[list + j]!;
  }
  return finishedList(result);
}
