/**
 * The debugger's end in the evaluator: which steps evaluation is in, and where it stops.
 *
 * While there is a debugger, code is made that tells it of each step: a call, a function's body, a
 * `let`, a selection, a file. It stops at errors where they come up first, at `builtins.break`, and
 * at the next step if that is wanted. What is evaluated while it has stopped is no step.
 *
 * One for the thread, as for `tracing`; it is there before anything is compiled that it shall see.
 */

import { NixError, type Position } from '#diagnostics';
import type { Slot } from './values.ts';

/** Variables that one scope brings. */
export interface DebugScope {
  /** Sorted by name. */
  readonly variables: ReadonlyMap<string, Slot>;
  /** Whether they are those of a `with`; there are none then unless its set is known. */
  readonly isWith: boolean;
}

export interface DebugStep {
  readonly position: Position;
  /** What is being done; a byte string. */
  readonly text: string;
  /** What is visible there but the base scope, innermost first. */
  readonly scopes: () => readonly DebugScope[];
}

/** Why it stopped; `request`: a builtin that the user wanted it to stop at, or a single step. */
export type StopReason =
  | { readonly kind: 'error'; readonly error: NixError; readonly isInTry: boolean }
  | { readonly kind: 'break' }
  | { readonly kind: 'request' };

/** `step`: as far as the next step. */
export type Resumption = 'continue' | 'step' | 'quit';

export interface DebuggerOptions {
  /** Whether what happens within `tryEval` is left alone. */
  readonly ignoresTries: boolean;
  readonly stopsAtTrace: boolean;
  readonly stopsAtWarning: boolean;
  /** Lets somebody look around. The steps come innermost first. */
  onStop(reason: StopReason, steps: readonly DebugStep[]): Resumption;
}

export class Debugger {
  readonly #options: DebuggerOptions;
  /** Outermost first. */
  readonly #steps: DebugStep[] = [];
  #tries = 0;
  #isStopped = false;
  #isStepping = false;

  constructor(options: DebuggerOptions) {
    this.#options = options;
  }

  /** Does something as a step. */
  step<T>(step: DebugStep, action: () => T): T {
    if (this.#isStopped) return action();
    this.#steps.push(step);
    try {
      if (this.#isStepping) this.#stop({ kind: 'request' });
      return action();
    } catch (error) {
      if (error instanceof NixError && !error.isKnownToDebugger) {
        error.isKnownToDebugger = true;
        this.#stop({ kind: 'error', error, isInTry: this.#tries > 0 });
      }
      throw error;
    } finally {
      this.#steps.pop();
    }
  }

  /** Does what `tryEval` tries. */
  attempt<T>(action: () => T): T {
    this.#tries += 1;
    try {
      return action();
    } finally {
      this.#tries -= 1;
    }
  }

  /** `builtins.break` was called. */
  reachedBreak(): void {
    this.#stop({ kind: 'break' });
  }

  /** `builtins.trace` or `builtins.warn` said something. */
  said(what: 'trace' | 'warning'): void {
    const { stopsAtTrace, stopsAtWarning } = this.#options;
    if (stopsAtTrace || (what === 'warning' && stopsAtWarning)) this.#stop({ kind: 'request' });
  }

  #stop(reason: StopReason): void {
    const { ignoresTries, onStop } = this.#options;
    if (this.#isStopped || this.#steps.length === 0 || (ignoresTries && this.#tries > 0)) return;
    this.#isStopped = true;
    try {
      const resumption = onStop(reason, this.#steps.toReversed());
      this.#isStepping = resumption === 'step';
      if (resumption === 'quit') throw reason.kind === 'error' ? reason.error : ended();
    } finally {
      this.#isStopped = false;
    }
  }
}

/** Not in vain: whoever quits where nothing failed has seen enough. */
function ended(): NixError {
  const error = new NixError('Error', 'evaluation was ended in the debugger', 0, { exitStatus: 0 });
  error.isKnownToDebugger = true;
  return error;
}

export const debugging: { current: Debugger | undefined } = { current: undefined };
