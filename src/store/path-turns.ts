/** Locks among the users of one object, for stores in which nobody else can lock anything. */

import type { StorePath } from '#formats';
import type { PathLock } from './store.ts';

export class PathTurns {
  readonly #locks = new Map<StorePath, Promise<void>>();

  /** Waits until nobody holds any of the paths, and holds them. */
  async take(paths: readonly StorePath[], signal?: AbortSignal): Promise<PathLock> {
    const wanted = [...new Set(paths)].sort();
    for (let held = wanted.find((path) => this.#locks.has(path)); held !== undefined;
      held = wanted.find((path) => this.#locks.has(path))) {
      await this.#locks.get(held);
      signal?.throwIfAborted();
    }
    let release = (): void => {};
    const released = new Promise<void>((resolve) => { release = resolve; });
    for (const path of wanted) this.#locks.set(path, released);
    return {
      release: () => {
        for (const path of wanted) if (this.#locks.get(path) === released) this.#locks.delete(path);
        release();
      },
    };
  }
}
