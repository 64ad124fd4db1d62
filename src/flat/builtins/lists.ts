/** Builtins on lists of the flat heap. */

import { evalError } from '#runtime';
import { NODE_APPLY } from '../encode.ts';
import { failType, Unhandled } from '../errors.ts';
import {
  alloc, emptyList, FALSE, finishedList, heap, listOf, MANNER, newInt, newList, PLAIN, PRIMOP,
  symbolOf, textAt, TRUE, type Index, type Word,
} from '../heap.ts';
import { knownApplication } from '../known-cells.ts';
import { logKind, Made } from '../log.ts';
import { apply1, apply2, isFunctor, primitiveNames } from '../calls.ts';
import { forceWord, forcePlace } from '../machine.ts';
import { fillWithElements } from '../suspend-noted.ts';
import { equal, intOf, joinedLists, lessThan } from '../operators.ts';
import { setOf } from '../sets.ts';
import { bareText, isString, textAlone } from '../texts.ts';
import { define } from './define.ts';
import { attribute } from './sets.ts';

const H = heap;

/** The cell of a list. */
export function listCell(word: Word): Index {
  const value = forceWord(word);
  if ((value & 7) !== 2) throw failType('a list', value, 0);
  return value >>> 2;
}

export function intArgument(word: Word): number | bigint {
  const value = forceWord(word);
  if ((value & 7) === 6) return value >> 3;
  const int = intOf(value);
  if (int === undefined) throw failType('an integer', value, 0);
  return int;
}

export function isTrue(value: Word): boolean {
  if (value === TRUE) return true;
  if (value === FALSE) return false;
  throw failType('a Boolean', value, 0);
}

/** A function, or a set that can be called as one. */
export function functionArgument(word: Word): Word {
  const value = forceWord(word);
  if ((value & 7) !== 3 && !isFunctor(value)) throw failType('a function', value, 0);
  return value;
}

define('length', 1, (list) => newInt(H[listCell(list)]!));

define('elemAt', 2, (list, n) => {
  const index = Number(intArgument(n));
  const cell = listCell(list);
  if (index < 0 || index >= H[cell]!) {
    throw evalError(`'builtins.elemAt' called with index ${index} on a list of size ${H[cell]!}`);
  }
  return forcePlace(cell + 1 + index);
});

define('head', 1, (list) => {
  const cell = listCell(list);
  if (H[cell] === 0) throw evalError("'builtins.head' called on an empty list");
  return forcePlace(cell + 1);
});

define('tail', 1, (list) => {
  const cell = listCell(list);
  const count = H[cell]!;
  if (count === 0) throw evalError("'builtins.tail' called on an empty list");
  const result = newList(count - 1);
  const to = result >>> 2;
  for (let i = 1; i < count; i++) H[to + i] = H[cell + 1 + i]!;
  return finishedList(result);
});

/** A thunk for `f x`. */
export function suspendCall(f: Word, x: Word): Word {
  const isNoting = H[MANNER] !== PLAIN;
  if (isNoting) {
    const known = knownApplication(f, x);
    if (known !== 0) return known;
  }
  const cell = alloc(4);
  H[cell] = NODE_APPLY;
  H[cell + 1] = cell + 2;
  H[cell + 2] = f;
  H[cell + 3] = x;
  if (isNoting) logKind(Made.apply, cell << 2);
  return cell << 2;
}

define('map', 2, (f, list) => {
  const cell = listCell(list);
  const count = H[cell]!;
  if (count === 0) return emptyList;
  const fn = functionArgument(f);
  const result = newList(count);
  const to = result >>> 2;
  for (let i = 1; i <= count; i++) H[to + i] = suspendCall(fn, H[cell + i]!);
  return finishedList(result);
});

define('filter', 2, (f, list) => {
  const value = forceWord(list);
  const cell = listCell(value);
  const count = H[cell]!;
  if (count === 0) return value;
  const fn = functionArgument(f);
  // Which stay, as bits: the function may use the heap meanwhile.
  const kept: number[] = [];
  for (let i = 1; i <= count; i++) if (isTrue(apply1(fn, H[cell + i]!, 0))) kept.push(i);
  if (kept.length === count) return value;
  const result = newList(kept.length);
  const to = (result >>> 2) + 1;
  for (let i = 0; i < kept.length; i++) H[to + i] = H[cell + kept[i]!]!;
  return finishedList(result);
});

define('elem', 2, (x, list) => {
  const cell = listCell(list);
  const count = H[cell]!;
  if (count === 0) return FALSE;
  const wanted = forceWord(x);
  for (let i = 1; i <= count; i++) {
    if (equal(wanted, forcePlace(cell + i))) return TRUE;
  }
  return FALSE;
});

define('concatLists', 1, (lists) => {
  const cell = listCell(lists);
  const parts: Index[] = [];
  for (let i = 1; i <= H[cell]!; i++) parts.push(listCell(forcePlace(cell + i)));
  return joinedLists(parts);
});

define('concatMap', 2, (f, list) => {
  const fn = functionArgument(f);
  const cell = listCell(list);
  const parts: Index[] = [];
  for (let i = 1; i <= H[cell]!; i++) parts.push(listCell(apply1(fn, H[cell + i]!, 0)));
  return joinedLists(parts);
});

define("foldl'", 3, (op, nul, list) => {
  const fn = functionArgument(op);
  const cell = listCell(list);
  const count = H[cell]!;
  if (count === 0) return forceWord(nul);
  let current = nul;
  for (let i = 1; i <= count; i++) current = apply2(fn, current, H[cell + i]!, 0);
  return current;
});

