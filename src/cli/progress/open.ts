/** Chooses the progress renderer: live on a terminal, plain lines elsewhere. */

import type { Progress } from '#base';

/** Where progress goes: standard error, or a test's buffer. */
export interface Output {
  write(text: string): unknown;
}

export interface TerminalOutput extends Output {
  readonly columns?: number;
  readonly isTTY?: boolean;
}

/** A renderer; `close` writes the sums and gives the terminal back. It may be used again after. */
export interface ClosableProgress extends Progress {
  close(): void;
}

export interface ProgressChoice {
  readonly verbose: boolean;
  readonly color: boolean;
}

/** Opens the renderer that fits `out`. The terminal one is loaded only where it is used. */
export async function openProgress(
  out: TerminalOutput,
  choice: ProgressChoice,
): Promise<ClosableProgress> {
  if (out.isTTY === true) {
    const { TerminalProgress } = await import('./terminal-progress.ts');
    return new TerminalProgress(out, choice);
  }
  const { LineProgress } = await import('./line-progress.ts');
  return new LineProgress(out, choice.verbose);
}
