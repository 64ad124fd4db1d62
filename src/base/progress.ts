/**
 * Progress: how long work tells its watcher what it is doing.
 *
 * Every layer that downloads, unpacks, compresses or writes takes a `Progress` and opens an
 * `Activity` on it; only `cli` and `web` implement it. Nothing here prints. `noProgress` is the
 * one for callers that do not watch.
 */

/** What an activity does; the renderer chooses its verb and its place by it. */
export type ActivityKind =
  | 'evaluate'
  | 'download'
  | 'unpack'
  | 'build'
  | 'compress'
  | 'write'
  | 'copy'
  | 'verify'
  | 'wait';

/** What an activity is about, for renderers that tell more than its label. */
export type ActivitySubject =
  /** The build of one derivation. */
  | { readonly kind: 'derivation'; readonly drvPath: string }
  /** A store path that comes from elsewhere. */
  | { readonly kind: 'path'; readonly path: string; readonly source: string }
  /** All builds of a run: each derivation with those among them that it waits for. */
  | { readonly kind: 'plan'; readonly inputs: ReadonlyMap<string, readonly string[]> };

/** One piece of running work. `advance` may be called often; renderers sample. */
export interface Activity {
  /** Adds to the work done, in the unit of `total`. */
  advance(amount: number): void;
  /** Sets what is being worked on just now, for example a file name. */
  detail(text: string): void;
  /** A line of the output of the program that does the work. */
  log?(line: string): void;
  /** Ends the activity. Idempotent. `failed` marks it so. */
  finish(outcome?: 'done' | 'failed'): void;
}

export interface ActivityOptions {
  /** The whole amount of work, if it is known. */
  readonly total?: number;
  /** What `total` and `advance` count. Default: items. */
  readonly unit?: 'bytes' | 'items';
  /** The activity of which this one is a part. */
  readonly parent?: Activity;
  readonly subject?: ActivitySubject;
}

export interface Progress {
  /** Whether the output of programs is shown as it comes: then no report need repeat it. */
  readonly showsLogs?: boolean;
  start(kind: ActivityKind, label: string, options?: ActivityOptions): Activity;
  /** A line for the user that stays: a warning, a rename notice, a builder's output. */
  message(level: 'error' | 'warning' | 'notice' | 'info' | 'debug' | 'chatty', text: string): void;
}

const idle: Activity = { advance() {}, detail() {}, finish() {} };

/** Watches nothing. */
export const noProgress: Progress = { start: () => idle, message() {} };
