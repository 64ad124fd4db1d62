/**
 * A pool of threads for work that would keep the main one from everything else: decompressing,
 * hashing, writing many small files.
 *
 * A task is a module and a message: the module exports `run(message, door)`, which may return a
 * promise.
 * Threads start when first needed and stay; a thread serves one task at a time, tasks wait in the
 * order they came, those for idle threads behind all others. Aborting a task that runs ends its
 * thread: a decompressor cannot be asked to stop.
 */
import { Worker } from 'node:worker_threads';
import { UserError } from '#base';

export interface WorkerPool {
  /** How many threads there are at most. */
  readonly size: number;
  /** Runs `run(message, door)` of the module at `module` in a thread; `transfer` moves buffers there. */
  run<R>(module: URL, message: unknown, options?: RunOptions): Promise<R>;
  /** Ends all threads; what runs fails. */
  close(): Promise<void>;
}

export interface RunOptions {
  readonly signal?: AbortSignal;
  readonly transfer?: readonly ArrayBuffer[];
  /** Called with what the task tells through its `TaskDoor`, while it runs. */
  readonly onAdvance?: (amount: number) => void;
  readonly onLog?: (line: string) => void;
  /** Waits until no other task does. */
  readonly whenIdle?: boolean;
}

/** How a task speaks while it runs; the second argument of its `run`. */
export interface TaskDoor {
  advance(amount: number): void;
  log(line: string): void;
}

/** What goes to a thread, and what comes back. */
export interface TaskRequest {
  readonly module: string;
  readonly message: unknown;
}

export type TaskAnswer =
  | { readonly kind: 'advance'; readonly amount: number }
  | { readonly kind: 'log'; readonly line: string }
  | { readonly kind: 'result'; readonly value: unknown }
  | { readonly kind: 'failure'; readonly failure: TaskFailure };

/** An error's parts, since errors lose their class on the way between threads. */
export interface TaskFailure {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
  readonly hint: string | undefined;
  readonly stack: string | undefined;
}

interface Task {
  readonly request: TaskRequest;
  readonly options: RunOptions;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

export function createWorkerPool(size: number): WorkerPool {
  return new ThreadPool(Math.max(1, size));
}

class ThreadPool implements WorkerPool {
  readonly size: number;
  readonly #idle: Worker[] = [];
  readonly #all = new Set<Worker>();
  readonly #waiting: Task[] = [];
  readonly #waitingForIdle: Task[] = [];

  constructor(size: number) {
    this.size = size;
  }

  run<R>(module: URL, message: unknown, options: RunOptions = {}): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      const request = { module: module.href, message };
      const queue = options.whenIdle === true ? this.#waitingForIdle : this.#waiting;
      queue.push({ request, options, resolve: resolve as (value: unknown) => void, reject });
      this.#dispatch();
    });
  }

  async close(): Promise<void> {
    const workers = [...this.#all];
    this.#all.clear();
    this.#idle.length = 0;
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  #dispatch(): void {
    for (;;) {
      const queue = this.#waiting.length > 0 ? this.#waiting : this.#waitingForIdle;
      const [task] = queue;
      if (task === undefined) return;
      if (task.options.signal?.aborted) {
        queue.shift();
        task.reject(task.options.signal.reason);
        continue;
      }
      const worker = this.#idle.pop() ?? this.#start();
      if (!worker) return;
      queue.shift();
      this.#serve(worker, task);
    }
  }

  #start(): Worker | undefined {
    if (this.#all.size >= this.size) return undefined;
    const worker = new Worker(new URL('./worker-thread.ts', import.meta.url), {
      // Buffers of whole archives live outside the heap; the heap itself stays small.
      resourceLimits: { maxOldGenerationSizeMb: 1024 },
    });
    worker.unref();
    this.#all.add(worker);
    return worker;
  }

  #serve(worker: Worker, task: Task): void {
    const { signal, transfer } = task.options;
    const settle = (done: () => void, alive: boolean): void => {
      // By name: a worker's own machinery listens to events of its own.
      for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event);
      signal?.removeEventListener('abort', abort);
      worker.unref();
      if (alive && this.#all.has(worker)) this.#idle.push(worker);
      else this.#all.delete(worker);
      done();
      this.#dispatch();
    };
    const abort = (): void => {
      void worker.terminate();
      settle(() => task.reject(signal?.reason), false);
    };
    signal?.addEventListener('abort', abort);
    worker.ref();
    worker.on('message', (answer: TaskAnswer) => {
      if (answer.kind === 'advance') return task.options.onAdvance?.(answer.amount);
      if (answer.kind === 'log') return task.options.onLog?.(answer.line);
      settle(() => {
        if (answer.kind === 'result') task.resolve(answer.value);
        else task.reject(revive(answer.failure));
      }, true);
    });
    worker.once('error', (error) => settle(() => task.reject(error), false));
    worker.once('exit', () => {
      settle(() => task.reject(signal?.reason ?? new Error('a worker thread ended early')), false);
    });
    worker.postMessage(task.request, transfer ? [...transfer] : []);
  }
}

function revive(failure: TaskFailure): Error {
  if (failure.name === 'UserError' && failure.code !== undefined) {
    return new UserError(
      failure.code,
      failure.message,
      failure.hint === undefined ? {} : { hint: failure.hint },
    );
  }
  const error = new Error(failure.message);
  error.name = failure.name;
  if (failure.stack !== undefined) error.stack = failure.stack;
  if (failure.code !== undefined) Object.assign(error, { code: failure.code });
  return error;
}
