/** Nodes as slots of sets, lists, frames and calls: what is not evaluated yet. Nothing here forces. */

import {
  alloc, heap, MANNER, newList, newThunk, PLAIN, settled, type Index, type Word,
} from './heap.ts';
import { isInputCode } from './inputs.ts';
import { knownFrame, knownLambda, knownLiteral } from './known-cells.ts';
import { logKind, logMade, logMadeOf, Made } from './log.ts';
import { outerFrame } from './selections.ts';
import { find } from './sets.ts';
import { suspendNoted } from './suspend-noted.ts';

const H = heap;

/** A node as a slot: what costs nothing to evaluate is not suspended. Never forces anything. */
export function suspend(node: Index, frame: Index): Word {
  return H[MANNER] === PLAIN ? slotOf(node, frame) : suspendNoted(node, frame);
}

/** The same in something that is met again as a whole: there its parts are not noted apart. */
export function suspendPart(node: Index, frame: Index): Word {
  return isInputCode(node) && H[MANNER] !== PLAIN ? suspendNoted(node, frame) : slotOf(node, frame);
}

/** A node as a slot, which nobody is told of. */
export function slotOf(node: Index, frame: Index): Word {
  switch (H[node]) {
    case 0: // constant
    case 4:
      return H[node + 1]!;
    case 1: { // own
      const word = H[frame + H[node + 1]!]!;
      return word === 0 ? newThunk(node, frame) : settled(word);
    }
    case 2: { // outer
      const word = H[H[frame]! + H[node + 1]!]!;
      return word === 0 ? newThunk(node, frame) : settled(word);
    }
    case 3: { // far
      const word = H[outerFrame(frame, H[node + 2]!) + H[node + 1]!]!;
      return word === 0 ? newThunk(node, frame) : settled(word);
    }
    case 5: { // withVariable
      const withs = H[node + 3]!;
      const scope = settled(H[outerFrame(frame, H[withs + 1]!) + 1]!);
      if ((scope & 7) === 1) {
        const cell = scope >>> 2;
        const at = find(H[cell]!, H[node + 1]!);
        if (at >= 0) return settled(H[cell + 1 + at]!);
      }
      return newThunk(node, frame);
    }
    case 6: { // select
      const known = peek(node, frame);
      return known === 0 ? newThunk(node, frame) : known;
    }
    case 14: // list
      return H[node + 2] === 1 ? makeList(node, frame) : newThunk(node, frame);
    case 15:
      return makeLambda(node, frame);
    default:
      return newThunk(node, frame);
  }
}

/** The slot that a variable or a selection means, as far as that is known already; else 0. */
function peek(node: Index, frame: Index): Word {
  switch (H[node]) {
    case 1:
      return settled(H[frame + H[node + 1]!]!);
    case 2:
      return settled(H[H[frame]! + H[node + 1]!]!);
    case 3:
      return settled(H[outerFrame(frame, H[node + 2]!) + H[node + 1]!]!);
    case 6: {
      const subject = peek(H[node + 1]!, frame);
      if ((subject & 7) !== 1) return 0;
      const cell = subject >>> 2;
      const shape = H[cell]!;
      if (H[node + 4] === shape) return settled(H[cell + 1 + H[node + 5]!]!);
      const at = find(shape, H[node + 2]!);
      if (at < 0) return 0;
      H[node + 4] = shape;
      H[node + 5] = at;
      return settled(H[cell + 1 + at]!);
    }
    default:
      return 0;
  }
}

export function makeLambda(node: Index, frame: Index): Word {
  const isNoting = H[MANNER] !== PLAIN;
  if (isNoting) {
    const known = knownLambda(node, frame);
    if (known !== 0) return known;
  }
  const cell = alloc(2);
  H[cell] = node;
  H[cell + 1] = frame;
  if (isNoting) logKind(Made.lambda, (cell << 2) | 3);
  return (cell << 2) | 3;
}

