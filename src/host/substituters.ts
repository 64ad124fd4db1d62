/**
 * The binary caches that the settings name, as a substituter.
 *
 * With none configured there is none: no server is ever asked that nobody named. The settings and
 * their defaults are Nix's, but for that one.
 */

import { join, resolve } from 'node:path';
import type { AblePeer, CacheSubstituter, CacheSubstituterOptions, PeerRequest, TransportSettings } from '#store';
import { certificatesFile } from './certificates.ts';
import { loadStore } from './lazy-store.ts';
import type { Environment, NixSettings } from './settings.ts';
import { locationOf, namesStoreElsewhere, parseStoreReference } from './store-location.ts';

/** What the settings say of `urls`. */
export function cacheOptions(
  settings: NixSettings, environment: Environment, cacheDirectory: string, urls: readonly string[],
): CacheSubstituterOptions {
  const { LookupMemory } = loadStore();
  const memory = lookupMemory(settings, cacheDirectory);
  return {
    urls,
    trustedKeys: settings.list('trusted-public-keys'),
    requireSignatures: settings.flag('require-sigs', true),
    fallback: settings.flag('fallback', false),
    downloads: Math.min(8, settings.number('http-connections', 8) || 8),
    transport: transportSettings(settings, environment),
    memory: new LookupMemory(memory.file, memory),
    // By these C++ Nix's tests want folders treated as servers, and two processes to meet.
    remembersFolders: environment['_NIX_FORCE_HTTP'] === '1',
    pauseMilliseconds: environment['_NIX_TEST_CONCURRENT_SUBSTITUTION'] === undefined ? 0 : 1000,
    openPeer: (url) => openSubstituter(url, environment),
  };
}

/** A store that is no binary cache, to be fetched from. */
function openSubstituter(url: string, environment: Environment): AblePeer {
  const { LocalPeer, LocalStore, openPeer } = loadStore();
  const reference = parseStoreReference(url);
  if (namesStoreElsewhere(url)) {
    const storeDirectory = reference.parameters.get('store') ?? (environment['NIX_STORE_DIR'] || '/nix/store');
    return openPeer({ name: url, storeDirectory, environment: { ...environment } });
  }
  const store = new LocalStore(locationOf(reference, environment));
  return Object.assign(new LocalPeer(store, url), { close: () => store.close() });
}

/** How servers are asked. */
export function transportSettings(settings: NixSettings, environment: Environment): TransportSettings {
  const certificates = certificatesFile(settings, environment);
  return {
    attempts: settings.number('filetransfer-retry-attempts', 5),
    retryDelayMilliseconds: settings.number('filetransfer-retry-delay', 100),
    busyDelayMilliseconds: settings.number('filetransfer-retry-delay-rate-limited', 5000),
    maximumDelayMilliseconds: settings.number('filetransfer-retry-max-delay', 60_000),
    jitter: settings.flag('filetransfer-retry-jitter', true),
    connections: settings.number('http-connections', 25) || 100,
    connectTimeoutMilliseconds: 1000 * (settings.number('connect-timeout', 0) || 15),
    stallTimeoutMilliseconds: 1000 * settings.number('stalled-download-timeout', 300),
    environment,
    ...(certificates === undefined ? {} : { certificatesFile: certificates }),
    netrcFile: resolve(environment['NIX_CONF_DIR'] ?? '/etc/nix', settings.text('netrc-file') ?? 'netrc'),
  };
}

/** Where what caches have said is remembered, and how long. */
export function lookupMemory(settings: NixSettings, cacheDirectory: string): NonNullable<PeerRequest['memory']> {
  return {
    file: join(cacheDirectory, 'binary-caches.sqlite'),
    positiveSeconds: settings.number('narinfo-cache-positive-ttl', 30 * 86_400),
    negativeSeconds: settings.number('narinfo-cache-negative-ttl', 3600),
    infoSeconds: settings.number('narinfo-cache-meta-ttl', 7 * 86_400),
  };
}

/** Undefined where the settings `substituters` and `substitute` name none. */
export function substituterOf(
  settings: NixSettings, environment: Environment, cacheDirectory: string,
): CacheSubstituter | undefined {
  const urls = settings.flag('substitute', true) ? settings.list('substituters') : [];
  if (urls.length === 0) return undefined;
  const Substituter = loadStore().CacheSubstituter;
  return new Substituter(cacheOptions(settings, environment, cacheDirectory, [...new Set(urls)]));
}
