/** Runs one small program; as a thread of `small-program.ts`, those that its messages name. */

import { spawn } from 'node:child_process';
import { parentPort, workerData } from 'node:worker_threads';

/** What a thread is given that is to run programs. */
export const threadMark = 'small programs';

export interface ProgramRequest {
  readonly id: number;
  readonly program: string;
  readonly args: readonly string[];
  /** Descriptors of this process, which the program gets as 3 and following. */
  readonly files: readonly number[];
}

export interface ProgramResult {
  /** The exit status; undefined if it could not be started or was killed. */
  readonly status: number | undefined;
  /** What it wrote to its standard output. */
  readonly output: string;
}

export interface ProgramAnswer {
  readonly id: number;
  readonly result: ProgramResult;
}

export function runHere({ program, args, files }: ProgramRequest): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const failed = (): void => resolve({ status: undefined, output: '' });
    let child;
    try {
      child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore', ...files] });
    } catch {
      // No file is left to speak with a child.
      failed();
      return;
    }
    let output = '';
    child.stdout?.setEncoding('latin1').on('data', (text: string) => { output += text; });
    child.once('error', failed);
    child.once('close', (status) => resolve({ status: status ?? undefined, output }));
  });
}

// Other threads load this module too, and have messages of their own.
if (workerData === threadMark && parentPort !== null) {
  const port = parentPort;
  port.on('message', (request: ProgramRequest) => {
    void runHere(request).then((result) => {
      const answer: ProgramAnswer = { id: request.id, result };
      port.postMessage(answer);
    });
  });
}
