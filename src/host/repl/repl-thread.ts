/**
 * The asker's end of a REPL: one evaluator's thread that keeps its scope from request to request.
 *
 * JavaScript that runs can be stopped from outside only with its thread. So an interrupted request
 * ends the thread, and the next one gets a new thread, in which everything that made the scope is
 * done again first, silently: the journal. That is soon done, as values are computed when they are
 * used; and no half-evaluated value stays behind. A thread that died of itself is replaced likewise.
 *
 * Invariant: one request at a time.
 */

import { assert } from '#base';
import { replTask } from '../tasks/tasks.ts';
import { unpackFailure } from '../worker/failure.ts';
import { runEvaluation, type EvaluationRequest } from '../worker/run-evaluation.ts';
import type { ReplAnswer, ReplInput, ReplRequest } from './requests.ts';

/** What a thread is started with; `close` is called when it has ended. */
export interface ReplStart {
  readonly request: Omit<EvaluationRequest, 'task' | 'input' | 'signal'>;
  close(): Promise<void>;
}

export class ReplThread {
  readonly #input: Omit<ReplInput, 'journal'>;
  readonly #start: (signal: AbortSignal) => ReplStart;
  #journal: ReplRequest[] = [];
  #conversation: Conversation | undefined;
  #busy = false;

  constructor(input: Omit<ReplInput, 'journal'>, start: (signal: AbortSignal) => ReplStart) {
    this.#input = input;
    this.#start = start;
  }

  get isBusy(): boolean {
    return this.#busy;
  }

  /**
   * Asks and waits for the end of it. `undefined`: the text is the start of a longer one. Throws
   * what the evaluation throws, and the signal's reason when it is aborted.
   */
  async ask(request: ReplRequest, signal: AbortSignal): Promise<{ readonly result: unknown } | undefined> {
    assert(!this.#busy, 'a REPL asks one thing at a time');
    signal.throwIfAborted();
    const conversation = (this.#conversation ??= new Conversation(
      { ...this.#input, journal: this.#journal }, this.#start));
    const stop = () => conversation.abort(signal.reason);
    signal.addEventListener('abort', stop);
    this.#busy = true;
    try {
      const answer = await conversation.ask(request);
      if (answer.kind === 'incomplete') return undefined;
      assert(answer.kind !== 'stopped', 'only a debugger stops');
      if (answer.kind === 'failed') throw unpackFailure(answer.failure);
      if (answer.changed) this.#journal = [...this.#journal, request];
      return { result: answer.result };
    } finally {
      signal.removeEventListener('abort', stop);
      this.#busy = false;
      if (conversation.hasEnded) this.#conversation = undefined;
    }
  }

  /** Forgets the scope and the files that were read; the files that were loaded come back. */
  async reload(): Promise<readonly ReplRequest[]> {
    await this.close();
    const loads = this.#journal.filter((one) => one.kind === 'load');
    this.#journal = this.#journal.filter((one) => one.kind === 'trace');
    return loads.filter((one, index) => loads.findLastIndex((other) => other.path === one.path) === index);
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    await this.#conversation?.end();
    this.#conversation = undefined;
  }
}

/** One thread's life. */
class Conversation {
  readonly #controller = new AbortController();
  readonly #ended: Promise<void>;
  #hasEnded = false;
  /** How the thread ended, for whoever asks or waits then. */
  #endReason: unknown;
  /** Wakes the thread with a request, when it waits for one. */
  #next: ((request: ReplRequest | null) => void) | undefined;
  #asked: ReplRequest | null | undefined;
  #waiting: { resolve(answer: ReplAnswer): void; reject(error: unknown): void } | undefined;

  constructor(input: ReplInput, start: (signal: AbortSignal) => ReplStart) {
    const { signal } = this.#controller;
    const { request, close } = start(signal);
    const services = { ...request.services, converse: (answer: unknown) => this.#converse(answer as ReplAnswer | undefined) };
    this.#ended = runEvaluation<void>({ ...request, services, signal, task: replTask, input })
      .catch((error: unknown) => { this.#endReason = error; })
      .then(() => {
        this.#hasEnded = true;
        this.#waiting?.reject(this.#endReason);
        return close();
      });
  }

  get hasEnded(): boolean {
    return this.#hasEnded || this.#controller.signal.aborted;
  }

  ask(request: ReplRequest): Promise<ReplAnswer> {
    return new Promise((resolve, reject) => {
      if (this.#hasEnded) return reject(this.#endReason);
      this.#waiting = { resolve, reject };
      this.#say(request);
    });
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  async end(): Promise<void> {
    if (!this.hasEnded) this.#say(null);
    await this.#ended;
  }

  #say(request: ReplRequest | null): void {
    if (this.#next === undefined) {
      this.#asked = request;
    } else {
      this.#next(request);
      this.#next = undefined;
    }
  }

  /** The thread answers, at first with nothing, and wants the next request. */
  #converse(answer: ReplAnswer | undefined): Promise<ReplRequest | null> {
    if (answer !== undefined) {
      this.#waiting?.resolve(answer);
      this.#waiting = undefined;
    }
    return new Promise((resolve) => {
      const asked = this.#asked;
      this.#asked = undefined;
      if (asked === undefined) this.#next = resolve;
      else resolve(asked);
    });
  }
}
