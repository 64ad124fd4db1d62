/**
 * Flakes as the evaluator's callers want them: found by a reference, locked, called.
 *
 * A changed lock file is written by whoever can write: the commands. `builtins.getFlake` never
 * writes one.
 */

import { NixError } from '#diagnostics';
import {
  flakeSettings, force, forceStringNoContext, inputSettings, isLocked, NixPath, parseReference,
  printReference, relativePath, type EvalServices, type FlakeReference, type Slot, type Value,
} from '#runtime';
import { callFlake } from './call-flake.ts';
import { fetchFlake, folderReference, InputCache } from './fetch-flake.ts';
import { readFlake, type Flake } from './flake-file.ts';
import { diffLocks, unlockedInput, type LockNode } from './lock-graph.ts';
import { computeLocks, type LockOptions } from './lock-flake.ts';
import { printLockFile } from './lock-file.ts';

/** What is done with a lock file that is not as it should be. */
export interface WriteOptions {
  /** Fails instead of changing the lock file. */
  readonly mayUpdate?: boolean;
  /** Does not write it. */
  readonly mayWrite?: boolean;
  /** Fails if it cannot be written because an input is not locked. */
  readonly failOnUnlocked?: boolean;
  /** Told of the flake before its inputs are locked. */
  readonly onRead?: (flake: Flake) => void;
  /** Writes it even if nothing changed. */
  readonly always?: boolean;
  readonly write?: LockWriter;
}

/** Writes a lock file for the flake that was asked for. Returns false if its tree is not ours to write. */
export type LockWriter = (change: {
  readonly reference: FlakeReference;
  readonly text: string;
  /** What is different, for people to read. */
  readonly difference: string;
}) => boolean;

export interface LockedFlake {
  readonly flake: Flake;
  readonly root: LockNode;
  readonly folders: ReadonlyMap<LockNode, string>;
  readonly forceDirty: boolean;
}

export class Flakes {
  readonly #services: EvalServices;
  readonly #cache: InputCache;

  constructor(services: EvalServices) {
    this.#services = services;
    this.#cache = new InputCache(services);
  }

  /** `builtins.getFlake`. */
  get(slot: Slot): Value {
    const services = this.#services;
    const { pureEval } = services.settings;
    const options: LockOptions = {
      useRegistries: !pureEval && flakeSettings(services).useRegistries, allowUnlocked: !pureEval,
    };
    const value = force(slot);
    if (value instanceof NixPath) return this.#call(this.#lockFolder(value.path, options));
    const text = forceStringNoContext(value, 0, 'while evaluating the argument passed to builtins.getFlake');
    const reference = parseReference(text, inputSettings(services), { allowMissing: true });
    if (pureEval && !isLocked(reference.input, inputSettings(services))) {
      throw new NixError(
        'Error', `cannot call 'getFlake' on unlocked flake reference '${text}' (use --impure to override)`);
    }
    return this.#call(this.lock(reference, options, { mayWrite: false, mayUpdate: false }));
  }

  /** What a flake says of itself, nothing of it locked. */
  read(reference: FlakeReference): Flake {
    return fetchFlake(this.#services, this.#cache, reference, flakeSettings(this.#services).useRegistries ? 'all' : 'none', []);
  }

  /** Finds a flake and locks its inputs; writes the lock file if it must and may. */
  lock(reference: FlakeReference, options: LockOptions, writing: WriteOptions): LockedFlake {
    const useRegistries = options.useRegistries ?? flakeSettings(this.#services).useRegistries;
    const registries = useRegistries ? 'all' : 'none';
    const flake = fetchFlake(this.#services, this.#cache, reference, registries, []);
    writing.onRead?.(flake);
    return this.#within(flake, () => {
      const locked = this.#lockFlake(flake, options);
      const change = this.#changeOf(locked, writing.always);
      if (change === undefined) return { flake, root: locked.after, folders: locked.folders, forceDirty: false };
      if (writing.mayWrite === false) {
        this.#services.warn(
          `not writing modified lock file of flake '${printReference(reference)}':\n${change.difference.trimEnd()}`);
        return { flake, root: locked.after, folders: locked.folders, forceDirty: true };
      }
      const isWritten = this.#write(reference, change, locked.after, writing);
      if (!isWritten) return { flake, root: locked.after, folders: locked.folders, forceDirty: false };
      // The tree has another lock file now: it is read again.
      this.#cache.clear();
      const again = fetchFlake(this.#services, this.#cache, reference, registries, []);
      const folders = new Map(locked.folders).set(locked.after, again.folder);
      return { flake: again, root: locked.after, folders, forceDirty: false };
    });
  }

  /** The value of a locked flake. */
  call(locked: LockedFlake): Value {
    return this.#call(locked);
  }

  #call(locked: LockedFlake): Value {
    return callFlake(this.#services, locked);
  }

  #lockFolder(folder: string, options: LockOptions): LockedFlake {
    const reference = folderReference(this.#services);
    const flake = readFlake(this.#services, {
      original: reference, resolved: reference, locked: reference, folder, inputPath: [],
    });
    return this.#within(flake, () => {
      const locked = this.#lockFlake(flake, options);
      return { flake, root: locked.after, folders: locked.folders, forceDirty: this.#changeOf(locked) !== undefined };
    });
  }

  #lockFlake(flake: Flake, options: LockOptions): ReturnType<typeof computeLocks> {
    return computeLocks(this.#services, this.#cache, flake, options);
  }

  #changeOf({ before, after }: { before: LockNode; after: LockNode }, always = false): LockChange | undefined {
    const { text } = printLockFile(after);
    return !always && text === printLockFile(before).text ? undefined
      : { text: `${text}\n`, difference: diffLocks(before, after) };
  }

  #write(reference: FlakeReference, change: LockChange, root: LockNode, writing: WriteOptions): boolean {
    const { allowDirtyLocks, warnDirty } = flakeSettings(this.#services);
    const shown = printReference(reference);
    const unlocked = unlockedInput(root, inputSettings(this.#services), allowDirtyLocks);
    if (unlocked !== undefined) {
      const reason = `because it has an unlocked input ('${printReference(unlocked)}')`;
      if (writing.failOnUnlocked === true) {
        throw new NixError(
          'Error',
          `Not writing lock file of flake '${shown}' ${reason}. Use '--allow-dirty-locks' to allow this anyway.`);
      }
      if (warnDirty) this.#services.warn(`not writing lock file of flake '${shown}' ${reason}`);
      return false;
    }
    if (writing.mayUpdate === false) {
      throw new NixError(
        'Error', `flake '${shown}' requires lock file changes but they're not allowed due to '--no-update-lock-file'`);
    }
    if (writing.write?.({ reference, ...change }) === true) return true;
    throw new NixError(
      'Error', `cannot write modified lock file of flake '${shown}' (use '--no-write-lock-file' to ignore)`);
  }

  #within<T>(flake: Flake, action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (error instanceof NixError && relativePath(flake.locked.input) === undefined) {
        error.addTrace(0, `while updating the lock file of flake '${printReference(flake.locked)}'`);
      }
      throw error;
    }
  }
}

interface LockChange {
  readonly text: string;
  readonly difference: string;
}
