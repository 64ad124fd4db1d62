/**
 * Threads that help another one with the store's files, and whose failure only means that it does
 * the work itself.
 */

import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { Worker, type Transferable } from 'node:worker_threads';

/** Starts a thread of the module, which finds `input` as its `workerData`. It keeps no process alive. */
export function startHelper(module: URL, input: object, transferList: readonly Transferable[] = []): Worker {
  const cache = getCompileCacheDir();
  const worker = new Worker(threadStart(module), {
    eval: true,
    workerData: { ...input, cache: cache === undefined ? undefined : dirname(cache) },
    transferList: [...transferList],
    stdout: true,
    stderr: true,
  });
  worker.unref();
  worker.on('error', () => {});
  return worker;
}

/**
 * Blocks while the integer at `at` is `value`; false if the helper is given up, since the one at
 * `progressAt` has not changed either for a long time.
 */
export function awaitHelper(numbers: Int32Array, at: number, value: number, progressAt: number): boolean {
  for (let progress = -1; ;) {
    if (Atomics.wait(numbers, at, value, patienceMilliseconds) !== 'timed-out') return true;
    const now = Atomics.load(numbers, progressAt);
    if (now === progress) return false;
    progress = now;
  }
}

/** A thread that has not done anything in this time will not. */
const patienceMilliseconds = 30_000;

/** In plain JavaScript, so that Node's compile cache is on before the first module is loaded. */
const threadStart = (module: URL): string => `
const { cache } = require('node:worker_threads').workerData;
if (cache !== undefined) require('node:module').enableCompileCache(cache);
import(${JSON.stringify(module.href)});
`;
