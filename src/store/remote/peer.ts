/**
 * `StorePeer`: a store as one sees it from outside, over a connection or on this machine.
 *
 * It is the least that copying needs: who has what, what is known of it, archives out and in. All
 * kinds of stores have it: a daemon, a host behind ssh, a binary cache, the local store. What can
 * also build is a `BuildPeer`. Unlike `Store`, everything may wait.
 */

import { noProgress, type Progress } from '#base';
import type { Derivation, StorePath } from '#formats';
import type { Realisation, Store, ValidPathInfo } from '../store.ts';
import type { BuildMode, BuildResult, Buildable } from './protocol-values.ts';

/** A path on its way. */
export interface OfferedPath {
  readonly info: ValidPathInfo;
  /** Called once, when it is its turn. */
  nar(): AsyncIterable<Uint8Array>;
}

export interface AddPathsOptions {
  /** Default: false, the receiver wants a signature it trusts. */
  readonly withoutSignatures?: boolean;
  readonly repair?: boolean;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface StorePeer {
  /** As the user named it, without parameters. */
  readonly name: string;
  /** Logical. */
  readonly storeDirectory: string;
  /** Those that are valid there; with `substitute`, after it has tried to get the others. */
  queryValidPaths(paths: readonly StorePath[], options?: { substitute?: boolean }): Promise<Set<StorePath>>;
  /** Of those that are valid. */
  queryPathInfos(paths: readonly StorePath[]): Promise<Map<StorePath, ValidPathInfo>>;
  narOf(path: StorePath): AsyncIterable<Uint8Array>;
  /** Adds paths in the given order, in which each stands after what it refers to. */
  addPaths(paths: readonly OfferedPath[], options?: AddPathsOptions): Promise<void>;
  close(): void | Promise<void>;
}

/** What some kinds of stores can tell or do besides, and others have no words for. */
export interface PeerAbilities {
  queryAllValidPaths(): Promise<StorePath[]>;
  queryReferrers(path: StorePath): Promise<StorePath[]>;
  /** Valid derivations that have the path as an output. */
  queryDerivers(path: StorePath): Promise<StorePath[]>;
  /** Outputs by name; undefined for those that are not known yet. */
  queryDerivationOutputs(drvPath: StorePath): Promise<Map<string, StorePath | undefined>>;
  queryPathFromHashPart(hashPart: string): Promise<StorePath | undefined>;
  queryRealisation(drvPath: StorePath, output: string): Promise<Realisation | undefined>;
  registerRealisation(realisation: Realisation): Promise<void>;
  addSignatures(path: StorePath, signatures: readonly string[]): Promise<void>;
  /** Keeps a path from garbage collection while the connection lasts. */
  addTemporaryRoot(path: StorePath): Promise<void>;
  /** Registers a link, made by the caller, that leads to a store path. */
  addIndirectRoot(link: string): Promise<void>;
  /** What a derivation's build printed. */
  buildLog(drvPath: StorePath): Promise<Uint8Array | undefined>;
  addBuildLog(drvPath: StorePath, log: AsyncIterable<Uint8Array>): Promise<void>;
}

/** A peer with those of the abilities that its kind has. */
export type AblePeer = StorePeer & Partial<PeerAbilities>;

export interface BuildPeer extends StorePeer {
  /** Whether it takes input-addressed derivations from us as they are; undefined if it does not say. */
  readonly trustsUs: boolean | undefined;
  /** Builds a derivation whose inputs are all paths that are valid there. */
  buildDerivation(drvPath: StorePath, derivation: Derivation, options?: RemoteBuildOptions): Promise<BuildResult>;
  /** Makes valid what is named; the derivations are valid there. A result each. */
  buildPaths(wanted: readonly Buildable[], options?: RemoteBuildOptions): Promise<BuildResult[]>;
}

export interface RemoteBuildOptions {
  readonly mode?: BuildMode;
  /** A line of a builder's output. */
  readonly log?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** A store of this machine, seen as others are. */
export class LocalPeer implements StorePeer, Partial<PeerAbilities> {
  readonly name: string;
  readonly storeDirectory: string;
  readonly #store: Store;

  constructor(store: Store, name = 'local') {
    this.#store = store;
    this.name = name;
    this.storeDirectory = store.storeDirectory;
  }

  async queryValidPaths(paths: readonly StorePath[]): Promise<Set<StorePath>> {
    return new Set(paths.filter((path) => this.#store.isValidPath(path)));
  }

  async queryPathInfos(paths: readonly StorePath[]): Promise<Map<StorePath, ValidPathInfo>> {
    const infos = new Map<StorePath, ValidPathInfo>();
    for (const path of paths) {
      const info = this.#store.queryPathInfo(path);
      if (info !== undefined) infos.set(path, info);
    }
    return infos;
  }

  narOf(path: StorePath): AsyncIterable<Uint8Array> {
    return this.#store.narOf(path);
  }

  /** Signatures are not looked at here: `copyPaths` asks whom to believe. */
  async addPaths(paths: readonly OfferedPath[], options: AddPathsOptions = {}): Promise<void> {
    for (const { info, nar } of paths) {
      options.signal?.throwIfAborted();
      await this.#store.addNar(info, nar(), options.progress ?? noProgress);
    }
  }

  async queryAllValidPaths(): Promise<StorePath[]> {
    return this.#store.allValidPaths();
  }

  async queryRealisation(drvPath: StorePath, output: string): Promise<Realisation | undefined> {
    return this.#store.queryRealisation(drvPath, output);
  }

  async registerRealisation(realisation: Realisation): Promise<void> {
    this.#store.registerRealisations([realisation]);
  }

  close(): void {
    // Whoever opened the store closes it.
  }
}
