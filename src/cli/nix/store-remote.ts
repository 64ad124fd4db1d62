/**
 * `nix-store` on a store that a daemon serves, here or behind ssh: the operations that the protocol
 * has, with the same output as on a store of our own.
 */

import { createReadStream, lstatSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { encodeUtf8, formatPrefixedHash, parseHashAlgorithm, type HashAlgorithm } from '#base';
import {
  derivationExtension, isDerivationPath, parseStorePath, splitStorePath, type IngestionMethod, type StorePath,
} from '#formats';
import {
  bytePath, describe, failureCode, narPieces, succeeded, type Buildable, type DaemonPeer, type ValidPathInfo,
} from '#store';
import { builtElsewhereFailed } from '#system';
import type { CommandContext } from '../context.ts';
import { notInStore, pathIsNotValid, usageError } from '../errors.ts';
import { renderSize } from '../progress/describe.ts';
import { withBuildStatus } from './build-status.ts';
import { missingText } from './missing.ts';
import type { ParsedFlags } from './flags.ts';
import { Peers } from './peers.ts';
import { openCommandProgress } from './progress.ts';

/** What an operation works with. */
export interface RemoteStoreCommand {
  readonly flags: ParsedFlags;
  readonly context: CommandContext;
  readonly peer: DaemonPeer;
  print(line: string): void;
}

type RemoteOperation = (command: RemoteStoreCommand) => Promise<number>;

/** By the operation's flag. */
export const remoteOperations: ReadonlyMap<string, RemoteOperation> = new Map<string, RemoteOperation>([
  ['--realise', realise],
  ['--query', query],
  ['--add', (command) => add(command, command.flags.operands, 'recursive', 'sha256')],
  ['--add-fixed', ({ flags, ...rest }) => {
    const [algorithm = '', ...files] = flags.operands;
    return add({ flags, ...rest }, files, flags.has('--recursive') ? 'recursive' : 'flat', parseHashAlgorithm(algorithm));
  }],
  ['--gc', collect],
  ['--delete', async (command) => report(command, await command.peer.collectGarbage({
    action: 'delete-specific', paths: operandPaths(command), ignoreLiveness: command.flags.has('--ignore-liveness'),
  }))],
  ['--verify', async ({ flags, peer }) => (await peer.verify({
    checkContents: flags.has('--check-contents'), repair: flags.has('--repair'),
  }) ? 0 : 1)],
  ['--check-validity', async (command) => {
    const paths = operandPaths(command);
    const valid = await command.peer.queryValidPaths(paths);
    for (const path of paths.filter((one) => !valid.has(one))) {
      if (!command.flags.has('--print-invalid')) throw pathIsNotValid(path);
      command.print(path);
    }
    return 0;
  }],
  ['--optimise', async ({ peer }) => {
    await peer.optimise();
    return 0;
  }],
]);

/** Runs an operation on the store of that name. */
export async function runRemotely(
  operation: RemoteOperation, store: string, flags: ParsedFlags, context: CommandContext,
): Promise<number> {
  const progress = await openCommandProgress(flags, context);
  const peer = new Peers(flags, context, progress).openDaemon(store);
  try {
    return await operation({
      flags, context, peer, print: (line) => { context.stdout.write(`${line}\n`); },
    });
  } finally {
    progress.close();
    peer.close();
  }
}

async function realise(command: RemoteStoreCommand): Promise<number> {
  const { flags, peer, context, print } = command;
  const wanted = flags.operands.map((operand): Buildable => {
    const [text = '', outputs] = operand.split('!');
    const path = storePathOf(command, text);
    if (!isDerivationPath(path)) return { path };
    return outputs === undefined ? { drvPath: path } : { drvPath: path, outputs: outputs.split(',') };
  });
  if (flags.has('--dry-run')) {
    context.stderr.write(missingText(await peer.queryMissing(wanted)));
    return 0;
  }
  await withBuildStatus(async () => {
    const results = await peer.buildPaths(wanted, { signal: context.signal });
    results.forEach((result, index) => {
      const one = wanted[index] as Buildable;
      if (succeeded(result)) return;
      throw builtElsewhereFailed(
        'path' in one ? one.path : one.drvPath, peer.name, result.message || result.status, failureCode(result));
    });
  });
  for (const one of wanted) {
    if ('path' in one) {
      print(one.path);
      continue;
    }
    const outputs = await peer.queryDerivationOutputs(one.drvPath);
    for (const name of one.outputs ?? outputs.keys()) print(outputs.get(name) ?? `${one.drvPath}!${name}`);
  }
  return 0;
}

async function query(command: RemoteStoreCommand): Promise<number> {
  const { flags, peer, print } = command;
  let paths = operandPaths(command);
  const outputsOf = async (path: StorePath): Promise<StorePath[]> => (path.endsWith(derivationExtension)
    ? [...(await peer.queryDerivationOutputs(path)).values()].filter((one) => one !== undefined) : [path]);
  const flatten = async (find: (path: StorePath) => Promise<readonly StorePath[]>): Promise<StorePath[]> =>
    (await Promise.all(paths.map(find))).flat();
  if (flags.has('--use-output')) paths = await flatten(outputsOf);
  const all = async (found: readonly StorePath[]): Promise<number> => {
    for (const path of new Set(found)) print(path);
    return 0;
  };
  const infoOf = async (path: StorePath): Promise<ValidPathInfo> => {
    const info = await peer.queryPathInfo(path);
    if (info === undefined) throw pathIsNotValid(path);
    return info;
  };
  const each = async (show: (info: ValidPathInfo) => string): Promise<number> => {
    for (const path of paths) print(show(await infoOf(path)));
    return 0;
  };
  if (flags.has('--references')) return all(await flatten(async (path) => (await infoOf(path)).references));
  if (flags.has('--requisites')) {
    // What is needed stands before what needs it.
    return all([...(await describe(peer, paths)).keys()].reverse());
  }
  if (flags.has('--referrers')) return all(await flatten((path) => peer.queryReferrers(path)));
  if (flags.has('--referrers-closure')) return all(await referrersClosure(peer, paths));
  if (flags.has('--deriver')) return each((info) => info.deriver ?? 'unknown-deriver');
  if (flags.has('--valid-derivers')) return all(await flatten((path) => peer.queryDerivers(path)));
  if (flags.has('--hash')) return each((info) => formatPrefixedHash(info.narHash, 'nix32'));
  if (flags.has('--size')) return each((info) => String(info.narSizeBytes));
  if (flags.has('--roots')) {
    const wanted = new Set(await referrersClosure(peer, paths));
    for (const [link, path] of await peer.findRoots()) if (wanted.has(path)) print(`${link} -> ${path}`);
    return 0;
  }
  for (const flag of ['--tree', '--graph', '--graphml', '--binding', '--resolve']) {
    if (flags.has(flag)) throw usageError(`'--query ${flag}' works on a local store only`, 'nix-store');
  }
  return all(await flatten(outputsOf));
}

async function referrersClosure(peer: DaemonPeer, paths: readonly StorePath[]): Promise<StorePath[]> {
  const seen = new Set<StorePath>();
  const left = [...paths];
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    left.push(...await peer.queryReferrers(path));
  }
  return [...seen];
}

