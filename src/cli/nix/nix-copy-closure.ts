/**
 * `nix-copy-closure`: copies store paths with all they refer to, to another machine or from one, by
 * ssh. Whoever may log in there is trusted: signatures are not looked at.
 */

import { isDerivationPath } from '#formats';
import { copyPaths, LocalPeer, LocalStore } from '#store';
import type { CommandContext } from '../context.ts';
import { usageError } from '../errors.ts';
import { chosenStore } from './evaluation.ts';
import { commonFlags } from './evaluation-flags.ts';
import { describeFlags, parseFlags, type Flag } from './flags.ts';
import { Peers } from './peers.ts';
import { openCommandProgress } from './progress.ts';
import { followToStorePath, outputsOf } from './store-command.ts';
import { writeVersion } from './version.ts';

const table: readonly Flag[] = [
  { names: ['--to'], description: 'copy to the host (the default)' },
  { names: ['--from'], description: 'copy from the host' },
  { names: ['--include-outputs'], description: 'copy the outputs of derivations too' },
  { names: ['--use-substitutes', '-s'], description: 'let the other end try its own binary caches first' },
  { names: ['--dry-run'], description: 'print what would be copied' },
  { names: ['--gzip'], description: 'accepted and ignored: ssh compresses, if it is told to' },
  { names: ['--bzip2', '--xz'], description: 'accepted and ignored' },
  { names: ['--show-progress'], description: 'accepted and ignored' },
  { names: ['--option'], operands: ['NAME', 'VALUE'], description: 'set a setting of nix.conf' },
  ...commonFlags,
];

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const flags = parseFlags('nix-copy-closure', table, argv, context);
  if (flags.has('--help')) {
    context.stdout.write(describeFlags(
      'nix-copy-closure [--to | --from] [FLAGS] USER@HOST PATHS',
      'Copies store paths with all they refer to between two machines.', table));
    return 0;
  }
  if (flags.has('--version')) return writeVersion('nix-copy-closure', context, flags);
  const [host, ...operands] = flags.operands;
  if (host === undefined) throw usageError('no host name specified', 'nix-copy-closure');
  if (flags.has('--to') && flags.has('--from')) throw usageError('--to and --from exclude each other', 'nix-copy-closure');
  const progress = await openCommandProgress(flags, context);
  const store = new LocalStore(chosenStore(flags, context));
  const there = new Peers(flags, context, progress).openBuilder(/:\/\//.test(host) ? host : `ssh://${host}`);
  try {
    let paths = operands.map((operand) => followToStorePath({ store, context }, operand));
    if (flags.has('--include-outputs') && !flags.has('--from')) {
      const outputs = store.closureOf(paths).filter(isDerivationPath).flatMap((path) => outputsOf(store, path));
      paths = [...paths, ...outputs.filter((path) => store.isValidPath(path))];
    }
    const here = new LocalPeer(store);
    const [from, to] = flags.has('--from') ? [there, here] : [here, there];
    const missing = await copyPaths(from, to, paths, {
      substitute: flags.has('--use-substitutes'), withoutSignatures: true, dryRun: flags.has('--dry-run'),
      progress, signal: context.signal,
    });
    if (flags.has('--dry-run')) for (const { path } of missing) context.stderr.write(`copying path '${path}'\n`);
    return 0;
  } finally {
    progress.close();
    await there.close();
    store.close();
  }
}
