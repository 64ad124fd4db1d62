/** How much a Nix command tells and in which form, by its flags and settings. */

import { appendFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { CommandContext } from '../context.ts';
import { openNixProgress, parseLogFormat } from '../progress/open.ts';
import type { ClosableProgress } from '../progress/output.ts';
import type { ParsedFlags } from './flags.ts';
import { settingsOf } from './settings.ts';

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
  // A terminal shows by itself what is done; in a log it is to be told.
  const verbosity = verbosityOf(flags, style === 'new' && isLive ? 'new' : 'elder');
  const shown = await openNixProgress(context.stderr, {
    verbosity,
    // In a log, the elder commands show builders' output; a terminal shows what they say last.
    showLogs: !flags.has('--no-build-output')
      && (flags.has('--print-build-logs') || (style === 'elder' && !isLive && format !== 'raw')),
    color: context.color,
  }, format, style === 'new');
  const settings = settingsOf(flags, context);
  const file = settings.text('json-log-path') ?? '';
  return file === '' ? shown : keepLog(shown, resolve(context.cwd, file), verbosity);
}

/** Keeps in a file what `--log-format internal-json` would show, an object a line. */
async function keepLog(shown: ClosableProgress, file: string, verbosity: number): Promise<ClosableProgress> {
  const [{ JsonProgress }, { TeeProgress }] = await Promise.all([
    import('../progress/json-progress.ts'), import('../progress/tee-progress.ts'),
  ]);
  const write = (text: string) => { appendFileSync(file, text.replace(/^@nix /gm, '')); };
  return new TeeProgress(shown, new JsonProgress({ write }, process.pid, verbosity));
}
