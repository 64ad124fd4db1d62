/**
 * `BlockingPeer`: asks a peer and waits for the answer without a promise.
 *
 * `Store` answers at once, and a connection cannot: so the peer lives in a thread of its own, and
 * the asking thread sleeps until it has answered. The thread is started by the first question. What
 * is thrown there is thrown here.
 */

import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import { UserError } from '#base';
import { connectionBroken } from './errors.ts';
import type { PeerRequest } from './open-peer.ts';
import type { PeerQuestions } from './peer-questions.ts';

/** What goes to the thread when it starts. */
export interface PeerThreadData {
  readonly request: PeerRequest;
  readonly port: MessagePort;
  /** Not zero when an answer is there. */
  readonly answered: SharedArrayBuffer;
}

export type PeerAnswer =
  | { readonly value: unknown }
  | { readonly failure: { readonly code?: string; readonly message: string; readonly hint?: string } };

/** How long a thread may be silent before it is looked at: it may have died. */
const lookMilliseconds = 5000;

export class BlockingPeer {
  readonly #request: PeerRequest;
  #thread: { readonly worker: Worker; readonly port: MessagePort; readonly answered: Int32Array } | undefined;

  constructor(request: PeerRequest) {
    this.#request = request;
  }

  ask<Name extends keyof PeerQuestions>(
    question: Name, ...args: Parameters<PeerQuestions[Name]>
  ): Awaited<ReturnType<PeerQuestions[Name]>> {
    const { worker, port, answered } = this.#thread ??= start(this.#request);
    Atomics.store(answered, 0, 0);
    port.postMessage({ question, args });
    while (Atomics.wait(answered, 0, 0, lookMilliseconds) === 'timed-out') {
      if (worker.threadId < 0) throw connectionBroken(this.#request.name, 'the thread that speaks with it has ended', '');
    }
    const { message } = receiveMessageOnPort(port) as { message: PeerAnswer };
    if ('failure' in message) throw errorOf(message.failure);
    return message.value as Awaited<ReturnType<PeerQuestions[Name]>>;
  }

  /** Ends the connection. */
  async close(): Promise<void> {
    if (this.#thread === undefined) return;
    try {
      this.ask('close');
    } finally {
      await this.#thread.worker.terminate();
      this.#thread = undefined;
    }
  }
}

function start(request: PeerRequest) {
  const { port1, port2 } = new MessageChannel();
  const answered = new SharedArrayBuffer(4);
  const workerData: PeerThreadData = { request, port: port2, answered };
  const worker = new Worker(new URL('./peer-thread.ts', import.meta.url), {
    workerData, transferList: [port2], stdout: false, stderr: false,
  });
  // Nobody waits for the thread but who asks.
  worker.unref();
  port1.unref();
  return { worker, port: port1, answered: new Int32Array(answered) };
}

function errorOf({ code, message, hint }: Extract<PeerAnswer, { failure: unknown }>['failure']): Error {
  return code === undefined ? new Error(message) : new UserError(code, message, hint === undefined ? {} : { hint });
}
