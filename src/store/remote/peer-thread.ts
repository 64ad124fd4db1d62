/** The thread in which a `BlockingPeer`'s connection lives: answers one question after the other. */

import { workerData } from 'node:worker_threads';
import { UserError } from '#base';
import type { PeerAnswer, PeerThreadData } from './blocking-peer.ts';
import { openPeer } from './open-peer.ts';
import { answerer, type PeerQuestions } from './peer-questions.ts';

const { request, port, answered } = workerData as PeerThreadData;
const flag = new Int32Array(answered);
let questions: PeerQuestions | undefined;

port.on('message', ({ question, args }: { question: keyof PeerQuestions; args: never[] }) => {
  void answer(question, args).then((message) => {
    port.postMessage(message);
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
  });
});

async function answer(question: keyof PeerQuestions, args: never[]): Promise<PeerAnswer> {
  try {
    questions ??= answerer(openPeer(request));
    return { value: await (questions[question] as (...all: never[]) => Promise<unknown>)(...args) };
  } catch (error) {
    const { message, stack = message } = error as Error;
    if (!(error instanceof UserError)) return { failure: { message: stack } };
    return { failure: { code: error.code, message, ...(error.hint === undefined ? {} : { hint: error.hint }) } };
  }
}
