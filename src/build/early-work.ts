/**
 * Work that begins before its turn: while some inputs of a derivation are awaited, its builder may
 * deal with others that are there.
 *
 * On a line of ordinary speed a first build waits for downloads most of the time. What is done
 * meanwhile only fills the builder's caches, so whether it happens, ends or fails changes nothing but
 * the time that the build takes.
 */
import { UserError, type Progress } from '#base';
import { knownOutputPath, type Derivation, type StorePath } from '#formats';
import type { Store } from '#store';
import type { Builder, EarlyWork } from './builder.ts';
import { isSystemError } from './errors.ts';

export interface EarlyContext {
  readonly store: Store;
  readonly builders: readonly Builder[];
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/**
 * Prepares the inputs of `derivation` that its builder can begin with and that are not valid yet
 * (what is may well be in the caches), each when `made` says that it is. Returns what stops it; that
 * ends when no more is begun.
 */
export function beginEarly(
  { store, builders, progress, signal }: EarlyContext,
  derivation: Derivation,
  made: (input: StorePath) => Promise<unknown>,
): () => Promise<void> {
  const early = builders.find((builder) => builder.accepts(derivation))?.early;
  const paths = new Set(early === undefined ? [] : inputsOf(early, derivation));
  if (early === undefined || paths.size === 0) return async () => {};
  const ready = new AbortController();
  const stop = AbortSignal.any([signal, ready.signal]);
  const prepare = async (path: StorePath): Promise<void> => {
    if (stop.aborted) return;
    try {
      await early.prepare(derivation, path, store, stop);
    } catch (error) {
      if (stop.aborted) return;
      // The build itself will meet the same and say so.
      if (!(error instanceof UserError) && !isSystemError(error)) throw error;
      progress.message('debug', `nothing could be prepared with ${path}: ${error.message}`);
    }
  };
  const running: Promise<void>[] = [];
  for (const input of derivation.inputDerivations.keys()) {
    const outputs = [...store.readDerivation(input).outputs.values()].map(knownOutputPath);
    for (const path of outputs) {
      if (path === undefined || !paths.has(path) || store.isValidPath(path)) continue;
      const work = made(input).then(() => prepare(path), () => {});
      work.catch(() => {});
      running.push(work);
    }
  }
  return async () => {
    ready.abort();
    await Promise.all(running);
  };
}

/** Wrong attributes are the build's to complain of. */
function inputsOf(early: EarlyWork, derivation: Derivation): readonly StorePath[] {
  try {
    return early.inputsOf(derivation);
  } catch (error) {
    if (error instanceof UserError) return [];
    throw error;
  }
}
