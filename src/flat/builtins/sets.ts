/** Builtins on attribute sets of the flat heap. */

import { typeError } from '#runtime';
import { NODE_APPLY_NAMED } from '../encode.ts';
import { failMissing, failType } from '../errors.ts';
import {
  alloc, FALSE, finishedList, heap, listOf, MANNER, newBool, newList, NULL, PARTIAL, PLAIN, symbolOf,
  symbolString, TRUE, whenRenewed, type Index, type Word,
} from '../heap.ts';
import { knownNamed } from '../known-cells.ts';
import { logKind, Made } from '../log.ts';
import { forceWord, forcePlace } from '../machine.ts';
import { positionSet } from '../positions.ts';
import {
  emptySet, find, finishedSet, allocSet, orderOf, positionAt, restrict, setOf, SYMBOLS, withoutPositions,
} from '../sets.ts';
import { symbolFrom } from '../texts.ts';
import { define } from './define.ts';
import { functionArgument, listCell } from './lists.ts';

const H = heap;
const nameSymbol = symbolOf('name');
const valueSymbol = symbolOf('value');

export function forceSet(word: Word): Word {
  const value = forceWord(word);
  if ((value & 7) !== 1) throw failType('a set', value, 0);
  return value;
}

/** The slot of an attribute that must be there. */
export function attribute(word: Word, symbol: number): Word {
  const set = forceSet(word);
  const cell = set >>> 2;
  const at = find(H[cell]!, symbol);
  if (at < 0) throw failMissing(set, symbol, 0);
  return H[cell + 1 + at]!;
}

define('attrNames', 1, (argument) => {
  const shape = H[forceSet(argument) >>> 2]!;
  const count = H[shape]!;
  const order = orderOf(shape);
  const result = newList(count);
  const to = (result >>> 2) + 1;
  for (let i = 0; i < count; i++) H[to + i] = symbolString(H[shape + SYMBOLS + H[order + i]!]!);
  return finishedList(result);
});

define('attrValues', 1, (argument) => {
  const cell = forceSet(argument) >>> 2;
  const shape = H[cell]!;
  const count = H[shape]!;
  const order = orderOf(shape);
  const result = newList(count);
  const to = (result >>> 2) + 1;
  for (let i = 0; i < count; i++) H[to + i] = H[cell + 1 + H[order + i]!]!;
  return finishedList(result);
});

define('getAttr', 2, (name, set) => {
  const symbol = symbolFrom(name);
  const cell = forceSet(set) >>> 2;
  const at = find(H[cell]!, symbol);
  if (at < 0) throw failMissing(forceWord(set), symbol, 0);
  return forcePlace(cell + 1 + at);
});

define('hasAttr', 2, (name, set) => {
  const symbol = symbolFrom(name);
  return newBool(find(H[forceSet(set) >>> 2]!, symbol) >= 0);
});

define('unsafeGetAttrPos', 2, (name, set) => {
  const symbol = symbolFrom(name);
  const shape = H[forceSet(set) >>> 2]!;
  const at = find(shape, symbol);
  return at < 0 ? NULL : positionSet(positionAt(shape, at));
});

define('removeAttrs', 2, (set, names) => {
  const value = forceSet(set);
  const shape = H[value >>> 2]!;
  const cell = listCell(names);
  const gone: number[] = [];
  for (let i = 1; i <= H[cell]!; i++) {
    const at = find(shape, symbolFrom(H[cell + i]!));
    if (at >= 0) gone.push(at);
  }
  if (gone.length === 0) return value;
  const keep: number[] = [];
  for (let i = 0; i < H[shape]!; i++) if (!gone.includes(i)) keep.push(i);
  return restrict(value, keep, keep.length);
});

define('listToAttrs', 1, (list) => {
  const cell = listCell(list);
  const count = H[cell]!;
  const symbols: number[] = [];
  const values: Word[] = [];
  const positions: number[] = [];
  const seen = count > 16 ? new Set<number>() : undefined;
  for (let i = 1; i <= count; i++) {
    const item = forceSet(forcePlace(cell + i));
    const symbol = symbolFrom(attribute(item, nameSymbol));
    if (seen === undefined ? symbols.includes(symbol) : seen.has(symbol)) continue;
    seen?.add(symbol);
    const place = item >>> 2;
    const at = find(H[place]!, valueSymbol);
    if (at < 0) throw failMissing(item, valueSymbol, 0);
    symbols.push(symbol);
    values.push(H[place + 1 + at]!);
    positions.push(positionAt(H[place]!, at));
  }
  return setOf(symbols, values, positions);
});

