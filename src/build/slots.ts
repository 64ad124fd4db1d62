/**
 * A number of places of which each piece of running work holds one. Of those that wait the one of
 * the highest rank goes first, of equals the one that came first.
 *
 * Work may have a weight, as downloads have: those that share a line of limited speed would only
 * make each other late, and the one that much waits for would come last.
 */

export interface SlotsOptions {
  /** Where what runs weighs as much, no more than two run. Default: without limit. */
  readonly enough?: number;
}

interface Waiting {
  readonly rank: number;
  readonly weight: number;
  readonly enter: () => void;
}

export class Slots {
  readonly #count: number;
  readonly #enough: number;
  #running = 0;
  #weight = 0;
  readonly #waiting: Waiting[] = [];

  constructor(count: number, { enough = Infinity }: SlotsOptions = {}) {
    this.#count = Math.max(1, count);
    this.#enough = enough;
  }

  /**
   * Runs `work`, of a `rank` in any unit, in a place of its own. Throws the signal's reason if
   * aborted while waiting.
   */
  async run<T>(signal: AbortSignal, rank: number, work: () => Promise<T>, weight = 0): Promise<T> {
    await this.#take(signal, rank, weight);
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#weight -= weight;
      this.#admit();
    }
  }

  async #take(signal: AbortSignal, rank: number, weight: number): Promise<void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const enter = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        reject(signal.reason as Error);
      };
      const entry: Waiting = { rank, weight, enter };
      const place = this.#waiting.findIndex((other) => other.rank < rank);
      this.#waiting.splice(place < 0 ? this.#waiting.length : place, 0, entry);
      signal.addEventListener('abort', leave, { once: true });
      this.#admit();
    });
  }

  #admit(): void {
    while (this.#running < this.#count && (this.#running < 2 || this.#weight < this.#enough)) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#running += 1;
      this.#weight += next.weight;
      next.enter();
    }
  }
}
