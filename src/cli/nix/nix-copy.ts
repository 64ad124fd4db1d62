/**
 * `nix copy`: copies store paths with all they refer to, between any two stores: this one, others
 * in folders, daemons, hosts behind ssh, and binary caches.
 *
 * What comes into a store of this machine needs a signature by a trusted key, unless --no-check-sigs
 * says otherwise.
 */

import { resolve } from 'node:path';
import type { StorePath } from '#formats';
import {
  copyPaths, createGeneration, describe, LocalPeer, operationUnsupported, switchLink, type LocalStore,
} from '#store';
import { outputNotBuilt, usageError } from '../errors.ts';
import { defineCommand, type CommandSession } from './command.ts';
import { copyFlags } from './copy-flags.ts';
import { copyRealisations, realisationAt, type NamedOutput } from './copy-realisations.ts';
import {
  buildInstallables, derivationsOf, knownPaths, outPathsOf, resolveInstallables, splitOutputs, storePathFlags,
  type Installable,
} from './installables.ts';
import { Peers, type OpenedPeer } from './peers.ts';
import { addRoot } from './roots.ts';
import { followToStorePath } from './store-command.ts';

export const { run, usage } = defineCommand({
  name: 'nix copy',
  operands: '--to URL | --from URL INSTALLABLES',
  summary: 'Copies store paths with all they refer to between two stores.',
  flags: [
    ...copyFlags,
    { names: ['--no-check-sigs'], description: 'take paths without a trusted signature' },
    { names: ['--substitute-on-destination', '-s'], description: 'let the receiver try its own caches first' },
    { names: ['--no-recursive'], description: 'copy the paths alone, not what they refer to' },
    { names: ['--recursive', '-r'], description: 'accepted and ignored: closures are copied unless --no-recursive says otherwise' },
    { names: ['--profile'], operands: ['PATH'], description: 'make the copy the newest generation of a profile' },
    { names: ['--out-link', '-o'], operands: ['PATH'], description: 'make a link to the copy, which keeps it' },
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
      const trusts = target.store === undefined || flags.has('--no-check-sigs') || /[?&]require-sigs=false(&|$)/.test(to ?? '');
      const { paths, named } = await pathsToCopy(session, source, from);
      const closure = await describe(source.peer, paths, { withoutClosure: flags.has('--no-recursive') });
      const copied = await copyPaths(source.peer, target.peer, paths, {
        progress, signal: session.context.signal, substitute: flags.has('--substitute-on-destination'),
        withoutClosure: flags.has('--no-recursive'), withoutSignatures: flags.has('--no-check-sigs'),
        ...(trusts ? {} : { believes: peers.believer(target.peer.storeDirectory) }),
      });
      if (target.cache !== undefined) {
        const fresh = new Set(copied.map((info) => info.path));
        await target.cache.sign([...closure.values()].filter((info) => !fresh.has(info.path)));
      }
      const trust = peers.trust();
      await copyRealisations({
        from: source.peer, to: target.peer, derivations: session.workspace().goalStore,
        believes: trusts ? undefined : (one) => trust.believesRealisation(one),
      }, named, new Set(closure.keys()), [...closure.values()].flatMap(({ deriver }) => deriver ?? []));
      if (target.store !== undefined) keepCopies(session, target.store, paths);
    } finally {
      for (const peer of opened) await peer.close();
    }
  },
});

/** Makes the links that flags want. */
function keepCopies({ flags, context, name }: CommandSession, store: LocalStore, paths: readonly StorePath[]): void {
  const link = flags.last('--out-link');
  if (link !== undefined) {
    paths.forEach((path, index) => addRoot(store, resolve(context.cwd, index === 0 ? link : `${link}-${index}`), path));
  }
  const profile = flags.last('--profile');
  if (profile === undefined) return;
  const [path] = paths;
  if (path === undefined || paths.length > 1) {
    throw usageError(
      `'--profile' requires that the arguments produce a single store path, but there are ${paths.length}`, name);
  }
  const place = resolve(context.cwd, profile);
  switchLink(place, createGeneration(store, place, path));
}

/** Paths to copy, and the outputs that they are wanted as. */
interface Wanted {
  readonly paths: readonly StorePath[];
  readonly named: readonly NamedOutput[];
}

/** What the operands mean: in our store built if need be, in others as they are. */
async function pathsToCopy(session: CommandSession, source: OpenedPeer, from: string | undefined): Promise<Wanted> {
  const { flags } = session;
  if (flags.has('--all')) {
    if (source.peer.queryAllValidPaths === undefined) throw operationUnsupported(source.peer.name, 'queryAllValidPaths');
    return { paths: await source.peer.queryAllValidPaths(), named: [] };
  }
  if (from !== undefined && (flags.has('--file') || flags.has('--expr'))) {
    return known(session, source, await resolveInstallables(session));
  }
  if (from !== undefined) return remotePaths(session, source);
  const installables = await resolveInstallables(session);
  if (flags.has('--derivation')) return { paths: derivationsOf(session, installables), named: [] };
  const built = await buildInstallables(session, installables);
  return {
    paths: outPathsOf(built),
    named: built.flatMap((one) => (one.kind === 'built' ? [...one.outputs.keys()].map((output) => ({ drvPath: one.drvPath, output })) : [])),
  };
}

/** What the installables' outputs are in the source, which may know what was built to them. */
async function known(
  session: CommandSession, { peer }: Pick<OpenedPeer, 'peer'>, installables: readonly Installable[],
): Promise<Wanted> {
  const paths: StorePath[] = [];
  const named: NamedOutput[] = [];
  for (const one of knownPaths(session, installables)) {
    if (one.kind === 'path') paths.push(one.path);
    else {
      for (const [output, path] of one.outputs as ReadonlyMap<string, StorePath | undefined>) {
        const realised = path === undefined
          ? await realisationAt(peer, session.workspace().goalStore, one.drvPath, output) : undefined;
        const found = path ?? realised?.path;
        if (found === undefined) throw outputNotBuilt(one.drvPath, output);
        paths.push(found);
        named.push({ drvPath: realised?.drvPath ?? one.drvPath, output });
      }
    }
  }
  return { paths, named };
}

/** Operands are paths, or derivations with outputs; the source may have the derivations. */
async function remotePaths(session: CommandSession, source: OpenedPeer): Promise<Wanted> {
  const paths: StorePath[] = [];
  const named: NamedOutput[] = [];
  for (const operand of session.flags.operands) {
    const { text, outputs } = splitOutputs(operand);
    const path = followToStorePath(session, text);
    if (outputs === undefined) {
      paths.push(path);
      continue;
    }
    const here = session.workspace().store;
    if (!here.isValidPath(path)) await copyPaths(source.peer, new LocalPeer(here), [path], { withoutSignatures: true });
    const found = await known(session, source, [{ text: operand, derived: [{ kind: 'built', drvPath: path, outputs }] }]);
    paths.push(...found.paths);
    named.push(...found.named);
  }
  return { paths, named };
}
