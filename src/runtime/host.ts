/**
 * `Host`: the evaluator's only door to the world.
 *
 * All operations are synchronous as seen from here; what must wait, waits behind the door. Paths
 * and texts are byte strings (one character per byte). The logical store is always
 * `/nix/store`: the host maps it to where the files stand.
 */

import type { Progress } from '#base';

export type FileType = 'regular' | 'directory' | 'symlink' | 'unknown';

export interface FileStatus {
  readonly type: FileType;
  readonly sizeBytes?: number;
  readonly executable?: boolean;
}

export interface AddPathOptions {
  /** True for a NAR of the tree, false for a flat file. */
  readonly recursive: boolean;
  /** Called with each absolute path below the root and its type; false leaves it out. */
  readonly filter?: (path: string, type: FileType) => boolean;
  /** Hex; a path that already has it is not copied, another hash is an error. */
  readonly expectedSha256?: string;
  /** Compute the path only, do not copy. */
  readonly dryRun?: boolean;
  /** Store paths that the copy refers to (it comes from a store path that does). */
  readonly references?: readonly string[];
}

export interface FixedOutput {
  /** `md5`, `sha1`, `sha256`, `sha512`, `blake3`; absent when an SRI hash says it. */
  readonly hashAlgorithm?: string;
  /** In any of Nix's notations; empty means unknown (all zeros). */
  readonly hash: string;
  readonly mode: 'flat' | 'recursive' | 'text' | 'git';
}

/** A derivation as `derivationStrict` wants it made; all strings are byte strings. */
export interface DerivationRequest {
  readonly name: string;
  readonly system: string;
  readonly builder: string;
  readonly args: readonly string[];
  /** Without the outputs' own variables; with `__json` for structured attributes. */
  readonly env: ReadonlyMap<string, string>;
  readonly outputs: readonly string[];
  /** Encoded context elements of all strings used. */
  readonly context: readonly string[];
  readonly fixedOutput?: FixedOutput;
  /** Floating content-addressed outputs. */
  readonly contentAddressed?: { readonly hashAlgorithm: string; readonly mode: FixedOutput['mode'] };
  readonly impure?: { readonly hashAlgorithm: string; readonly mode: FixedOutput['mode'] };
}

export interface InstantiatedDerivation {
  readonly drvPath: string;
  /** Output name to store path, or to a placeholder where the path is not known yet. */
  readonly outputs: ReadonlyMap<string, string>;
}

/** What tells a file's content from others. */
export interface FileIdentity {
  /** SHA-256 of the content, in hex. */
  readonly hash: string;
  /** Tells all later changes, if the file's state can be relied on. */
  readonly state?: string | undefined;
}

export interface IdentifiedText {
  /** Absent if the state alone told that the content is the known one. */
  readonly text?: string;
  /** Absent if the file will not be there in another run. */
  readonly identity?: FileIdentity;
}

export interface Host {
  /** Always `/nix/store` unless the user said otherwise. */
  readonly storeDirectory: string;
  readonly progress: Progress;

  /** Content as bytes; throws `UserError` naming the path. */
  readFile(path: string): string;
  /** The same, unless the file's state says that it has the known content. */
  readIdentified?(path: string, known: FileIdentity | undefined): IdentifiedText;
  /** Without following a final link; null if nothing is there. */
  lstat(path: string): FileStatus | null;
  readDirectory(path: string): ReadonlyMap<string, FileType>;
  readLink(path: string): string;

  addPathToStore(name: string, path: string, options: AddPathOptions): string;
  addTextToStore(name: string, text: string, references: readonly string[]): string;
  instantiate(request: DerivationRequest): InstantiatedDerivation;
  /**
   * Makes the paths of encoded context elements valid and readable. Returns placeholders and what
   * they stand for.
   */
  realise(elements: readonly string[]): ReadonlyMap<string, string>;
  /** Whether a store path is valid. */
  isValidPath(storePath: string): boolean;
  /** Store paths that a valid path refers to. */
  storePathReferences(storePath: string): readonly string[];

  /** The name of a derivation in the store and its outputs' paths, as `instantiate` gives them. */
  readDerivation(drvPath: string): { readonly name: string } & InstantiatedDerivation;

  /** `fetchurl`, `fetchTarball`, `fetchGit`, `fetchMercurial`, `fetchTree`, `fetchClosure`, … */
  fetch(kind: string, attributes: ReadonlyMap<string, FetchAttribute>): FetchResult;

  environmentVariable(name: string): string | undefined;
  /** Seconds since 1970, the same during one evaluation. */
  currentTime(): number;
  /** A local path for a search path entry that is not one; null if it cannot be had. */
  resolveSearchPathEntry(entry: string): string | null;
}

export type FetchAttribute = string | number | boolean;

export interface FetchResult {
  readonly storePath: string;
  /** Further attributes of the result (`rev`, `lastModified`, `narHash` …). */
  readonly attributes: ReadonlyMap<string, FetchAttribute>;
}
