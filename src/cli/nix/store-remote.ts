/**
 * What a store does to itself, asked of a daemon that serves it, here or behind ssh: collecting
 * garbage, deleting, verifying, optimising. All else of `nix-store` works on any store alike.
 */

import { splitStorePath, type StorePath } from '#formats';
import { DaemonPeer, operationUnsupported, PeerStore } from '#store';
import type { CommandContext } from '../context.ts';
import { notInStore } from '../errors.ts';
import { renderSize } from '../progress/describe.ts';
import type { ParsedFlags } from './flags.ts';
import { freedLimit } from './store-garbage.ts';
import type { StoreCommand, StoreOperation } from './store-command.ts';

/** By the operation's flag. */
export const remoteOperations: ReadonlyMap<string, StoreOperation> = new Map<string, StoreOperation>([
  ['--gc', collect],
  ['--delete', async (command) => {
    await deleteThere(command, command.flags.operands.map((operand) => storePathOf(command, operand)));
    return 0;
  }],
  ['--verify', async (command) => (await daemonOf(command, 'verify').verify({
    checkContents: command.flags.has('--check-contents'), repair: command.flags.has('--repair'),
  }) ? 0 : 1)],
  ['--optimise', async (command) => {
    await daemonOf(command, 'optimise').optimise();
    return 0;
  }],
]);

/** Deletes the paths, if nothing needs them. */
export async function deleteThere(command: StoreCommand, paths: readonly StorePath[]): Promise<void> {
  report(command, await daemonOf(command, 'delete').collectGarbage({
    action: 'delete-specific', paths, ignoreLiveness: command.flags.has('--ignore-liveness'),
  }));
}

/** Deletes what is dead, until so much is freed; or prints it. */
export async function collectThere(
  command: Pick<StoreCommand, 'store' | 'flags' | 'context' | 'print'>,
  options: { readonly dryRun: boolean; readonly maximumFreedBytes: number | undefined },
): Promise<void> {
  const daemon = daemonOf(command, 'collectGarbage');
  const { dryRun, maximumFreedBytes } = options;
  if (dryRun) {
    for (const path of (await daemon.collectGarbage({ action: 'dead' })).paths) command.print(path);
    return;
  }
  report(command, await daemon.collectGarbage({
    action: 'delete-dead', ...(maximumFreedBytes === undefined ? {} : { maximumFreedBytes }),
  }));
}

/** The daemon that serves the command's store. Throws UNSUPPORTED_BY_STORE for other kinds. */
function daemonOf({ store }: Pick<StoreCommand, 'store'>, operation: string): DaemonPeer {
  if (store instanceof PeerStore && store.peer instanceof DaemonPeer) return store.peer;
  throw operationUnsupported(store instanceof PeerStore ? store.name : 'local', operation);
}

async function collect(command: StoreCommand): Promise<number> {
  const { flags, print } = command;
  if (flags.has('--print-roots')) {
    for (const [link, path] of await daemonOf(command, 'findRoots').findRoots()) print(`${link} -> ${path}`);
  } else if (flags.has('--print-live')) {
    for (const path of (await daemonOf(command, 'collectGarbage').collectGarbage({ action: 'live' })).paths) print(path);
  } else {
    await collectThere(command, { dryRun: flags.has('--print-dead'), maximumFreedBytes: freedLimit(flags) });
  }
  return 0;
}

function report(
  { context, flags }: { readonly context: CommandContext; readonly flags: ParsedFlags },
  { paths, freedBytes }: { readonly paths: readonly string[]; readonly freedBytes: number },
): void {
  // The daemon has said which.
  if (!flags.has('--quiet')) context.stderr.write(`${paths.length} store paths deleted, ${renderSize(freedBytes)} freed\n`);
}

function storePathOf({ store }: StoreCommand, operand: string): StorePath {
  const found = splitStorePath(operand, store.storeDirectory);
  if (found === undefined) throw notInStore(operand);
  return found.storePath;
}
