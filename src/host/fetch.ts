/** The fetchers, loaded when something is to be fetched: most evaluations fetch nothing. */

import type { FetchAttribute, FetchResult } from '#eval';
import type { FetchOptions } from './fetchers/context.ts';

export type { FetchOptions };

/** Serves `builtins.fetchurl` and its kin. */
export async function fetchToStore(
  kind: string, attributes: ReadonlyMap<string, FetchAttribute>, options: FetchOptions,
): Promise<FetchResult> {
  const fetchers = await import('./fetchers/serve.ts');
  return fetchers.fetchToStore(kind, attributes, options);
}

/** The store path of an archive whose URL stands in the search path; null for what is no URL. */
export async function fetchSearchPathEntry(entry: string, options: FetchOptions): Promise<string | null> {
  const fetchers = await import('./fetchers/serve.ts');
  return fetchers.fetchSearchPathEntry(entry, options);
}
