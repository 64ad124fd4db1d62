/**
 * `nix copy`: copies store paths with all they refer to, between any two stores: this one, others
 * in folders, daemons, hosts behind ssh, and binary caches.
 *
 * What comes into a store of this machine needs a signature by a trusted key, unless --no-check-sigs
 * says otherwise.
 */

import { UserError } from '#base';
import { derivationExtension, type StorePath } from '#formats';
import { copyPaths, describe, type CachePeer, type LocalStore, type StorePeer } from '#store';
import { usageError } from '../errors.ts';
import { defineCommand, type CommandSession } from './command.ts';
import { copyFlags } from './copy-flags.ts';
import {
  buildInstallables, derivationsOf, knownPaths, outPathsOf, resolveInstallables, splitOutputs, storePathFlags,
} from './installables.ts';
import { Peers, type OpenedPeer } from './peers.ts';
import { followToStorePath } from './store-command.ts';

export const { run } = defineCommand({
  name: 'nix copy',
  operands: '--to URL | --from URL INSTALLABLES',
  summary: 'Copies store paths with all they refer to between two stores.',
  flags: [
    ...copyFlags,
    { names: ['--no-check-sigs'], description: 'take paths without a trusted signature' },
    { names: ['--substitute-on-destination', '-s'], description: 'let the receiver try its own caches first' },
    { names: ['--no-recursive'], description: 'copy the paths alone, not what they refer to' },
    { names: ['--recursive', '-r'], description: 'accepted and ignored: closures are copied unless --no-recursive says otherwise' },
    ...storePathFlags,
  ],
  async run(session) {
    const { flags } = session;
    const [from, to] = [flags.last('--from'), flags.last('--to')];
    if (from === undefined && to === undefined) throw usageError('Either --to or --from is required', session.name);
    if (flags.operands.length === 0 && !['--all', '--stdin', '--file', '--expr'].some((flag) => flags.has(flag))) {
      throw usageError('No path is given', session.name);
    }
    const progress = await session.openProgress();
    const peers = new Peers(flags, session.context, progress);
    const opened: OpenedPeer[] = [];
    const open = (name: string | undefined): OpenedPeer => {
      const peer = peers.open(name);
      opened.push(peer);
      return peer;
    };
    try {
      const source = open(from);
      const target = open(to);
      const paths = await pathsToCopy(session, source, from);
      const believes = peers.believer(target.peer.storeDirectory);
      const copied = await copyPaths(source.peer, target.peer, paths, {
        progress, signal: session.context.signal, substitute: flags.has('--substitute-on-destination'),
        withoutClosure: flags.has('--no-recursive'), withoutSignatures: flags.has('--no-check-sigs'),
        ...(target.store !== undefined && !flags.has('--no-check-sigs') && !/[?&]require-sigs=false(&|$)/.test(to ?? '')
          ? { believes } : {}),
      });
      if (target.cache !== undefined) {
        const fresh = new Set(copied.map((info) => info.path));
        const all = await describe(source.peer, paths, { withoutClosure: flags.has('--no-recursive') });
        await target.cache.sign([...all.values()].filter((info) => !fresh.has(info.path)));
        if (source.store !== undefined) await copyRealisations(source.store, target.cache, fresh);
      }
    } finally {
      for (const peer of opened) await peer.close();
    }
  },
});

/** What the operands mean: in our store built if need be, in others as they are. */
async function pathsToCopy(
  session: CommandSession, source: OpenedPeer, from: string | undefined,
): Promise<StorePath[]> {
  const { flags } = session;
  if (flags.has('--all')) {
    if (source.store === undefined) throw usageError('--all goes with a source on this machine', session.name);
    return source.store.allValidPaths();
  }
  if (from !== undefined && (flags.has('--file') || flags.has('--expr'))) {
    return outPathsOf(knownPaths(session, await resolveInstallables(session)));
  }
  if (from !== undefined) return remotePaths(session, source.peer);
  const installables = await resolveInstallables(session);
  if (flags.has('--derivation')) return derivationsOf(session, installables);
  return outPathsOf(await buildInstallables(session, installables.map((one) => ({
    ...one,
    // A derivation stands for its outputs.
    derived: one.derived.map((path) => (path.kind === 'path' && path.path.endsWith(derivationExtension)
      ? { kind: 'built' as const, drvPath: path.path, outputs: 'all' as const } : path)),
  }))));
}

/** Outputs whose paths follow from their content are found by what built them. */
async function copyRealisations(store: LocalStore, cache: CachePeer, paths: ReadonlySet<StorePath>): Promise<void> {
  for (const path of paths) {
    const drvPath = store.queryPathInfo(path)?.deriver;
    if (drvPath === undefined || !store.isValidPath(drvPath)) continue;
    for (const [output, { kind }] of store.readDerivation(drvPath).outputs) {
      const realisation = kind === 'floating' ? store.queryRealisation(drvPath, output) : undefined;
      if (realisation?.path === path) await cache.registerRealisation(realisation);
    }
  }
}

/** Operands are paths, or derivations with outputs that the other store knows. */
async function remotePaths(session: CommandSession, peer: StorePeer): Promise<StorePath[]> {
  const found: StorePath[] = [];
  for (const operand of session.flags.operands) {
    const { text, outputs } = splitOutputs(operand);
    if (outputs !== undefined) {
      throw new UserError('OUTPUTS_UNKNOWN', `the outputs of '${text}' are not known in store '${peer.name}'`, {
        hint: 'Name the paths of its outputs',
      });
    }
    found.push(followToStorePath(session, text));
  }
  return found;
}
