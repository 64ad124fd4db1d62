/** Collecting garbage: `nix-store --gc` and `--delete`, and what `nix-collect-garbage` does alike. */

import { readFile } from 'node:fs/promises';
import { collectGarbage, deletePaths, findRoots, livePaths, type Collected, type LocalStore } from '#store';
import type { CommandContext } from '../context.ts';
import { usageError } from '../errors.ts';
import type { ParsedFlags } from './flags.ts';
import { renderSize } from '../progress/describe.ts';
import { settingsOf } from './settings.ts';
import { followToStorePath, type StoreCommand } from './store-command.ts';

export async function collect(command: StoreCommand): Promise<number> {
  const { flags, localStore: store, context, print } = command;
  if (flags.operands.length > 0) throw usageError('no arguments expected', 'nix-store');
  const prints = ['--print-roots', '--print-live', '--print-dead'].find((flag) => flags.has(flag));
  if (prints !== undefined && flags.has('--max-freed')) {
    throw usageError('option --max-freed cannot be combined with --print-live, --print-dead, or --print-roots', 'nix-store');
  }
  if (prints === '--print-roots') {
    const lines = [...findRoots(store)].map(([link, path]) => `${link} -> ${path}`);
    for (const line of lines.sort()) print(line);
  } else if (prints === undefined) {
    await collectAndReport(store, flags, context, freedLimit(flags));
  } else {
    const alive = livePaths(store, liveness(flags, context));
    for (const path of store.allValidPaths()) if (alive.has(path) === (prints === '--print-live')) print(path);
  }
  return 0;
}

export async function deleteOperation(command: StoreCommand): Promise<number> {
  const { flags, localStore: store, context } = command;
  const paths = flags.operands.map((operand) => followToStorePath(command, operand));
  reportCollected(flags, context, await deletePaths(store, paths, {
    ignoreLiveness: flags.has('--ignore-liveness'), signal: context.signal,
  }));
  return 0;
}

/** Deletes what is dead, until `maximumFreedBytes` are freed, and says so. */
export async function collectAndReport(
  store: LocalStore, flags: ParsedFlags, context: CommandContext, maximumFreedBytes: number | undefined,
): Promise<void> {
  reportCollected(flags, context, await collectGarbage(store, {
    ...liveness(flags, context),
    ...(maximumFreedBytes === undefined ? {} : { maximumFreedBytes }), signal: context.signal,
    meet: (point) => meetTest(context.env[point === 'locked' ? '_NIX_TEST_GC_SYNC_1' : '_NIX_TEST_GC_SYNC_2']),
  }));
}

/** Waits until somebody writes to the FIFO by which C++ Nix's tests hold a collector. */
async function meetTest(fifo: string | undefined): Promise<void> {
  if (fifo !== undefined) await readFile(fifo);
}

/** Says how much is dead. */
export function reportDead(store: LocalStore, flags: ParsedFlags, context: CommandContext): void {
  const alive = livePaths(store, liveness(flags, context));
  const dead = store.allValidPaths().filter((path) => !alive.has(path));
  context.stdout.write(`${dead.length} store paths would be deleted\n`);
}

/** The operand of --max-freed, in bytes: a number, perhaps with K, M, G or T. */
export function freedLimit(flags: ParsedFlags): number | undefined {
  const text = flags.last('--max-freed');
  if (text === undefined) return undefined;
  const match = /^(-?[0-9]+)([KMGT]?)$/i.exec(text);
  if (match === null) throw usageError(`'--max-freed' requires an integer argument, not '${text}'`, 'nix-store');
  const power = ['', 'K', 'M', 'G', 'T'].indexOf((match[2] as string).toUpperCase());
  return Math.max(0, Number(match[1]) * 1024 ** power);
}

/** What else is kept, by the settings. */
export function liveness(flags: ParsedFlags, context: CommandContext) {
  const settings = settingsOf(flags, context);
  return {
    keepDerivations: settings.flag('keep-derivations', true),
    keepOutputs: settings.flag('keep-outputs', settings.flag('gc-keep-outputs', false)),
  };
}

/** Says what was deleted. */
export function reportCollected(flags: ParsedFlags, context: CommandContext, { paths, freedBytes }: Collected): void {
  if (!flags.has('--quiet')) for (const path of paths) context.stderr.write(`deleting '${path}'\n`);
  context.stdout.write(`${paths.length} store paths deleted, ${renderSize(freedBytes).trimStart()} freed\n`);
}