/** The frame of `with`. */
export function openWith(node: Index, frame: Index): Index {
  const isNoting = H[MANNER] !== PLAIN;
  if (isNoting) {
    const known = knownFrame(node, frame);
    if (known !== 0) return known;
  }
  const inner = alloc(2);
  H[inner] = frame;
  H[inner + 1] = suspendPart(H[node + 1]!, frame);
  if (isNoting) logMade(node, inner);
  return inner;
}

export function makeSet(node: Index, frame: Index): Word {
  const isNoting = H[MANNER] !== PLAIN;
  if (isNoting) {
    const known = knownLiteral(node, frame);
    if (known !== 0) return known;
  }
  const shape = H[node + 1]!;
  const count = H[node + 2]!;
  const cell = alloc(1 + count);
  H[cell] = shape;
  for (let i = 0; i < count; i++) H[cell + 1 + i] = suspendPart(H[node + 3 + i]!, frame);
  if (isNoting) logMadeOf(node, frame, (cell << 2) | 1);
  return (cell << 2) | 1;
}

export function makeSetFrom(node: Index, frame: Index): Word {
  const isNoting = H[MANNER] !== PLAIN;
  if (isNoting) {
    const known = knownLiteral(node, frame);
    if (known !== 0) return known;
  }
  const count = H[node + 2]!;
  const sourceCount = H[node + 3]!;
  const nodes = node + 4;
  const sources = openSources(nodes + count, sourceCount, frame);
  const cell = alloc(1 + count);
  H[cell] = H[node + 1]!;
  for (let i = 0; i < count; i++) {
    const member = H[nodes + i]!;
    H[cell + 1 + i] = H[member] === 42 ? lazyInherit(member, sources) : suspendPart(member, frame);
  }
  if (isNoting) logMadeOf(node, frame, (cell << 2) | 1);
  return (cell << 2) | 1;
}

/** Slots of the sources of `inherit (source) …`. */
export function openSources(nodes: Index, count: number, frame: Index): Index {
  if (count === 0) return 0;
  const sources = alloc(count);
  for (let i = 0; i < count; i++) H[sources + i] = suspendPart(H[nodes + i]!, frame);
  return sources;
}

/** An inherited attribute: the attribute itself if its set is known. */
export function lazyInherit(node: Index, sources: Index): Word {
  const source = settled(H[sources + H[node + 5]!]!);
  if ((source & 7) === 1) {
    const cell = source >>> 2;
    const shape = H[cell]!;
    let at: number;
    if (H[node + 3] === shape) {
      at = H[node + 4]!;
    } else {
      at = find(shape, H[node + 1]!);
      if (at < 0) return newThunk(node, source);
      H[node + 3] = shape;
      H[node + 4] = at;
    }
    return settled(H[cell + 1 + at]!);
  }
  return newThunk(node, source);
}

export function makeList(node: Index, frame: Index): Word {
  const isNoting = H[MANNER] !== PLAIN;
  if (isNoting) {
    const known = knownLiteral(node, frame);
    if (known !== 0) return known;
  }
  const count = H[node + 1]!;
  const list = newList(count);
  const cell = list >>> 2;
  for (let i = 0; i < count; i++) H[cell + 1 + i] = suspendPart(H[node + 3 + i]!, frame);
  if (isNoting) logMadeOf(node, frame, list);
  return list;
}

export function openLet(node: Index, outer: Index): Index {
  const isNoting = H[MANNER] !== PLAIN;
  if (isNoting) {
    const known = knownFrame(node, outer);
    if (known !== 0) return known;
  }
  const frame = alloc(H[node + 1]!);
  H[frame] = outer;
  const count = H[node + 3]!;
  const sourceCount = H[node + 4]!;
  const members = node + 5;
  const sources = openSources(members + 2 * count, sourceCount, frame);
  for (let i = 0; i < count; i++) {
    const member = H[members + 2 * i]!;
    const place = H[members + 2 * i + 1]!;
    H[frame + (place >> 1)] = H[member] === 42
      ? lazyInherit(member, sources)
      : suspendPart(member, (place & 1) === 1 ? outer : frame);
  }
  if (isNoting) logMade(node, frame);
  return frame;
}
