/**
 * Staging by another thread while an evaluation goes on: what was added is written to temporary
 * places at once, and at the end only given its names and registered.
 *
 * An evaluator's heap is large and its thread is what the user waits for; writing tens of thousands
 * of files there takes as long as evaluating, much of it in the garbage collector, which looks
 * through that heap again and again. The thread that writes has next to nothing to collect.
 *
 * What goes wrong in the thread (a full disk, a source that has changed) only leaves the path
 * unwritten: who registers it writes it himself then, and meets the fault where it can be reported.
 * The evaluator blocks for the end, so that is told in shared memory.
 */

import { MessageChannel, receiveMessageOnPort, type MessagePort, type Worker } from 'node:worker_threads';
import type { StorePath } from '#formats';
import type { Registration } from './database.ts';
import { bytePath, deleteTree } from './file-tree.ts';
import { awaitHelper, startHelper } from './helper-thread.ts';
import type { LocalStore } from './local-store.ts';
import type { PreparedText, PreparedTree, StagedPath } from './staging.ts';

/** What stands in the shared integers. */
export const Place = { answered: 0, progress: 1, cancelled: 2, length: 3 } as const;

/** Something to be written, and where; a byte string. */
export interface StagingOrder {
  readonly place: string;
  readonly tree?: PreparedTree;
  readonly text?: PreparedText;
}

/** The answer to an order, if it succeeded. */
export interface StagingAnswer {
  readonly path: StorePath;
  readonly info: Registration;
}

export interface StagingThreadInput {
  readonly storeDirectory: string;
  /** Gets arrays of orders, and sends an array of answers for each. */
  readonly port: MessagePort;
  readonly shared: SharedArrayBuffer;
}

export class StagingAhead {
  readonly #openStore: () => LocalStore;
  readonly #fewPaths: number;
  /** Added, and not sent to the thread. */
  #added: (PreparedText | PreparedTree)[] = [];
  /** Temporary places of what was sent. */
  readonly #places = new Map<StorePath, string>();
  #thread: StagingThread | undefined;

  /**
   * The store is opened when there is something to write. Up to `fewPaths` are left to who registers
   * them: a thread would cost more than it saves.
   */
  constructor(openStore: () => LocalStore, fewPaths = usuallyFew) {
    this.#openStore = openStore;
    this.#fewPaths = fewPaths;
  }

  addText(text: PreparedText): void {
    this.#add(text, false);
  }

  addTree(tree: PreparedTree): void {
    // A function cannot be sent.
    if (tree.options.filter !== undefined) return;
    this.#add(tree, (tree.accepted?.size ?? tree.entryCount ?? 0) > this.#fewPaths);
  }

  /** Waits for the thread. What it tells belongs to the caller; the next paths get another thread. */
  finish(): ReadonlyMap<StorePath, StagedPath> {
    if (this.#thread !== undefined) this.#send();
    this.#added = [];
    const infos = this.#thread?.finish();
    this.#thread = undefined;
    const staged = new Map<StorePath, StagedPath>();
    for (const [path, temporary] of this.#places) {
      const info = infos?.get(path);
      staged.set(path, info === undefined ? { temporary } : { temporary, info });
    }
    this.#places.clear();
    return staged;
  }

  /** Has the thread stop, and removes what it wrote. */
  abandon(): void {
    this.#thread?.cancel();
    for (const { temporary } of this.finish().values()) deleteTree(temporary);
  }

  #add(one: PreparedText | PreparedTree, isLarge: boolean): void {
    this.#added.push(one);
    if (isLarge || this.#added.length >= (this.#thread === undefined ? this.#fewPaths : batchLength)) this.#send();
  }

  #send(): void {
    const added = this.#added;
    this.#added = [];
    try {
      const store = this.#openStore();
      const orders: StagingOrder[] = [];
      for (const one of added) {
        if (this.#places.has(one.path) || store.isValidPath(one.path)) continue;
        const place = bytePath(store.prepareOutput(one.path));
        this.#places.set(one.path, place);
        orders.push('text' in one ? { place, text: one } : { place, tree: one });
      }
      if (orders.length === 0) return;
      this.#thread ??= new StagingThread(store.storeDirectory);
      this.#thread.send(orders);
    } catch {
      // A store that cannot be written is reported to who registers.
    }
  }
}

/** The conversation with one thread. */
class StagingThread {
  readonly #shared = new Int32Array(new SharedArrayBuffer(Place.length * 4));
  readonly #port: MessagePort;
  readonly #worker: Worker;
  #sentBatches = 0;

  constructor(storeDirectory: string) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const input: StagingThreadInput = {
      storeDirectory, port: port2, shared: this.#shared.buffer as SharedArrayBuffer,
    };
    this.#worker = startHelper(new URL('./staging-thread.ts', import.meta.url), input, [port2]);
  }

  send(orders: readonly StagingOrder[]): void {
    this.#port.postMessage(orders);
    this.#sentBatches++;
  }

  /** Has it stop at the next file. */
  cancel(): void {
    Atomics.store(this.#shared, Place.cancelled, 1);
  }

  /** What it has written, when it is through; ends it. */
  finish(): ReadonlyMap<StorePath, Registration> {
    for (let answered = 0; (answered = Atomics.load(this.#shared, Place.answered)) < this.#sentBatches;) {
      if (!awaitHelper(this.#shared, Place.answered, answered, Place.progress)) break;
    }
    this.cancel();
    const infos = new Map<StorePath, Registration>();
    for (let answer = receiveMessageOnPort(this.#port); answer !== undefined; answer = receiveMessageOnPort(this.#port)) {
      for (const { path, info } of answer.message as StagingAnswer[]) infos.set(path, info);
    }
    this.#port.close();
    void this.#worker.terminate();
    return infos;
  }
}

const usuallyFew = 400;
const batchLength = 64;
