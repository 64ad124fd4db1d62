/** What the fetchers work with: the store, the cache, the settings and how to tell what goes on. */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeUtf8, noProgress, sha256Hex, type Activity, type ActivityKind, type Progress } from '#base';
import type { StorePath } from '#formats';
import { textAttribute, type Input } from '#runtime';
import { lockFile, makeDirectory, type CacheSubstituterOptions, type FileLock, type Store } from '#store';
import type { RegistryEntry } from '../flakes/registry-file.ts';
import { NixSettings, type Environment } from '../settings.ts';
import { FetchCache } from './fetch-cache.ts';

export interface FetchOptions {
  readonly store: Store;
  /** Firn's cache. */
  readonly cacheDirectory: string;
  /** What the command line says of names, before any registry. */
  readonly registryOverrides?: readonly RegistryEntry[];
  readonly settings?: NixSettings;
  readonly environment?: Environment;
  /** Makes a path valid from elsewhere; false if nobody has it. */
  readonly substitute?: (path: StorePath) => Promise<boolean>;
  /** What a binary cache at a URL is asked with. */
  readonly cacheOptions?: (urls: readonly string[]) => CacheSubstituterOptions;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export class FetchContext {
  readonly store: Store;
  readonly settings: NixSettings;
  readonly environment: Environment;
  readonly cacheDirectory: string;
  readonly cache: FetchCache;
  readonly signal: AbortSignal | undefined;
  readonly progress: Progress;
  readonly options: FetchOptions;

  constructor(options: FetchOptions) {
    this.options = options;
    this.store = options.store;
    this.settings = options.settings ?? new NixSettings();
    this.environment = options.environment ?? {};
    this.cacheDirectory = options.cacheDirectory;
    this.signal = options.signal;
    this.progress = options.progress ?? noProgress;
    this.cache = new FetchCache(join(options.cacheDirectory, 'fetched'));
  }

  /** How long what a server said is believed without asking again. */
  get freshSeconds(): number {
    return this.settings.number('tarball-ttl', 3600);
  }

  warn(text: string): void {
    this.progress.message('warning', text);
  }

  /**
   * Runs `action` while no other process fetches what the words name: so that of several that start
   * together one downloads, and the others find it in the cache. Without a lock all of them may.
   */
  async withLock<T>(words: readonly string[], shown: string, action: () => Promise<T>): Promise<T> {
    const folder = join(this.cacheDirectory, 'fetching');
    let lock: FileLock | undefined;
    try {
      makeDirectory(folder);
      lock = await lockFile(join(folder, sha256Hex(words.join('\0'))), 'exclusive', {
        signal: this.signal,
        waiting: () => this.progress.message('notice', `waiting for another Nix process to finish fetching input '${shown}'...`),
      });
    } catch {
      this.signal?.throwIfAborted();
    }
    try {
      // By it C++ Nix's tests let several processes meet.
      if (this.environment['_NIX_TEST_CONCURRENT_FETCHES'] === '1') await sleep(1000);
      return await action();
    } finally {
      lock?.release();
    }
  }

  async withActivity<T>(kind: ActivityKind, label: string, action: (activity: Activity) => Promise<T>): Promise<T> {
    const activity = this.progress.start(kind, label, { unit: 'bytes' });
    try {
      const result = await action(activity);
      activity.finish();
      return result;
    } catch (error) {
      activity.finish('failed');
      throw error;
    }
  }
}

/** An attribute as an ordinary string: inputs keep byte strings. */
export function plainText(input: Input, name: string): string | undefined {
  const text = textAttribute(input, name);
  return text === undefined ? undefined : decodeUtf8(text);
}

/** As `plainText`, of an attribute that the scheme has checked to be there. */
export function requiredPlainText(input: Input, name: string): string {
  return plainText(input, name) ?? '';
}

/** The name that the store path gets. */
export function nameOfInput(input: Input): string {
  return textAttribute(input, 'name') ?? 'source';
}
