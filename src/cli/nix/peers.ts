/** The stores that flags name, wherever they are: as peers, between which paths are copied. */

import { resolve } from 'node:path';
import type { Progress } from '#base';
import {
  cacheDirectory, locationOf, lookupMemory, namesStoreElsewhere, parseStoreReference, transportSettings,
  type NixSettings,
} from '#host';
import {
  CachePeer, LocalPeer, LocalStore, openBuildPeer, openDaemonPeer, openPeer, parseCacheUrl, parseStoreReference as parsePeerReference,
  PeerStore, Trust, type AblePeer, type BuildPeer, type DaemonPeer, type PeerRequest,
} from '#store';
import type { PathInfo } from '#formats';
import type { CommandContext } from '../context.ts';
import { chosenStore } from './evaluation.ts';
import type { ParsedFlags } from './flags.ts';
import { settingsOf } from './settings.ts';

/** A store with what belongs to it. */
export interface OpenedPeer {
  readonly peer: AblePeer;
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
    this.settings = settingsOf(flags, context);
  }

  /** Opens the store of that name; undefined is the one that --store and the environment name. */
  open(text: string | undefined): OpenedPeer {
    const name = text ?? this.#named();
    if (name !== undefined && namesStoreElsewhere(name)) {
      const peer = openPeer(this.request(name), { progress: this.#progress, signal: this.#context.signal });
      const cache = peer instanceof CachePeer ? peer : undefined;
      return { peer, store: undefined, cache, close: async () => { await peer.close(); } };
    }
    const location = text === undefined ? chosenStore(this.#flags, this.#context)
      : locationOf(parseStoreReference(text), this.#context.env);
    const store = new LocalStore(location);
    return { peer: new LocalPeer(store, name ?? 'local'), store, cache: undefined, close: async () => store.close() };
  }

  /** The store of that name, which is none of ours, as a store like others. */
  openStore(name: string): PeerStore {
    const reference = parsePeerReference(name);
    const isHere = reference.kind === 'daemon' || (reference.kind === 'ssh-ng' && reference.mounted);
    return new PeerStore(this.request(name), {
      progress: this.#progress, signal: this.#context.signal,
      root: isHere ? reference.parameters.get('root') ?? '/' : undefined,
    });
  }

  /** A store behind a connection. */
  openBuilder(name: string): BuildPeer {
    return openBuildPeer(name, { ...this.request(name), progress: this.#progress });
  }

  openDaemon(name: string): DaemonPeer {
    return openDaemonPeer(name, { ...this.request(name), progress: this.#progress });
  }

  /** What the settings say of how to open the store of that name. */
  request(name: string): PeerRequest {
    const { settings } = this;
    const { env, cwd } = this.#context;
    const common = {
      name, environment: { ...env },
      storeDirectory: parseStoreReference(name).parameters.get('store') ?? (env['NIX_STORE_DIR'] || env['NIX_STORE'] || '/nix/store'),
    };
    if (parsePeerReference(name).kind === 'cache') {
      const keyFiles = [...parseCacheUrl(name).secretKeyFiles, ...settings.list('secret-key-files')];
      return {
        ...common, secretKeyFiles: [...new Set(keyFiles.map((file) => resolve(cwd, file)))],
        transport: transportSettings(settings, common.environment), memory: lookupMemory(settings, cacheDirectory(env)),
      };
    }
    return {
      ...common, timeoutSeconds: settings.number('timeout', 0),
      options: {
        keepFailed: settings.flag('keep-failed', false), keepGoing: settings.flag('keep-going', false),
        fallback: settings.flag('fallback', false), maxSilentSeconds: settings.number('max-silent-time', 0),
        substitutes: settings.flag('substitute', true), cores: settings.number('cores', 0),
        // As with C++ Nix, who is behind ssh works by settings of their own.
        ...(parsePeerReference(name).kind === 'daemon' ? { settings: forwardedSettings(settings) } : {}),
      },
    };
  }

  /** Whose signatures count, by the settings. */
  trust(): Trust {
    return new Trust({
      trustedKeys: this.settings.list('trusted-public-keys'), requireSignatures: this.settings.flag('require-sigs', true),
    });
  }

  /** Whether a description is signed by a trusted key, or needs no signature. */
  believer(storeDirectory: string): (info: PathInfo) => boolean {
    const trust = this.trust();
    return (info) => trust.believes(info, storeDirectory);
  }

  #named(): string | undefined {
    return this.#flags.last('--store') ?? this.settings.text('store') ?? this.#context.env['NIX_REMOTE'] ?? undefined;
  }
}

/** What a daemon of this machine works by for us, where we have chosen; it may know better. */
function forwardedSettings(settings: NixSettings): Map<string, string> {
  return new Map(forwardedNames.filter((name) => settings.isReplaced(name)).map((name) => [name, settings.text(name) ?? '']));
}

const forwardedNames = [
  'always-allow-substitutes', 'builders', 'builders-use-substitutes', 'compress-build-log', 'connect-timeout',
  'http-connections', 'impure-env', 'keep-build-log', 'log-lines', 'max-build-log-size', 'narinfo-cache-negative-ttl',
  'narinfo-cache-positive-ttl', 'require-sigs', 'sandbox', 'sandbox-fallback', 'sandbox-paths', 'substituters', 'timeout',
  'trusted-public-keys',
];
