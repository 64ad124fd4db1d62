/**
 * Frames: where the variables of a function, a `let` or a `rec` stand while it runs.
 *
 * An array whose first element is the frame around it; `lang`'s `resolve` numbers the places. A
 * place holds `undefined` until its slot is made: the slots of a group are made one after the other
 * and may mean each other.
 */

import type { Slot, Value } from '#runtime';

export type Frame = (Slot | Frame | undefined)[];

/** Code of an expression that gives its value. */
export type Body = (frame: Frame) => Value;

/** The frame `level` frames out. */
export function frameAt(frame: Frame, level: number): Frame {
  let found = frame;
  for (let i = level; i > 0; i--) found = found[0] as Frame;
  return found;
}

/** An empty frame of a size, to be copied for each that is wanted. */
export function frameTemplate(size: number): Frame {
  const frame: Frame = [];
  for (let i = 0; i < size; i++) frame.push(undefined);
  return frame.slice();
}
