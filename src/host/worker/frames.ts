/**
 * Gives errors the frames that C++ Nix shows: what was being evaluated when it came to this.
 *
 * Collecting frames costs on every call, so an evaluation starts without. When it fails, it is
 * performed once more with frames: evaluation has one result, nobody sees the second one's output,
 * and what the first one asked of the world (builds, downloads) is answered from its replies.
 * A long evaluation is not performed twice: its report says that `--show-trace` shows more.
 */

import { noProgress, UserError } from '#base';
import { NixError } from '#diagnostics';
import type { FetchAttribute, FetchResult } from '#eval';
import { counters } from '#runtime';
import { unpackFailure } from './failure.ts';
import type { ServiceName } from './protocol.ts';
import type { Exchange, MainThread, Outlet } from './thread-side.ts';

/** Calls and thunks up to which an evaluation is performed again: about a second's work. */
const repeatedWork = 1_000_000;

/** Whether the evaluation did too much to be performed again. */
export function isLong(): boolean {
  return counters.thunksForced + counters.functionCalls > repeatedWork;
}

type Perform = (outlet: Outlet, traced: boolean) => unknown;

/** Performs a task; errors of the user's Nix code that it throws have frames, unless it did much. */
export function withFrames(main: MainThread, perform: Perform): unknown {
  try {
    return perform(main, false);
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
    perform(new RecordedOutlet(main), true);
  } catch (second) {
    if (!(second instanceof NixError)) return undefined;
    const { world } = second;
    const isSame = first instanceof NixError ? second.kind === first.kind && second.message === first.message
      : world?.code === first.code && world.message === first.message;
    return isSame ? second : undefined;
  }
  return undefined;
}

/** Shows nothing, and answers what was asked before as it was answered then. */
export class RecordedOutlet implements Outlet {
  readonly progress = noProgress;
  readonly startTime: number;
  readonly #replies: ReadonlyMap<string, Exchange['reply']>;

  constructor(main: MainThread) {
    this.startTime = main.startTime;
    this.#replies = new Map(main.exchanges.map(({ service, argument, reply }) => [keyOf(service, argument), reply]));
  }

  print(): void {}

  converse(): unknown {
    throw new Unanswered();
  }

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
    if (reply === undefined) throw new Unanswered();
    if (reply.kind === 'error') throw unpackFailure(reply.failure);
    return reply.value;
  }
}

/** The second performance asks what the first one did not. */
export class Unanswered extends Error {}

/** Equal for equal requests. */
function keyOf(service: ServiceName, argument: unknown): string {
  return JSON.stringify([service, argument], (_, value: unknown) =>
    value instanceof Map ? [...value] : typeof value === 'bigint' ? `${value}n` : value);
}
