/**
 * Starts a small program, waits for it, and gives its status and what it said.
 *
 * Starting one copies the page tables of this process and waits until the new one is loaded. In a
 * large process that takes tens of milliseconds, and seconds while the file system is busy writing.
 * So a process that has grown has a thread for it, and its main thread goes on.
 */

import { Worker } from 'node:worker_threads';
import { runHere, threadMark, type ProgramAnswer, type ProgramResult } from './small-program-thread.ts';

/** From this size of the process on, its thread starts programs. */
const largeBytes = 256 * 2 ** 20;

let thread: Worker | undefined;
let lastId = 0;
const waiting = new Map<number, (result: ProgramResult) => void>();

/**
 * `files` are open files that the program gets as its descriptors 3 and following. Never rejects: a
 * program that cannot be started has the status undefined.
 */
export async function runSmallProgram(
  program: string, args: readonly string[], files: readonly number[] = [],
): Promise<ProgramResult> {
  const request = { id: ++lastId, program, args, files };
  if (thread === undefined && !isLargeProcess()) return runHere(request);
  thread ??= startThread();
  const { id } = request;
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    thread?.ref();
    thread?.postMessage(request);
  });
}

/** Whether starting a program holds up this process noticeably. */
export function isLargeProcess(): boolean {
  return process.memoryUsage.rss() >= largeBytes;
}

function startThread(): Worker {
  const started = new Worker(new URL('./small-program-thread.ts', import.meta.url), { workerData: threadMark });
  started.unref();
  started.on('message', ({ id, result }: ProgramAnswer) => {
    waiting.get(id)?.(result);
    waiting.delete(id);
    if (waiting.size === 0) started.unref();
  });
  // Without it, programs are started from here again; what waits is told that nothing was started.
  const end = (): void => {
    thread = undefined;
    for (const resolve of waiting.values()) resolve({ status: undefined, output: '' });
    waiting.clear();
  };
  started.once('error', end);
  started.once('exit', end);
  return started;
}
