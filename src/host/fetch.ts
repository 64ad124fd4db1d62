/** The fetchers, loaded when something is to be fetched: most evaluations fetch nothing. */

import type { FetchAttribute, FetchResult } from '#eval';
import type { StorePath } from '#formats';
import type { FetchOptions } from './fetchers/context.ts';
import type { Prefetched, PrefetchRequest } from './fetchers/prefetch.ts';

export type { FetchOptions, Prefetched, PrefetchRequest };

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

/** A file or archive put into the store for its own sake. */
export async function prefetch(request: PrefetchRequest, options: FetchOptions): Promise<Prefetched> {
  const fetchers = await import('./fetchers/prefetch.ts');
  return fetchers.prefetch(request, options);
}

/** The archive of the channel at a URL. */
export async function fetchChannel(url: string, options: FetchOptions): Promise<StorePath> {
  const fetchers = await import('./fetchers/prefetch.ts');
  return fetchers.fetchChannel(url, options);
}
