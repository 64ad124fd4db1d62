/**
 * A number of places of which each piece of running work holds one. Of those that wait the one of
 * the highest rank goes first, of equals the one that came first.
 */
export class Slots {
  #free: number;
  readonly #waiting: { readonly rank: number; readonly enter: () => void }[] = [];

  constructor(count: number) {
    this.#free = Math.max(1, count);
  }

  /** Runs `work`, of a `rank` in any unit, in a place of its own. Throws the signal's reason if aborted while waiting. */
  async run<T>(signal: AbortSignal, rank: number, work: () => Promise<T>): Promise<T> {
    await this.#take(signal, rank);
    try {
      return await work();
    } finally {
      this.#release();
    }
  }

  async #take(signal: AbortSignal, rank: number): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const enter = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        reject(signal.reason as Error);
      };
      const entry = { rank, enter };
      const place = this.#waiting.findIndex((other) => other.rank < rank);
      this.#waiting.splice(place < 0 ? this.#waiting.length : place, 0, entry);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next) next.enter();
    else this.#free += 1;
  }
}
