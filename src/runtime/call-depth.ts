/**
 * How deep calls are nested.
 *
 * As in C++ Nix, more than `max-call-depth` of them is an error of the program, long before the
 * thread's stack is full; the error then has the place of the call. Calls of lambdas and builtins
 * count, and so do the steps of coercing, comparing and converting nested values.
 *
 * A call that fails does not count itself out: that would need a handler for each. Whoever catches
 * an error and goes on restores the depth instead (`depthNow`, `restoreDepth`).
 *
 * One depth for the thread, as for `tracing`; the limit is that of the newest evaluator.
 */

import type { Position } from '#diagnostics';
import { stackOverflow } from './errors.ts';

/** Read and counted in place by what runs on every call. */
export const callDepth = { now: 0, limit: 10_000 };

/** Begins the count for an evaluator. */
export function limitCallDepth(limit: number): void {
  callDepth.now = 0;
  callDepth.limit = limit;
}

/** Counts a call in; throws if it is one too many. `at` is the place of the call. */
export function enterCall(at: Position): void {
  if (callDepth.now++ > callDepth.limit) throw stackOverflow(at);
}

export function leaveCall(): void {
  callDepth.now--;
}

/** For `restoreDepth` when something failed in between. */
export function depthNow(): number {
  return callDepth.now;
}

export function restoreDepth(depth: number): void {
  callDepth.now = depth;
}
