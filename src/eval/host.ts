/**
 * The evaluator's only door to the world, and the door for emitted code that lasts.
 *
 * `Host` itself is declared where builtins can see it and is public from here.
 */

export type {
  AddPathOptions,
  DerivationRequest,
  FetchAttribute,
  FetchResult,
  FileStatus,
  FileType,
  FixedOutput,
  Host,
  InstantiatedDerivation,
} from '#runtime';

/**
 * Keeps emitted code between runs. The key covers the source's bytes, everything else that the code
 * depends on, and the evaluator's version, so that an entry never goes stale.
 */
export interface CodeCache {
  /** JavaScript text and V8's own cached data for it. */
  load(key: string): { readonly code: string; readonly compiled?: Uint8Array } | undefined;
  store(key: string, code: string, compiled?: Uint8Array): void;
}

/** Makes a function of JavaScript text: the text is a function expression. */
export type CompileFunction = (code: string, name: string, key: string) => unknown;
