/**
 * Thunks for calls that builtins suspend, as `map` does for each element.
 *
 * The thunks of one builtin's call share their code, which holds the function; each keeps only what
 * is its own: the argument, or an index. Some two million are made for a NixOS system.
 *
 * While traces are collected they remember the function, because a trace shows where it was
 * defined when nothing better is known about the place of the call. Otherwise they are plain
 * thunks, so that forcing meets one kind of object only.
 */

import type { Position } from '#diagnostics';
import { call, call2 } from './call.ts';
import { force, type FrameCode, Thunk, type ThunkCode } from './thunk.ts';
import { tracing } from './tracing.ts';
import { Lambda, type Slot, type Value } from './values.ts';

class AppliedThunk extends Thunk {
  readonly applied: Slot;
  constructor(applied: Slot, code: ThunkCode) {
    super(code);
    this.applied = applied;
  }
}

/** Puts in the place of each slot a thunk for the call of `applied` with it. */
export function suspendCalls(applied: Slot, slots: Slot[]): void {
  const code = new CallCode(applied);
  for (let i = 0; i < slots.length; i++) {
    const a = slots[i]!;
    slots[i] = tracing.on
      ? new AppliedThunk(applied, (at) => call(force(applied), a, at))
      : new Thunk(code, a);
  }
}

/** Thunks for the calls of `applied` with each name and the slot beside it. */
export function suspendNamedCalls(
  applied: Slot, names: readonly string[], slots: readonly Slot[],
): Slot[] {
  if (!tracing.on) return suspendPlainNamedCalls(applied, names, slots);
  return slots.map((slot, i) => {
    return new AppliedThunk(applied, (at) => call2(force(applied), names[i]!, slot, at));
  });
}

/** The same for calls that never give their place to a trace. */
export function suspendPlainNamedCalls(
  applied: Slot, names: readonly string[], slots: readonly Slot[],
): Slot[] {
  const code = new NamedCallCode(applied, names, slots);
  const thunks = slots.slice();
  for (let i = 0; i < thunks.length; i++) thunks[i] = new Thunk(code, i);
  return thunks;
}

/** A thunk of it keeps the argument. */
class CallCode implements FrameCode {
  private readonly applied: Slot;

  constructor(applied: Slot) {
    this.applied = applied;
  }

  run(argument: Slot, position: Position): Value {
    return call(force(this.applied), argument, position);
  }
}

/** A thunk of it keeps the index of its name and slot. */
class NamedCallCode implements FrameCode {
  private readonly applied: Slot;
  private readonly names: readonly string[];
  private readonly slots: readonly Slot[];

  constructor(applied: Slot, names: readonly string[], slots: readonly Slot[]) {
    this.applied = applied;
    this.names = names;
    this.slots = slots;
  }

  run(index: number, position: Position): Value {
    return call2(force(this.applied), this.names[index]!, this.slots[index]!, position);
  }
}

/** The place that stands for a slot when it is wanted from nowhere in particular. */
export function placeOf(slot: Slot): Position {
  let item = slot;
  while (item instanceof AppliedThunk) item = item.code === null ? item.value : item.applied;
  if (item instanceof Thunk && item.code === null) item = item.value;
  return item instanceof Lambda ? item.info.position : 0;
}
