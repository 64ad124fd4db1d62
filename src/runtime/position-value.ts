/**
 * Positions as values: what `__curPos` and `builtins.unsafeGetAttrPos` give.
 */

import { type Position, resolvePosition } from '#diagnostics';
import { Attrs } from './attrs.ts';
import { Shape } from './shape.ts';
import { Thunk } from './thunk.ts';
import type { Value } from './values.ts';

const shape = new Shape(['column', 'file', 'line'], [0, 0, 0], true);

/** `{ column; file; line; }`, or null for a place that is not in a file. */
export function positionValue(at: Position): Value {
  const place = at === 0 ? undefined : resolvePosition(at);
  if (place === undefined || place.origin.kind !== 'file') return null;
  return new Attrs(shape, [place.column, place.origin.path, place.line]);
}

/** The same without finding the line before it is wanted. */
export function lazyPositionValue(at: Position, path: string): Attrs {
  return new Attrs(shape, [
    new Thunk(() => resolvePosition(at)?.column ?? 0),
    path,
    new Thunk(() => resolvePosition(at)?.line ?? 0),
  ]);
}
