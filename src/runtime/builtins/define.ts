/**
 * How a primitive operation is declared: its name, parameters, documentation and code.
 *
 * Each group file exports an array of these; `registry.ts` turns them into values. The
 * documentation is Markdown for `docs/builtins` and the REPL.
 */

import type { Position } from '#diagnostics';
import type { EvalServices } from '../services.ts';
import type { Slot, Value } from '../values.ts';

export interface PrimOpDefinition {
  /** As in the `builtins` set. */
  readonly name: string;
  readonly args: readonly string[];
  readonly doc: string;
  /** Also a variable of this name everywhere; others are variables as `__name`. */
  readonly global: boolean;
  /** The experimental feature without which it does not exist. */
  readonly feature: string | undefined;
  /** False for those that add no frame of their own to a trace. */
  readonly addsTrace: boolean;
  readonly run: PrimOpCode;
}

export type PrimOpCode = (
  services: EvalServices,
  ...rest: [...slots: Slot[], position: Position]
) => Value;

type Code1 = (services: EvalServices, a: Slot, position: Position) => Value;
type Code2 = (services: EvalServices, a: Slot, b: Slot, position: Position) => Value;
type Code3 = (services: EvalServices, a: Slot, b: Slot, c: Slot, position: Position) => Value;

interface Options {
  readonly name: string;
  readonly doc: string;
  readonly global?: boolean;
  readonly feature?: string;
  readonly addsTrace?: boolean;
}

interface Declaration<Args, Code> extends Options {
  readonly args: Args;
  readonly run: Code;
}

export function definePrimOp(declaration: Declaration<readonly [string], Code1>): PrimOpDefinition;
export function definePrimOp(
  declaration: Declaration<readonly [string, string], Code2>,
): PrimOpDefinition;
export function definePrimOp(
  declaration: Declaration<readonly [string, string, string], Code3>,
): PrimOpDefinition;
/** Fills in what a declaration may leave out. */
export function definePrimOp(
  declaration: Declaration<readonly string[], Code1 | Code2 | Code3>,
): PrimOpDefinition {
  return {
    name: declaration.name,
    args: declaration.args,
    doc: declaration.doc,
    global: declaration.global ?? false,
    feature: declaration.feature,
    addsTrace: declaration.addsTrace ?? true,
    run: declaration.run as unknown as PrimOpCode,
  };
}
