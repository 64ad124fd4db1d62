/** `nix flake archive` and `nix flake prefetch-inputs`: the sources of a flake and all its inputs. */

import { splitStorePath, type StorePath } from '#formats';
import type { ArchivedFlake } from '#host';
import { copyPaths } from '#store';
import { defineCommand, jsonFlags } from '../command.ts';
import { Peers } from '../peers.ts';
import { flakeCommandFlags, flakeOperand, runFlakeTask } from './flake.ts';

export const archive = defineCommand({
  name: 'nix flake archive',
  operands: '[FLAKE]',
  summary: 'Fetches a flake and all its inputs, and copies them to another store.',
  flags: [
    { names: ['--to'], operands: ['STORE'], description: 'the store to copy to' },
    { names: ['--dry-run'], description: 'fetch and copy nothing; say only where things would be' },
    { names: ['--no-check-sigs'], description: 'copy also what nobody trusted has signed' },
    ...jsonFlags, ...flakeCommandFlags,
  ],
  async run(session) {
    const { flags, context, store } = session;
    const dryRun = flags.has('--dry-run');
    const { archived } = await runFlakeTask(session, flakeOperand(session), { kind: 'archive', dryRun });
    const target = flags.last('--to');
    const progress = await session.openProgress();
    if (target !== undefined && !dryRun) {
      const peers = new Peers(flags, context, progress);
      const [from, to] = [peers.open(undefined), peers.open(target)];
      try {
        const withoutSignatures = flags.has('--no-check-sigs');
        await copyPaths(from.peer, to.peer, sourcesOf(archived!, store.storeDirectory), {
          progress, signal: context.signal, withoutSignatures,
          ...(to.store !== undefined && !withoutSignatures ? { believes: peers.believer(to.peer.storeDirectory) } : {}),
        });
      } finally {
        await from.close();
        await to.close();
      }
    }
    progress.close();
    if (flags.has('--json')) session.printJson(archived);
  },
});

export const prefetchInputs = defineCommand({
  name: 'nix flake prefetch-inputs',
  operands: '[FLAKE]',
  summary: 'Fetches the inputs of a flake.',
  flags: flakeCommandFlags,
  async run(session) {
    const { failed = 0 } = await runFlakeTask(session, flakeOperand(session), { kind: 'prefetchInputs' });
    return failed > 0 ? 1 : 0;
  },
});

function sourcesOf({ path, inputs }: ArchivedFlake, storeDirectory: string): StorePath[] {
  const own = path === undefined ? undefined : splitStorePath(path, storeDirectory)?.storePath;
  const inner = Object.values(inputs).flatMap((one) => sourcesOf(one, storeDirectory));
  return [...new Set([...(own === undefined ? [] : [own]), ...inner])];
}