define('any', 2, (f, list) => {
  const fn = functionArgument(f);
  const cell = listCell(list);
  for (let i = 1; i <= H[cell]!; i++) if (isTrue(apply1(fn, H[cell + i]!, 0))) return TRUE;
  return FALSE;
});

define('all', 2, (f, list) => {
  const fn = functionArgument(f);
  const cell = listCell(list);
  for (let i = 1; i <= H[cell]!; i++) if (!isTrue(apply1(fn, H[cell + i]!, 0))) return FALSE;
  return TRUE;
});

define('genList', 2, (f, length) => {
  const count = Number(intArgument(length));
  if (count < 0 || count > 0xffff_ffff) throw evalError(`cannot create list of size ${count}`);
  const fn = functionArgument(f);
  const result = newList(count);
  const to = (result >>> 2) + 1;
  if (H[MANNER] !== PLAIN) fillWithElements(fn, count, to);
  for (let i = 0; i < count; i++) if (H[to + i] === 0) H[to + i] = suspendCall(fn, newInt(i));
  return finishedList(result);
});

define('partition', 2, (f, list) => {
  const fn = functionArgument(f);
  const cell = listCell(list);
  const right: Word[] = [];
  const wrong: Word[] = [];
  for (let i = 1; i <= H[cell]!; i++) {
    const item = forcePlace(cell + i);
    (isTrue(apply1(fn, item, 0)) ? right : wrong).push(item);
  }
  return setOf(partitionSymbols, [listOf(right), listOf(wrong)]);
});
const partitionSymbols = [symbolOf('right'), symbolOf('wrong')];

define('groupBy', 2, (f, list) => {
  const fn = functionArgument(f);
  const cell = listCell(list);
  const groups = new Map<number, Word[]>();
  for (let i = 1; i <= H[cell]!; i++) {
    const item = H[cell + i]!;
    const symbol = symbolOf(bareText(apply1(fn, item, 0)));
    const group = groups.get(symbol);
    if (group === undefined) groups.set(symbol, [item]);
    else group.push(item);
  }
  return setOf([...groups.keys()], [...groups.values()].map(listOf));
});

define('sort', 2, (comparator, list) => {
  const value = forceWord(list);
  const cell = listCell(value);
  const count = H[cell]!;
  if (count === 0) return value;
  const fn = functionArgument(comparator);
  const words: Word[] = [];
  for (let i = 1; i <= count; i++) words.push(forcePlace(cell + i));
  return listOf(sorted(fn, words));
});

function sorted(fn: Word, words: Word[]): Word[] {
  const isLessThan = (fn & 7) === 3 && H[fn >>> 2] === PRIMOP && primitiveNames[H[(fn >>> 2) + 1]!] === 'lessThan';
  if (isLessThan) {
    if (words.every((word) => (word & 7) === 4)) {
      return words.sort((a, b) => {
        const x = textAt(a >>> 3);
        const y = textAt(b >>> 3);
        return x < y ? -1 : x > y ? 1 : 0;
      });
    }
    return mergeSort(words, lessThan);
  }
  return mergeSort(words, (a, b) => isTrue(apply2(fn, a, b, 0)));
}

/** Stable, and a reordering however little sense `isLess` makes. */
function mergeSort(items: Word[], isLess: (a: Word, b: Word) => boolean): Word[] {
  const count = items.length;
  let from = items;
  let to = items.slice();
  for (let width = 1; width < count; width *= 2) {
    for (let begin = 0; begin < count; begin += 2 * width) {
      const middle = Math.min(begin + width, count);
      const end = Math.min(begin + 2 * width, count);
      let left = begin;
      let right = middle;
      let out = begin;
      if (right < end && !isLess(from[right]!, from[right - 1]!)) right = end + 1;
      if (right > end) {
        while (out < end) to[out++] = from[left++]!;
        continue;
      }
      while (left < middle && right < end) {
        to[out++] = isLess(from[right]!, from[left]!) ? from[right++]! : from[left++]!;
      }
      while (left < middle) to[out++] = from[left++]!;
      while (right < end) to[out++] = from[right++]!;
    }
    [from, to] = [to, from];
  }
  return from;
}

const startSet = symbolOf('startSet');
const operatorSymbol = symbolOf('operator');
const keySymbol = symbolOf('key');

define('genericClosure', 1, (argument) => {
  const set = forceWord(argument);
  const start = forceWord(attribute(set, startSet));
  const startCell = listCell(start);
  if (H[startCell] === 0) return start;
  const operator = functionArgument(attribute(set, operatorSymbol));
  const work: Word[] = [];
  for (let i = 1; i <= H[startCell]!; i++) work.push(H[startCell + i]!);
  const seen = new Set<string | number | bigint>();
  const result: Word[] = [];
  let kind: string | undefined;
  for (let i = 0; i < work.length; i++) {
    const key = plainKey(forceWord(attribute(work[i]!, keySymbol)));
    const ownKind = typeof key === 'string' ? 'string' : 'int';
    if ((kind ??= ownKind) !== ownKind) throw new Unhandled('keys of several types');
    if (seen.has(key)) continue;
    seen.add(key);
    result.push(work[i]!);
    const found = listCell(apply1(operator, work[i]!, 0));
    for (let j = 1; j <= H[found]!; j++) {
      forcePlace(found + j);
      work.push(H[found + j]!);
    }
  }
  return listOf(result);
});

/** A key that equals another only if it is the same here; comparing others is left to others. */
function plainKey(key: Word): string | number | bigint {
  if (isString(key)) return textAlone(key);
  const int = intOf(key);
  if (int === undefined) throw new Unhandled('keys that are no strings or integers');
  return int;
}
