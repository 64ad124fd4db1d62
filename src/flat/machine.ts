/**
 * The machine: runs nodes of the flat heap.
 *
 * `evaluate` gives the value of a node in a frame; branches, bodies and calls in tail position stay
 * in its loop. Nothing here makes objects of V8's on the usual ways. Each function is small enough
 * for V8's optimising compiler, and what is rare is in functions of its own.
 *
 * A thunk that runs is noted on the trail with its code, so that whoever catches an error can make
 * the thunks that were running whole again: no frame of V8's stack catches anything for that.
 *
 * Invariant: `evaluate`, `force` and `apply…` never return a thunk.
 */

import { assertFail, infiniteRecursion } from '#runtime';
import { runForeign, toValue } from './bridge.ts';
import {
  apply1, apply2, apply3, callWords, enter1, enter2, enterCalled, deepenTrail,
} from './calls.ts';
import { failType } from './errors.ts';
import { addDynamicAttrs, openRecursive } from './groups.ts';
import {
  BLACK, boxAt, DEPTH, FAILED, FALSE, FORWARD, heap, MANNER, newBox, NOTED, PLAIN, textAt, TRAIL,
  TRAIL_LIMIT, TRUE, type Index, type Word,
} from './heap.ts';
import {
  concatWords, equalWords, evaluateAdd, evaluateAddMany, evaluateArithmetic, evaluateInterpolation,
  lessThan, update,
} from './operators.ts';
import { importRun } from './files.ts';
import { columnOf, lineOf, positionSet } from './positions.ts';
import { failedBefore } from './failures.ts';
import { readNoted, runNoted } from './revisions.ts';
import {
  outerFrame, hasAttr, selectWord, selectDynamic, selectFrom, selectSlot, withVariable,
} from './selections.ts';
import { makeLambda, makeList, makeSet, makeSetFrom, openLet, openWith, suspend } from './suspend.ts';

const H = heap;

/** The value of a word. */
export function forceWord(word: Word): Word {
  if ((word & 7) !== 0) return word;
  const cell = word >>> 2;
  return H[cell] === FORWARD ? H[cell + 1]! : runThunk(cell);
}

/** The value of the word at a place, which takes the thunk's place if it cannot become another. */
export function forcePlace(place: Index): Word {
  const word = H[place]!;
  if ((word & 7) !== 0) return word;
  const cell = word >>> 2;
  if (H[cell] === FORWARD) return (H[place] = H[cell + 1]!);
  const value = runThunk(cell);
  if (H[cell] === FORWARD) H[place] = value;
  return value;
}

/** Runs a thunk that is not known to have a value for ever. */
export function runThunk(cell: Index): Word {
  const code = H[cell]!;
  if (H[MANNER] !== PLAIN && code >= NOTED) return code === NOTED ? readNoted(cell) : runNoted(cell, code);
  if (code < NOTED) throw notRun(cell);
  const trail = H[TRAIL]!;
  if (trail >= H[TRAIL_LIMIT]!) deepenTrail(trail);
  H[trail] = cell;
  H[trail + 1] = code;
  H[TRAIL] = trail + 2;
  H[cell] = BLACK;
  const depth = H[DEPTH]!;
  const value = evaluate(code, H[cell + 1]!);
  H[DEPTH] = depth;
  H[cell] = FORWARD;
  H[cell + 1] = value;
  H[TRAIL] = trail;
  return value;
}

/** The error of a thunk that is running already, or that has failed. */
function notRun(cell: Index): unknown {
  if (H[cell] !== FAILED) return infiniteRecursion(0);
  return H[MANNER] === PLAIN ? boxAt(H[cell + 1]!) : failedBefore(H[cell + 1]!);
}

/** How many thunks are running. */
export function trailMark(): number {
  return H[TRAIL]!;
}

/** Makes the thunks whole that ran since `mark`: something has gone through them that may not come again. */
export function unwind(mark: number): void {
  let trail = H[TRAIL]!;
  while (trail > mark) {
    trail -= 2;
    H[H[trail]!] = H[trail + 1]!;
  }
  H[TRAIL] = trail;
}

/** Has the thunks that ran since `mark` fail with this error whenever they are wanted. */
export function failSince(mark: number, error: object): void {
  const box = newBox(error) >>> 3;
  let trail = H[TRAIL]!;
  while (trail > mark) {
    trail -= 2;
    const cell = H[trail]!;
    H[cell] = FAILED;
    H[cell + 1] = box;
  }
  H[TRAIL] = trail;
}

