/** Variables that stand further out, and selections of attributes. */

import type { Position } from '#diagnostics';
import { failMissing, failType, failUndefined } from './errors.ts';
import { heap, type Index, type Word } from './heap.ts';
import { forcePlace, value } from './machine.ts';
import { find } from './sets.ts';
import { symbolFrom } from './texts.ts';

const H = heap;

export function withVariable(node: Index, frame: Index): Word {
  const symbol = H[node + 1]!;
  const withs = H[node + 3]!;
  const count = H[withs]!;
  for (let i = 0; i < count; i++) {
    const scope = forcePlace(outerFrame(frame, H[withs + 1 + 2 * i]!) + 1);
    if ((scope & 7) !== 1) throw failType('a set', scope, H[withs + 2 + 2 * i]!);
    const cell = scope >>> 2;
    const at = find(H[cell]!, symbol);
    if (at >= 0) return forcePlace(cell + 1 + at);
  }
  throw failUndefined(symbol, H[node + 2]!);
}

export function selectWord(node: Index, frame: Index): Word {
  const subject = value(H[node + 1]!, frame);
  if ((subject & 7) === 1) {
    const cell = subject >>> 2;
    const shape = H[cell]!;
    if (H[node + 4] === shape) return forcePlace(cell + 1 + H[node + 5]!);
    const at = find(shape, H[node + 2]!);
    if (at >= 0) {
      H[node + 4] = shape;
      H[node + 5] = at;
      return forcePlace(cell + 1 + at);
    }
  }
  throw failMissing(subject, H[node + 2]!, H[node + 3]!);
}

export function selectFrom(node: Index, subject: Word, position: Position): Word {
  if ((subject & 7) === 1) {
    const cell = subject >>> 2;
    const at = find(H[cell]!, H[node + 1]!);
    if (at >= 0) return forcePlace(cell + 1 + at);
  }
  throw failMissing(subject, H[node + 1]!, position);
}

export function selectDynamic(node: Index, frame: Index): Word {
  const subject = value(H[node + 1]!, frame);
  const symbol = symbolFrom(value(H[node + 2]!, frame));
  if ((subject & 7) === 1) {
    const cell = subject >>> 2;
    const at = find(H[cell]!, symbol);
    if (at >= 0) return forcePlace(cell + 1 + at);
  }
  throw failMissing(subject, symbol, H[node + 3]!);
}

/** The slot found, or 0. */
export function selectSlot(node: Index, frame: Index): Word {
  const count = H[node + 4]!;
  let current = value(H[node + 1]!, frame);
  for (let i = 0; ; i++) {
    const part = H[node + 5 + i]!;
    const symbol = (part & 1) === 1 ? part >>> 1 : symbolFrom(value(part >>> 1, frame));
    if ((current & 7) !== 1) return 0;
    const cell = current >>> 2;
    const at = find(H[cell]!, symbol);
    if (at < 0) return 0;
    if (i === count - 1) return H[cell + 1 + at]!;
    current = forcePlace(cell + 1 + at);
  }
}

export function hasAttr(node: Index, frame: Index): boolean {
  const count = H[node + 3]!;
  let current = value(H[node + 1]!, frame);
  for (let i = 0; ; i++) {
    const part = H[node + 4 + i]!;
    const symbol = (part & 1) === 1 ? part >>> 1 : symbolFrom(value(part >>> 1, frame));
    if ((current & 7) !== 1) return false;
    const cell = current >>> 2;
    const at = find(H[cell]!, symbol);
    if (at < 0) return false;
    if (i === count - 1) return true;
    current = forcePlace(cell + 1 + at);
  }
}

export function outerFrame(frame: Index, level: number): Index {
  let found = frame;
  for (let i = level; i > 0; i--) found = H[found]!;
  return found;
}
