/** The stores that flags name, wherever they are: as peers, between which paths are copied. */

import { resolve } from 'node:path';
import type { Progress } from '#base';
import {
  cacheDirectory, cacheOptions, locationOf, parseStoreReference, readSettings, type NixSettings,
} from '#host';
import {
  CachePeer, isRemoteReference, LocalPeer, LocalStore, openBuildPeer, openDaemonPeer, readSecretKeys, Trust,
  parseCacheUrl, type BuildPeer, type DaemonPeer, type StorePeer, type WorkerOptions,
} from '#store';
import type { PathInfo } from '#formats';
import type { CommandContext } from '../context.ts';
import { chosenStore, settingOverrides } from './evaluation.ts';
import type { ParsedFlags } from './flags.ts';

/** A store with what belongs to it. */
export interface OpenedPeer {
  readonly peer: StorePeer;
  /** Where the peer is a local store. */
  readonly store: LocalStore | undefined;
  /** Of caches that are signed as they are written. */
  readonly cache: CachePeer | undefined;
  close(): Promise<void>;
}

export class Peers {
  readonly #flags: ParsedFlags;
  readonly #context: CommandContext;
  readonly #progress: Progress;
  readonly settings: NixSettings;

  constructor(flags: ParsedFlags, context: CommandContext, progress: Progress) {
    this.#flags = flags;
    this.#context = context;
    this.#progress = progress;
    this.settings = readSettings({ environment: context.env, overrides: settingOverrides(flags) });
  }

  /** Opens the store of that name; undefined is the one that --store and the environment name. */
  open(text: string | undefined): OpenedPeer {
    const name = text ?? this.#named();
    if (name !== undefined && isRemoteReference(name)) {
      if (/^(file|https?|s3):/.test(name)) return this.#openCache(name);
      const peer = this.openBuilder(name);
      return { peer, store: undefined, cache: undefined, close: async () => { await peer.close(); } };
    }
    const location = text === undefined ? chosenStore(this.#flags, this.#context)
      : locationOf(parseStoreReference(text), this.#context.env);
    const store = new LocalStore(location);
    return { peer: new LocalPeer(store, name ?? 'local'), store, cache: undefined, close: async () => store.close() };
  }

  /** A store behind a connection. */
  openBuilder(name: string): BuildPeer {
    return openBuildPeer(name, this.#peerOptions());
  }

  openDaemon(name: string): DaemonPeer {
    return openDaemonPeer(name, this.#peerOptions());
  }

  /** Whether a description is signed by a trusted key, or needs no signature. */
  believer(storeDirectory: string): (info: PathInfo) => boolean {
    const trust = new Trust({
      trustedKeys: this.settings.list('trusted-public-keys'), requireSignatures: this.settings.flag('require-sigs', true),
    });
    return (info) => trust.believes(info, storeDirectory);
  }

  #openCache(name: string): OpenedPeer {
    const { env, cwd, signal } = this.#context;
    const { transport, memory } = cacheOptions(this.settings, env, cacheDirectory(env), [name]);
    const url = parseCacheUrl(name);
    const keyFiles = [...url.secretKeyFiles, ...this.settings.list('secret-key-files')].map((file) => resolve(cwd, file));
    const cache = new CachePeer(name, {
      secretKeys: readSecretKeys([...new Set(keyFiles)]), signal,
      ...(transport === undefined ? {} : { transport }),
    });
    return {
      peer: cache, store: undefined, cache,
      async close() {
        memory?.close();
        await cache.close();
      },
    };
  }

  #named(): string | undefined {
    return this.#flags.last('--store') ?? this.settings.text('store') ?? this.#context.env['NIX_REMOTE'] ?? undefined;
  }

  #peerOptions() {
    const { settings } = this;
    const options: WorkerOptions = {
      keepFailed: settings.flag('keep-failed', false), keepGoing: settings.flag('keep-going', false),
      fallback: settings.flag('fallback', false), maxSilentSeconds: settings.number('max-silent-time', 0),
      substitutes: settings.flag('substitute', true), cores: settings.number('cores', 0),
    };
    return {
      environment: this.#context.env, progress: this.#progress, options,
      timeoutSeconds: settings.number('timeout', 0),
    };
  }
}
