/**
 * Realising: making outputs of derivations, and plain paths, valid by all means there are.
 *
 * Each derivation becomes one goal, however many need it: its outputs are valid already, or come
 * from a substituter, or its inputs are realised, all at once, and it is built. Downloads and builds
 * have places of their own, so that the network and the cores are both kept busy. After the first
 * failure everything stops, unless `keepGoing`: then whatever does not need what failed goes on.
 * Everything finished stays valid, so that the next run goes on from there.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError, noProgress, type Activity, type Progress } from '#base';
import {
  dynamicPlaceholder, dynamicUses, hasUnknownPaths, isImpure, resolveDerivation, type Derivation, type DynamicUse,
  type OutputPaths, type PathInfo, type StorePath,
} from '#formats';
import type { Realisation, Store } from '#store';
import type { Builder, Substituter } from './builder.ts';
import { buildDerivation, type BuildContext } from './derivation-goal.ts';
import {
  buildFailed,
  isSystemError,
  missingPath,
  noSuchOutput,
  nothingToCheck,
  pureOnImpure,
  systemFailed,
} from './errors.ts';
import type { LogOptions } from './build-log.ts';
import type { CheckOptions } from './check-build.ts';
import { FailureReport } from './failure-report.ts';
import { knownOutputPaths, validOutputs, type OutputMap } from './output-paths.ts';
import { beginEarly } from './early-work.ts';
import { Slots } from './slots.ts';
import { planWork, type WorkKind, type WorkPlan } from './work-plan.ts';

/** What is wanted: outputs of a derivation (all of them if none is named), or a path as it is. */
export type Wanted =
  | { readonly drvPath: StorePath; readonly outputs?: readonly string[] }
  | { readonly path: StorePath };

export interface RealiseOptions {
  readonly builders: readonly Builder[];
  readonly substituters?: readonly Substituter[];
  /** How many builds at once. Default: 1. */
  readonly jobs?: number;
  /** How many downloads at once. Default: 8. */
  readonly downloads?: number;
  /** How many threads one build may keep busy. Default: 1. */
  readonly cores?: number;
  readonly keepGoing?: boolean;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
  /** `log/nix/drvs` of the store's state; without it no logs are kept. */
  readonly logDirectory?: string;
  readonly logs?: LogOptions;
  /** Builds what is wanted again, valid as it is, and compares. */
  readonly check?: CheckOptions;
  /** Gives the signatures of each output that is built. */
  readonly sign?: ((info: PathInfo) => readonly string[]) | undefined;
  /** Signs what is remembered of each output whose path followed from its content. */
  readonly signRealisation?: ((one: Realisation) => Realisation) | undefined;
  /** Called after each build, with outputs that are valid for everybody. */
  readonly whenBuilt?: (drvPath: StorePath, outputs: OutputMap) => void | Promise<void>;
  /** Makes room in the store: waited for before each build, and done again and again while builds run. */
  readonly makeRoom?: { readonly everySeconds: number; collect(): Promise<void> };
}

/** The outputs asked for, by derivation and name. */
export type Realised = Map<StorePath, Map<string, StorePath>>;

/** Makes everything wanted valid. Throws `UserError` BUILD_FAILED, or BUILDS_FAILED for several. */
export async function realise(
  store: Store,
  wanted: readonly Wanted[],
  options: RealiseOptions,
): Promise<Realised> {
  return new Realising(store, options).run(wanted);
}

/** The paths of what a derivation uses: of outputs, and of dynamic inputs by their placeholders. */
interface RealisedInputs {
  readonly outputs: OutputPaths;
  readonly dynamic: ReadonlyMap<string, StorePath>;
}

/** Thrown by a goal whose input failed; the input's own failure is what is reported. */
class DependencyFailed extends Error {}

class Realising {
  readonly #store: Store;
  readonly #options: RealiseOptions;
  readonly #progress: Progress;
  readonly #stop = new AbortController();
  /** By derivation and the outputs that are needed. */
  readonly #goals = new Map<string, Promise<OutputMap>>();
  /** Builds, which make all outputs. */
  readonly #made = new Map<string, Promise<OutputMap>>();
  /** What is wanted by name, and the outputs of each. */
  readonly #asked = new Map<StorePath, ReadonlySet<string> | undefined>();
  readonly #failures: FailureReport;
  readonly #activities = new Map<WorkKind, Activity>();
  readonly #context: BuildContext;
  readonly #slots: Readonly<Record<WorkKind, Slots>>;
  #roomMade: Promise<void> | undefined;
  #plan: WorkPlan = new Map();

