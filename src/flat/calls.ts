/**
 * Calls: frames of saturated ones, set patterns, partial applications, builtins and functors.
 *
 * Calls are counted as they nest: who puts the depth back is who began to count.
 */

import type { Position } from '#diagnostics';
import { stackOverflow } from '#runtime';
import { callForeign } from './bridge.ts';
import { failMissingArgument, failNotAFunction, failNotASet, failUnexpected } from './errors.ts';
import {
  alloc, DEPTH, heap, LIMIT, MANNER, PARTIAL, PLAIN, PRIMOP, settled, symbolOf, TRAIL_LIMIT, trailEnd, trailStart,
  type Index, type Word,
} from './heap.ts';
import { noteCode } from './inputs.ts';
import { knownCall, knownCall1, knownCall2, knownCall3, knownPartial, logCall } from './known-cells.ts';
import { logKind, Made } from './log.ts';
import { evaluate, forcePlace, forceWord } from './machine.ts';
import { find, lowestFrom, SYMBOLS } from './sets.ts';
import { suspend } from './suspend.ts';

const H = heap;

/** Primitive operations: code and arity by number. */
export type Primitive = (a: Word, b: Word, c: Word, position: Position) => Word;
export const primitives: Primitive[] = [];
export const primitiveNames: string[] = [];
export const primitiveArities: number[] = [];

const functorSymbol = symbolOf('__functor');

/** How deep calls may be nested, and what is done once before they are nested deeply. */
const depths = { most: 0, warmUp: (): void => {} };

/** Calls may be nested so deeply; `warmUp` is called before the first deep nesting. */
export function limitDepth(most: number, warmUp: () => void): void {
  depths.most = most;
  depths.warmUp = warmUp;
  H[LIMIT] = Math.min(most, shallow);
  H[TRAIL_LIMIT] = trailStart + 2 * shallow;
}

const shallow = 2000;

/** Nested deeper than is allowed, or for the first time deeply (see warm-up.ts). */
function deepen(depth: number, position: Position): void {
  beDeep();
  if (depth > depths.most) throw stackOverflow(position);
}

/** The trail is as long as it may be, or for the first time long. */
export function deepenTrail(trail: Index): void {
  beDeep();
  if (trail >= trailEnd) throw stackOverflow(0);
}

function beDeep(): void {
  if (H[TRAIL_LIMIT] === trailEnd) return;
  H[LIMIT] = depths.most;
  H[TRAIL_LIMIT] = trailEnd;
  depths.warmUp();
}

/** Counts a call; who called `evaluate` puts the depth back. */
export function enterCalled(position: Position): void {
  const depth = H[DEPTH]! + 1;
  if (depth > H[LIMIT]! + 1) deepen(depth - 1, position);
  H[DEPTH] = depth;
}

/** Counts a step of working through a nested value; `H[DEPTH]--` ends it. */
export function enterNested(): void {
  if (H[DEPTH]! > H[LIMIT]!) deepen(H[DEPTH]!, 0);
  H[DEPTH]!++;
}

/** The value of a function's body in its frame. */
function runBody(body: Index, frame: Index, position: Position): Word {
  const depth = H[DEPTH]!;
  if (depth > H[LIMIT]!) deepen(depth, position);
  H[DEPTH] = depth + 1;
  const result = evaluate(body, frame);
  H[DEPTH] = depth;
  return result;
}

function runPrimitive(id: number, a: Word, b: Word, c: Word, position: Position): Word {
  const depth = H[DEPTH]!;
  if (depth > H[LIMIT]!) deepen(depth, position);
  H[DEPTH] = depth + 1;
  const result = primitives[id]!(a, b, c, position);
  H[DEPTH] = depth;
  return result;
}

/** The frame of a saturated call of one argument. */
export function enter1(code: Index, outer: Index, a: Word): Index {
  if (H[MANNER] !== PLAIN) return enter1Noted(code, outer, a);
  if (H[code + 2] === 0) {
    const frame = alloc(2);
    H[frame] = outer;
    H[frame + 1] = a;
    return frame;
  }
  const set = forceWord(a);
  const frame = alloc(H[code + 3]!);
  H[frame] = outer;
  bind(code, frame, set);
  return frame;
}

function enter1Noted(code: Index, outer: Index, a: Word): Index {
  noteCode(code);
  const isPattern = H[code + 2] !== 0;
  const last = isPattern ? forceWord(a) : a;
  const known = knownCall1(code, outer, last);
  if (known !== 0) return known;
  const frame = alloc(H[code + 3]!);
  H[frame] = outer;
  if (isPattern) bind(code, frame, last);
  else H[frame + 1] = last;
  logCall(code, last, frame);
  return frame;
}

