/** Chooses the progress renderer: live on a terminal, plain lines elsewhere. */

import type { ClosableProgress, TerminalOutput } from './output.ts';

export interface ProgressChoice {
  readonly verbose: boolean;
  readonly color: boolean;
}

/** Opens the renderer that fits `out`. The terminal one is loaded only where it is used. */
export async function openProgress(
  out: TerminalOutput,
  choice: ProgressChoice,
): Promise<ClosableProgress> {
  // A terminal of no height (some recorders and CI runners give one) shows no block.
  if (out.isTTY === true && out.rows !== 0) {
    const { TerminalProgress } = await import('./terminal-progress.ts');
    return new TerminalProgress(out, choice);
  }
  const { LineProgress } = await import('./line-progress.ts');
  return new LineProgress(out, choice.verbose);
}
