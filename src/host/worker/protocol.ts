/**
 * What the evaluator's thread and the main thread say to each other.
 *
 * The evaluator never waits for a promise. When it needs something that takes time (a build, a
 * download), it posts a request, sleeps on a shared integer, and takes the reply from its port when
 * the main thread has woken it. All else flows one way, from the evaluator to the main thread.
 */

import type { MessagePort } from 'node:worker_threads';
import type { ActivityKind, ActivityOptions, Progress } from '#base';
import type { SearchPathEntry } from '#runtime';
import type { SharedHeap } from '../images/shared-heap.ts';
import type { Revision } from '../results/revision.ts';
import type { Environment } from '../settings.ts';
import type { ChosenStore } from '../store-location.ts';

/** Everything that the evaluator's thread is started with; a structured clone. */
export interface ThreadInput {
  /** Module that exports `run(session, input)`. */
  readonly task: string;
  readonly input: unknown;
  readonly environment: Environment;
  readonly settingOverrides: readonly (readonly [string, string])[];
  readonly includes: readonly string[];
  /** Entries after the user's own: channels. */
  readonly usualEntries: readonly { readonly prefix: string; readonly path: string }[];
  /** Entries that stand behind all others: what Firn itself provides. */
  readonly lastEntries: readonly SearchPathEntry[];
  readonly workingDirectory: string;
  readonly store: ChosenStore;
  readonly cacheDirectory: string;
  /** Whether errors are rendered with colours. */
  readonly color: boolean;
  /** With it, errors are rendered briefly; files below are the tree's own. A byte string. */
  readonly treeRoot: string | undefined;
  /** Stops where the program fails or says so, and lets somebody look around. */
  readonly debugger: DebuggerDisplay | undefined;
  /** Digest of the program, if the result is to be kept. */
  readonly program: string | undefined;
  /** How to perform the task, if that is not anew. */
  readonly revision: Revision | undefined;
  /** The machine's heap, if it is read from an image by both threads. */
  readonly sharedHeap: SharedHeap | undefined;
  readonly port: MessagePort;
  /** 0 while a request waits for its reply, then 1. */
  readonly wake: SharedArrayBuffer;
}

/** How a debugger shows things. */
export interface DebuggerDisplay {
  readonly colorOutput: boolean;
  readonly rawMarkdown: boolean;
}

export type ServiceName = 'realise' | 'fetch' | 'resolveSearchPathEntry' | 'converse';

export type FromThread =
  | { readonly kind: 'request'; readonly service: ServiceName; readonly argument: unknown }
  | { readonly kind: 'output'; readonly bytes: Uint8Array }
  | { readonly kind: 'message'; readonly level: Parameters<Progress['message']>[0]; readonly text: string }
  | { readonly kind: 'start'; readonly id: number; readonly activity: ActivityKind; readonly label: string;
      readonly options: Omit<ActivityOptions, 'parent'> }
  | { readonly kind: 'advance'; readonly id: number; readonly amount: number }
  | { readonly kind: 'detail'; readonly id: number; readonly text: string }
  | { readonly kind: 'finish'; readonly id: number; readonly outcome: 'done' | 'failed' }
  | { readonly kind: 'done'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly failure: Failure }
  /** It cannot be performed as a revision. */
  | { readonly kind: 'refused' };

export type Reply =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'error'; readonly failure: Failure };

/** An error as it travels between threads. */
export type Failure =
  | { readonly kind: 'user'; readonly code: string; readonly message: string; readonly hint: string | undefined;
      readonly causes: readonly string[]; readonly rendered: string | undefined }
  | { readonly kind: 'nix'; readonly name: string; readonly message: string; readonly rendered: string;
      readonly exitStatus: number }
  | { readonly kind: 'internal'; readonly message: string; readonly stack: string };
