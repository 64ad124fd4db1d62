/**
 * Thunks for calls that builtins suspend, as `map` does for each element.
 *
 * While traces are collected they remember the function, because a trace shows where it was
 * defined when nothing better is known about the place of the call. Otherwise they are plain
 * thunks, so that forcing meets one kind of object only.
 */

import type { Position } from '#diagnostics';
import { call, call2 } from './call.ts';
import { force, Thunk, type ThunkCode } from './thunk.ts';
import { tracing } from './tracing.ts';
import { Lambda, type Slot, type Value } from './values.ts';

class AppliedThunk extends Thunk {
  readonly applied: Slot;
  constructor(applied: Slot, code: ThunkCode) {
    super(code);
    this.applied = applied;
  }
}

/** A thunk for a call of `applied` with one argument. */
export function suspendCall(applied: Slot, a: Slot): Thunk {
  if (tracing.on) return new AppliedThunk(applied, (at) => call(force(applied), a, at));
  return suspended(runCall, { applied, a });
}

/** A thunk for a call of `applied` with two arguments. */
export function suspendCall2(applied: Slot, a: Slot, b: Slot): Thunk {
  if (tracing.on) return new AppliedThunk(applied, (at) => call2(force(applied), a, b, at));
  return suspendPlainCall2(applied, a, b);
}

/** The same for calls that never give their place to a trace. */
export function suspendPlainCall2(applied: Slot, a: Slot, b: Slot): Thunk {
  return suspended(runCall2, { applied, a, b });
}

/** What a suspended call works on: smaller than a closure for each. */
interface SuspendedCall {
  readonly applied: Slot;
  readonly a: Slot;
}

interface SuspendedCall2 {
  readonly applied: Slot;
  readonly a: Slot;
  readonly b: Slot;
}

function suspended(code: ThunkCode, data: SuspendedCall | SuspendedCall2): Thunk {
  const thunk = new Thunk(code);
  thunk.value = data as unknown as Value;
  return thunk;
}

const runCall = (position: Position, thunk: Thunk): Value => {
  const { applied, a } = thunk.value as unknown as SuspendedCall;
  return call(force(applied), a, position);
};

const runCall2 = (position: Position, thunk: Thunk): Value => {
  const { applied, a, b } = thunk.value as unknown as SuspendedCall2;
  return call2(force(applied), a, b, position);
};

/** The place that stands for a slot when it is wanted from nowhere in particular. */
export function placeOf(slot: Slot): Position {
  let item = slot;
  while (item instanceof AppliedThunk) item = item.code === null ? item.value : item.applied;
  if (item instanceof Thunk && item.code === null) item = item.value;
  return item instanceof Lambda ? item.info.position : 0;
}
