/** The evaluator's end of the conversation: blocking services, progress, output. */

import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { assert, bytesOf, type Activity, type Progress } from '#base';
import type { FetchAttribute, FetchResult } from '#eval';
import type { BlockingServices } from '../evaluation-host.ts';
import { unpackFailure } from './failure.ts';
import type { FromThread, Reply, ServiceName } from './protocol.ts';

/** Where a session's output and requests go. */
export interface Outlet extends BlockingServices {
  readonly progress: Progress;
  /** What `builtins.currentTime` says: seconds since 1970. */
  readonly startTime: number;
  print(text: string): void;
  converse(answer: unknown): unknown;
}

/** What was asked, with the reply to it. */
export interface Exchange {
  readonly service: ServiceName;
  readonly argument: unknown;
  readonly reply: Reply;
}

export class MainThread implements Outlet {
  readonly startTime = Math.floor(Date.now() / 1000);
  /** Is told what is shown, in order. */
  onShown: ((message: Extract<FromThread, { kind: 'output' | 'message' }>) => void) | undefined;
  /** All replies so far, in order. */
  readonly exchanges: Exchange[] = [];
  /** How much was shown so far: bytes printed, and messages. */
  readonly shown = { bytes: 0, messages: 0 };
  readonly #port: MessagePort;
  readonly #wake: Int32Array;
  #pendingOutput: string[] = [];
  #pendingLength = 0;
  #nextActivity = 1;

  constructor(port: MessagePort, wake: SharedArrayBuffer) {
    this.#port = port;
    this.#wake = new Int32Array(wake);
  }

  realise(elements: readonly string[]): ReadonlyMap<string, string> {
    return this.ask('realise', elements) as Map<string, string>;
  }

  fetch(kind: string, attributes: ReadonlyMap<string, FetchAttribute>): FetchResult {
    return this.ask('fetch', { kind, attributes }) as FetchResult;
  }

  resolveSearchPathEntry(entry: string): string | null {
    return this.ask('resolveSearchPathEntry', entry) as string | null;
  }

  /** Gives the answer to what was asked last, and waits for what is asked next. */
  converse(answer: unknown): unknown {
    return this.ask('converse', answer);
  }

  /** Writes a byte string to standard output, soon: small pieces are gathered. */
  print(text: string): void {
    this.shown.bytes += text.length;
    this.#pendingOutput.push(text);
    this.#pendingLength += text.length;
    if (this.#pendingLength >= outputChunk) this.flushOutput();
  }

  flushOutput(): void {
    if (this.#pendingLength === 0) return;
    const bytes = bytesOf(this.#pendingOutput.join(''));
    this.#pendingOutput = [];
    this.#pendingLength = 0;
    this.post({ kind: 'output', bytes });
  }

  post(message: FromThread): void {
    if (message.kind === 'output' || message.kind === 'message') this.onShown?.(message);
    this.#port.postMessage(message);
  }

  readonly progress: Progress = {
    start: (activity, label, options = {}) => {
      const id = this.#nextActivity++;
      const { parent: _, ...rest } = options;
      this.post({ kind: 'start', id, activity, label, options: rest });
      return this.#activity(id);
    },
    message: (level, text) => {
      // What was printed before the message is to be seen before it.
      this.flushOutput();
      this.shown.messages++;
      this.post({ kind: 'message', level, text });
    },
  };

  #activity(id: number): Activity {
    let finished = false;
    return {
      advance: (amount) => this.post({ kind: 'advance', id, amount }),
      detail: (text) => this.post({ kind: 'detail', id, text }),
      finish: (outcome = 'done') => {
        if (!finished) this.post({ kind: 'finish', id, outcome });
        finished = true;
      },
    };
  }

  /** Asks the main thread, and waits for its answer. */
  ask(service: ServiceName, argument: unknown): unknown {
    this.flushOutput();
    Atomics.store(this.#wake, 0, 0);
    this.post({ kind: 'request', service, argument });
    Atomics.wait(this.#wake, 0, 0);
    const received = receiveMessageOnPort(this.#port);
    assert(received !== undefined, 'the main thread replies before it wakes the evaluator');
    const reply = received.message as Reply;
    this.exchanges.push({ service, argument, reply });
    if (reply.kind === 'error') throw unpackFailure(reply.failure);
    return reply.value;
  }
}

const outputChunk = 1 << 15;
