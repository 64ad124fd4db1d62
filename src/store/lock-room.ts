/**
 * Room for locks: each lock that is held costs an open file, of which a process may have few.
 *
 * A build takes the locks of its outputs before it has a place, so that many are asked for at once;
 * with this bound, what is left waits here instead. Whoever holds locks comes to an end without any
 * others, so nobody waits for ever; outputs that are made, and locked only until they are durable,
 * are to be hurried along while the room is crowded.
 */

import { readFileSync } from 'node:fs';

export class LockRoom {
  #free: number;
  readonly #places: number;
  readonly #waiting: { readonly places: number; readonly enter: () => void }[] = [];

  constructor(places: number) {
    this.#places = places;
    this.#free = places;
  }

  /** Whether somebody waits. */
  get crowded(): boolean {
    return this.#waiting.length > 0;
  }

  /** Waits for room for `count` locks; gives what hands it back. */
  async take(count: number, signal: AbortSignal | undefined): Promise<() => void> {
    // More outputs than places: alone, then.
    const places = Math.min(count, this.#places);
    signal?.throwIfAborted();
    if (this.#waiting.length === 0 && this.#free >= places) {
      this.#free -= places;
    } else {
      await this.#wait(places, signal);
    }
    let held = true;
    return () => {
      if (held) this.#giveBack(places);
      held = false;
    };
  }

  #wait(places: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const entry = { places, enter: () => {
        signal?.removeEventListener('abort', leave);
        resolve();
      } };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        reject(signal?.reason as Error);
      };
      this.#waiting.push(entry);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  #giveBack(places: number): void {
    this.#free += places;
    for (let next = this.#waiting[0]; next !== undefined && next.places <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= next.places;
      next.enter();
    }
  }
}

/** How many locks one process may hold: a quarter of its descriptors, the rest are for its work. */
export function affordableLocks(): number {
  return Math.max(fewestLocks, Math.min(mostLocks, Math.floor(openFileLimit() / 4) - spareFiles));
}

const fewestLocks = 8;
const mostLocks = 1024;
/** What is open in any case. */
const spareFiles = 16;
const usualLimit = 1024;

/** The soft limit of open files. */
function openFileLimit(): number {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return found === undefined ? usualLimit : Number(found);
  } catch {
    return usualLimit;
  }
}
