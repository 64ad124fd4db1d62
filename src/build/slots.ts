/**
 * A number of places of which each piece of running work holds one. Of those that wait the largest
 * goes first: a long piece that begins last would keep all cores but one idle at the end.
 */
export class Slots {
  #free: number;
  readonly #waiting: { readonly size: number; readonly enter: () => void }[] = [];

  constructor(count: number) {
    this.#free = Math.max(1, count);
  }

  /** Runs `work`, of a `size` in any unit, in a place of its own. Throws the signal's reason if aborted while waiting. */
  async run<T>(signal: AbortSignal, size: number, work: () => Promise<T>): Promise<T> {
    await this.#take(signal, size);
    try {
      return await work();
    } finally {
      this.#release();
    }
  }

  async #take(signal: AbortSignal, size: number): Promise<void> {
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
      const entry = { size, enter };
      const place = this.#waiting.findIndex((other) => other.size < size);
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
