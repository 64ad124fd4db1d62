/** Other stores that are asked what they know of paths: binary caches, and stores in folders. */

import { cacheDirectory, cacheOptions, locationOf, parseStoreReference } from '#host';
import type { PathInfo, StorePath } from '#formats';
import { CacheSubstituter, LocalStore } from '#store';
import type { CommandSession } from './command.ts';

export class PathInfoSources {
  readonly #session: CommandSession;
  readonly #caches: CacheSubstituter[] = [];
  readonly #stores: LocalStore[] = [];

  constructor(session: CommandSession, urls: readonly string[]) {
    this.#session = session;
    const { env } = session.context;
    for (const url of urls) {
      const reference = parseStoreReference(url);
      if (reference.scheme === 'local' || reference.scheme === 'auto') {
        this.#stores.push(new LocalStore(locationOf(reference, env)));
      } else {
        this.#caches.push(new CacheSubstituter({
          ...cacheOptions(session.settings, env, cacheDirectory(env), [url]), requireSignatures: false,
        }));
      }
    }
  }

  /** What each of them that has the path knows of it. */
  async* infosOf(path: StorePath): AsyncGenerator<PathInfo> {
    for (const store of this.#stores) {
      const info = store.queryPathInfo(path);
      if (info !== undefined) yield info;
    }
    for (const cache of this.#caches) {
      const info = await cache.infoOf(path, this.#session.store);
      if (info !== undefined) yield info;
    }
  }

  close(): void {
    for (const one of [...this.#caches, ...this.#stores]) one.close();
  }
}
