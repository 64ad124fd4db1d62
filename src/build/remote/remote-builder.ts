/**
 * `RemoteBuilder`: builds on other machines, by Nix's own protocols.
 *
 * For each derivation the machine is chosen as C++ Nix chooses it: among those that have the system
 * and the features and a free place, the one whose load is least for its speed. Places are lock
 * files in `current-load` of the store's state, the same that C++ Nix takes, so both count each
 * other's builds. Inputs that the machine lacks are copied there, one upload at a time; what it
 * built comes back as archives and is hashed and searched for references here, as if it had been
 * built here: nothing that the machine says of it is believed. A machine that cannot be reached is
 * left out from then on, and another takes the build.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError, type Progress } from '#base';
import { knownOutputPath, NarReader, type Derivation, type DerivationOutput } from '#formats';
import {
  bytePath, copyPaths, failureCode, lockFile, LocalPeer, openBuildPeer, succeeded, tryLockFileSoon, TreeRestorer,
  type BuildPeer, type BuildResult, type FileLock, type SshEnvironment,
} from '#store';
import type { Builder, BuildPlace, BuildRequest, ReserveOptions } from '../builder.ts';
import { derivationOptions } from '../derivation-options.ts';
import { builtElsewhereFailed, outputNotReturned } from './errors.ts';
import { isSuitable, type Machine } from './machines.ts';

export interface RemoteBuilderOptions {
  readonly machines: readonly Machine[];
  /** The store's state: `/nix/var/nix`. */
  readonly stateDirectory: string;
  readonly environment: SshEnvironment;
  readonly progress: Progress;
  /** Machines take inputs from their own caches, if they can. */
  readonly useSubstitutes: boolean;
  readonly maxSilentSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly keepFailed?: boolean;
  /** What starts this program again, for machines that are stores of this one. */
  readonly program?: readonly string[];
  /** Logical. */
  readonly storeDirectory: string;
}

/** Errors that say that the machine is not to be had, not that the build failed. */
const machineFailures = new Set([
  'STORE_UNREACHABLE', 'CONNECTION_BROKEN', 'PROTOCOL_MISMATCH', 'PEER_TOO_OLD', 'PEER_UNSUPPORTED',
]);
const pollMilliseconds = 1000;

export class RemoteBuilder implements Builder {
  readonly name = 'remote builders';
  readonly #options: RemoteBuilderOptions;
  readonly #disabled = new Set<Machine>();
  readonly #uploads = new Map<Machine, Promise<unknown>>();

  constructor(options: RemoteBuilderOptions) {
    this.#options = options;
  }

  /** Builtin builders are ours, and run here. */
  accepts(derivation: Derivation): boolean {
    return derivation.system !== 'builtin' && this.#suitable(derivation).length > 0;
  }

  /** A place on a machine; undefined if there is none for now, or none at all. */
  async reserve(derivation: Derivation, { mayWait, signal }: ReserveOptions): Promise<BuildPlace | undefined> {
    for (;;) {
      signal.throwIfAborted();
      const chosen = await this.#choose(derivation);
      if (chosen !== undefined) {
        const { machine, lock } = chosen;
        // A connection a build: a machine's answers come in the order of its questions.
        const peer = this.#connect(machine);
        const release = (): void => {
          void peer.close();
          lock.release();
        };
        try {
          await peer.queryValidPaths([]);
          return {
            build: (request) => this.#buildOn(machine, peer, request), release, isLost: (error) => this.isTransient(error),
          };
        } catch (error) {
          release();
          if (!this.isTransient(error)) throw error;
          this.#disable(machine, error as Error);
          continue;
        }
      }
      if (!mayWait || this.#suitable(derivation).length === 0) return undefined;
      await sleep(pollMilliseconds, undefined, { signal });
    }
  }

  /** Builds in the first place that is free. */
  async build(request: BuildRequest): Promise<void> {
    const place = await this.reserve(request.derivation, { mayWait: true, signal: request.signal });
    if (place === undefined) throw builtElsewhereFailed(request.drvPath, this.name, 'no machine can be reached');
    try {
      await place.build(request);
    } finally {
      place.release();
    }
  }

  /** Whether the machine failed, not the build: then another may take it. */
  isTransient(error: unknown): boolean {
    return error instanceof UserError && machineFailures.has(error.code);
  }

  #suitable(derivation: Derivation): Machine[] {
    const { requiredFeatures } = derivationOptions(derivation);
    return this.#options.machines.filter((machine) =>
      !this.#disabled.has(machine) && machine.maximumJobs > 0 && isSuitable(machine, derivation.system, requiredFeatures));
  }

  async #choose(derivation: Derivation): Promise<{ machine: Machine; lock: FileLock } | undefined> {
    const folder = join(this.#options.stateDirectory, 'current-load');
    mkdirSync(folder, { recursive: true });
    const mainLock = await lockFile(join(folder, 'main-lock'), 'exclusive');
    let best: { machine: Machine; lock: FileLock; load: number } | undefined;
    try {
      for (const machine of this.#suitable(derivation)) {
        const places = Array.from({ length: machine.maximumJobs }, (_, slot) =>
          tryLockFileSoon(join(folder, `${machine.name.replaceAll('/', '_')}-${slot}`)));
        const [lock, ...spare] = (await Promise.all(places)).filter((one) => one !== undefined);
        const load = machine.maximumJobs - spare.length - (lock === undefined ? 0 : 1);
        for (const one of spare) one.release();
        if (lock === undefined) continue;
        if (best === undefined || isBetter(machine, load, best)) {
          best?.lock.release();
          best = { machine, lock, load };
        } else {
          lock.release();
        }
      }
      return best;
    } catch (error) {
      best?.lock.release();
      throw error;
    } finally {
      mainLock.release();
    }
  }

