/**
 * Thunks for calls that builtins suspend, as `map` does for each element.
 *
 * While traces are collected they remember the function, because a trace shows where it was
 * defined when nothing better is known about the place of the call. Otherwise they are plain
 * thunks, so that forcing meets one kind of object only.
 */

import type { Position } from '#diagnostics';
import { Thunk, type ThunkCode } from './thunk.ts';
import { tracing } from './tracing.ts';
import { Lambda, type Slot } from './values.ts';

class AppliedThunk extends Thunk {
  readonly applied: Slot;
  constructor(applied: Slot, code: ThunkCode) {
    super(code);
    this.applied = applied;
  }
}

/** A thunk for a call of the function `applied`, which `code` makes. */
export function suspendCall(applied: Slot, code: ThunkCode): Thunk {
  return tracing.on ? new AppliedThunk(applied, code) : new Thunk(code);
}

/** The place that stands for a slot when it is wanted from nowhere in particular. */
export function placeOf(slot: Slot): Position {
  let item = slot;
  while (item instanceof AppliedThunk) item = item.code === null ? item.value : item.applied;
  if (item instanceof Thunk && item.code === null) item = item.value;
  return item instanceof Lambda ? item.info.position : 0;
}
