/** How much a Nix command tells and in which form, by its flags and settings. */

import type { CommandContext } from '../context.ts';
import { openNixProgress, parseLogFormat } from '../progress/open.ts';
import type { ClosableProgress } from '../progress/output.ts';
import type { ParsedFlags } from './flags.ts';

/** The elder commands tell what they do; the new-style ones what one should know. */
export type CommandStyle = 'elder' | 'new';

/** C++ Nix's measure of how much is told. */
export function verbosityOf(flags: ParsedFlags, style: CommandStyle = 'elder'): number {
  const usual = style === 'elder' ? 3 : 2;
  if (flags.has('--debug')) return 6;
  return Math.max(0, usual + flags.count('--verbose') - flags.count('--quiet'));
}

/** Opens the renderer; with `--log-format internal-json` errors take that form too. */
export async function openCommandProgress(
  flags: ParsedFlags, context: CommandContext, style: CommandStyle = 'elder',
): Promise<ClosableProgress> {
  const named = flags.last('--log-format');
  const format = named === undefined ? undefined : parseLogFormat(named);
  if (format === 'internal-json') context.report.asJson = true;
  const isLive = context.stderr.isTTY === true;
  return openNixProgress(context.stderr, {
    // A terminal shows by itself what is done; in a log it is to be told.
    verbosity: verbosityOf(flags, style === 'new' && isLive ? 'new' : 'elder'),
    // In a log, the elder commands show builders' output; a terminal shows what they say last.
    showLogs: !flags.has('--no-build-output')
      && (flags.has('--print-build-logs') || (style === 'elder' && !isLive && format !== 'raw')),
    color: context.color,
  }, format, style === 'new');
}