/** The value of a node in a frame. */
export function evaluate(start: Index, home: Index): Word {
  let node = start;
  let frame = home;
  for (;;) {
    switch (H[node]) {
      case 0: // constant
        return H[node + 1]!;
      case 1: // own
        return forcePlace(frame + H[node + 1]!);
      case 2: // outer
        return forcePlace(H[frame]! + H[node + 1]!);
      case 3: // far
        return forcePlace(outerFrame(frame, H[node + 2]!) + H[node + 1]!);
      case 4: // forced
        return forceWord(H[node + 1]!);
      case 5:
        return withVariable(node, frame);
      case 6:
        return selectWord(node, frame);
      case 7:
        return selectDynamic(node, frame);
      case 8: { // selectOr
        const found = selectSlot(node, frame);
        if (found !== 0) return forceWord(found);
        node = H[node + 2]!;
        continue;
      }
      case 9:
        return hasAttr(node, frame) ? TRUE : FALSE;
      case 10:
        return makeSet(node, frame);
      case 11:
        return makeSetFrom(node, frame);
      case 12:
        return openRecursive(node, frame).set;
      case 13:
        return addDynamicAttrs(node, frame);
      case 14:
        return makeList(node, frame);
      case 15:
        return makeLambda(node, frame);
      case 16: { // call1
        const f = value(H[node + 1]!, frame);
        if ((f & 7) === 3) {
          const cell = f >>> 2;
          const code = H[cell]!;
          if (code > 0 && H[code + 1] === 1) {
            const argument = suspend(H[node + 2]!, frame);
            frame = enter1(code, H[cell + 1]!, argument);
            enterCalled(H[node + 3]!);
            node = H[code + 4]!;
            continue;
          }
        }
        return apply1(f, suspend(H[node + 2]!, frame), H[node + 3]!);
      }
      case 17: { // call2
        const f = value(H[node + 1]!, frame);
        if ((f & 7) === 3) {
          const cell = f >>> 2;
          const code = H[cell]!;
          if (code > 0 && H[code + 1] === 2) {
            const a = suspend(H[node + 2]!, frame);
            const b = suspend(H[node + 3]!, frame);
            frame = enter2(code, H[cell + 1]!, a, b);
            enterCalled(H[node + 4]!);
            node = H[code + 4]!;
            continue;
          }
        }
        return apply2(f, suspend(H[node + 2]!, frame), suspend(H[node + 3]!, frame), H[node + 4]!);
      }
      case 18: { // call3
        const f = value(H[node + 1]!, frame);
        const a = suspend(H[node + 2]!, frame);
        const b = suspend(H[node + 3]!, frame);
        return apply3(f, a, b, suspend(H[node + 4]!, frame), H[node + 5]!);
      }
      case 19:
        return callWords(node, frame);
      case 20: // let
        frame = openLet(node, frame);
        node = H[node + 2]!;
        continue;
      case 21: // with
        frame = openWith(node, frame);
        node = H[node + 2]!;
        continue;
      case 22: // if
        node = test(H[node + 1]!, frame) ? H[node + 2]! : H[node + 3]!;
        continue;
      case 23: // assert
        if (!test(H[node + 1]!, frame)) return failAssertion(node, frame);
        node = H[node + 2]!;
        continue;
      case 24: // not
        return test(H[node + 1]!, frame) ? FALSE : TRUE;
      case 25: // and
        if (!test(H[node + 1]!, frame)) return FALSE;
        return test(H[node + 2]!, frame) ? TRUE : FALSE;
      case 26: // or
        if (test(H[node + 1]!, frame)) return TRUE;
        return test(H[node + 2]!, frame) ? TRUE : FALSE;
      case 27: // implies
        if (!test(H[node + 1]!, frame)) return TRUE;
        return test(H[node + 2]!, frame) ? TRUE : FALSE;
      case 28: // equal
        return equalWords(value(H[node + 1]!, frame), value(H[node + 2]!, frame)) ? TRUE : FALSE;
      case 29: // unequal
        return equalWords(value(H[node + 1]!, frame), value(H[node + 2]!, frame)) ? FALSE : TRUE;
      case 30:
        return update(node, frame);
      case 31:
        return concatWords(node, frame);
      case 32:
        return evaluateAdd(value(H[node + 1]!, frame), value(H[node + 2]!, frame), H[node + 3]!);
      case 33:
        return evaluateAddMany(node, frame);
      case 34:
        return evaluateInterpolation(node, frame);
      case 35:
      case 36:
      case 37: {
        const a = value(H[node + 1]!, frame);
        return evaluateArithmetic(H[node]!, a, value(H[node + 2]!, frame), H[node + 3]!);
      }
      case 38: {
        const a = value(H[node + 1]!, frame);
        return lessThan(a, value(H[node + 2]!, frame)) ? TRUE : FALSE;
      }
      case 39:
        return positionSet(H[node + 1]!);
      case 40: { // apply
        const f = forceWord(H[frame]!);
        return apply1(f, H[frame + 1]!, 0);
      }
      case 41: { // applyNamed
        const f = forceWord(H[frame]!);
        return apply2(f, H[frame + 1]!, H[frame + 2]!, 0);
      }
      case 42: // inherit
        return selectFrom(node, forceWord(frame), H[node + 2]!);
      case 43:
        return runForeign(frame);
      case 44:
        return importRun(frame);
      case 45:
        return lineOf(frame);
      case 46:
        return columnOf(frame);
      default:
        throw new Error(`no operation ${H[node]} at ${node}`);
    }
  }
}

function failAssertion(node: Index, frame: Index): never {
  const text = textAt(H[node + 4]! >>> 3);
  const tested = H[node + 1]!;
  if (H[tested] !== 28) return assertFail(text, H[node + 3]!);
  return assertFail(text, H[node + 3]!, H[tested + 3]!,
    () => toValue(value(H[tested + 1]!, frame)), () => toValue(value(H[tested + 2]!, frame)));
}

/** `evaluate` for operands: variables and constants without entering it. */
export function value(node: Index, frame: Index): Word {
  switch (H[node]) {
    case 0:
      return H[node + 1]!;
    case 1:
      return forcePlace(frame + H[node + 1]!);
    case 2:
      return forcePlace(H[frame]! + H[node + 1]!);
    case 6:
      return selectWord(node, frame);
    default: {
      const depth = H[DEPTH]!;
      const found = evaluate(node, frame);
      H[DEPTH] = depth;
      return found;
    }
  }
}

/** A Boolean operand. */
export function test(node: Index, frame: Index): boolean {
  const found = value(node, frame);
  if (found === TRUE) return true;
  if (found === FALSE) return false;
  throw failType('a Boolean', found, 0);
}
