/**
 * Outputs that stand in place and are not durable yet, gathered so that one sync serves many.
 *
 * Syncing a file system takes as long for one output as for a hundred, and a large build has
 * hundreds. So an output counts as valid for this process at once, is registered when a sync that
 * began later has ended, and until then is nothing but a leftover for everybody else: a process that
 * is killed in between loses a few seconds of work and leaves a valid store. Registration goes in
 * the order of arrival, all of a batch in one transaction, so that references are always there.
 */

import type { StorePath } from '#formats';
import type { ValidPathInfo } from './store.ts';

export interface DurabilityDoor {
  /** Makes the trees at `paths` (byte strings), and their names, durable. */
  sync(paths: readonly string[]): Promise<void>;
  register(infos: readonly ValidPathInfo[]): void;
}

/** How long outputs gather before a sync begins by itself. */
const gatherMilliseconds = 3000;

export class PendingCommits {
  readonly #door: DurabilityDoor;
  readonly #infos = new Map<StorePath, ValidPathInfo>();
  #arrived: { info: ValidPathInfo; place: string }[] = [];
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #waiting: { resolve: () => void; reject: (error: unknown) => void }[] = [];

  constructor(door: DurabilityDoor) {
    this.#door = door;
  }

  /** What is known of a path that is not registered yet. */
  info(path: StorePath): ValidPathInfo | undefined {
    return this.#infos.get(path);
  }

  /** Paths that are not registered yet. */
  paths(): StorePath[] {
    return [...this.#infos.keys()];
  }

  /** Takes outputs that stand at `places`; the promise ends when they are durable and registered. */
  add(outputs: readonly { readonly info: ValidPathInfo; readonly place: string }[]): Promise<void> {
    if (outputs.length === 0) return Promise.resolve();
    for (const output of outputs) {
      this.#arrived.push(output);
      this.#infos.set(output.info.path, output.info);
    }
    const durable = new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.#timer ??= setTimeout(() => void this.flush().catch(() => {}), gatherMilliseconds);
    return durable;
  }

  /** Makes everything that has arrived durable now. */
  async flush(): Promise<void> {
    while (this.#running !== undefined || this.#arrived.length > 0) {
      this.#running ??= this.#flushArrived().finally(() => { this.#running = undefined; });
      await this.#running;
    }
  }

  async #flushArrived(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#arrived;
    const waiting = this.#waiting;
    this.#arrived = [];
    this.#waiting = [];
    try {
      await this.#door.sync(batch.map((output) => output.place));
      this.#door.register(batch.map((output) => output.info));
      for (const waiter of waiting) waiter.resolve();
    } catch (error) {
      for (const waiter of waiting) waiter.reject(error);
      throw error;
    } finally {
      for (const output of batch) this.#infos.delete(output.info.path);
    }
  }
}
