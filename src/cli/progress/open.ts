/** Chooses the progress renderer: what `--log-format` says, else live on a terminal, plain lines elsewhere. */

import { unknownLogFormat } from '../errors.ts';
import type { ClosableProgress, ProgressChoice, SummingProgress, TerminalOutput } from './output.ts';

export type LogFormat = 'raw' | 'raw-with-logs' | 'bar' | 'bar-with-logs' | 'internal-json';

/** For Firn's own commands: sums up work by its kind. */
export async function openProgress(out: TerminalOutput, choice: ProgressChoice): Promise<SummingProgress> {
  if (isLive(out)) return openTerminal(out, choice);
  const { LineProgress } = await import('./line-progress.ts');
  return new LineProgress(out, choice.verbosity);
}

/** For Nix's commands: in a log what C++ Nix writes there. */
export async function openNixProgress(
  out: TerminalOutput, choice: ProgressChoice, format: LogFormat | undefined, isNewStyle: boolean,
): Promise<ClosableProgress> {
  if (format === 'internal-json') {
    const { JsonProgress } = await import('./json-progress.ts');
    return new JsonProgress(out, process.pid, choice.verbosity);
  }
  const shown = { ...choice, showLogs: choice.showLogs || format?.endsWith('-with-logs') === true };
  if (isLive(out) && format?.startsWith('raw') !== true) return openTerminal(out, shown);
  const { RawProgress } = await import('./raw-progress.ts');
  // The elder commands show builders' output unless told not to; here -Q has been taken into account.
  return new RawProgress(out, shown, { namesBuilds: format === undefined ? isNewStyle : !format.startsWith('raw') });
}

/** The operand of `--log-format`; `multiline` formats are what `bar` is here anyway. */
export function parseLogFormat(text: string): LogFormat {
  const name = text.replace(/^multiline/, 'bar');
  if (/^(raw|bar)(-with-logs)?$|^internal-json$/.test(name)) return name as LogFormat;
  throw unknownLogFormat(text);
}

// A terminal of no height (some recorders and CI runners give one) shows no block.
function isLive(out: TerminalOutput): boolean {
  return out.isTTY === true && out.rows !== 0;
}

async function openTerminal(out: TerminalOutput, choice: ProgressChoice): Promise<SummingProgress> {
  const { TerminalProgress } = await import('./terminal-progress.ts');
  return new TerminalProgress(out, choice);
}
