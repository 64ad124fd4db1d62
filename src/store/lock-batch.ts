/**
 * Many exclusive locks with few child processes.
 *
 * Taking an flock needs a child (see file-lock.ts), and starting one from a large process costs
 * milliseconds. So requests are gathered: one child at a time tries the locks of all that have come
 * since the last began, each on a file descriptor that it inherits.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { isLargeProcess, runSmallProgram } from './small-program.ts';

/** What became of one request. */
export type LockOutcome = 'taken' | 'busy' | 'unavailable';

interface Request {
  readonly file: number;
  readonly rank: number;
  readonly resolve: (outcome: LockOutcome) => void;
}

const waiting: Request[] = [];
let running = false;
let lastBegun = Number.NEGATIVE_INFINITY;
/**
 * Each child makes the pages of a large process be copied or touched again, so over a time there are
 * few of them: so many may begin as they are needed, then one each `childMilliseconds`, but a full
 * batch does not wait for that.
 */
const mostSaved = 10;
const childMilliseconds = 300;
let saved = mostSaved;
/** The first request is served at once; when they come thick, children begin no faster than this. */
const gatherMilliseconds = 60;
/**
 * A child tries its locks one after another, and whoever asked waits for the last of them. So the
 * first child gets few, and the next ever more, for starting a child holds up everything.
 */
const firstBatch = 16;
const largestBatch = 200;

/**
 * Tries to take the exclusive lock of an open file, without waiting for who has it. Of what waits
 * here the highest rank goes first.
 */
export function tryLockSoon(file: number, rank = 0): Promise<LockOutcome> {
  return new Promise((resolve) => {
    waiting.push({ file, rank, resolve });
    // Requests of the same turn go together.
    if (!running) {
      running = true;
      setImmediate(() => void serve());
    }
  });
}

async function serve(): Promise<void> {
  for (let size = firstBatch; waiting.length > 0; size = Math.min(3 * size, largestBatch)) {
    const pause = gatherMilliseconds - (performance.now() - lastBegun);
    if (pause > 0) await sleep(pause);
    while (isLargeProcess() && waiting.length < size && savedNow() < 1) await sleep(gatherMilliseconds);
    saved = Math.max(0, savedNow() - 1);
    lastBegun = performance.now();
    waiting.sort((a, b) => b.rank - a.rank);
    const batch = waiting.splice(0, size);
    const outcomes = await tryAll(batch.map((request) => request.file));
    for (const [index, request] of batch.entries()) request.resolve(outcomes[index] ?? 'unavailable');
  }
  running = false;
}

/** How many children may begin now; changes with the time since the last. */
function savedNow(): number {
  return Math.min(mostSaved, saved + (performance.now() - lastBegun) / childMilliseconds);
}

const script = 'for file in "$@"; do flock -n -x "$file"; echo $?; done';

async function tryAll(files: readonly number[]): Promise<LockOutcome[]> {
  const numbers = files.map((_, index) => String(index + 3));
  // If no child could be started, each of the requests says so.
  const { output } = await runSmallProgram('sh', ['-c', script, 'sh', ...numbers], files);
  return output.split('\n').filter(Boolean).map(outcomeOf);
}

function outcomeOf(status: string): LockOutcome {
  if (status === '0') return 'taken';
  return status === '1' ? 'busy' : 'unavailable';
}
