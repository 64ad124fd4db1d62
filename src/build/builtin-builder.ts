/**
 * `BuiltinBuilder`: a builder that runs in Firn's own process, and what it is given.
 *
 * A derivation with `system = "builtin"` and `builder = "builtin:NAME"` is made by the builder of
 * that name. Its attributes come as JSON (`__structuredAttrs`). Strings in them are byte strings
 * (one character per byte, as everywhere in Firn): paths and texts are written out as Latin-1.
 * *Invariant:* the same attributes and inputs give the same bytes, whatever the number of cores; a
 * builder reads nothing but its inputs, and has the network only for a fixed output.
 */
import type { Activity, Progress } from '#base';
import type { Derivation, StorePath } from '#formats';
import type { ValidPathInfo } from '#store';
import type { DownloadOptions, ExpectedFile, Mirrors } from '#debian';
import type { WorkerPool } from './worker-pool.ts';

export interface BuiltinBuilder {
  /** `builtin:fetchurl`, … */
  readonly name: string;
  /** Writes every output. Throws `UserError` when it cannot. Stops soon after the signal. */
  build(job: BuiltinJob): Promise<void>;
  /** The inputs that `prepare` can begin with. */
  earlyInputs?(structuredAttrs: BuiltinJob['structuredAttrs']): readonly string[];
  /**
   * Fills caches from one input that is valid, while others are still awaited: `build` then has less
   * to do, and does the same. Runs on threads that have nothing else to do; stops at the signal.
   */
  prepare?(job: PreparationJob, path: StorePath): Promise<void>;
}

/** A job, as far as it exists before the inputs do. */
export type PreparationJob =
  Pick<BuiltinJob, 'structuredAttrs' | 'inputs' | 'signal' | 'cacheDirectory' | 'workers'>;

export interface BuiltinJob {
  readonly derivation: Derivation;
  /** The derivation's attributes: parsed JSON with structured attributes, else its environment. */
  readonly structuredAttrs: Readonly<Record<string, unknown>>;
  readonly inputs: BuiltinInputs;
  /** Store paths that an output may refer to: the closure of the inputs, and the outputs. */
  readonly referenceCandidates: readonly StorePath[];
  /** Where to write each output, by name. Nothing stands there yet; a file, link or folder may. */
  readonly outputs: ReadonlyMap<string, string>;
  /** How many threads to keep busy. */
  readonly cores: number;
  readonly progress: Progress;
  /** This build's own activity, to be the parent of others. */
  readonly activity: Activity;
  readonly signal: AbortSignal;
  /** Only for fixed outputs. */
  readonly network: BuiltinNetwork | undefined;
  /** Kept between builds; whatever is in it may be gone the next time. */
  readonly cacheDirectory: string;
  /** Threads shared by all builds. */
  readonly workers: WorkerPool;
  /** Adds a line to the build's log. */
  log(line: string): void;
  /**
   * Tells what is known of an output already, so that it need not be read again to be committed.
   * To be called only by a builder that hashed the very bytes it wrote.
   */
  measured(output: string, measure: OutputMeasure): void;
}

/** NAR hash and size of an output that was written in canonical form. */
export interface OutputMeasure {
  /** SHA-256 of its NAR. */
  readonly narSha256: Uint8Array;
  readonly narSizeBytes: number;
  /** The store paths that it refers to, sorted. Default: none. */
  readonly references?: readonly StorePath[];
  /** Of a fixed output: its content was compared with the hash that it must have. */
  readonly isAsFixed?: boolean;
}

/** The store, as far as a builder sees it. */
export interface BuiltinInputs {
  /** The logical one, as in store paths. */
  readonly storeDirectory: string;
  /** Where the files of a store path, or of a path below one, stand. */
  physicalPath(storePath: string): string;
  queryPathInfo(path: StorePath): ValidPathInfo | undefined;
  /** All that the paths refer to, themselves included, sorted. */
  closureOf(paths: Iterable<StorePath>): StorePath[];
}

/** The network, as far as a builder sees it. */
export interface BuiltinNetwork {
  readonly mirrors: Mirrors;
  /** Times of the archive states in use, for the snapshot service, ISO 8601. */
  readonly snapshotDates: readonly string[];
  /** Downloads to the file `partial`, going on where an earlier try stopped; checks hash and size. */
  download(url: string, partial: string, expected: ExpectedFile, options?: DownloadOptions): Promise<void>;
  /** A whole small answer. */
  read(url: string, limitBytes: number, options?: DownloadOptions): Promise<Uint8Array>;
}
