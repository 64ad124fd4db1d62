/**
 * Keeping clear of whoever makes the same paths under locks of their own: C++ Nix adds a path under
 * its lock, and puts its copy in the place of whatever stands there unregistered.
 *
 * Taking such a lock costs a child process, too much for each of thousands of texts. So we look
 * whether one stands, which hardly ever happens, and only then wait until it is gone.
 */

import { existsSync } from 'node:fs';
import { removeLockFile, tryLockFile } from './file-lock.ts';

/** So long, and no longer: who has the lock might be waiting for us. */
const patienceMilliseconds = 5000;
const pauseMilliseconds = 10;

/** Waits until nobody holds the lock of any of the places (ordinary strings), or has for too long. */
export function awaitOthers(places: readonly string[]): void {
  for (const place of places) {
    const lockPath = `${place}.lock`;
    const end = performance.now() + patienceMilliseconds;
    while (existsSync(lockPath) && performance.now() < end) {
      const lock = tryLockFile(lockPath, 'exclusive');
      if (lock === undefined) {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMilliseconds);
        continue;
      }
      // Its owner is gone; those who wait for it open a new one.
      removeLockFile(lockPath, lock.file);
      lock.release();
    }
  }
}
