/** Recursive sets, dynamic attributes, and `__overrides`. */

import { NixError } from '#diagnostics';
import {
  alloc, heap, MANNER, newThunk, NULL, PLAIN, symbolName, symbolOf, type Index, type Word,
} from './heap.ts';
import { knownRecursive, recursiveSetOf } from './known-cells.ts';
import { logMadeOf } from './log.ts';
import { evaluate, forcePlace } from './machine.ts';
import { suspend, suspendPart, lazyInherit, openSources } from './suspend.ts';
import { find, get, merge, allocSet, setOf, SYMBOLS } from './sets.ts';
import { symbolFrom } from './texts.ts';
import { failType } from './errors.ts';

const H = heap;
const overridesSymbol = symbolOf('__overrides');

/** A recursive set and the frame of its variables. */
export function openRecursive(node: Index, outer: Index): { readonly set: Word; readonly frame: Index } {
  const isNoting = H[MANNER] !== PLAIN;
  if (isNoting) {
    const known = knownRecursive(node, outer);
    if (known !== 0) return { set: recursiveSetOf(node, outer), frame: known };
  }
  const shape = H[node + 1]!;
  const count = H[node + 3]!;
  const members = node + 5;
  const frame = alloc(H[node + 2]!);
  H[frame] = outer;
  const sources = openSources(members + 3 * count, H[node + 4]!, frame);
  const set = allocSet(shape);
  const cell = (set >>> 2) + 1;
  const overriding = find(shape, overridesSymbol);
  for (let i = 0; i < count; i++) {
    const member = H[members + 3 * i]!;
    const place = H[members + 3 * i + 1]!;
    // What can still be replaced must be read when it is wanted.
    const slot = H[member] === 42
      ? lazyInherit(member, sources)
      : overriding >= 0 && (place & 1) === 0 ? newThunk(member, frame) : suspendPart(member, (place & 1) === 1 ? outer : frame);
    H[cell + H[members + 3 * i + 2]!] = slot;
    if (place > 1) H[frame + (place >> 1)] = slot;
  }
  // What is overridden depends on what is forced for it.
  if (overriding < 0) {
    if (isNoting) logMadeOf(node, set, frame);
    return { set, frame };
  }
  return { set: override(node, set, frame, forcePlace(cell + overriding)), frame };
}

function override(node: Index, set: Word, frame: Index, overrides: Word): Word {
  if ((overrides & 7) !== 1) throw failType('a set', overrides, 0);
  const count = H[node + 3]!;
  const shape = H[node + 1]!;
  for (let i = 0; i < count; i++) {
    const place = H[node + 5 + 3 * i + 1]! >> 1;
    const found = get(overrides, H[shape + SYMBOLS + H[node + 5 + 3 * i + 2]!]!);
    if (found !== 0 && place !== 0) H[frame + place] = found;
  }
  return merge(set, overrides);
}

/** A set with attributes whose names are computed. */
export function addDynamicAttrs(node: Index, outer: Index): Word {
  const base = H[node + 1]!;
  let set: Word;
  let frame = outer;
  if (H[base] === 12) ({ set, frame } = openRecursive(base, outer));
  else set = evaluate(base, outer);
  const count = H[node + 2]!;
  const symbols: number[] = [];
  const values: Word[] = [];
  const positions: number[] = [];
  for (let i = 0; i < count; i++) {
    const name = evaluate(H[node + 3 + 3 * i]!, frame);
    if (name === NULL) continue;
    const symbol = symbolFrom(name);
    if (symbols.includes(symbol) || find(H[set >>> 2]!, symbol) >= 0) {
      throw new NixError('EvalError', `dynamic attribute '${symbolName(symbol)}' already defined`, H[node + 5 + 3 * i]!);
    }
    symbols.push(symbol);
    values.push(suspend(H[node + 4 + 3 * i]!, frame));
    positions.push(H[node + 5 + 3 * i]!);
  }
  return symbols.length === 0 ? set : merge(set, setOf(symbols, values, positions));
}

