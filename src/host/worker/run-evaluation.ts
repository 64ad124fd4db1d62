/**
 * Runs an evaluation in a thread of its own, with a large stack, and serves it meanwhile.
 *
 * Deep recursion is normal in Nix, and only a thread's stack can be chosen by a program. The main
 * thread stays free for what waits: builds, downloads, the terminal. Aborting ends the thread at
 * once; what it was writing to the store is not registered then, so the store stays valid.
 */

import { MessageChannel, receiveMessageOnPort, type Worker } from 'node:worker_threads';
import { assert, noProgress, type Activity, type Progress } from '#base';
import type { FetchAttribute, FetchResult } from '#eval';
import { makePack, packUse } from '#program';
import type { SearchPathEntry } from '#runtime';
import { cannotFetch, cannotRealise, evaluationCrashed, outOfMemory } from '../errors.ts';
import { isSettled, statusAt } from '../results/file-state.ts';
import type { Ground } from '../results/recall.ts';
import { showsStatistics, type Environment } from '../settings.ts';
import type { ChosenStore } from '../store-location.ts';
import { evalTask, instantiateTask, printTask } from '../tasks/tasks.ts';
import { usualSearchPath } from '../usual-search-path.ts';
import { packFailure, unpackFailure } from './failure.ts';
import type { DebuggerDisplay, FromThread, Reply, ThreadInput } from './protocol.ts';
import { startEvaluator } from './start-evaluator.ts';

/** What the evaluator may ask for, and wait. */
export interface EvaluationServices {
  /** Makes what context elements stand for valid; returns the values of placeholders. */
  realise?(elements: readonly string[]): Promise<ReadonlyMap<string, string>>;
  fetch?(kind: string, attributes: ReadonlyMap<string, FetchAttribute>): Promise<FetchResult>;
  resolveSearchPathEntry?(entry: string): Promise<string | null>;
  /** For tasks that stay: takes the answer to what was asked last, gives what is asked next. */
  converse?(answer: unknown): Promise<unknown>;
  /** The evaluation stops where it fails or the program says so; `converse` is told, and asks. */
  readonly debugger?: DebuggerDisplay | undefined;
}

