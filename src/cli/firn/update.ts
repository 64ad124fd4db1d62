/** `firn update`: renews the lock file to the archive's newest state. */

import { resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { chooseMirrors, readLock, updateChannel } from '#debian';
import { cacheDirectory } from '#host';
import type { CommandContext } from '../context.ts';
import { usageError } from '../errors.ts';
import { openProgress } from '../progress/open.ts';

interface UpdateOptions {
  readonly lock: string;
  readonly mirror?: string;
  readonly verbose?: boolean;
}

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const options = parse(argv, context);
  if (options === undefined) return 0;
  const progress = await openProgress(context.stderr, {
    verbosity: options.verbose === true ? 4 : 3,
    showLogs: options.verbose === true,
    color: context.color,
  });
  const lockPath = resolve(context.cwd, options.lock);
  try {
    const before = await readLock(lockPath);
    const { lock } = await updateChannel(lockPath, {
      mirrors: chooseMirrors({ mirror: options.mirror }),
      cacheDirectory: cacheDirectory(context.env),
      progress,
      signal: context.signal,
    });
    progress.close();
    for (const [suite, { date }] of Object.entries(lock.suites)) {
      const old = before?.suites[suite]?.date;
      const change = old === undefined ? date : old === date ? `${date} (unchanged)` : `${old} → ${date}`;
      context.stdout.write(`${suite.padEnd(20)} ${change}\n`);
    }
    return 0;
  } finally {
    progress.close();
  }
}

function parse(argv: readonly string[], context: CommandContext): UpdateOptions | undefined {
  const command = new Command('firn update')
    .description(
      "Renews the lock file to the archive's newest state: signatures are verified, and no suite " +
        'goes back behind the state it was pinned to.',
    )
    .option('--lock <file>', 'the lock file', 'firn.lock')
    .option('--mirror <url>', "the Debian mirror (default: this machine's apt sources)")
    .option('-v, --verbose', 'say more')
    .configureOutput({ writeOut: (text) => void context.stdout.write(text), writeErr: () => {} })
    .exitOverride();
  try {
    command.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    throw usageError(error.message.replace(/^error: /, ''), 'firn update');
  }
  return command.opts<UpdateOptions>();
}
