/**
 * Attribute sets: [shape, values …]; a shape is [count, order, symbols …, positions …], its symbols
 * ascending by number. `order` is 0 until the order by name is wanted, then the index of `count`
 * places.
 */

import { alloc, heap, MANNER, PLAIN, symbolName, whenRenewed, type Index, type Word } from './heap.ts';
import { notedSet } from './known-cells.ts';

const H = heap;

/** Where a shape's symbols begin. */
export const SYMBOLS = 2;

export const noNames: Index = alloc(2);
export const emptySet: Word = allocSet(noNames);

export function allocSet(shape: Index): Word {
  const cell = alloc(1 + H[shape]!);
  H[cell] = shape;
  return (cell << 2) | 1;
}

export function newShape(count: number): Index {
  if (count === 0) return noNames;
  const shape = alloc(SYMBOLS + 2 * count);
  H[shape] = count;
  return shape;
}

/** Place of a symbol in a shape, or -1. */
export function find(shape: Index, symbol: number): number {
  const count = H[shape]!;
  const base = shape + SYMBOLS;
  if (count <= 6) {
    for (let i = 0; i < count; i++) if (H[base + i] === symbol) return i;
    return -1;
  }
  let low = 0;
  let high = count - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = H[base + middle]!;
    if (found === symbol) return middle;
    if (found < symbol) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** The attribute of a set, or 0. */
export function get(set: Word, symbol: number): Word {
  const cell = set >>> 2;
  const at = find(H[cell]!, symbol);
  return at < 0 ? 0 : H[cell + 1 + at]!;
}

export function sizeOf(set: Word): number {
  return H[H[set >>> 2]!]!;
}

export function positionAt(shape: Index, at: number): number {
  return H[shape + SYMBOLS + H[shape]! + at]!;
}

/** Places of a shape's symbols in the order of their names: an index of `count` words. */
export function orderOf(shape: Index): Index {
  const known = H[shape + 1]!;
  if (known !== 0) return known;
  const count = H[shape]!;
  const order = alloc(count);
  const base = shape + SYMBOLS;
  if (count <= 12) {
    for (let i = 0; i < count; i++) {
      const name = symbolName(H[base + i]!);
      let j = i - 1;
      while (j >= 0 && symbolName(H[base + H[order + j]!]!) > name) {
        H[order + j + 1] = H[order + j]!;
        j--;
      }
      H[order + j + 1] = i;
    }
  } else {
    const places: number[] = [];
    for (let i = 0; i < count; i++) places.push(i);
    places.sort((a, b) => (symbolName(H[base + a]!) < symbolName(H[base + b]!) ? -1 : 1));
    for (let i = 0; i < count; i++) H[order + i] = places[i]!;
  }
  H[shape + 1] = order;
  return order;
}

/** Shapes of the same symbols without positions, where they were wanted. */
const bareShapes = new Map<Index, Index>();
whenRenewed(() => bareShapes.clear());

/** The shape of the same symbols without positions. */
export function withoutPositions(shape: Index): Index {
  const count = H[shape]!;
  const positions = shape + SYMBOLS + count;
  let at = 0;
  while (at < count && H[positions + at] === 0) at++;
  if (at === count) return shape;
  let bare = bareShapes.get(shape);
  if (bare === undefined) {
    bare = newShape(count);
    H[bare + 1] = H[shape + 1]!;
    copy(bare + SYMBOLS, shape + SYMBOLS, count);
    bareShapes.set(shape, bare);
  }
  return bare;
}

/** A set that has all its attributes: itself, or the same one made before. */
export function finishedSet(set: Word): Word {
  return H[MANNER] === PLAIN ? set : notedSet(set);
}

const scratchSize = 1 << 17;
const scratch = new Float64Array(scratchSize);

/**
 * A set of attributes that come in any order, without duplicates. `symbols[i]`, `values[i]` and
 * `positions[i]` belong together.
 */
export function setOf(symbols: ArrayLike<number>, values: ArrayLike<Word>, positions?: ArrayLike<number>): Word {
  const count = symbols.length;
  if (count === 0) return emptySet;
  const shape = newShape(count);
  const base = shape + SYMBOLS;
  const set = allocSet(shape);
  const cell = (set >>> 2) + 1;
  if (count <= 12) {
    for (let i = 0; i < count; i++) {
      const symbol = symbols[i]!;
      const value = values[i]!;
      const position = positions === undefined ? 0 : positions[i]!;
      let j = i - 1;
      while (j >= 0 && H[base + j]! > symbol) {
        H[base + j + 1] = H[base + j]!;
        H[base + count + j + 1] = H[base + count + j]!;
        H[cell + j + 1] = H[cell + j]!;
        j--;
      }
      H[base + j + 1] = symbol;
      H[base + count + j + 1] = position;
      H[cell + j + 1] = value;
    }
    return finishedSet(set);
  }
  // Symbols with their places as one number each, which sorts without calls.
  const keys = count <= scratchSize ? scratch.subarray(0, count) : new Float64Array(count);
  for (let i = 0; i < count; i++) keys[i] = symbols[i]! * 0x1000000 + i;
  keys.sort();
  for (let i = 0; i < count; i++) {
    const key = keys[i]!;
    const symbol = Math.floor(key / 0x1000000);
    const at = key - symbol * 0x1000000;
    H[base + i] = symbol;
    H[base + count + i] = positions === undefined ? 0 : positions[at]!;
    H[cell + i] = values[at]!;
  }
  return finishedSet(set);
}

function copy(to: Index, from: Index, count: number): void {
  if (count > 24) {
    H.copyWithin(to, from, from + count);
  } else {
    for (let i = 0; i < count; i++) H[to + i] = H[from + i]!;
  }
}

/** The attributes at ascending `places` of a set. */
export function restrict(set: Word, places: ArrayLike<number>, count: number): Word {
  const from = set >>> 2;
  const old = H[from]!;
  const size = H[old]!;
  if (count === size) return set;
  if (count === 0) return emptySet;
  const shape = newShape(count);
  const result = allocSet(shape);
  const cell = (result >>> 2) + 1;
  const base = shape + SYMBOLS;
  const oldBase = old + SYMBOLS;
  for (let i = 0; i < count; i++) {
    const at = places[i]!;
    H[base + i] = H[oldBase + at]!;
    H[base + count + i] = H[oldBase + size + at]!;
    H[cell + i] = H[from + 1 + at]!;
  }
  return finishedSet(result);
}

/** `left // right`. */
export function merge(left: Word, right: Word): Word {
  const a = left >>> 2;
  const b = right >>> 2;
  const shapeA = H[a]!;
  const shapeB = H[b]!;
  const countA = H[shapeA]!;
  const countB = H[shapeB]!;
  if (countB === 0) return left;
  if (countA === 0 || shapeA === shapeB) return right;
  if (countA > 4 * countB + 8) return mergeFew(a, shapeA, countA, b, shapeB, countB);
  const symbolsA = shapeA + SYMBOLS;
  const symbolsB = shapeB + SYMBOLS;
  // How many there will be.
  let common = 0;
  let i = 0;
  let j = 0;
  while (i < countA && j < countB) {
    const x = H[symbolsA + i]!;
    const y = H[symbolsB + j]!;
    if (x === y) {
      common++;
      i++;
      j++;
    } else if (x < y) i++;
    else j++;
  }
  if (common === countA) return right;
  const count = countA + countB - common;
  const shape = newShape(count);
  const result = allocSet(shape);
  const cell = (result >>> 2) + 1;
  const symbols = shape + SYMBOLS;
  const positions = symbols + count;
  const positionsA = symbolsA + countA;
  const positionsB = symbolsB + countB;
  let at = 0;
  i = 0;
  j = 0;
  while (i < countA && j < countB) {
    const x = H[symbolsA + i]!;
    const y = H[symbolsB + j]!;
    if (x < y) {
      H[symbols + at] = x;
      H[positions + at] = H[positionsA + i]!;
      H[cell + at] = H[a + 1 + i]!;
      i++;
    } else {
      H[symbols + at] = y;
      H[positions + at] = H[positionsB + j]!;
      H[cell + at] = H[b + 1 + j]!;
      j++;
      if (x === y) i++;
    }
    at++;
  }
  if (i < countA) {
    copy(symbols + at, symbolsA + i, countA - i);
    copy(positions + at, positionsA + i, countA - i);
    copy(cell + at, a + 1 + i, countA - i);
  } else {
    copy(symbols + at, symbolsB + j, countB - j);
    copy(positions + at, positionsB + j, countB - j);
    copy(cell + at, b + 1 + j, countB - j);
  }
  return finishedSet(result);
}

/** Where among `count` ascending symbols one is or would stand, from the place `from` on. */
export function lowestFrom(base: Index, from: number, count: number, symbol: number): number {
  let low = from;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (H[base + middle]! < symbol) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Merging a few names into a large set: runs of it are copied whole. */
function mergeFew(
  a: Index, shapeA: Index, countA: number, b: Index, shapeB: Index, countB: number,
): Word {
  const symbolsA = shapeA + SYMBOLS;
  const symbolsB = shapeB + SYMBOLS;
  let common = 0;
  let from = 0;
  for (let j = 0; j < countB; j++) {
    from = lowestFrom(symbolsA, from, countA, H[symbolsB + j]!);
    if (from < countA && H[symbolsA + from] === H[symbolsB + j]) common++;
  }
  const count = countA + countB - common;
  const shape = newShape(count);
  const result = allocSet(shape);
  const cell = (result >>> 2) + 1;
  const symbols = shape + SYMBOLS;
  const positions = symbols + count;
  const positionsA = symbolsA + countA;
  const positionsB = symbolsB + countB;
  let at = 0;
  from = 0;
  for (let j = 0; j <= countB; j++) {
    const to = j === countB ? countA : lowestFrom(symbolsA, from, countA, H[symbolsB + j]!);
    const run = to - from;
    copy(symbols + at, symbolsA + from, run);
    copy(positions + at, positionsA + from, run);
    copy(cell + at, a + 1 + from, run);
    at += run;
    from = to;
    if (j === countB) break;
    const symbol = H[symbolsB + j]!;
    H[symbols + at] = symbol;
    H[positions + at] = H[positionsB + j]!;
    H[cell + at] = H[b + 1 + j]!;
    at++;
    if (from < countA && H[symbolsA + from] === symbol) from++;
  }
  return finishedSet(result);
}