export function enter2(code: Index, outer: Index, a: Word, b: Word): Index {
  const isNoting = H[MANNER] !== PLAIN;
  if (isNoting) noteCode(code);
  const isPattern = H[code + 2] !== 0;
  const set = isPattern ? forceWord(b) : b;
  if (isNoting) {
    const known = knownCall2(code, outer, a, set);
    if (known !== 0) return known;
  }
  const frame = alloc(H[code + 3]!);
  H[frame] = outer;
  H[frame + 1] = a;
  if (isPattern) bind(code, frame, set);
  else H[frame + 2] = b;
  if (isNoting) logCall(code, set, frame);
  return frame;
}

function enter3(code: Index, outer: Index, a: Word, b: Word, c: Word): Index {
  const isNoting = H[MANNER] !== PLAIN;
  if (isNoting) noteCode(code);
  const isPattern = H[code + 2] !== 0;
  const set = isPattern ? forceWord(c) : c;
  if (isNoting) {
    const known = knownCall3(code, outer, a, b, set);
    if (known !== 0) return known;
  }
  const frame = alloc(H[code + 3]!);
  H[frame] = outer;
  H[frame + 1] = a;
  H[frame + 2] = b;
  if (isPattern) bind(code, frame, set);
  else H[frame + 3] = c;
  if (isNoting) logCall(code, set, frame);
  return frame;
}

/** Binds a set pattern. */
function bind(code: Index, frame: Index, set: Word): void {
  if ((set & 7) !== 1) throw failNotASet(set, H[code + 5]!);
  const cell = set >>> 2;
  const shape = H[cell]!;
  const count = H[shape]!;
  const base = shape + SYMBOLS;
  const formals = H[code + 9]!;
  const whole = H[code + 7]!;
  if (whole !== 0) H[frame + whole] = set;
  const isLarge = count > 4 * formals + 8;
  let place = 0;
  let found = 0;
  let missing = false;
  let formal = code + 11;
  for (let i = 0; i < formals; i++, formal += 4) {
    const symbol = H[formal]!;
    if (isLarge) place = lowestFrom(base, place, count, symbol);
    else while (place < count && H[base + place]! < symbol) place++;
    if (place < count && H[base + place] === symbol) {
      const slot = H[formal + 1]!;
      if (slot !== 0) H[frame + slot] = settled(H[cell + 1 + place]!);
      found++;
      place++;
    } else {
      if (H[formal + 2] === 0) throw failMissingArgument(code, symbol, H[code + 5]!);
      missing = true;
    }
  }
  if (found !== count && H[code + 8] === 0) throw failUnexpected(code, set, H[code + 5]!);
  if (missing) bindDefaults(code, frame, formals);
}

function bindDefaults(code: Index, frame: Index, formals: number): void {
  let formal = code + 11;
  for (let i = 0; i < formals; i++, formal += 4) {
    const slot = H[formal + 1]!;
    if (slot !== 0 && H[frame + slot] === 0) H[frame + slot] = suspend(H[formal + 2]!, frame);
  }
}

/** Applies a function to one argument. */
export function apply1(f: Word, a: Word, position: Position): Word {
  if ((f & 7) === 3) {
    const cell = f >>> 2;
    const code = H[cell]!;
    if (code > 0) {
      if (H[code + 1] === 1) return runBody(H[code + 4]!, enter1(code, H[cell + 1]!, a), position);
      return partial1(f, a);
    }
    if (code === PRIMOP) {
      if (H[cell + 2] === 1) {
        return runPrimitive(H[cell + 1]!, a, 0, 0, position);
      }
      return partial1(f, a);
    }
    if (code === PARTIAL) return applyPartial(cell, a, position);
    return callForeign(H[cell + 1]!, a, position);
  }
  return applyFunctor(f, a, position);
}

export function apply2(f: Word, a: Word, b: Word, position: Position): Word {
  if ((f & 7) === 3) {
    const cell = f >>> 2;
    const code = H[cell]!;
    if (code > 0) {
      if (H[code + 1] === 2) return runBody(H[code + 4]!, enter2(code, H[cell + 1]!, a, b), position);
    } else if (code === PRIMOP && H[cell + 2] === 2) {
      return runPrimitive(H[cell + 1]!, a, b, 0, position);
    }
  }
  return apply1(apply1(f, a, position), b, position);
}