export interface EvaluationRequest {
  /** A module that exports `run(session: EvaluationSession, input): result`. */
  readonly task: URL;
  /** For the task; a structured clone. */
  readonly input: unknown;
  readonly environment: Environment;
  /** Settings from flags, in order. */
  readonly settingOverrides?: readonly (readonly [name: string, value: string])[];
  /** Operands of `-I`. */
  readonly includes?: readonly string[];
  /** Search path entries behind all others. */
  readonly lastEntries?: readonly SearchPathEntry[];
  readonly workingDirectory: string;
  readonly store: ChosenStore;
  readonly cacheDirectory: string;
  readonly color?: boolean;
  /** Renders errors briefly instead of as C++ Nix does; files below it are the tree's own. */
  readonly treeRoot?: string | undefined;
  readonly services?: EvaluationServices;
  /** Receives what the task prints. */
  readonly onOutput?: (bytes: Uint8Array) => void;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/**
 * Runs a task, or tells its result from an earlier run if nothing has changed since; throws
 * `EvaluationError` or `UserError` for what it throws.
 */
export async function runEvaluation<Result>(request: EvaluationRequest): Promise<Result> {
  const input = threadInput(request);
  if (!keepsResults(request)) return runThread(request, input);
  const { recall } = await import('../results/recall.ts');
  const { program, stored, revision, ground } = await recall(request, input);
  if (stored !== undefined) return stored.result as Result;
  return runThread(request, { ...input, program, revision, sharedHeap: ground?.sharedHeap }, { ground });
}

function threadInput(request: EvaluationRequest): RequestedInput {
  return {
    task: request.task.href,
    input: request.input,
    environment: request.environment,
    settingOverrides: request.settingOverrides ?? [],
    includes: request.includes ?? [],
    usualEntries: usualEntries(request),
    lastEntries: request.lastEntries ?? [],
    workingDirectory: request.workingDirectory,
    store: request.store,
    cacheDirectory: request.cacheDirectory,
    color: request.color ?? false,
    treeRoot: request.treeRoot,
    debugger: request.services?.debugger,
    program: undefined,
    revision: undefined,
    sharedHeap: undefined,
  };
}

function usualEntries({ environment, settingOverrides: overrides = [], store }: EvaluationRequest): SearchPathEntry[] {
  return usualSearchPath({ environment, overrides }, store);
}

/**
 * Tasks whose world is behind the host's door, and whose result is worth keeping. Flakes as operands
 * are not: to lock one writes files beside it.
 */
function keepsResults({ task, input, environment, signal, services }: EvaluationRequest): boolean {
  if (services?.debugger !== undefined) return false;
  const { source, sources = source === undefined ? [] : [source] } =
    input as { source?: { kind: string }; sources?: readonly { kind: string }[] };
  if (sources.some(({ kind }) => kind === 'flake')) return false;
  const isKept = [instantiateTask, printTask, evalTask].some(({ href }) => href === task.href);
  return isKept && !showsStatistics(environment) && signal?.aborted !== true;
}

/** What the thread is started with, but for its means to talk. */
type RequestedInput = Omit<ThreadInput, 'port' | 'wake'>;

interface Start {
  /** What it goes on from; nobody is told of anything before that is known to hold. */
  readonly ground?: Ground | undefined;
  /** Was shown already by a thread that did not come to its end: it is not shown again. */
  readonly shown?: Shown;
}

async function runThread<Result>(
  request: EvaluationRequest, input: RequestedInput, { ground, shown = { bytes: 0, messages: 0 } }: Start = {},
): Promise<Result> {
  const { port1: port, port2: threadPort } = new MessageChannel();
  const wake = new SharedArrayBuffer(4);
  const workerData: ThreadInput = { ...input, port: threadPort, wake };
  const { worker, heapMegabytes } = startEvaluator(workerData, [threadPort], request.environment);
  const end = endOf(worker, request.signal);
  const interrupted = new Promise<never>((_, reject) => { end.catch(reject); });
  // Nobody may be waiting yet.
  interrupted.catch(() => {});
  ground?.read();
  if (ground !== undefined && !await Promise.race([ground.holds(), interrupted])) {
    port.close();
    await worker.terminate();
    return runThread(request, { ...input, revision: undefined, sharedHeap: undefined });
  }
  const listener = new Listener(request, port, wake, shown);
  let last: Parameters<Listener['onEnd']>[0] | undefined;
  listener.onEnd = (message) => { last = message; };
  renewPack();
  let status: number | Error;
  try {
    status = await end;
    listener.drain();
  } finally {
    listener.close();
  }
  if (status instanceof Error) {
    throw (status as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY' ? outOfMemory(heapMegabytes) : status;
  }
  switch (last?.kind) {
    case 'done': return last.result as Result;
    case 'failed': throw unpackFailure(last.failure);
    case 'refused': return runThread(
      request, { ...input, revision: refused(input), sharedHeap: undefined }, { shown: listener.shown });
    case undefined: throw evaluationCrashed(`its thread ended with status ${status}`);
  }
}

/**
 * Waits for the end of a thread, when its last messages can be had: its status, or the error that it
 * died of. Rejects as soon as `signal` says so.
 */
function endOf(worker: Worker, signal: AbortSignal | undefined): Promise<number | Error> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      void worker.terminate();
      reject(signal?.reason);
    };
    if (signal?.aborted === true) return abort();
    signal?.addEventListener('abort', abort);
    let failure: Error | undefined;
    worker.on('error', (error) => { failure = error; });
    worker.on('exit', (status) => {
      signal?.removeEventListener('abort', abort);
      // What the thread said last may still be on its way.
      setImmediate(() => resolve(failure ?? status));
    });
  });
}

/** How to go on where a revision was refused. */
function refused({ revision }: RequestedInput): ThreadInput['revision'] {
  return { kind: 'anew', refusals: (revision?.refusals ?? 0) + 1 };
}

