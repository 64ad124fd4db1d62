/**
 * What builtins need and pure code does not have: the host, import, search path, settings, output.
 *
 * One object per evaluator; every primitive operation gets it as its first parameter.
 */

import type { Position } from '#diagnostics';
import type { Attrs } from './attrs.ts';
import type { Context } from './context.ts';
import type { Host } from './host.ts';
import type { NixPath, Slot, Value } from './values.ts';

export interface SearchPathEntry {
  /** Empty for a directory whose children are all found. */
  readonly prefix: string;
  /** A path, perhaps relative, or what the host's resolver understands (a URL, `flake:…`, `channel:…`). */
  readonly path: string;
  /** What it leads to is pinned by a lock file: pure evaluation may use it too. */
  readonly pinned?: boolean;
}

export interface EvalSettings {
  readonly pureEval: boolean;
  readonly restrictEval: boolean;
  /** Roots that restricted and pure evaluation may read, as canonical paths. */
  readonly allowedPaths: readonly string[];
  /** Prefixes of URLs that restricted evaluation may fetch. */
  readonly allowedUris?: readonly string[];
  readonly flakes?: FlakeSettings;
  readonly allowImportFromDerivation: boolean;
  /** Warns of each build that evaluation waits for. */
  readonly traceImportFromDerivation?: boolean;
  readonly showTrace: boolean;
  readonly traceVerbose: boolean;
  readonly abortOnWarn: boolean;
  readonly maxCallDepth: number;
  readonly currentSystem: string;
  readonly searchPath: readonly SearchPathEntry[];
  /** Looked at after the search path, and not shown by `builtins.nixPath`. */
  readonly fallbackEntries?: readonly SearchPathEntry[];
  /** Where relative entries of a search path start. Default `/`. */
  readonly workingDirectory?: string;
  /** Names of the experimental features that are on. */
  readonly features: ReadonlySet<string>;
  /** Home directory for `~/` paths. */
  readonly homeDirectory: string;
  /** Levels of the settings `lint-url-literals` and its like, by the name without `lint-`. */
  readonly lints?: Readonly<Record<string, 'warn' | 'fatal'>>;
}

/** What the settings say of inputs and flakes. */
export interface FlakeSettings {
  /** Whether names such as `nixpkgs` are looked up in registries. */
  readonly useRegistries: boolean;
  /** Whether a lock file may name a tree by its content only. */
  readonly allowDirtyLocks: boolean;
  readonly warnDirty: boolean;
  /** Whether a revision suffices to lock an archive that a forge makes. */
  readonly trustForges: boolean;
  /** First line of the message when a lock file is committed; empty for the usual one. */
  readonly commitLockFileSummary: string;
}

/** `evaluation warning` is one that the program asked for. Default `warning`. */
export type WarningLabel = 'warning' | 'evaluation warning';

export interface EvalServices {
  readonly host: Host;
  readonly settings: EvalSettings;
  /** The `builtins` set. */
  readonly builtins: Attrs;
  /** Value of a file, evaluated once; a directory means its `default.nix`. */
  importFile(path: string, position: Position): Value;
  /** Evaluates a file with `scope` added to the base scope; not cached. */
  scopedImport(scope: Attrs, path: string, position: Position): Value;
  /** Parses and evaluates a text with the base scope; relative paths start at `basePath`. */
  evaluateText(text: string, basePath: string): Value;
  /** Evaluates a text of Firn's own that is shown as the internal file `name`. */
  evaluateInternal(name: string, text: string): Value;
  /** `builtins.nixPath`, as a list of `{ path; prefix; }`. */
  nixPath(): Slot[];
  /** Looks `name` up in a search path as `builtins.findFile` does. */
  findFile(entries: readonly SearchPathEntry[], name: string, position: Position): NixPath;
  /**
   * Makes everything in a context readable, building if need be, and returns what placeholders
   * must be replaced by. Fails when import from derivation is not allowed.
   */
  realiseContext(context: Context, position: Position): ReadonlyMap<string, string>;
  /** Fails unless the path may be read under the settings. */
  checkAccess(path: string): void;
  /** Fails unless it may at least be looked at: it, or something below it, may be read. */
  checkVisible(path: string): void;
  isVisible(path: string): boolean;
  /** Lets a store path be read in pure and restricted evaluation: the program itself made it. */
  allowStorePath(storePath: string): void;
  /** Copies a path into the store once per evaluation and returns its store path. */
  copyPathToStore(path: string): string;
  /** What `builtins.getFlake` gives for a path or a reference. */
  getFlake(reference: Slot): Value;
  /** Writes a line of `builtins.trace`. */
  trace(text: string): void;
  /** Writes a warning; shown after its label and a colon. */
  warn(text: string, label?: WarningLabel): void;
}