  constructor(store: Store, options: RealiseOptions) {
    this.#store = store;
    this.#options = options;
    this.#progress = options.progress ?? noProgress;
    this.#failures = new FailureReport(store, this.#progress, options.keepGoing ?? false);
    const jobs = options.jobs ?? 1;
    // Packages are unpacked by as many threads as there are; one more is to be ready when one ends.
    this.#slots = {
      build: new Slots(jobs),
      unpack: new Slots(jobs + 1),
      download: new Slots(options.downloads ?? 8, { enough: enoughUnderWayBytes }),
    };
    this.#context = {
      store,
      builders: options.builders,
      localBuilds: jobs > 0,
      cores: options.cores ?? 1,
      progress: this.#progress,
      signal: this.#stop.signal,
      logDirectory: options.logDirectory,
      logs: options.logs,
      whenBuilt: options.whenBuilt,
      realiseNested: (wanted) => realise(store, wanted, withoutCheck({ ...options, signal: this.#stop.signal })),
      sign: options.sign,
      signRealisation: options.signRealisation,
    };
  }

  async run(wanted: readonly Wanted[]): Promise<Realised> {
    const { signal } = this.#options;
    signal?.throwIfAborted();
    const abort = (): void => this.#stop.abort(signal?.reason);
    const abortWith = (error: unknown): void => this.#stop.abort(error);
    signal?.addEventListener('abort', abort);
    const { makeRoom } = this.#options;
    const timer = makeRoom && setInterval(() => { void this.#makeRoom().catch(abortWith); }, makeRoom.everySeconds * 1000);
    try {
      const derivations = wanted.flatMap((one) => ('drvPath' in one ? [one.drvPath] : []));
      this.#plan = planWork(this.#store, derivations);
      for (const one of wanted) if ('drvPath' in one) this.#ask(one.drvPath, one.outputs);
      const outcomes = await Promise.allSettled(
        wanted.map((one) => ('drvPath' in one ? this.#goal(one.drvPath, one.outputs) : this.#pathGoal(one.path))),
      );
      signal?.throwIfAborted();
      await this.#store.flush();
      this.#finish(outcomes.some((outcome) => outcome.status === 'rejected'));
      this.#failures.throwFor(wanted);
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
      return await this.#resultOf(wanted);
    } catch (error) {
      this.#finish(true);
      // What is finished is worth keeping, but nobody waits long after Ctrl-C.
      await Promise.race([this.#store.flush(), sleep(keepFinishedMilliseconds, undefined, { ref: false })]);
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
      clearInterval(timer);
    }
  }

  /** One at a time, however many builds begin. */
  #makeRoom(): Promise<void> {
    return this.#roomMade ??= (this.#options.makeRoom?.collect() ?? Promise.resolve())
      .finally(() => { this.#roomMade = undefined; });
  }

  /** Several may want different outputs of one derivation. */
  #ask(drvPath: StorePath, outputs: readonly string[] | undefined): void {
    const before = this.#asked.get(drvPath);
    const isAll = outputs === undefined || (this.#asked.has(drvPath) && before === undefined);
    this.#asked.set(drvPath, isAll ? undefined : new Set([...before ?? [], ...outputs]));
  }

  /** Makes outputs of a derivation valid: those that are named, or all. */
  #goal(drvPath: StorePath, names?: readonly string[]): Promise<OutputMap> {
    const key = goalKey(drvPath, names);
    let goal = this.#goals.get(key);
    if (!goal) {
      goal = this.#makeValid(drvPath, names);
      this.#goals.set(key, goal);
    }
    return goal;
  }

  async #makeValid(drvPath: StorePath, names: readonly string[] | undefined): Promise<OutputMap> {
    // Goals of a deep graph must not all begin on one stack.
    await Promise.resolve();
    this.#stop.signal.throwIfAborted();
    const derivation = await this.#derivation(drvPath);
    const isChecked = this.#options.check !== undefined && this.#asked.has(drvPath);
    if (!isChecked) {
      // Nobody may collect what is found valid here and used later.
      for (const path of knownOutputPaths(derivation).values()) this.#store.addTemporaryRoot(path);
      const present = this.#present(drvPath, derivation, names);
      if (present !== undefined) return present;
      if (maySubstitute(derivation) && (await this.#substituteOutputs(drvPath, derivation, names))) {
        const found = this.#present(drvPath, derivation, names);
        if (found !== undefined) return found;
      }
    }
    // What it comes to with its inputs' paths filled in may be had in part.
    const part = isChecked || !this.#mustResolve(derivation) ? undefined : names;
    const key = goalKey(drvPath, part);
    let made = this.#made.get(key);
    if (!made) {
      made = isChecked ? this.#checkAgain(drvPath, derivation) : this.#build(drvPath, derivation, undefined, part);
      this.#made.set(key, made);
    }
    return made;
  }

  /** What is valid already, if that is all that is needed. */
  #present(drvPath: StorePath, derivation: Derivation, names: readonly string[] | undefined): OutputMap | undefined {
    const missing = names?.find((name) => !derivation.outputs.has(name));
    if (missing !== undefined) throw noSuchOutput(drvPath, missing);
    const present = validOutputs(this.#store, drvPath, derivation, names);
    for (const path of present?.values() ?? []) this.#store.addTemporaryRoot(path);
    return present;
  }

  async #checkAgain(drvPath: StorePath, derivation: Derivation): Promise<OutputMap> {
    if (validOutputs(this.#store, drvPath, derivation, this.#asked.get(drvPath)) === undefined) {
      return this.#fail(drvPath, nothingToCheck(drvPath));
    }
    return this.#build(drvPath, derivation, this.#options.check);
  }

  async #build(
    drvPath: StorePath, derivation: Derivation, check: CheckOptions | undefined, names?: readonly string[],
  ): Promise<OutputMap> {
    this.#refuseImpureInputs(drvPath, derivation);
    const stopEarly = beginEarly(this.#context, derivation, (input) => this.#goal(input, derivation.inputDerivations.get(input)));
    const inputs = await this.#realiseInputs(derivation).finally(stopEarly);
    if (this.#mustResolve(derivation)) return this.#buildResolved(drvPath, derivation, inputs, check, names);
    const { kind, rank, sizeBytes } = this.#plan.get(drvPath) ?? { kind: 'build', rank: 0, sizeBytes: 0 };
    const slots = this.#slots[kind];
    const activity = this.#activity(kind);
    try {
      await this.#makeRoom();
      const context = { ...this.#context, check };
      return await buildDerivation(context, { slots, rank, weight: sizeBytes }, drvPath, derivation, activity);
    } catch (error) {
      return this.#fail(drvPath, error);
    } finally {
      if (kind !== 'download') activity.advance(1);
    }
  }

  /** Whether inputs' paths must be filled in before it can be built. */
  #mustResolve(derivation: Derivation): boolean {
    if (derivation.inputDerivations.size === 0) return false;
    if (derivation.dynamicInputs !== undefined) return true;
    return hasUnknownPaths(derivation)
      || [...derivation.inputDerivations.keys()].some((input) => hasUnknownPaths(this.#store.readDerivation(input)));
  }

  /** Builds the derivation with its inputs' paths filled in, and remembers what it was built to. */
  async #buildResolved(
    drvPath: StorePath, derivation: Derivation, { outputs: inputs, dynamic }: RealisedInputs, check: CheckOptions | undefined,
    names: readonly string[] | undefined,
  ): Promise<OutputMap> {
    const resolved = resolveDerivation(derivation, inputs, { directory: this.#store.storeDirectory, dynamic });
    // The file of a derivation refers to its sources: they must be registered before it.
    await this.#store.flush();
    const resolvedPath = this.#store.addDerivation(resolved);
    this.#progress.message('debug', `resolved derivation: '${drvPath}' -> '${resolvedPath}'...`);
    const made = check === undefined ? this.#goal(resolvedPath, names) : this.#build(resolvedPath, resolved, check);
    made.catch(() => this.#failures.addResolved(drvPath, resolvedPath));
    const outputs = await made;
    if (hasUnknownPaths(derivation) && !isImpure(derivation)) {
      const { signRealisation = (one: Realisation) => one } = this.#options;
      this.#store.registerRealisations([...outputs].map(([output, path]) =>
        signRealisation({ drvPath, output, path, signatures: [] })));
    }
    return outputs;
  }

  /** What is new each time can only go into what is, or into what is known beforehand. */
  #refuseImpureInputs(drvPath: StorePath, derivation: Derivation): void {
    if (isImpure(derivation) || [...derivation.outputs.values()].every(({ kind }) => kind === 'fixed')) return;
    for (const input of derivation.inputDerivations.keys()) {
      if (this.#store.isValidPath(input) && isImpure(this.#store.readDerivation(input))) throw pureOnImpure(drvPath, input);
    }
  }

  /** The outputs of input derivations that are used. */
  async #realiseInputs(derivation: Derivation): Promise<RealisedInputs> {
    const inputs = [...derivation.inputDerivations.keys()];
    const uses = dynamicUses(derivation.dynamicInputs ?? new Map());
    const dynamic = new Map<string, StorePath>();
    const outcomes = await Promise.allSettled([
      ...inputs.map((input) => this.#goal(input, derivation.inputDerivations.get(input))),
      ...derivation.inputSources.map((path) => this.#pathGoal(path)),
      ...uses.map(async (use) => { dynamic.set(dynamicPlaceholder(use), await this.#dynamicGoal(use)); }),
    ]);
    this.#stop.signal.throwIfAborted();
    const made = new Map<StorePath, OutputMap>();
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') {
        if (index < inputs.length) made.set(inputs[index] as StorePath, outcome.value as OutputMap);
        continue;
      }
      throw outcome.reason instanceof UserError && !this.#failures.has(outcome.reason)
        ? outcome.reason
        : new DependencyFailed();
    }
    return { outputs: made, dynamic };
  }

  /** Builds one derivation after the other along the chain; gives the last output's path. */
  async #dynamicGoal({ drvPath, chain }: DynamicUse): Promise<StorePath> {
    let path = drvPath;
    for (const name of chain) {
      const made = (await this.#goal(path, [name])).get(name);
      if (made === undefined) throw noSuchOutput(path, name);
      path = made;
    }
    return path;
  }

  async #pathGoal(path: StorePath): Promise<void> {
    this.#store.addTemporaryRoot(path);
    if (this.#store.isValidPath(path)) return;
    if (await this.#substitute(new Map([['out', path]]))) return;
    throw missingPath(path);
  }

  async #derivation(drvPath: StorePath): Promise<Derivation> {
    this.#store.addTemporaryRoot(drvPath);
    if (!this.#store.isValidPath(drvPath)) await this.#pathGoal(drvPath);
    return this.#store.readDerivation(drvPath);
  }

  /** From binary caches; an output whose path nobody knows yet only by what they say of it. */
  async #substituteOutputs(
    drvPath: StorePath, derivation: Derivation, names: readonly string[] | undefined,
  ): Promise<boolean> {
    if (isImpure(derivation)) return false;
    const known = knownOutputPaths(derivation);
    const outputs = new Map<string, StorePath>();
    const told: Realisation[] = [];
    for (const name of names ?? derivation.outputs.keys()) {
      const realisation = known.has(name) ? undefined : await this.#substitutedRealisation(drvPath, name);
      if (realisation !== undefined) told.push(realisation);
      const path = known.get(name) ?? realisation?.path;
      if (path === undefined) return false;
      outputs.set(name, path);
    }
    if (!(await this.#substitute(outputs, derivation))) return false;
    if (told.length > 0) {
      await this.#store.flush();
      this.#store.registerRealisations(told);
    }
    return true;
  }

  async #substitutedRealisation(drvPath: StorePath, output: string): Promise<Realisation | undefined> {
    const known = this.#store.queryRealisation(drvPath, output);
    if (known !== undefined) return known;
    for (const substituter of this.#options.substituters ?? []) {
      const found = await substituter.queryRealisation?.(drvPath, output, this.#store);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async #substitute(outputs: ReadonlyMap<string, StorePath>, derivation?: Derivation): Promise<boolean> {
    for (const [name, path] of outputs) {
      if (this.#store.isValidPath(path)) continue;
      const output = derivation?.outputs.get(name);
      let found = false;
      for (const substituter of this.#options.substituters ?? []) {
        found = await this.#slots.download.run(this.#stop.signal, 0, () =>
          substituter.substitute(path, this.#store, {
            progress: this.#progress,
            signal: this.#stop.signal,
            contentAddress: output?.kind === 'fixed' ? { method: output.method, hash: output.hash } : undefined,
          }),
        );
        if (found) break;
      }
      if (!found) return false;
    }
    return true;
  }

  #fail(drvPath: StorePath, error: unknown): never {
    // What stops because of another failure, or of Ctrl-C, has not failed by itself.
    this.#stop.signal.throwIfAborted();
    const cause = isSystemError(error) ? systemFailed(error) : error;
    if (!(cause instanceof UserError)) {
      this.#stop.abort(error);
      throw error;
    }
    const failure = buildFailed(drvPath, cause);
    this.#failures.add(drvPath, failure, this.#asked.has(drvPath));
    if (!this.#options.keepGoing) this.#stop.abort(failure);
    throw failure;
  }

  async #resultOf(wanted: readonly Wanted[]): Promise<Realised> {
    const realised: Realised = new Map();
    for (const one of wanted) {
      if (!('drvPath' in one)) continue;
      const paths = await this.#goal(one.drvPath, one.outputs);
      const result = realised.get(one.drvPath) ?? new Map<string, StorePath>();
      for (const name of one.outputs ?? paths.keys()) {
        const path = paths.get(name);
        if (path === undefined) throw noSuchOutput(one.drvPath, name);
        result.set(name, path);
      }
      realised.set(one.drvPath, result);
    }
    return realised;
  }

  /** The one activity of its kind, opened with the first piece of its work. */
  #activity(kind: WorkKind): Activity {
    let activity = this.#activities.get(kind);
    if (!activity) {
      const work = [...this.#plan.values()].filter((entry) => entry.kind === kind);
      const total =
        kind === 'download' ? work.reduce((sum, entry) => sum + entry.sizeBytes, 0) : work.length;
      activity = this.#progress.start(kind, workLabels[kind], {
        ...(total > 0 ? { total } : {}),
        unit: kind === 'download' ? 'bytes' : 'items',
        ...(kind === 'build' ? { subject: { kind: 'plan', inputs: this.#plannedInputs() } } : {}),
      });
      this.#activities.set(kind, activity);
    }
    return activity;
  }

  /** The builds that are planned, each with those of them that it waits for. */
  #plannedInputs(): Map<StorePath, StorePath[]> {
    const builds = [...this.#plan].filter(([, { kind }]) => kind === 'build').map(([drvPath]) => drvPath);
    return new Map(builds.map((drvPath) => [drvPath, [...this.#store.readDerivation(drvPath).inputDerivations.keys()]
      .filter((input) => this.#plan.get(input)?.kind === 'build')]));
  }

  #finish(failed: boolean): void {
    for (const activity of this.#activities.values()) activity.finish(failed ? 'failed' : 'done');
    this.#activities.clear();
  }
}

/** With so much under way a line is full: more at once would only delay what is wanted first. */
const enoughUnderWayBytes = 16 * 2 ** 20;

/** What a builder asks for is made, not compared; and whoever asked for the build makes room. */
function withoutCheck({ check: _check, makeRoom: _makeRoom, ...options }: RealiseOptions): RealiseOptions {
  return options;
}

function goalKey(drvPath: StorePath, names: readonly string[] | undefined): string {
  return names === undefined ? drvPath : `${drvPath}!${[...names].sort().join(',')}`;
}

const keepFinishedMilliseconds = 1000;

const workLabels: Readonly<Record<WorkKind, string>> = {
  download: 'packages',
  unpack: 'packages',
  build: 'derivations',
};

/** Whether the derivation leaves it to us: `allowSubstitutes = false` wants it built here. */
export function maySubstitute({ env }: Derivation): boolean {
  const plain = env.get('allowSubstitutes');
  if (plain !== undefined) return plain === '1';
  return !/"allowSubstitutes":false[,}]/.test(env.get('__json') ?? '');
}
