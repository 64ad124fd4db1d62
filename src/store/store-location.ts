/**
 * Where the parts of a local store stand.
 *
 * The logical directory, `/nix/store` nearly always, is part of every store path's hash; all else
 * may be anywhere. Usually all parts are below one root with the layout of `/nix`, but each can be
 * chosen alone, by C++ Nix's variables (`NIX_STORE_DIR`, `NIX_STATE_DIR`, …) or a store's URL.
 */

import { join } from 'node:path';
import { defaultStoreDirectory } from '#formats';

/** A plain value: it goes to other threads. */
export interface StoreLocation {
  /** The folder that `/nix` stands in: `/` for the system's own store. */
  readonly root: string;
  /** The logical directory. */
  readonly storeDirectory: string;
  /** Where the store paths' files are. */
  readonly physicalStoreDirectory: string;
  /** Database, roots, locks: `<root>/nix/var/nix`. */
  readonly stateDirectory: string;
  /** Logs are in `drvs` below: `<root>/nix/var/log/nix`. */
  readonly logDirectory: string;
  /** Nothing is written, not even a lock. */
  readonly readOnly?: boolean;
  /** Links that people make to store paths carry the logical path, even where it leads nowhere. */
  readonly logicalLinks?: boolean;
}

/** What somebody said of a location; the parts not given are below the root. */
export type GivenLocation = Pick<StoreLocation, 'root'>
  & { readonly [Part in keyof StoreLocation]?: StoreLocation[Part] | undefined };

/** All parts of a location. */
export function completeLocation(given: GivenLocation): StoreLocation {
  const root = given.root.replace(/(?<=.)\/+$/, '');
  const storeDirectory = given.storeDirectory ?? defaultStoreDirectory;
  const stateDirectory = given.stateDirectory ?? join(root, 'nix/var/nix');
  return {
    root,
    storeDirectory,
    physicalStoreDirectory: given.physicalStoreDirectory ?? (root === '/' ? storeDirectory : root + storeDirectory),
    stateDirectory,
    logDirectory: given.logDirectory ?? join(root, 'nix/var/log/nix'),
    ...(given.readOnly === true ? { readOnly: true } : {}),
    ...(given.logicalLinks === true ? { logicalLinks: true } : {}),
  };
}
