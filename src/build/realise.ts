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
import { knownOutputPath, type Derivation, type StorePath } from '#formats';
import type { Store } from '#store';
import type { Builder, Substituter } from './builder.ts';
import { buildDerivation, type BuildContext } from './derivation-goal.ts';
import {
  buildFailed,
  buildsFailed,
  isSystemError,
  missingPath,
  noSuchOutput,
  systemFailed,
  unknownOutputPath,
} from './errors.ts';
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
}

/** The outputs asked for, by derivation and name. */
export type Realised = Map<StorePath, Map<string, StorePath>>;

/** Makes everything wanted valid. Throws `UserError` BUILD_FAILED, or BUILDS_FAILED for several. */
export async function realise(
  store: Store,
  wanted: readonly Wanted[],
  options: RealiseOptions,
): Promise<Realised> {
  return new Realisation(store, options).run(wanted);
}

/** Thrown by a goal whose input failed; the input's own failure is what is reported. */
class DependencyFailed extends Error {}

class Realisation {
  readonly #store: Store;
  readonly #options: RealiseOptions;
  readonly #progress: Progress;
  readonly #stop = new AbortController();
  readonly #goals = new Map<StorePath, Promise<void>>();
  readonly #failures: UserError[] = [];
  readonly #activities = new Map<WorkKind, Activity>();
  readonly #context: BuildContext;
  readonly #builds: Slots;
  readonly #downloads: Slots;
  #dependents = 0;
  #plan: WorkPlan = new Map();

  constructor(store: Store, options: RealiseOptions) {
    this.#store = store;
    this.#options = options;
    this.#progress = options.progress ?? noProgress;
    this.#builds = new Slots(options.jobs ?? 1);
    this.#downloads = new Slots(options.downloads ?? 8);
    this.#context = {
      store,
      builders: options.builders,
      cores: options.cores ?? 1,
      progress: this.#progress,
      signal: this.#stop.signal,
      logDirectory: options.logDirectory,
    };
  }

  async run(wanted: readonly Wanted[]): Promise<Realised> {
    const { signal } = this.#options;
    signal?.throwIfAborted();
    const abort = (): void => this.#stop.abort(signal?.reason);
    signal?.addEventListener('abort', abort);
    try {
      const derivations = wanted.flatMap((one) => ('drvPath' in one ? [one.drvPath] : []));
      this.#plan = planWork(this.#store, derivations);
      const outcomes = await Promise.allSettled(
        wanted.map((one) => ('drvPath' in one ? this.#goal(one.drvPath) : this.#pathGoal(one.path))),
      );
      signal?.throwIfAborted();
      await this.#store.flush();
      this.#finish(outcomes.some((outcome) => outcome.status === 'rejected'));
      this.#report(outcomes);
      return this.#resultOf(wanted);
    } catch (error) {
      this.#finish(true);
      // What is finished is worth keeping, but nobody waits long after Ctrl-C.
      await Promise.race([this.#store.flush(), sleep(keepFinishedMilliseconds, undefined, { ref: false })]);
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  #goal(drvPath: StorePath): Promise<void> {
    let goal = this.#goals.get(drvPath);
    if (!goal) {
      goal = this.#makeValid(drvPath);
      this.#goals.set(drvPath, goal);
    }
    return goal;
  }

  async #makeValid(drvPath: StorePath): Promise<void> {
    // Goals of a deep graph must not all begin on one stack.
    await Promise.resolve();
    this.#stop.signal.throwIfAborted();
    const derivation = await this.#derivation(drvPath);
    const outputs = outputPathsOf(drvPath, derivation);
    if (this.#allValid(outputs)) return;
    if (maySubstitute(derivation) && (await this.#substitute(outputs))) return;
    await this.#realiseInputs(derivation);
    const { kind, sizeBytes } = this.#plan.get(drvPath) ?? { kind: 'build', sizeBytes: 0 };
    const slots = kind === 'download' ? this.#downloads : this.#builds;
    const activity = this.#activity(kind);
    try {
      await buildDerivation(this.#context, { slots, size: sizeBytes }, drvPath, derivation, outputs, activity);
    } catch (error) {
      this.#fail(drvPath, error);
    }
    if (kind !== 'download') activity.advance(1);
  }

  async #realiseInputs(derivation: Derivation): Promise<void> {
    const outcomes = await Promise.allSettled([
      ...[...derivation.inputDerivations.keys()].map((input) => this.#goal(input)),
      ...derivation.inputSources.map((path) => this.#pathGoal(path)),
    ]);
    this.#stop.signal.throwIfAborted();
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue;
      this.#dependents += 1;
      throw outcome.reason instanceof UserError && !this.#failures.includes(outcome.reason)
        ? outcome.reason
        : new DependencyFailed();
    }
  }

  async #pathGoal(path: StorePath): Promise<void> {
    if (this.#store.isValidPath(path)) return;
    if (await this.#substitute(new Map([['out', path]]))) return;
    throw missingPath(path);
  }

  async #derivation(drvPath: StorePath): Promise<Derivation> {
    if (!this.#store.isValidPath(drvPath)) await this.#pathGoal(drvPath);
    return this.#store.readDerivation(drvPath);
  }

  #allValid(outputs: ReadonlyMap<string, StorePath>): boolean {
    return [...outputs.values()].every((path) => this.#store.isValidPath(path));
  }

  async #substitute(outputs: ReadonlyMap<string, StorePath>): Promise<boolean> {
    for (const path of outputs.values()) {
      if (this.#store.isValidPath(path)) continue;
      let found = false;
      for (const substituter of this.#options.substituters ?? []) {
        found = await this.#downloads.run(this.#stop.signal, 0, () =>
          substituter.substitute(path, this.#store, {
            progress: this.#progress,
            signal: this.#stop.signal,
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
    this.#failures.push(failure);
    if (this.#options.keepGoing) this.#progress.message('error', failure.message);
    else this.#stop.abort(failure);
    throw failure;
  }

  #report(outcomes: readonly PromiseSettledResult<void>[]): void {
    const [first, ...others] = this.#failures;
    if (first && others.length === 0) throw first;
    if (first) throw buildsFailed(this.#failures, this.#dependents);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  #resultOf(wanted: readonly Wanted[]): Realised {
    const realised: Realised = new Map();
    for (const one of wanted) {
      if (!('drvPath' in one)) continue;
      const paths = outputPathsOf(one.drvPath, this.#store.readDerivation(one.drvPath));
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
      });
      this.#activities.set(kind, activity);
    }
    return activity;
  }

  #finish(failed: boolean): void {
    for (const activity of this.#activities.values()) activity.finish(failed ? 'failed' : 'done');
    this.#activities.clear();
  }
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

function outputPathsOf(drvPath: StorePath, derivation: Derivation): Map<string, StorePath> {
  const paths = new Map<string, StorePath>();
  for (const [name, output] of derivation.outputs) {
    const path = knownOutputPath(output);
    if (path === undefined) throw unknownOutputPath(drvPath);
    paths.set(name, path);
  }
  return paths;
}
