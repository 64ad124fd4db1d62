/**
 * Thunks: suspended computations, and forcing them.
 *
 * A thunk holds its code until it is forced and its value afterwards. While it runs it is a black
 * hole, so that a value that needs itself is reported and does not run for ever. A computation that
 * failed by the program's fault fails again in the same way when it is forced again, without
 * running; after any other failure (stack exhausted, file not readable) it would run again.
 *
 * Invariant: `code` is null exactly when `value` holds the value; the value is never a thunk. Before,
 * `value` is the code's own to keep what it works on.
 */

import { NixError, type Position } from '#diagnostics';
import { counters } from './counters.ts';
import { infiniteRecursion, limitError } from './errors.ts';
import type { Slot, Value } from './values.ts';

/** Gets the position where the value is wanted, and the thunk that it is the code of. */
export type ThunkCode = (position: Position, thunk: Thunk) => Value;

/** Stands for the code of a thunk that is running. */
const blackHole: ThunkCode = () => {
  throw infiniteRecursion(0);
};

/**
 * Code shared by many thunks, each of which keeps as its `value` what it works on: a frame of
 * variables, an argument.
 */
export interface FrameCode {
  run(data: unknown, position: Position): Value;
}

export class Thunk {
  code: ThunkCode | FrameCode | null;
  value: Value;

  /** `data` is what the code works on. */
  constructor(code: ThunkCode | FrameCode, data: unknown = null) {
    this.code = code;
    this.value = data as Value;
    counters.thunksMade++;
  }
}

/** The value of a slot, computed if need be. `position` is where it is wanted. */
export function force(slot: Slot, position: Position = 0): Value {
  if (!(slot instanceof Thunk)) return slot;
  return slot.code === null ? slot.value : run(slot, position);
}

/**
 * The value of a slot of an array; it takes the place of its thunk, which then is no way to go any
 * more and often dies young.
 */
export function forceAt(slots: Slot[], index: number, position: Position = 0): Value {
  const slot = slots[index]!;
  if (!(slot instanceof Thunk)) return slot;
  const value = slot.code === null ? slot.value : run(slot, position);
  slots[index] = value;
  return value;
}

/** The slot itself, or its value if that is already known, which then takes its place. */
export function shortcutAt(slots: Slot[], index: number): Slot {
  const slot = slots[index]!;
  if (!(slot instanceof Thunk) || slot.code !== null) return slot;
  return slots[index] = slot.value;
}

/** Whether forcing the slot would do any work. */
export function isForced(slot: Slot): boolean {
  return !(slot instanceof Thunk) || slot.code === null;
}

/** Whether the slot is being computed just now. */
export function isRunning(slot: Slot): boolean {
  return slot instanceof Thunk && slot.code === blackHole;
}

/** The slot itself, or its value if that is already known. */
export function shortcut(slot: Slot): Slot {
  return slot instanceof Thunk && slot.code === null ? slot.value : slot;
}

/** A slot for a computation that runs when it is first wanted. */
export function delay(code: ThunkCode): Thunk {
  return new Thunk(code);
}

function run(thunk: Thunk, position: Position): Value {
  const code = thunk.code!;
  if (code === blackHole) {
    const error = infiniteRecursion(position);
    recursion = { error, thunk };
    throw error;
  }
  thunk.code = blackHole;
  let value: Value;
  try {
    value = typeof code === 'function' ? code(position, thunk) : code.run(thunk.value, position);
  } catch (thrown) {
    const error = position === 0 ? thrown : limitError(thrown, position);
    thunk.code = codeAfterFailure(code, error, thunk);
    throw error;
  }
  counters.thunksForced++;
  thunk.value = value;
  thunk.code = null;
  return value;
}

/** The black hole that was entered last, and the error that says so. */
let recursion: { readonly error: NixError; readonly thunk: Thunk } | undefined;

/** The codes of thunks that failed: they throw what was thrown then. */
const failedCodes = new WeakSet<ThunkCode | FrameCode>();

function codeAfterFailure(
  code: ThunkCode | FrameCode,
  error: unknown,
  thunk: Thunk,
): ThunkCode | FrameCode {
  if (!(error instanceof NixError) || failedCodes.has(code)) return code;
  // Wanted from a lesser depth it may succeed.
  if (error.kind === 'StackOverflowError') return code;
  if (error === recursion?.error && thunk === recursion.thunk) {
    error.addTrace(0, 'entering the infinite recursion', 'always');
    recursion = undefined;
  }
  // With the frames of its first way outwards, but without those of later ones.
  const fail = (): never => {
    throw error.copy();
  };
  failedCodes.add(fail);
  return fail;
}
