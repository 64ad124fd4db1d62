/**
 * `nix-collect-garbage`: deletes what no root needs; before that, with -d, old generations of all
 * profiles, which are roots.
 *
 * Flags and output are those of C++ Nix's command of the same name.
 */

import { accessSync, constants, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { noProgress } from '#base';
import { deleteGenerations, LocalStore, timeOfAge, type GenerationChoice } from '#store';
import type { CommandContext } from '../context.ts';
import { usageError } from '../errors.ts';
import { chosenStore, connectedStore } from './evaluation.ts';
import { commonFlags } from './evaluation-flags.ts';
import { describeFlags, parseFlags, type Flag, type ParsedFlags } from './flags.ts';
import { Peers } from './peers.ts';
import { defaultProfile, inform, placesOf, profileChange } from './profile-command.ts';
import { collectAndReport, freedLimit, reportDead } from './store-garbage.ts';
import { collectThere } from './store-remote.ts';
import { writeVersion } from './version.ts';

const table: readonly Flag[] = [
  { names: ['--delete-old', '-d'], description: 'delete all generations of profiles but the current ones first' },
  { names: ['--delete-older-than'], operands: ['Nd'], description: 'delete generations that were not in use for N days first' },
  { names: ['--max-freed'], operands: ['BYTES'], description: 'stop when so much is freed' },
  { names: ['--dry-run'], description: 'show what would be deleted' },
  { names: ['--option'], operands: ['NAME', 'VALUE'], description: 'set a setting of nix.conf' },
  ...commonFlags,
];

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const flags = parseFlags('nix-collect-garbage', table, argv, context);
  if (flags.has('--help')) {
    context.stdout.write(describeFlags(
      'nix-collect-garbage [FLAGS]', 'Deletes store paths that nothing needs any more.', table));
    return 0;
  }
  if (flags.has('--version')) return writeVersion('nix-collect-garbage', context, flags);
  if (flags.operands.length > 0) throw usageError('no arguments expected', 'nix-collect-garbage');
  const dryRun = flags.has('--dry-run');
  if (dryRun && flags.has('--max-freed')) {
    throw usageError('options --max-freed and --dry-run cannot be combined', 'nix-collect-garbage');
  }
  await deleteOldGenerations(flags, context);
  const elsewhere = connectedStore(flags, context);
  if (elsewhere !== undefined) return collectElsewhere(elsewhere, flags, context);
  const store = new LocalStore(chosenStore(flags, context));
  try {
    if (dryRun) reportDead(store, flags, context);
    else await collectAndReport(store, flags, context, freedLimit(flags));
    return 0;
  } finally {
    store.close();
  }
}

/** Lets the daemon collect that the store is served by. */
async function collectElsewhere(name: string, flags: ParsedFlags, context: CommandContext): Promise<number> {
  const store = new Peers(flags, context, noProgress).openStore(name);
  try {
    await collectThere({ store, flags, context, print: (line) => { context.stdout.write(`${line}\n`); } }, {
      dryRun: flags.has('--dry-run'), maximumFreedBytes: freedLimit(flags),
    });
    return 0;
  } finally {
    store.close();
  }
}

async function deleteOldGenerations(flags: ParsedFlags, context: CommandContext): Promise<void> {
  const age = flags.last('--delete-older-than');
  if (age === undefined && !flags.has('--delete-old')) return;
  const choice: GenerationChoice = age === undefined ? { kind: 'old' }
    : { kind: 'olderThan', time: timeOfAge(age, Math.floor(Date.now() / 1000)) };
  const places = placesOf(flags, context);
  const change = profileChange(flags, context);
  for (const folder of new Set([places.directory, places.allProfiles, dirname(defaultProfile(places))])) {
    for (const profile of profilesBelow(folder)) {
      inform(flags, context, `removing old generations of profile '${profile}'`);
      await deleteGenerations(profile, choice, change, context.signal);
    }
  }
}

/** Links that lead to a generation, in folders that are ours to change. */
function* profilesBelow(folder: string): Generator<string, void, void> {
  if (!mayUse(folder, constants.R_OK)) return;
  const isWritable = mayUse(folder, constants.W_OK);
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    const status = lstatSync(path, { throwIfNoEntry: false });
    if (status?.isDirectory() === true) yield* profilesBelow(path);
    else if (status?.isSymbolicLink() === true && isWritable && readlinkSync(path).includes('link')) yield path;
  }
}

function mayUse(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