export function apply3(f: Word, a: Word, b: Word, c: Word, position: Position): Word {
  if ((f & 7) === 3) {
    const cell = f >>> 2;
    const code = H[cell]!;
    if (code > 0) {
      if (H[code + 1] === 3) return runBody(H[code + 4]!, enter3(code, H[cell + 1]!, a, b, c), position);
      if (H[code + 1] === 2) {
        return apply1(runBody(H[code + 4]!, enter2(code, H[cell + 1]!, a, b), position), c, position);
      }
    } else if (code === PRIMOP && H[cell + 2] === 3) {
      return runPrimitive(H[cell + 1]!, a, b, c, position);
    }
  }
  return apply1(apply2(f, a, b, position), c, position);
}

export function callWords(node: Index, frame: Index): Word {
  const count = H[node + 3]!;
  const position = H[node + 2]!;
  let f = evaluate(H[node + 1]!, frame);
  for (let i = 0; i < count; i++) f = apply1(f, suspend(H[node + 4 + i]!, frame), position);
  return f;
}

/** A function with its first argument: [PARTIAL, function, count, arguments …]. */
function partial1(f: Word, a: Word): Word {
  const isNoting = H[MANNER] !== PLAIN;
  if (isNoting) {
    const known = knownPartial(f, 0, 0, a);
    if (known !== 0) return known;
  }
  const cell = alloc(4);
  H[cell] = PARTIAL;
  H[cell + 1] = f;
  H[cell + 2] = 1;
  H[cell + 3] = a;
  if (isNoting) logKind(Made.partial, (cell << 2) | 3);
  return (cell << 2) | 3;
}

function arityOf(cell: Index): number {
  const code = H[cell]!;
  return code > 0 ? H[code + 1]! : H[cell + 2]!;
}

function applyPartial(cell: Index, a: Word, position: Position): Word {
  const f = H[cell + 1]!;
  const count = H[cell + 2]!;
  const target = f >>> 2;
  if (count + 1 < arityOf(target)) {
    const isNoting = H[MANNER] !== PLAIN;
    if (isNoting) {
      const known = knownPartial(f, cell + 3, count, a);
      if (known !== 0) return known;
    }
    const more = alloc(4 + count);
    H[more] = PARTIAL;
    H[more + 1] = f;
    H[more + 2] = count + 1;
    for (let i = 0; i < count; i++) H[more + 3 + i] = H[cell + 3 + i]!;
    H[more + 3 + count] = a;
    if (isNoting) logKind(Made.partial, (more << 2) | 3);
    return (more << 2) | 3;
  }
  const code = H[target]!;
  if (code > 0) {
    if (count === 1) return runBody(H[code + 4]!, enter2(code, H[target + 1]!, H[cell + 3]!, a), position);
    return runBody(H[code + 4]!, enterMany(code, H[target + 1]!, cell + 3, count, a), position);
  }
  const id = H[target + 1]!;
  if (count === 1) return runPrimitive(id, H[cell + 3]!, a, 0, position);
  return runPrimitive(id, H[cell + 3]!, H[cell + 4]!, a, position);
}

function enterMany(code: Index, outer: Index, args: Index, count: number, last: Word): Index {
  const isNoting = H[MANNER] !== PLAIN;
  if (isNoting) noteCode(code);
  const isPattern = H[code + 2] !== 0;
  const set = isPattern ? forceWord(last) : last;
  if (isNoting) {
    const known = knownCall(code, outer, args, count, set);
    if (known !== 0) return known;
  }
  const frame = alloc(H[code + 3]!);
  H[frame] = outer;
  for (let i = 0; i < count; i++) H[frame + 1 + i] = H[args + i]!;
  if (isPattern) bind(code, frame, set);
  else H[frame + 1 + count] = last;
  if (isNoting) logCall(code, set, frame);
  return frame;
}

/** Whether a value is a set that can be called. */
export function isFunctor(value: Word): boolean {
  return (value & 7) === 1 && find(H[value >>> 2]!, functorSymbol) >= 0;
}

function applyFunctor(f: Word, a: Word, position: Position): Word {
  if ((f & 7) === 1) {
    const cell = f >>> 2;
    const at = find(H[cell]!, functorSymbol);
    if (at >= 0) return apply2(forcePlace(cell + 1 + at), f, a, position);
  }
  throw failNotAFunction(f, position);
}
