/**
 * `Builder`: whatever can run a derivation's builder, in this process or in a sandbox.
 *
 * The goal around it has the inputs valid and the outputs locked before, and checks, commits and
 * registers the outputs after. A builder only writes: each output to the place given. It returns
 * when every process and thread that could still write there is gone.
 */
import type { Activity, Progress } from '#base';
import type { ContentAddress, Derivation, StorePath } from '#formats';
import type { Realisation, Store } from '#store';
import type { OutputMeasure } from './builtin-builder.ts';
import type { Realised, Wanted } from './realise.ts';

export interface Builder {
  readonly name: string;
  /** Whether it writes to the very paths that the outputs have, and so needs them free. */
  writesInPlace?(derivation: Derivation, store: Store): boolean;
  /** Whether it can run this derivation. */
  accepts(derivation: Derivation): boolean;
  /** Throws `UserError` with the reason when the derivation's builder fails. */
  build(request: BuildRequest): Promise<void>;
  /** Of some derivations, inputs with which work can begin while the others are awaited. */
  readonly early?: EarlyWork;
  /**
   * For builders on other machines, which take none of our own places: a place there, or undefined
   * if there is none. It may wait for one if nobody else could build the derivation.
   */
  reserve?(derivation: Derivation, options: ReserveOptions): Promise<BuildPlace | undefined>;
}

/** What makes a build shorter and can be done before it; it changes nothing else. */
export interface EarlyWork {
  inputsOf(derivation: Derivation): readonly StorePath[];
  /** Does what can be done with `path`, which is valid. Ends soon after the signal, without error. */
  prepare(derivation: Derivation, path: StorePath, store: Store, signal: AbortSignal): Promise<void>;
}

export interface ReserveOptions {
  readonly mayWait: boolean;
  readonly signal: AbortSignal;
}

/** A place for one build. */
export interface BuildPlace {
  build(request: BuildRequest): Promise<void>;
  release(): void;
  /** Whether the place failed, not the build: then it may be tried elsewhere. */
  isLost(error: unknown): boolean;
}

export interface BuildRequest {
  readonly drvPath: StorePath;
  readonly derivation: Derivation;
  /** Physical places to write to, by output name; nothing stands there. */
  readonly outputs: ReadonlyMap<string, string>;
  /** What the builder knows the outputs by: their store paths, or stand-ins of the same length. */
  readonly outputPaths: ReadonlyMap<string, StorePath>;
  /** The valid paths that the builder may read: the closure of the inputs. */
  readonly inputPaths: readonly StorePath[];
  readonly store: Store;
  /** For a builder that may call Nix itself. */
  readonly nested: NestedBuilds;
  readonly cores: number;
  readonly progress: Progress;
  /** Of the kind of work that this build is a part of. */
  readonly activity: Activity;
  readonly signal: AbortSignal;
  /** Runs `work` when it is known whether the outputs are accepted: to keep or remove the build's folder. */
  afterwards(work: (succeeded: boolean) => void): void;
  /** A line of the builder's output. */
  log(line: string): void;
  /** Says what an output knows itself by, if that is another path than `outputPaths` has. */
  builtAs(output: string, path: StorePath): void;
  /** See `BuiltinJob.measured`. */
  measured(output: string, measure: OutputMeasure): void;
}

/** What is done for a builder beside its own build. */
export interface NestedBuilds {
  /** Makes things valid by the same means, in places of its own. */
  realise(wanted: readonly Wanted[]): Promise<Realised>;
  /** Receives the paths that the builder has got so: its outputs may refer to them. */
  readonly added: Set<StorePath>;
}

/** Where outputs may come from instead of being built: a binary cache, another store. */
export interface Substituter {
  readonly name: string;
  /** Makes the path and all it refers to valid; false when it does not have it. */
  substitute(path: StorePath, store: Store, options: SubstituteOptions): Promise<boolean>;
  /** What an output whose path follows from its content was built to elsewhere, if it is trusted. */
  queryRealisation?(drvPath: StorePath, output: string, store: Store): Promise<Realisation | undefined>;
}

export interface SubstituteOptions {
  /** Of a fixed output: by it the path may be found in stores of other directories. */
  readonly contentAddress?: ContentAddress | undefined;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}
