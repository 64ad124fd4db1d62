/**
 * `Store`: the set of valid paths, their contents and what is known of them.
 *
 * A path is valid if it stands complete in the store and is registered. It becomes valid in one
 * step at the end: whoever makes one writes into a temporary place in the same folder
 * (`prepareOutput`), and `commitOutputs` scans, canonicalises, hashes, syncs, renames and
 * registers. Killing the process at any instant leaves at most an unregistered leftover, which the
 * next garbage collection removes.
 *
 * The logical store (`/nix/store`) is what hashes are made of; `physicalPath` says where the files
 * stand. Names of files inside a store path are byte strings; physical paths are ordinary strings.
 */

import type { Hash, HashAlgorithm, Progress } from '#base';
import type {
  ContentAddress, Derivation, IngestionMethod, PathInfo, StorePath,
} from '#formats';

export interface ValidPathInfo extends PathInfo {
  /** Seconds since 1970. */
  readonly registrationTime: number;
  /** Built here, not fetched: trusted without a signature. */
  readonly ultimate: boolean;
}

/** Leaves a file out of a copy by returning false; `path` is relative to the root: `/a/b`. */
export type TreeFilter = (path: string, type: 'regular' | 'directory' | 'symlink' | 'unknown') => boolean;

export interface AddTreeOptions {
  readonly method: IngestionMethod;
  readonly algorithm: HashAlgorithm;
  readonly references?: readonly StorePath[];
  readonly filter?: TreeFilter;
  /** The path that it had when it was hashed before: it is not hashed twice, only checked. */
  readonly expected?: StorePath;
}

/** An output that a builder has written. */
export interface FinishedOutput {
  readonly path: StorePath;
  /** What `prepareOutput` gave. */
  readonly physical: string;
  /** Says that the content fits the path (fixed outputs); checked by the caller. */
  readonly contentAddress?: ContentAddress;
  /** The path follows from the content: nobody could lock it before. */
  readonly isNew?: boolean;
  /** True for outputs whose references are not to be searched for. */
  readonly withoutReferences?: boolean;
  /**
   * NAR hash, size and references (default: none), if the builder took them of the very bytes it
   * wrote, an output in canonical form. It is then not read again.
   */
  readonly measured?: {
    readonly narSha256: Uint8Array;
    readonly narSizeBytes: number;
    readonly references?: readonly StorePath[];
  };
}

export interface CommitOptions {
  readonly deriver?: StorePath;
  /** Paths whose occurrence in an output makes a reference; the outputs themselves are always. */
  readonly candidates: Iterable<StorePath>;
  /**
   * Called with what is found before anything becomes valid; by throwing it rejects the outputs
   * (disallowed references, a content that does not fit).
   */
  readonly check?: (infos: readonly ValidPathInfo[]) => void;
  /** Gives the signatures that an output is registered with. */
  readonly sign?: ((info: PathInfo) => readonly string[]) | undefined;
  readonly progress?: Progress;
}

/** An output of a derivation whose path only the build told, and the path that holds it. */
export interface Realisation {
  readonly drvPath: StorePath;
  readonly output: string;
  readonly path: StorePath;
  readonly signatures: readonly string[];
}

/** Outputs that are on their way to being durable. */
export interface SoonDurable {
  readonly infos: readonly ValidPathInfo[];
  readonly durable: Promise<void>;
}

/** Held by one process at a time; released at its death too. */
export interface PathLock {
  release(): void;
}

export interface Store {
  /** Logical: `/nix/store`. */
  readonly storeDirectory: string;
  /** Where the files of a store path, or of a path below one, stand. */
  physicalPath(path: string): string;

  isValidPath(path: StorePath): boolean;
  /** `undefined` if the path is not valid. */
  queryPathInfo(path: StorePath): ValidPathInfo | undefined;
  /** Valid paths that refer to this one. */
  queryReferrers(path: StorePath): StorePath[];
  /** Valid derivations that have this path as an output. */
  queryDerivers(path: StorePath): StorePath[];
  /** Known outputs of a valid derivation, by output name. */
  queryDerivationOutputs(drvPath: StorePath): Map<string, StorePath>;
  /** What an output whose path does not follow from its derivation was built to, if that is valid. */
  queryRealisation(drvPath: StorePath, output: string): Realisation | undefined;
  /** Remembers what outputs were built to; their paths are valid. */
  registerRealisations(realisations: readonly Realisation[]): void;
  /** The valid path with this hash part. */
  queryPathFromHashPart(hashPart: string): StorePath | undefined;
  allValidPaths(): StorePath[];
  /** All that the valid paths refer to, themselves included, sorted by path. */
  closureOf(paths: Iterable<StorePath>): StorePath[];

  /** Reads and parses a valid derivation; kept in memory, since it cannot change. */
  readDerivation(drvPath: StorePath): Derivation;
  addDerivation(derivation: Derivation): StorePath;
  /** Adds a file with the given references; returns its path. */
  addTextToStore(name: string, text: string, references: readonly StorePath[]): StorePath;
  /** Adds a copy of the file or folder at `physical`. */
  addTree(name: string, physical: string, options: AddTreeOptions): StorePath;
  /** Adds a path from its NAR (a cache, an export); the NAR must have the hash that `info` says. */
  addNar(info: PathInfo, nar: AsyncIterable<Uint8Array>, progress?: Progress, signal?: AbortSignal): Promise<void>;
  /** The NAR of a valid path, in pieces, each valid until the next is asked for. */
  narOf(path: StorePath): AsyncIterable<Uint8Array>;

  /**
   * A place in the store's folder where nothing stands yet, for the content of `path`. It is kept
   * from garbage collection while this process lives.
   */
  prepareOutput(path: StorePath): string;
  /** Makes the outputs valid, all or none. An output that is valid already stays as it is. */
  commitOutputs(outputs: readonly FinishedOutput[], options: CommitOptions): Promise<ValidPathInfo[]>;
  /**
   * As `commitOutputs`, durable a little later: on return the outputs stand in place and are valid
   * for this process; `durable` ends when they are for everybody. Locks are to be held until then.
   */
  commitSoon(outputs: readonly FinishedOutput[], options: CommitOptions): Promise<SoonDurable>;
  /** Waits until all that was committed is durable. */
  flush(): Promise<void>;
  /** Registers paths that stand in the store already, in one transaction. */
  registerValidPaths(infos: readonly (PathInfo & Partial<ValidPathInfo>)[]): void;
  /** Adds signatures to a valid path. */
  addSignatures(path: StorePath, signatures: readonly string[]): void;

  /** The hash of a tree anywhere on disk, by the given method. */
  hashTree(physical: string, method: IngestionMethod, algorithm: HashAlgorithm): Promise<Hash>;

  /** Keeps a path, valid or not yet, from garbage collection while this process lives. */
  addTemporaryRoot(path: StorePath): void;
  /**
   * Waits for the locks of all the paths, as C++ Nix takes them around a build. Of locks that are
   * asked for at once, those of higher `rank` are taken first.
   */
  lockPaths(paths: readonly StorePath[], signal?: AbortSignal, rank?: number): Promise<PathLock>;

  close(): void;
}
