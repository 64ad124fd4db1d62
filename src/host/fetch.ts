/** The fetchers, loaded when something is to be fetched: most evaluations fetch nothing. */

import type { FetchAttribute, FetchResult } from '#eval';
import type { Input } from '#runtime';
import type { StorePath } from '#formats';
import type { FetchOptions } from './fetchers/context.ts';
import type { OpenedRegistry } from './fetchers/registries.ts';
import type { RegistryEntry } from './flakes/registry-file.ts';
import type { Environment } from './settings.ts';
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

/** The flake registries in force, in the order in which they are asked. */
export async function flakeRegistries(options: FetchOptions): Promise<OpenedRegistry[]> {
  const [{ openRegistries }, { FetchContext }] = await Promise.all([
    import('./fetchers/registries.ts'), import('./fetchers/context.ts'),
  ]);
  return openRegistries(new FetchContext(options), false);
}

/** Makes a name stand for an input in a registry file, or for none; the file is the user's if none is named. */
export async function changeRegistry(
  file: string | undefined, environment: Environment, from: Input, to: Omit<RegistryEntry, 'from' | 'isExact'> | undefined,
): Promise<void> {
  const { readRegistry, userRegistryFile, withoutEntry, writeRegistry } = await import('./flakes/registry-file.ts');
  const place = file ?? userRegistryFile(environment);
  const rest = withoutEntry(readRegistry(place), from);
  writeRegistry(place, to === undefined ? rest : [...rest, { ...to, from, isExact: false }]);
}
