/**
 * From JavaScript text to a function.
 *
 * The layer is pure, so the plain way is the language's own `Function`; a host that can keep V8's
 * compiled form gives its own.
 */

import type { Value } from '#runtime';

/** Gives a function of a chunk, compiling the chunk when first wanted. */
export type ChunkFunction = (chunk: number, index: number) => (...captured: never[]) => Value;

/**
 * Emitted module: takes the support functions, the position base, the scope of `scopedImport` and a
 * `ChunkFunction`. A chunk takes the same and returns functions.
 */
export type ModuleFunction = (...parameters: unknown[]) => Value;

export interface CompiledCode {
  readonly run: ModuleFunction;
  /** V8's compiled form, to be asked for after the code ran if it can be had. */
  readonly cache?: () => Uint8Array | undefined;
}

/** Compiles a function expression. `name` is the source's; `compiled` an earlier `cache()`. */
export type CompileCode = (code: string, name: string, compiled?: Uint8Array) => CompiledCode;

export const compileText: CompileCode = (code) => ({
  run: new Function(`return ${code}`)() as ModuleFunction,
});
