/** What the progress renderers write to, and what they are to their users. */

import type { Progress } from '#base';

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
