/**
 * `NixError`: the user's Nix code is at fault.
 *
 * It carries the message, the place, and the frames that were added while it travelled outwards.
 * Wording follows C++ Nix. Texts are byte strings, decoded when rendered.
 *
 * Invariant: frames are stored innermost first, in the order in which they were added; the renderer
 * reverses them.
 */

import type { UserError } from '#base';
import type { Position } from './position.ts';

export type NixErrorKind =
  | 'ThrownError'
  | 'AssertionError'
  | 'Abort'
  | 'EvalError'
  | 'TypeError'
  | 'UndefinedVarError'
  | 'MissingArgumentError'
  | 'InfiniteRecursionError'
  | 'StackOverflowError'
  | 'ParseError'
  | 'RestrictedPathError'
  | 'InvalidPathError'
  | 'IFDError'
  | 'FileNotFound'
  | 'SystemError'
  | 'Error';

/**
 * When a frame is shown. Without `--show-trace`: `usually`, if it is one of the first; `always`, as
 * those of `builtins.addErrorContext` are; `onRequest`, never, as those of calls.
 */
export type FrameShown = 'usually' | 'always' | 'onRequest';

export interface TraceFrame {
  readonly position: Position;
  readonly text: string;
  readonly shown: FrameShown;
}

export interface NixErrorOptions {
  readonly suggestions?: readonly string[];
  readonly exitStatus?: number;
  readonly world?: UserError;
}

export class NixError extends Error {
  readonly kind: NixErrorKind;
  position: Position;
  readonly frames: TraceFrame[] = [];
  suggestions: readonly string[];
  exitStatus: number;
  /** What the world is at fault for, if it is: this error then says where it was met. */
  readonly world: UserError | undefined;
  /** Raised while a call bound its arguments: the frame of the call says so differently. */
  beforeBody = false;
  /** A debugger has stopped at it, or shall not. */
  isKnownToDebugger = false;

  constructor(
    kind: NixErrorKind,
    message: string,
    position: Position = 0,
    options: NixErrorOptions = {},
  ) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = limit;
    this.name = kind;
    this.kind = kind;
    this.position = position;
    this.suggestions = options.suggestions ?? [];
    this.exitStatus = options.exitStatus ?? 1;
    this.world = options.world;
  }

  /** Adds an outer frame: what was being done, and where. Returns itself for `throw`. */
  addTrace(position: Position, text: string, shown: FrameShown = 'usually'): this {
    if (text === '') return this;
    this.frames.push({ position, text, shown });
    return this;
  }

  /** Another error that says the same and may travel on its own. */
  copy(): NixError {
    const { suggestions, exitStatus, world } = this;
    const copy = new NixError(this.kind, this.message, this.position, {
      suggestions, exitStatus, ...(world === undefined ? {} : { world }),
    });
    for (const frame of this.frames) copy.frames.push(frame);
    copy.isKnownToDebugger = this.isKnownToDebugger;
    return copy;
  }

  /** Whether `builtins.tryEval` turns it into `{ success = false; }`. */
  get isCatchable(): boolean {
    return this.kind === 'ThrownError' || this.kind === 'AssertionError';
  }
}
