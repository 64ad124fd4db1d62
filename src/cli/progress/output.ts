/** What the progress renderers write to, what they are to their users, and how much they tell. */

import type { ActivityKind, Progress } from '#base';

/** Where progress goes: standard error, or a test's buffer. */
export interface Output {
  write(text: string): unknown;
}

export interface TerminalOutput extends Output {
  readonly columns?: number;
  readonly rows?: number;
  readonly isTTY?: boolean;
}

/** A renderer; `close` writes the sums and gives the terminal back. It may be used again after. */
export interface ClosableProgress extends Progress {
  close(): void;
}

/** One that sums up work by its kind. */
export interface SummingProgress extends ClosableProgress {
  /**
   * When bytes last came in work of this kind, in milliseconds as `performance.now` counts them;
   * undefined if none did. To be asked before `close`.
   */
  lastBytesAt(kind: ActivityKind): number | undefined;
}

export interface ProgressChoice {
  /** C++ Nix's measure: 0 errors, 1 warnings, 2 notices, 3 what is done, 4 and up ever more. */
  readonly verbosity: number;
  /** Whether builders' output is shown as it comes. */
  readonly showLogs: boolean;
  readonly color: boolean;
}

export type MessageLevel = Parameters<Progress['message']>[0];

/** C++ Nix's number of a level. */
export const levelNumbers: Readonly<Record<MessageLevel, number>> = {
  error: 0, warning: 1, notice: 2, info: 3, debug: 4, chatty: 5,
};

export function isShown(level: MessageLevel, verbosity: number): boolean {
  return levelNumbers[level] <= verbosity;
}
