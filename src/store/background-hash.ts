/**
 * The NAR hash of a tree, made on another thread while the evaluator still walks and filters it.
 *
 * The evaluator tells each entry in the order of the NAR; the thread opens, reads and hashes. What
 * goes wrong there (a file that cannot be read or has changed) only ends the attempt: who asked
 * hashes the tree himself then, and meets the fault where it can be reported.
 *
 * The evaluator blocks for the result, so it arrives in shared memory and not as a message.
 */

import type { Worker } from 'node:worker_threads';
import type { Hash } from '#base';
import { awaitHelper, startHelper } from './helper-thread.ts';

/** What stands in the shared integers. */
export const Place = { state: 0, progress: 1, digest: 2 } as const;
/** What the state can be. */
export const State = { running: 0, done: 1, failed: 2 } as const;
const digestBytes = 32;

/** Entries told at once, in parallel arrays. */
export interface EntryBatch {
  readonly names: readonly string[];
  /** How many folders lead to each, the root not counted. */
  readonly depths: readonly number[];
  /** Modes as `lstat` tells them. */
  readonly modes: readonly number[];
  readonly sizes: readonly number[];
  /** Whether no entry follows. */
  readonly isLast: boolean;
}

export interface HashThreadInput {
  /** The tree's root, a byte string. */
  readonly root: string;
  readonly shared: SharedArrayBuffer;
}

export class BackgroundHash {
  readonly #worker: Worker;
  readonly #shared: Int32Array;
  #names: string[] = [];
  #depths: number[] = [];
  #modes: number[] = [];
  #sizes: number[] = [];

  /** Starts the thread. `root` is a folder's place as a byte string. */
  constructor(root: string) {
    const shared = new SharedArrayBuffer(Place.digest * 4 + digestBytes);
    this.#shared = new Int32Array(shared);
    const input: HashThreadInput = { root, shared };
    this.#worker = startHelper(new URL('./hash-thread.ts', import.meta.url), input);
  }

  /** Tells the next entry, a folder before what is in it. */
  add(name: string, depth: number, mode: number, sizeBytes: number): void {
    this.#names.push(name);
    this.#depths.push(depth);
    this.#modes.push(mode);
    this.#sizes.push(sizeBytes);
    if (this.#names.length >= batchLength) this.#send(false);
  }

  /** The hash; undefined if the thread could not make it. */
  finish(): Hash | undefined {
    this.#send(true);
    awaitHelper(this.#shared, Place.state, State.running, Place.progress);
    this.cancel();
    if (Atomics.load(this.#shared, Place.state) !== State.done) return undefined;
    const bytes = new Uint8Array(this.#shared.buffer, Place.digest * 4, digestBytes);
    return { algorithm: 'sha256', bytes: Uint8Array.from(bytes) };
  }

  /** Ends the thread. */
  cancel(): void {
    void this.#worker.terminate();
  }

  #send(isLast: boolean): void {
    const batch: EntryBatch = {
      names: this.#names, depths: this.#depths, modes: this.#modes, sizes: this.#sizes, isLast,
    };
    this.#worker.postMessage(batch);
    this.#names = [];
    this.#depths = [];
    this.#modes = [];
    this.#sizes = [];
  }
}

const batchLength = 1024;
