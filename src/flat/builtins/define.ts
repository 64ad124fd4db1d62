/** Where builtins of the flat heap are gathered by name. */

import type { Position } from '#diagnostics';
import type { Word } from '../heap.ts';

/** A builtin takes its arguments as they are, thunks too, and returns a value. */
export type Builtin = (a: Word, b: Word, c: Word, position: Position) => Word;

export interface BuiltinDefinition {
  readonly arity: number;
  readonly run: Builtin;
}

export const nativeBuiltins = new Map<string, BuiltinDefinition>();

export function define(name: string, arity: number, run: Builtin): void {
  nativeBuiltins.set(name, { arity, run });
}