async function add(
  { context, peer, print }: RemoteStoreCommand, files: readonly string[], method: IngestionMethod, algorithm: HashAlgorithm,
): Promise<number> {
  for (const file of files) {
    const path = resolve(context.cwd, file);
    if (method === 'flat' && !lstatSync(path).isFile()) throw usageError(`'${file}' is not a regular file`, 'nix-store');
    const contents = method === 'flat' ? createReadStream(path) as AsyncIterable<Uint8Array> : piecesOf(path);
    print((await peer.addToStore(encodeUtf8(basename(path)), { method, algorithm }, [], contents)).path);
  }
  return 0;
}

async function* piecesOf(path: string): AsyncGenerator<Uint8Array, void, void> {
  yield* narPieces(bytePath(path));
}

async function collect(command: RemoteStoreCommand): Promise<number> {
  const { flags, peer, print } = command;
  if (flags.has('--print-roots')) {
    for (const [link, path] of await peer.findRoots()) print(`${link} -> ${path}`);
    return 0;
  }
  const shown = (['live', 'dead'] as const).find((action) => flags.has(`--print-${action}`));
  if (shown !== undefined) {
    for (const path of (await peer.collectGarbage({ action: shown })).paths) print(path);
    return 0;
  }
  const limit = flags.last('--max-freed');
  return report(command, await peer.collectGarbage({
    action: 'delete-dead', ...(limit === undefined ? {} : { maximumFreedBytes: Number(limit) }),
  }));
}

function report(
  { context }: RemoteStoreCommand, { paths, freedBytes }: { readonly paths: readonly string[]; readonly freedBytes: number },
): number {
  // The daemon has said which.
  context.stderr.write(`${paths.length} store paths deleted, ${renderSize(freedBytes)} freed\n`);
  return 0;
}

function operandPaths(command: RemoteStoreCommand): StorePath[] {
  return command.flags.operands.map((operand) => storePathOf(command, operand));
}

function storePathOf({ peer }: Pick<RemoteStoreCommand, 'peer'>, operand: string): StorePath {
  const found = splitStorePath(operand, peer.storeDirectory);
  if (found === undefined) throw notInStore(operand);
  return parseStorePath(found.storePath, peer.storeDirectory);
}