  async #buildOn(machine: Machine, peer: BuildPeer, request: BuildRequest): Promise<void> {
    const { drvPath, derivation, store, signal } = request;
    const local = new LocalPeer(store);
    const copy = {
      substitute: this.#options.useSubstitutes, withoutSignatures: true, progress: request.progress, signal,
    };
    try {
      await this.#uploading(machine, signal, () => copyPaths(local, peer, request.inputPaths, copy));
      const isContentAddressed = [...derivation.outputs.values()]
        .every(({ kind }) => kind === 'fixed' || kind === 'floating');
      const options = { signal, log: (line: string) => request.log(line) };
      let result;
      if (peer.trustsUs !== false || isContentAddressed) {
        // All inputs are paths now: the machine need not know where they came from.
        const inputSources = derivation.inputDerivations.size === 0 ? derivation.inputSources : request.inputPaths;
        const resolved = { ...derivation, inputDerivations: new Map(), inputSources };
        result = await peer.buildDerivation(drvPath, resolved, options);
      } else {
        // Whoever does not trust us must see how the inputs came to be.
        await this.#uploading(machine, signal, () => copyPaths(local, peer, [drvPath], copy));
        [result] = await peer.buildPaths([{ drvPath }], options);
      }
      if (result === undefined || !succeeded(result)) {
        if (this.#options.keepFailed === true) {
          request.progress.message('notice', 'note: The failed build directory was kept on the remote builder due to `--keep-failed`.');
        }
        throw result === undefined ? builtElsewhereFailed(drvPath, machine.name, 'it gives no result')
          : builtElsewhereFailed(drvPath, machine.name, result.message || result.status, failureCode(result));
      }
      await this.#fetchOutputs(machine, peer, request, result);
    } catch (error) {
      signal.throwIfAborted();
      if (this.isTransient(error)) this.#disable(machine, error as Error);
      throw error;
    }
  }

  async #fetchOutputs(machine: Machine, peer: BuildPeer, request: BuildRequest, result: BuildResult): Promise<void> {
    const { derivation, drvPath, outputs } = request;
    const paths = new Map([...derivation.outputs].map(([name, output]) =>
      [name, knownOutputPath(output) ?? result.outputs.get(name)]));
    const valid = await peer.queryValidPaths([...paths.values()].filter((path) => path !== undefined));
    for (const [name, place] of outputs) {
      const path = paths.get(name);
      if (path === undefined || !valid.has(path)) throw outputNotReturned(drvPath, machine.name, name);
      // A path that follows from the content is what the content knows itself by.
      if (knownOutputPath(derivation.outputs.get(name) as DerivationOutput) === undefined) request.builtAs(name, path);
      const restorer = new TreeRestorer(bytePath(place));
      try {
        const reader = new NarReader(restorer);
        for await (const piece of peer.narOf(path)) {
          request.signal.throwIfAborted();
          reader.write(piece);
        }
        reader.end();
      } finally {
        restorer.abandon();
      }
    }
  }

  /** One upload to a machine at a time: two would send the same inputs twice. */
  async #uploading<T>(machine: Machine, signal: AbortSignal, upload: () => Promise<T>): Promise<T> {
    const before = this.#uploads.get(machine) ?? Promise.resolve();
    const run = async (): Promise<T> => {
      signal.throwIfAborted();
      const name = `${machine.name.replaceAll('/', '_')}.upload-lock`;
      const lock = await lockFile(join(this.#options.stateDirectory, 'current-load', name), 'exclusive', { signal });
      try {
        return await upload();
      } finally {
        lock.release();
      }
    };
    const turn = before.then(run, run);
    this.#uploads.set(machine, turn.catch(() => {}));
    return turn;
  }

  #connect(machine: Machine): BuildPeer {
    const { environment, progress, maxSilentSeconds, timeoutSeconds, keepFailed } = this.#options;
    const { program, storeDirectory } = this.#options;
    return openBuildPeer(machine.store, {
      environment, progress, storeDirectory, ...(program === undefined ? {} : { program }), ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
      options: {
        ...(maxSilentSeconds === undefined ? {} : { maxSilentSeconds }),
        ...(keepFailed === undefined ? {} : { keepFailed }),
      },
    });
  }

  #disable(machine: Machine, error: Error): void {
    if (this.#disabled.has(machine)) return;
    this.#disabled.add(machine);
    this.#options.progress.message('warning', `cannot build on '${machine.name}': ${error.message}`);
  }
}

function isBetter(machine: Machine, load: number, best: { machine: Machine; load: number }): boolean {
  const [own, other] = [load / machine.speedFactor, best.load / best.machine.speedFactor];
  if (own !== other) return own < other;
  if (machine.speedFactor !== best.machine.speedFactor) return machine.speedFactor > best.machine.speedFactor;
  return load < best.load;
}
