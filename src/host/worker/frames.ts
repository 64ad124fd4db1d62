/**
 * Runs a task as fast as possible, and gives its errors the frames that C++ Nix shows: what was being
 * evaluated when it came to this.
 *
 * A program runs on the flat heap first, which knows no frames and not all words of errors. What
 * fails there, for whatever reason, runs again in the way that does, and goes on where the first
 * one ended: what it printed is not printed again, and what it asked is not asked again.
 *
 * Collecting frames costs on every call, so an evaluation starts without. When it fails, it is
 * performed once more with frames: evaluation has one result, nobody sees the second one's output,
 * and what the first one asked of the world (builds, downloads) is answered from its replies.
 * A long evaluation is not performed twice: its report says that `--show-trace` shows more.
 */

import { noProgress, UserError, type Progress } from '#base';
import { NixError } from '#diagnostics';
import type { FetchAttribute, FetchResult } from '#eval';
import { counters, Unkept } from '#runtime';
import { unpackFailure } from './failure.ts';
import type { ServiceName } from './protocol.ts';
import type { Exchange, MainThread, Outlet } from './thread-side.ts';

/** Calls and thunks up to which an evaluation is performed again: about a second's work. */
const repeatedWork = 1_000_000;

/** Whether the evaluation did too much to be performed again. */
export function isLong(): boolean {
  return counters.thunksForced + counters.functionCalls > repeatedWork;
}

/** How a task is performed. */
export type Manner = 'fast' | 'plain' | 'traced';
type Perform = (outlet: Outlet, manner: Manner) => unknown;

export interface FramesOptions {
  /** Performs fast. */
  readonly machine: { release(): void } | undefined;
  /** What fails there is not performed again: for tests, which else would not see it. */
  readonly isOnlyFast: boolean;
  readonly showTrace: boolean;
}

/**
 * Performs a task, fast first if there is a machine for that. Errors of the user's Nix code that it throws have
 * frames, unless it did much; with `showTrace` always, and all of them.
 */
export function withFrames(
  main: MainThread, perform: Perform,
  { machine, isOnlyFast, showTrace }: FramesOptions,
): unknown {
  let outlet: Outlet = main;
  if (machine !== undefined) {
    try {
      return perform(main, 'fast');
    } catch (error) {
      if (isOnlyFast || error instanceof Unkept) throw error;
      machine.release();
      outlet = new ResumedOutlet(main);
    }
  }
  if (showTrace) return perform(outlet, 'traced');
  try {
    return perform(outlet, 'plain');
  } catch (error) {
    const isConversation = main.exchanges.some(({ service }) => service === 'converse');
    const mayHaveFrames = error instanceof NixError || error instanceof UserError;
    if (!mayHaveFrames || isLong() || isConversation) throw error;
    throw sameErrorWithFrames(error, main, perform) ?? error;
  }
}

/** The error that the second performance ends with, if it is the same one. */
function sameErrorWithFrames(first: NixError | UserError, main: MainThread, perform: Perform): NixError | undefined {
  try {
    perform(new RecordedOutlet(main), 'traced');
  } catch (second) {
    if (!(second instanceof NixError)) return undefined;
    const { world } = second;
    const isSame = first instanceof NixError ? second.kind === first.kind && second.message === first.message
      : world?.code === first.code && world.message === first.message;
    return isSame ? second : undefined;
  }
  return undefined;
}

/** Answers what was asked before as it was answered then. */
abstract class AnsweringOutlet implements Outlet {
  abstract readonly progress: Progress;
  readonly startTime: number;
  readonly #replies: ReadonlyMap<string, Exchange['reply']>;

  constructor(main: MainThread) {
    this.startTime = main.startTime;
    this.#replies = new Map(main.exchanges.map(({ service, argument, reply }) => [keyOf(service, argument), reply]));
  }

  abstract print(text: string): void;
  abstract converse(answer: unknown): unknown;
  /** What was not asked before. */
  protected abstract ask(service: ServiceName, argument: unknown): unknown;

  realise(elements: readonly string[]): ReadonlyMap<string, string> {
    return this.#answer('realise', elements) as ReadonlyMap<string, string>;
  }

  fetch(kind: string, attributes: ReadonlyMap<string, FetchAttribute>): FetchResult {
    return this.#answer('fetch', { kind, attributes }) as FetchResult;
  }

  resolveSearchPathEntry(entry: string): string | null {
    return this.#answer('resolveSearchPathEntry', entry) as string | null;
  }

  #answer(service: ServiceName, argument: unknown): unknown {
    const reply = this.#replies.get(keyOf(service, argument));
    if (reply === undefined) return this.ask(service, argument);
    if (reply.kind === 'error') throw unpackFailure(reply.failure);
    return reply.value;
  }
}

/** Goes on from where a performance ended: shows what that has not shown, asks what it has not asked. */
class ResumedOutlet extends AnsweringOutlet {
  readonly progress: Progress;
  readonly #main: MainThread;
  #bytesToSkip: number;
  #messagesToSkip: number;

  constructor(main: MainThread) {
    super(main);
    this.#main = main;
    this.#bytesToSkip = main.shown.bytes;
    this.#messagesToSkip = main.shown.messages;
    this.progress = {
      start: (...activity) => main.progress.start(...activity),
      message: (...message) => {
        if (this.#messagesToSkip > 0) this.#messagesToSkip--;
        else main.progress.message(...message);
      },
    };
  }

  print(text: string): void {
    const skipped = Math.min(this.#bytesToSkip, text.length);
    this.#bytesToSkip -= skipped;
    if (skipped < text.length) this.#main.print(text.slice(skipped));
  }

  converse(answer: unknown): unknown {
    return this.#main.converse(answer);
  }

  protected ask(service: ServiceName, argument: unknown): unknown {
    return this.#main.ask(service, argument);
  }
}

/** Shows nothing, and asks nothing new. */
export class RecordedOutlet extends AnsweringOutlet {
  readonly progress = noProgress;

  print(): void {}

  converse(): unknown {
    throw new Unanswered();
  }

  protected ask(): unknown {
    throw new Unanswered();
  }
}

/** The second performance asks what the first one did not. */
export class Unanswered extends Error {}

/** Equal for equal requests. */
function keyOf(service: ServiceName, argument: unknown): string {
  return JSON.stringify([service, argument], (_, value: unknown) =>
    value instanceof Map ? [...value] : typeof value === 'bigint' ? `${value}n` : value);
}
