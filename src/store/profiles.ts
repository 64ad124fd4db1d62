/**
 * Profiles: a link that leads to one of its generations, each a link to a store path.
 *
 *     profile -> profile-3-link -> /nix/store/…-user-environment
 *
 * A new state becomes a new generation, and only then does the profile lead to it, by one rename: it
 * is never missing or half done, and going back is another rename. Every generation is a root, so
 * what it holds is kept until the generation is deleted. Names, numbers, locks and messages are C++
 * Nix's: both programs may work on the same profile.
 *
 * *Invariant:* whatever changes a profile or its generations holds the lock `PROFILE.lock`.
 */

import { existsSync, lstatSync, readdirSync, readlinkSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { StorePath } from '#formats';
import {
  badGenerationAge, currentGeneration, fileFailed, keepsNoGeneration, noOlderGeneration, noSuchGeneration,
} from './errors.ts';
import { lockPaths } from './file-lock.ts';
import type { LocalStore } from './local-store.ts';
import { addIndirectRoot, replaceLink, storePathOfLink, type RootKeeper } from './roots.ts';

export interface Generation {
  readonly number: number;
  /** The link itself: an absolute path. */
  readonly link: string;
  /** Seconds since 1970. */
  readonly creationTime: number;
}

export interface Generations {
  /** By number, ascending. */
  readonly all: readonly Generation[];
  /** Where the profile leads now; undefined if it leads to none of them. */
  readonly current: number | undefined;
}

/** How what is deleted or switched is told. */
export interface ProfileChange {
  readonly dryRun: boolean;
  notice(text: string): void;
}

export function findGenerations(profile: string): Generations {
  const name = basename(profile);
  const all: Generation[] = [];
  for (const file of listDirectory(dirname(profile))) {
    const number = generationNumber(name, file);
    if (number === undefined) continue;
    const link = join(dirname(profile), file);
    all.push({ number, link, creationTime: Math.floor(lstatSync(link).mtimeMs / 1000) });
  }
  all.sort((a, b) => a.number - b.number);
  const target = profileTarget(profile);
  return { all, current: target === '' ? undefined : generationNumber(name, basename(target)) };
}

/** Where the profile's link leads, as it stands; empty if there is none. Tells whether it was changed. */
export function profileTarget(profile: string): string {
  try {
    return readlinkSync(profile);
  } catch {
    return '';
  }
}

/** Does something while nobody else changes the profile. */
export async function withProfileLock<T>(
  profile: string, signal: AbortSignal | undefined, action: () => T,
): Promise<T> {
  const lock = await lockPaths([profile], { signal });
  try {
    return action();
  } finally {
    lock.release();
  }
}

/** A new generation for the path; the newest one, if it has the path already. */
export function createGeneration(store: LocalStore | RootKeeper, profile: string, path: StorePath): string {
  const last = findGenerations(profile).all.at(-1);
  if (last !== undefined && storePathOfLink(store, last.link) === path) return last.link;
  return addIndirectRoot(store, path, `${profile}-${(last?.number ?? 0) + 1}-link`);
}

/** Makes the profile lead to one of its generations, or anywhere else, in one step. */
export function switchLink(profile: string, target: string): void {
  replaceLink(profile, dirname(target) === dirname(profile) ? basename(target) : target);
}

/** Switches to the generation of that number; without one, to the one before the current. */
export async function switchGeneration(
  profile: string, number: number | undefined, change: ProfileChange, signal?: AbortSignal,
): Promise<void> {
  await withProfileLock(profile, signal, () => {
    const { all, current } = findGenerations(profile);
    const wanted = all.findLast((one) =>
      (number === undefined ? current !== undefined && one.number < current : one.number === number));
    if (wanted === undefined) throw number === undefined ? noOlderGeneration(current) : noSuchGeneration(number);
    change.notice(`switching profile from version ${current ?? 0} to ${wanted.number}`);
    if (!change.dryRun) switchLink(profile, wanted.link);
  });
}

/** Which generations are to go; the current one never does, and saying its number is an error. */
export type GenerationChoice =
  | { readonly kind: 'numbers'; readonly numbers: ReadonlySet<number> }
  | { readonly kind: 'old' }
  /** All but so many, the current one and those before it; newer ones stay. */
  | { readonly kind: 'keep'; readonly count: number }
  /** Those that were no longer in use at that time, in seconds since 1970. */
  | { readonly kind: 'olderThan'; readonly time: number };

export async function deleteGenerations(
  profile: string, choice: GenerationChoice, change: ProfileChange, signal?: AbortSignal,
): Promise<void> {
  await withProfileLock(profile, signal, () => {
    for (const { number, link } of chooseGenerations(profile, choice)) {
      change.notice(`${change.dryRun ? 'would remove' : 'removing'} profile version ${number}`);
      if (!change.dryRun) removeLink(link);
    }
  });
}

function chooseGenerations(profile: string, choice: GenerationChoice): readonly Generation[] {
  const { all, current } = findGenerations(profile);
  switch (choice.kind) {
    case 'numbers':
      if (current !== undefined && choice.numbers.has(current)) throw currentGeneration(profile);
      return all.filter((one) => choice.numbers.has(one.number));
    case 'old':
      return all.filter((one) => one.number !== current);
    case 'keep': {
      if (choice.count === 0) throw keepsNoGeneration();
      const newestFirst = all.toReversed();
      const at = newestFirst.findIndex((one) => one.number === current);
      return at < 0 ? [] : newestFirst.slice(at + choice.count);
    }
    case 'olderThan': {
      // The newest of the older ones was in use at that time: one may want to go back to it.
      const older = all.toReversed().filter((one) => one.creationTime < choice.time);
      return older.slice(1).filter((one) => one.number !== current);
    }
  }
}

/** The time that `30d` means: so many days before `now`, in seconds. */
export function timeOfAge(text: string, now: number): number {
  if (!text.endsWith('d')) throw badGenerationAge(text, ", expected something like '14d'");
  const days = /^[0-9]+$/.test(text.slice(0, -1)) ? Number(text.slice(0, -1)) : 0;
  if (days < 1) throw badGenerationAge(text, '');
  return now - days * 86_400;
}

function generationNumber(profileName: string, file: string): number | undefined {
  if (!file.startsWith(`${profileName}-`)) return undefined;
  const match = /^([0-9]+)-link$/.exec(file.slice(profileName.length + 1));
  return match === null ? undefined : Number(match[1]);
}

function listDirectory(directory: string): string[] {
  if (!existsSync(directory)) return [];
  try {
    return readdirSync(directory);
  } catch (error) {
    throw fileFailed('reading directory', directory, error);
  }
}

function removeLink(link: string): void {
  try {
    unlinkSync(link);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw fileFailed('removing', link, error);
  }
}
