/** `nix-store --gc` and `--delete`. */

import { collectGarbage, deletePaths, findRoots, livePaths, type Collected } from '#store';
import { formatBytes } from '../progress/describe.ts';
import { followToStorePath, type StoreCommand } from './store-command.ts';

export async function collect(command: StoreCommand): Promise<number> {
  const { flags, store, context, print } = command;
  if (flags.has('--print-roots')) {
    for (const [link, path] of findRoots(store)) print(`${link} -> ${path}`);
    return 0;
  }
  if (flags.has('--print-live') || flags.has('--print-dead')) {
    const alive = livePaths(store, {});
    for (const path of store.allValidPaths()) if (alive.has(path) === flags.has('--print-live')) print(path);
    return 0;
  }
  const limit = flags.last('--max-freed');
  report(command, await collectGarbage(store, {
    ...(limit === undefined ? {} : { maximumFreedBytes: Number(limit) }), signal: context.signal,
  }));
  return 0;
}

export async function deleteOperation(command: StoreCommand): Promise<number> {
  const { flags, store, context } = command;
  const paths = flags.operands.map((operand) => followToStorePath(command, operand));
  report(command, await deletePaths(store, paths, {
    ignoreLiveness: flags.has('--ignore-liveness'), signal: context.signal,
  }));
  return 0;
}

function report({ context, print }: StoreCommand, { paths, freedBytes }: Collected): void {
  for (const path of paths) print(`deleting '${path}'`);
  context.stderr.write(`${paths.length} store paths deleted, ${formatBytes(freedBytes)} freed\n`);
}
