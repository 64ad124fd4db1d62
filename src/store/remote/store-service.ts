/**
 * `StoreService`: what the servers of Nix's protocols need besides the store itself. Builds and
 * substitution are made by layers above, so they come in as functions.
 */

import type { Progress } from '#base';
import type { Derivation, PathInfo, StorePath } from '#formats';
import type { LocalStore } from '../local-store.ts';
import type { Store } from '../store.ts';
import type { MissingPaths } from './daemon-peer.ts';
import type { BuildMode, BuildResult, Buildable } from './protocol-values.ts';

export interface ServiceRequest {
  readonly mode: BuildMode;
  /** Hears builders' lines too. */
  readonly progress: Progress;
  /** Aborted when whoever asked has gone. */
  readonly signal: AbortSignal;
  /** Settings that the client sent, by name. */
  readonly settings: ReadonlyMap<string, string>;
}

export interface StoreService {
  readonly store: Store;
  /** The same where it is served as a whole: its roots, its garbage, its damage. */
  readonly local?: LocalStore;
  /** Shown to clients. */
  readonly version: string;
  /** Makes things valid; a result each. Throws only for what is not the builds' failure. */
  buildPaths(wanted: readonly Buildable[], request: ServiceRequest): Promise<BuildResult[]>;
  /** Builds a derivation whose inputs are all valid paths. */
  buildDerivation(drvPath: StorePath, derivation: Derivation, request: ServiceRequest): Promise<BuildResult>;
  /** Tries to make the paths valid from binary caches. */
  substitute(paths: readonly StorePath[], request: ServiceRequest): Promise<void>;
  queryMissing(wanted: readonly Buildable[]): Promise<MissingPaths>;
  /** Whether a description is signed by a trusted key, or needs no signature. */
  believes(info: PathInfo): boolean;
  /** Keeps a build's log. */
  addBuildLog(drvPath: StorePath, log: Uint8Array): Promise<void>;
}
