/** Where the modules of the evaluator's tasks are; they are loaded in its thread only. */

/** Evaluates to derivations: `InstantiateInput` to `FoundDerivation[]`. */
export const instantiateTask = new URL('./instantiate.ts', import.meta.url);
/** Prints values: `PrintInput`. */
export const printTask = new URL('./print-value.ts', import.meta.url);
/** Prints syntax trees: `{ sources }`. */
export const parseTask = new URL('./parse.ts', import.meta.url);
/** Prints what names in the search path stand for: `{ names }`. */
export const findFileTask = new URL('./find-file.ts', import.meta.url);
/** Prints one value as `nix eval` does: `EvalInput`. */
export const evalTask = new URL('./eval-value.ts', import.meta.url);
/** Stays and serves the requests of a REPL: `ReplInput`. */
export const replTask = new URL('./repl.ts', import.meta.url);
