/**
 * Where names in the search path are looked up last: the user's channels, then the machine's.
 *
 * As in C++ Nix, `<nixpkgs>` needs no `NIX_PATH` where `nix-channel` keeps it, unless evaluation is
 * pure or restricted.
 */

import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { encodeUtf8 } from '#base';
import type { SearchPathEntry } from '#runtime';
import { profilePlaces, type ProfilePlaces } from './profile-places.ts';
import { loadStore } from './lazy-store.ts';
import { readSettings, type SettingSources } from './settings.ts';
import type { ChosenStore } from './store-location.ts';

/** The entries that lead somewhere now. */
export function usualSearchPath(sources: SettingSources, store: ChosenStore): SearchPathEntry[] {
  const settings = readSettings(sources);
  if (settings.flag('pure-eval', false) || settings.flag('restrict-eval', false)) return [];
  const places = profilePlaces(sources.environment, settings, store, process.geteuid?.() ?? 1);
  const entries = places.isPrivate ? privateChannels(places, store) : [
    { prefix: '', path: join(places.defaultExpressions, 'channels') },
    { prefix: 'nixpkgs', path: join(places.rootChannels, 'nixpkgs') },
    { prefix: '', path: places.rootChannels },
  ].filter(({ path }) => existsSync(path));
  return entries.map(({ prefix, path }) => ({ prefix: encodeUtf8(prefix), path: encodeUtf8(path) }));
}

/** Each channel by itself: what they lead to stands in the store, which is not where its paths say. */
function privateChannels({ channels }: ProfilePlaces, store: ChosenStore): SearchPathEntry[] {
  try {
    readlinkSync(channels);
    const { completeLocation, placeOfLink } = loadStore();
    const { storeDirectory, physicalStoreDirectory } = completeLocation(store);
    const physicalPath = (path: string) => physicalStoreDirectory + path.slice(storeDirectory.length);
    const place = placeOfLink({ storeDirectory, physicalPath }, channels);
    return readdirSync(place).filter((name) => name !== 'manifest.nix')
      .map((name) => ({ prefix: name, path: readlinkSync(join(place, name)) }));
  } catch {
    // There are none yet.
    return [];
  }
}