define('intersectAttrs', 2, (a, b) => {
  const left = H[forceSet(a) >>> 2]!;
  const right = forceSet(b);
  const shape = H[right >>> 2]!;
  const countA = H[left]!;
  const countB = H[shape]!;
  const keep: number[] = [];
  if (countA < countB) {
    for (let i = 0; i < countA; i++) {
      const at = find(shape, H[left + SYMBOLS + i]!);
      if (at >= 0) keep.push(at);
    }
  } else {
    for (let i = 0; i < countB; i++) if (find(left, H[shape + SYMBOLS + i]!) >= 0) keep.push(i);
  }
  return restrict(right, keep, keep.length);
});

define('catAttrs', 2, (name, list) => {
  const symbol = symbolFrom(name);
  const cell = listCell(list);
  const result: Word[] = [];
  for (let i = 1; i <= H[cell]!; i++) {
    const place = forceSet(forcePlace(cell + i)) >>> 2;
    const at = find(H[place]!, symbol);
    if (at >= 0) result.push(H[place + 1 + at]!);
  }
  return listOf(result);
});

const knownArguments = new Map<Index, Word>();
whenRenewed(() => knownArguments.clear());

define('functionArgs', 1, (f) => {
  const value = forceWord(f);
  if ((value & 7) !== 3) throw typeError("'functionArgs' requires a function");
  let code = H[value >>> 2]!;
  let given = 0;
  if (code === PARTIAL) {
    given = H[(value >>> 2) + 2]!;
    code = H[H[(value >>> 2) + 1]! >>> 2]!;
  }
  if (code <= 0 || H[code + 1]! > given + 1 || H[code + 2] === 0) return emptySet;
  let known = knownArguments.get(code);
  if (known === undefined) {
    const symbols: number[] = [];
    const values: Word[] = [];
    const positions: number[] = [];
    for (let i = 0; i < H[code + 9]!; i++) {
      const formal = code + 11 + 4 * i;
      symbols.push(H[formal]!);
      values.push(H[formal + 2] === 0 ? FALSE : TRUE);
      positions.push(H[formal + 3]!);
    }
    known = setOf(symbols, values, positions);
    knownArguments.set(code, known);
  }
  // Another set each time: printing tells sets apart.
  const shape = H[known >>> 2]!;
  const set = allocSet(shape);
  for (let i = 1; i <= H[shape]!; i++) H[(set >>> 2) + i] = H[(known >>> 2) + i]!;
  return finishedSet(set);
});

/** A thunk for `f name x`. */
function suspendNamed(f: Word, symbol: number, x: Word): Word {
  const name = symbolString(symbol);
  const isNoting = H[MANNER] !== PLAIN;
  if (isNoting) {
    const known = knownNamed(f, name, x);
    if (known !== 0) return known;
  }
  const cell = alloc(6);
  H[cell] = NODE_APPLY_NAMED;
  H[cell + 1] = cell + 2;
  H[cell + 2] = f;
  H[cell + 3] = name;
  H[cell + 4] = x;
  if (isNoting) logKind(Made.named, cell << 2);
  return cell << 2;
}

define('mapAttrs', 2, (f, set) => {
  const value = forceSet(set);
  const cell = value >>> 2;
  const shape = H[cell]!;
  const count = H[shape]!;
  if (count === 0) return value;
  // As in C++ Nix, what it makes stands nowhere.
  const result = allocSet(withoutPositions(shape));
  const to = (result >>> 2) + 1;
  for (let i = 0; i < count; i++) H[to + i] = suspendNamed(f, H[shape + SYMBOLS + i]!, H[cell + 1 + i]!);
  return finishedSet(result);
});

define('zipAttrsWith', 2, (f, list) => {
  const fn = functionArgument(f);
  const cell = listCell(list);
  const groups = new Map<number, Word[]>();
  for (let i = 1; i <= H[cell]!; i++) {
    const set = forceSet(forcePlace(cell + i)) >>> 2;
    const shape = H[set]!;
    for (let j = 0; j < H[shape]!; j++) {
      const symbol = H[shape + SYMBOLS + j]!;
      const group = groups.get(symbol);
      if (group === undefined) groups.set(symbol, [H[set + 1 + j]!]);
      else group.push(H[set + 1 + j]!);
    }
  }
  const symbols: number[] = [];
  const values: Word[] = [];
  for (const [symbol, words] of groups) {
    symbols.push(symbol);
    values.push(suspendNamed(fn, symbol, listOf(words)));
  }
  return setOf(symbols, values);
});

