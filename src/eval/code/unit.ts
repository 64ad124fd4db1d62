/**
 * A unit of compilation: one parsed text, and what all code of it needs.
 */

import type { Position } from '#diagnostics';
import { none, type Offset, type Resolution } from '#lang';
import type { EvalServices, Slot } from '#runtime';

export class Unit {
  /** Position number of the text's first byte. */
  readonly base: Position;
  readonly services: EvalServices;
  /** The base scope. */
  readonly globals: ReadonlyMap<string, Slot>;
  readonly resolution: Resolution;
  /** Whether frames for `--show-trace` are added around operands. */
  readonly traced: boolean;
  /** Whether all that C++ Nix suspends is suspended, even where evaluating it costs nothing. */
  readonly suspendsAll: boolean;

  constructor(
    base: Position,
    services: EvalServices,
    globals: ReadonlyMap<string, Slot>,
    resolution: Resolution,
    traced: boolean,
    suspendsAll: boolean,
  ) {
    this.base = base;
    this.services = services;
    this.globals = globals;
    this.resolution = resolution;
    this.traced = traced;
    this.suspendsAll = suspendsAll;
  }

  at(offset: Offset): Position {
    return offset === none ? 0 : this.base + offset;
  }
}
