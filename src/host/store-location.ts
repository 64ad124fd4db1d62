/**
 * Where the store stands: what `--store`, the setting `store`, `NIX_REMOTE` and Nix's `NIX_…_DIR`
 * variables say; otherwise the system's own at `/nix` if this user may write it, or a root of the
 * user's, with the same layout below.
 */

import { accessSync, constants, existsSync, mkdtempSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { GivenLocation } from '#store';
import { storeNotLocal } from './errors.ts';
import { loadStore } from './lazy-store.ts';
import { readSettings, type Environment, type SettingSources } from './settings.ts';

/** Enough to open the local store with. */
export type ChosenStore = GivenLocation & { readonly storeDirectory: string };

/** A store's name taken apart: `SCHEME://AUTHORITY?KEY=VALUE`, a word, or a folder. */
export interface StoreReference {
  /** `auto`, `local`, `daemon`, or the scheme of a URL. */
  readonly scheme: string;
  /** What follows the scheme's `://`; of a folder its absolute path. */
  readonly authority: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** The store that flags, settings and environment name. `chosen` is the operand of `--store`. */
export function storeReference(sources: SettingSources, chosen?: string): StoreReference {
  const text = chosen ?? readSettings(sources).text('store') ?? sources.environment['NIX_REMOTE'] ?? '';
  return parseStoreReference(text === '' ? 'auto' : text);
}

export function parseStoreReference(text: string): StoreReference {
  const question = text.indexOf('?');
  const name = question < 0 ? text : text.slice(0, question);
  const query = question < 0 ? '' : text.slice(question + 1);
  const parameters = new Map(query.split('&').filter(Boolean).map((pair) => {
    const [key = '', ...value] = pair.split('=');
    return [decodeURIComponent(key), decodeURIComponent(value.join('='))] as const;
  }));
  if (/^(auto|local|daemon)$/.test(name)) return { scheme: name, authority: '', parameters };
  const url = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(name);
  if (url?.[1] === 'local') return { scheme: 'local', authority: decodeURIComponent(url[2] as string), parameters };
  if (url !== null) return { scheme: url[1] as string, authority: url[2] as string, parameters };
  return { scheme: 'local', authority: resolve(name), parameters };
}

/** Whether the name is that of a store behind a connection, or of a binary cache. */
export function namesStoreElsewhere(text: string): boolean {
  return /^(daemon(\?|$)|unix:\/\/|(mounted-)?ssh(-ng)?:\/\/|file:\/\/|https?:\/\/|s3:\/\/)/.test(text);
}

/** The location of the local store that is named; `UserError` STORE_NOT_LOCAL for another kind. */
export function storeLocation(sources: SettingSources, chosen?: string): ChosenStore {
  return locationOf(storeReference(sources, chosen), sources.environment);
}

/** As `storeLocation`, for a reference that is at hand. */
export function locationOf({ scheme, authority, parameters }: StoreReference, environment: Environment): ChosenStore {
  if (scheme === 'dummy') {
    const directory = parameters.get('store') ?? environment['NIX_STORE_DIR'];
    return parameters.get('read-only') === 'false' ? passingStore(environment, directory) : noStore(directory);
  }
  if (scheme !== 'auto' && scheme !== 'local') throw storeNotLocal(`${scheme}://${authority}`);
  const named = authority === '' ? parameters.get('root') ?? (environment['FIRN_ROOT'] || undefined) : authority;
  const variables = named === undefined ? environment : {};
  const storeDirectory = parameters.get('store') ?? (environment['NIX_STORE_DIR'] || environment['NIX_STORE'] || undefined);
  const state = parameters.get('state') ?? (variables['NIX_STATE_DIR'] || undefined);
  const isPlaced = [storeDirectory, state, parameters.get('real')].some((one) => one !== undefined);
  return {
    root: named === undefined ? (isPlaced ? '/' : usualRoot(environment)) : resolve(named),
    storeDirectory: storeDirectory ?? '/nix/store',
    physicalStoreDirectory: parameters.get('real') ?? (named === undefined ? undefined : join(resolve(named), 'nix/store')),
    stateDirectory: state,
    logDirectory: parameters.get('log') ?? (variables['NIX_LOG_DIR'] || undefined),
    readOnly: parameters.get('read-only') === 'true',
    // Who names a store knows where it stands, and wants links that hold inside it: see
    // docs/decisions/roots-outside-nix.md.
    logicalLinks: authority !== '' || parameters.has('root') || parameters.has('real'),
  };
}

/** For evaluations that write nothing: a store that is nowhere. */
function noStore(storeDirectory = '/nix/store'): ChosenStore {
  return { root: '/proc/self/no-store', storeDirectory, readOnly: true };
}

/** For evaluations whose results nobody keeps: gone when the process ends. */
function passingStore(environment: Environment, storeDirectory = '/nix/store'): ChosenStore {
  const root = passingRoot ??= makePassingRoot(environment);
  return { root, storeDirectory, physicalStoreDirectory: join(root, 'nix/store') };
}

/** One for all who ask in this process: they mean the same store. */
let passingRoot: string | undefined;

function makePassingRoot(environment: Environment): string {
  const root = mkdtempSync(join(environment['TMPDIR'] || '/tmp', 'firn-passing-'));
  process.once('exit', () => { loadStore().deleteTree(root); });
  return root;
}

/** The folder that `nix/store` is below when nothing else is said. */
function usualRoot(environment: Environment): string {
  if (mayWrite('/nix/store') && mayWrite('/nix/var/nix/db')) return '/';
  return usersRoot(environment);
}

function usersRoot(environment: Environment): string {
  const home = environment['HOME'] || '/';
  return join(environment['XDG_DATA_HOME'] || join(home, '.local/share'), 'firn/root');
}

/**
 * The store that an evaluation writes to where builds happen in another: what `chosen` names, or a
 * root of the user's. Who has no place of their own, as a builder that is itself a client, has one
 * for the time of this process.
 */
export function evaluationStore(environment: Environment, chosen?: string): ChosenStore {
  if (chosen !== undefined && chosen !== 'auto') return locationOf(parseStoreReference(chosen), environment);
  const authority = environment['FIRN_ROOT'] || usersRoot(environment);
  if (!mayMake(authority)) {
    return passingStore(environment, environment['NIX_STORE_DIR'] || environment['NIX_STORE'] || undefined);
  }
  return { ...locationOf({ scheme: 'local', authority, parameters: new Map() }, environment), logicalLinks: false };
}

/**
 * Firn's own folder for what can be made again. It exists and can be written: where the user's own
 * cannot, it is a temporary one, for this process only.
 */
export function cacheDirectory(environment: Environment): string {
  const home = environment['HOME'] || '/';
  const directory = join(environment['XDG_CACHE_HOME'] || join(home, '.cache'), 'firn');
  if (mayWrite(directory)) return directory;
  if (!mayMake(directory)) return temporaryCache ??= makeTemporaryCache(environment);
  try {
    loadStore().makeDirectory(directory);
    if (mayWrite(directory)) return directory;
  } catch {
    // Caches are optional: no reason not to go on.
  }
  return temporaryCache ??= makeTemporaryCache(environment);
}

let temporaryCache: string | undefined;

function makeTemporaryCache(environment: Environment): string {
  const directory = mkdtempSync(join(environment['TMPDIR'] || '/tmp', 'firn-cache-'));
  process.once('exit', () => { loadStore().deleteTree(directory); });
  return directory;
}

/** Whether a folder can be written, or made. A builder's home must never come to be. */
function mayMake(path: string): boolean {
  if (path.startsWith('/homeless-shelter')) return false;
  let place = path;
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  return mayWrite(place);
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
