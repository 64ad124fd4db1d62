/**
 * `FailureReport`: what failed while things were realised, told as C++ Nix tells it.
 *
 * The failure of something that nobody asked for by name is told when it happens. At the end one
 * error is thrown: of the one wanted thing that failed, its own or that its inputs failed; of
 * several, each is told and the error names them all. What was only stopped has not failed: unless
 * all goes on, that is everything but what failed first.
 */
import type { Progress, UserError } from '#base';
import type { StorePath } from '#formats';
import type { Store } from '#store';
import { buildsFailed, dependenciesFailed } from './errors.ts';
import { knownOutputPaths } from './output-paths.ts';
import type { Wanted } from './realise.ts';

export class FailureReport {
  readonly #store: Store;
  readonly #progress: Progress;
  readonly #keepGoing: boolean;
  /** By derivation. */
  readonly #failures = new Map<StorePath, UserError>();
  /** Derivations that failed since those that they came to, with their inputs filled in, did. */
  readonly #resolved = new Map<StorePath, StorePath>();

  constructor(store: Store, progress: Progress, keepGoing: boolean) {
    this.#store = store;
    this.#progress = progress;
    this.#keepGoing = keepGoing;
  }

  has(error: unknown): boolean {
    return [...this.#failures.values()].some((failure) => failure === error);
  }

  add(drvPath: StorePath, failure: UserError, isWanted: boolean): void {
    this.#failures.set(drvPath, failure);
    if (!isWanted) this.#progress.message('error', failure.message);
  }

  /** `drvPath` was to be built as `resolvedPath`, which fails or is stopped. */
  addResolved(drvPath: StorePath, resolvedPath: StorePath): void {
    if (!this.#failures.has(resolvedPath)) return;
    this.#resolved.set(drvPath, resolvedPath);
    // The failure names a derivation that nobody has asked for.
    this.#progress.message('error', `Cannot build '${drvPath}': build of resolved derivation '${resolvedPath}' failed`);
  }

  /** Throws if anything failed. */
  throwFor(wanted: readonly Wanted[]): void {
    const failures = [...this.#failures.values()];
    const [first] = failures;
    if (first === undefined) return;
    const broken = new Map<StorePath, number>();
    const all = wanted.filter((one) => 'drvPath' in one && this.#brokenInputs(one.drvPath, broken) > 0);
    const failed = this.#keepGoing ? all : this.#firstFailed(all);
    const errors = failed.map((one) => this.#errorOf((one as { drvPath: StorePath }).drvPath, broken, failures));
    if (errors.length <= 1) throw errors[0] ?? first;
    for (const error of new Set(errors)) this.#progress.message('error', error.message);
    throw buildsFailed(failed.map(nameOfWanted), failures);
  }

  /** Where the first failure stops everything: what failed itself, or one of those that needed it. */
  #firstFailed(all: readonly Wanted[]): readonly Wanted[] {
    const own = all.filter((one) => 'drvPath' in one && (this.#failures.has(one.drvPath) || this.#resolved.has(one.drvPath)));
    return own.length > 0 ? own : all.slice(0, 1);
  }

  #errorOf(drvPath: StorePath, broken: ReadonlyMap<StorePath, number>, failures: readonly UserError[]): UserError {
    const own = this.#failures.get(drvPath);
    if (own !== undefined) return own;
    const resolved = this.#resolved.get(drvPath);
    // That one was told already.
    if (resolved !== undefined) return this.#failures.get(resolved) as UserError;
    const outputs = knownOutputPaths(this.#store.readDerivation(drvPath));
    return dependenciesFailed(drvPath, broken.get(drvPath) as number, [...outputs.values()], failures);
  }

  /** How many of a derivation's inputs are broken; 1 for what failed itself. */
  #brokenInputs(root: StorePath, known: Map<StorePath, number>): number {
    // Graphs are deep: no recursion.
    const waiting = [root];
    while (waiting.length > 0) {
      const drvPath = waiting.at(-1) as StorePath;
      if (this.#failures.has(drvPath) || this.#resolved.has(drvPath)) known.set(drvPath, 1);
      const inputs = known.has(drvPath) || !this.#store.isValidPath(drvPath) ? []
        : [...this.#store.readDerivation(drvPath).inputDerivations.keys()];
      const unknown = inputs.filter((input) => !known.has(input));
      if (unknown.length > 0) {
        waiting.push(...unknown);
        continue;
      }
      if (!known.has(drvPath)) known.set(drvPath, inputs.filter((input) => (known.get(input) as number) > 0).length);
      waiting.pop();
    }
    return known.get(root) as number;
  }
}

/** As C++ Nix writes it: `DERIVATION^OUTPUTS`. */
export function nameOfWanted(one: Wanted): string {
  return 'path' in one ? one.path : `${one.drvPath}^${[...one.outputs ?? ['*']].sort().join(',')}`;
}