/** Links the program's modules for its next start while the evaluator is at work. */
function renewPack(): void {
  if (!packUse.isPackWanted() || isRenewing) return;
  isRenewing = true;
  const isSettledNow = (path: string): boolean => {
    const status = statusAt(path);
    return status !== undefined && isSettled(status, path);
  };
  // Without one Firn runs from its modules, as it does now.
  makePack(isSettledNow).catch(() => {});
}

let isRenewing = false;

/** How much was shown: bytes of output, and messages. */
interface Shown {
  readonly bytes: number;
  readonly messages: number;
}

/** The main thread's end of the conversation. */
class Listener {
  readonly #request: EvaluationRequest;
  readonly #port: MessageChannel['port1'];
  readonly #wake: Int32Array;
  readonly #progress: Progress;
  readonly #activities = new Map<number, Activity>();
  onEnd: (message: Extract<FromThread, { kind: 'done' | 'failed' | 'refused' }>) => void = () => {};
  /** How much this thread has shown, and how much of it was shown before. */
  readonly shown = { bytes: 0, messages: 0 };
  readonly #shownBefore: Shown;

  constructor(request: EvaluationRequest, port: MessageChannel['port1'], wake: SharedArrayBuffer, shownBefore: Shown) {
    this.#request = request;
    this.#shownBefore = shownBefore;
    this.#port = port;
    this.#wake = new Int32Array(wake);
    this.#progress = request.progress ?? noProgress;
    port.on('message', (message: FromThread) => this.#receive(message));
  }

  /** Takes what the thread said before it ended. */
  drain(): void {
    for (let left = receiveMessageOnPort(this.#port); left !== undefined; left = receiveMessageOnPort(this.#port)) {
      this.#receive(left.message as FromThread);
    }
  }

  close(): void {
    for (const activity of this.#activities.values()) activity.finish('failed');
    this.#port.close();
  }

  #receive(message: FromThread): void {
    switch (message.kind) {
      case 'request': return void this.#serve(message);
      case 'output': return this.#output(message.bytes);
      case 'message':
        if (++this.shown.messages > this.#shownBefore.messages) this.#progress.message(message.level, message.text);
        return;
      case 'start':
        this.#activities.set(message.id, this.#progress.start(message.activity, message.label, message.options));
        return;
      case 'advance': return this.#activities.get(message.id)?.advance(message.amount);
      case 'detail': return this.#activities.get(message.id)?.detail(message.text);
      case 'finish':
        this.#activities.get(message.id)?.finish(message.outcome);
        this.#activities.delete(message.id);
        return;
      case 'done':
      case 'failed':
      case 'refused': return this.onEnd(message);
    }
  }

  #output(bytes: Uint8Array): void {
    const known = Math.max(this.#shownBefore.bytes - this.shown.bytes, 0);
    this.shown.bytes += bytes.length;
    if (known < bytes.length) this.#request.onOutput?.(bytes.subarray(known));
  }

  async #serve(message: Extract<FromThread, { kind: 'request' }>): Promise<void> {
    let reply: Reply;
    try {
      reply = { kind: 'value', value: await this.#answer(message) };
    } catch (error) {
      reply = { kind: 'error', failure: packFailure(error, (one) => one.message) };
    }
    // The reply must be in the port before the thread looks for it.
    this.#port.postMessage(reply);
    Atomics.store(this.#wake, 0, 1);
    Atomics.notify(this.#wake, 0);
  }

  async #answer({ service, argument }: Extract<FromThread, { kind: 'request' }>): Promise<unknown> {
    const services = this.#request.services ?? {};
    switch (service) {
      case 'realise': {
        const elements = argument as readonly string[];
        if (services.realise === undefined) throw cannotRealise(elements.join(' '));
        return services.realise(elements);
      }
      case 'fetch': {
        const { kind, attributes } = argument as { kind: string; attributes: ReadonlyMap<string, FetchAttribute> };
        if (services.fetch === undefined) throw cannotFetch(kind);
        return services.fetch(kind, attributes);
      }
      case 'resolveSearchPathEntry':
        return await services.resolveSearchPathEntry?.(argument as string) ?? null;
      case 'converse':
        assert(services.converse !== undefined, 'a task that converses is started with somebody to talk to');
        return services.converse(argument);
    }
  }
}
