/** Starts the evaluator's thread: its stack, its heap, its program. */

import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { Worker, type Transferable } from 'node:worker_threads';
import { packUse, threadStartOf } from '#program';
import type { Environment } from '../settings.ts';
import { heapLimit } from './heap-limit.ts';
import type { ThreadInput } from './protocol.ts';

/** A new thread that evaluates what it is given; `heapMegabytes` is the most that it may use. */
export function startEvaluator(
  workerData: ThreadInput, transferList: Transferable[], environment: Environment,
): { readonly worker: Worker; readonly heapMegabytes: number } {
  const heapMegabytes = heapLimit(environment);
  const before = reservedMegabytes();
  setFlagsFromString(`--initial-old-space-size=${initialOldMegabytes(heapMegabytes)}`);
  const worker = new Worker(threadStart(), {
    eval: true,
    workerData,
    transferList,
    // From the pack it needs none of the launcher's hooks.
    ...(packUse.packInUse() === undefined ? {} : { execArgv: ['--disable-warning=ExperimentalWarning'] }),
    resourceLimits: {
      stackSizeMb: stackMegabytes,
      maxOldGenerationSizeMb: heapMegabytes,
      maxYoungGenerationSizeMb: youngMegabytes,
    },
  });
  // Its heap is made by then; those of other threads stay as they are.
  worker.once('online', endInitialSize);
  if (before !== undefined && heapIsMade(before)) endInitialSize();
  return { worker, heapMegabytes };
}

/** Flags that differ from those that Node was built with make it compile its own modules anew. */
function endInitialSize(): void {
  setFlagsFromString('--initial-old-space-size=0');
}

/**
 * Waits until a new thread has made its heap, for a few milliseconds at most: after the stack, the
 * next large range that the process reserves is that for the heap's machine code.
 */
function heapIsMade(before: number): boolean {
  const enough = before + stackMegabytes + 300;
  for (let tries = 0; tries < 60; tries++) {
    if ((reservedMegabytes() ?? 0) > enough) return true;
    Atomics.wait(neverWoken, 0, 0, 0.5);
  }
  return false;
}

/** What this process has reserved of its address space; undefined where that cannot be told. */
function reservedMegabytes(): number | undefined {
  try {
    const [pages = ''] = readFileSync('/proc/self/statm', 'latin1').split(' ');
    return Number(pages) * pageMegabytes;
  } catch {
    return undefined;
  }
}

const neverWoken = new Int32Array(new SharedArrayBuffer(4));
/** Of the processors that Firn runs on; larger ones only make the wait longer. */
const pageMegabytes = 4096 / 1048576;

/**
 * Up to this size nothing is collected but what is young: most of what has become old is wanted to
 * the end, and marking it all to find that out took a tenth of a large evaluation.
 */
function initialOldMegabytes(heapMegabytes: number): number {
  return Math.floor(Math.min(1400, totalmem() / 1048576 / 4, heapMegabytes / 2));
}

/**
 * Where the thread starts. A text in plain JavaScript: a module would be loaded before Node's compile
 * cache is on, and be stripped of its types each time, by a stripper loaded only for it.
 */
const threadStart = () => `
require('node:module').enableCompileCache(
  require('node:path').join(require('node:worker_threads').workerData.cacheDirectory, 'modules'));
${threadStartOf(new URL('./evaluation-thread.ts', import.meta.url), 'evaluator')}
`;

/** Reserved, not used, until recursion needs it. */
const stackMegabytes = 768;
/** Evaluation makes much that dies young: fewer, larger collections. */
const youngMegabytes = 128;
