/**
 * Whether frames for `--show-trace` are collected, and who observes calls.
 *
 * One switch for the process, read on every call: code made while it is off collects nothing.
 * Invariant: it is on while there is an observer.
 */

import type { Position } from '#diagnostics';
import { debugging } from './debugging.ts';
import type { Slot, Value } from './values.ts';

/** Is told of each call, before and after, whether it succeeds or not. */
export interface CallObserver {
  entered(f: Value, args: readonly Slot[], position: Position): void;
  exited(position: Position): void;
}

export const tracing: { on: boolean; observer: CallObserver | undefined } = { on: false, observer: undefined };

/** Runs something that makes another evaluator, without a debugger; afterwards all is as it was. */
export function keepTracing<T>(action: () => T): T {
  const { on, observer } = tracing;
  const { current } = debugging;
  debugging.current = undefined;
  try {
    return action();
  } finally {
    tracing.on = on;
    tracing.observer = observer;
    debugging.current = current;
  }
}
