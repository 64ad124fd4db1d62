/** What the commands that work on profiles have in common: where the profiles are, and what is told. */

import { existsSync, lstatSync, mkdirSync, readlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { profilePlaces, storeLocation, type ChosenStore, type ProfilePlaces } from '#host';
import { replaceLink, type ProfileChange } from '#store';
import type { CommandContext } from '../context.ts';
import { chosenStore, connectedStore } from './evaluation.ts';
import type { ParsedFlags } from './flags.ts';
import { settingsOf } from './settings.ts';

export function placesOf(flags: ParsedFlags, context: CommandContext): ProfilePlaces {
  return profilePlaces(
    context.env, settingsOf(flags, context), ownStore(flags, context), process.geteuid?.() ?? 1);
}

/** The store of ours beside which profiles are: with one behind a connection, the usual one. */
function ownStore(flags: ParsedFlags, context: CommandContext): ChosenStore {
  return connectedStore(flags, context) === undefined ? chosenStore(flags, context)
    : storeLocation({ environment: context.env, overrides: [] }, 'auto');
}

/** The profile that is meant: `--profile`, `NIX_PROFILE`, or the user's default. */
export function chosenProfile(flags: ParsedFlags, context: CommandContext, places: ProfilePlaces): string {
  const named = flags.last('--profile') ?? (context.env['NIX_PROFILE'] || undefined);
  return named === undefined ? defaultProfile(places) : resolve(context.cwd, named);
}

/** What the user's default profile leads to; the links that make it are made if there are none. */
export function defaultProfile(places: ProfilePlaces): string {
  try {
    mkdirSync(places.directory, { recursive: true });
    if (!standsThere(places.profileLink)) replaceLink(places.profileLink, places.profile);
    for (const [name, target] of places.otherNames) if (!standsThere(name)) makeQuietly(name, target);
    return resolve(dirname(places.profileLink), readlinkSync(places.profileLink));
  } catch {
    // A folder may stand there: then it is the profile itself, and using it will say what is wrong.
    return places.profileLink;
  }
}

/** `~/.nix-defexpr`, with the user's and the machine's channels in it, if there is nothing. */
export function ensureDefaultExpressions(places: ProfilePlaces): void {
  if (existsSync(places.defaultExpressions)) return;
  makeQuietly(join(places.defaultExpressions, 'channels'), places.channels);
  if (places.rootChannels !== places.channels) {
    makeQuietly(join(places.defaultExpressions, 'channels_root'), places.rootChannels);
  }
}

/** How changes of generations are told: on standard error, unless --quiet. */
export function profileChange(flags: ParsedFlags, context: CommandContext): ProfileChange {
  return {
    dryRun: flags.has('--dry-run'),
    notice: (text) => { context.stderr.write(`${text}\n`); },
  };
}

/** What is told only where nobody asked for quiet. */
export function inform(flags: ParsedFlags, context: CommandContext, text: string): void {
  if (!flags.has('--quiet')) context.stderr.write(`${text}\n`);
}

/** For conveniences: a home that cannot be written is no reason to fail. */
function makeQuietly(link: string, target: string): void {
  try {
    replaceLink(link, target);
  } catch {
    // The command does without it.
  }
}

function standsThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
