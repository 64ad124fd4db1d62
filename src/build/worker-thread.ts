/** The inside of a pool's thread: takes a task, runs its module, answers, waits for the next. */
import { parentPort } from 'node:worker_threads';
import { UserError } from '#base';
import type { TaskAnswer, TaskDoor, TaskFailure, TaskRequest } from './worker-pool.ts';

interface TaskModule {
  run(message: unknown, door: TaskDoor): unknown;
}

const door: TaskDoor = {
  advance: (amount) => answer({ kind: 'advance', amount }),
  log: (line) => answer({ kind: 'log', line }),
};

function answer(message: TaskAnswer): void {
  parentPort?.postMessage(message);
}

async function perform(request: TaskRequest): Promise<TaskAnswer> {
  try {
    const module = (await import(request.module)) as TaskModule;
    return { kind: 'result', value: await module.run(request.message, door) };
  } catch (error) {
    return { kind: 'failure', failure: describe(error) };
  }
}

function describe(error: unknown): TaskFailure {
  if (!(error instanceof Error)) {
    return { name: 'Error', message: String(error), code: undefined, hint: undefined, stack: undefined };
  }
  return {
    name: error.name,
    message: error.message,
    code: (error as { code?: string }).code,
    hint: error instanceof UserError ? error.hint : undefined,
    stack: error.stack,
  };
}

parentPort?.on('message', (request: TaskRequest) => {
  void perform(request).then(answer);
});
