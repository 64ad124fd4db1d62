/** Reading the packages of a profile, choosing among them, and making the next generation of it. */

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { encodeUtf8, UserError } from '#base';
import { EnvironmentConflict, EnvironmentTree } from '#build';
import type { StorePath } from '#formats';
import { profileTask, type ProfileQuestion } from '#host';
import {
  bytePath, createGeneration, deleteTree, findGenerations, switchLink, withProfileLock, type Generation,
} from '#store';
import { usageError } from '../errors.ts';
import type { CommandSession } from './command.ts';
import type { Flag } from './flags.ts';
import { defaultProfile, placesOf } from './profile-command.ts';
import {
  identifierOf, installableOf, manifestJson, readManifest, withElement, nameOfElement, defaultPriority, type Elements,
  type ProfileElement,
} from './profile-manifest.ts';
import { followToStorePath } from './store-command.ts';

export const profileFlag: Flag = {
  names: ['--profile'], operands: ['PATH'], description: "the profile (default: the user's own)",
};

export const matchFlags: readonly Flag[] = [
  { names: ['--all'], description: 'all packages of the profile' },
  { names: ['--regex'], operands: ['PATTERN'], description: 'packages whose flake or name matches' },
];

/** The profile that is meant: an absolute path. */
export function profileOf({ flags, context }: CommandSession): string {
  const named = flags.last('--profile');
  return named === undefined ? defaultProfile(placesOf(flags, context)) : resolve(context.cwd, named);
}

/** The packages in a profile, or in one of its generations. */
export async function readElements(session: CommandSession, profile: string): Promise<Elements> {
  const own = readManifest(profile, session.store);
  if (own !== undefined) return own;
  const question: ProfileQuestion = { kind: 'installed', profile: encodeUtf8(profile) };
  const paths = await session.workspace().evaluate<StorePath[]>(profileTask, question);
  return paths.reduce<Elements>((all, path) => {
    const element: ProfileElement = { storePaths: [path], source: undefined, active: true, priority: defaultPriority };
    return withElement(all, nameOfElement(element), element);
  }, new Map());
}

/** The names of the packages that the operands and flags mean. */
export function matchingNames(session: CommandSession, elements: Elements, warn: (text: string) => void): Set<string> {
  const { flags } = session;
  const matchers = [
    ...(flags.has('--all') ? [{ title: '--all', matches: () => true }] : []),
    ...flags.all('--regex').map(([pattern = '']) => {
      const expression = new RegExp(`^(?:${pattern})$`, 'i');
      const matches = (_: string, one: ProfileElement) => expression.test(identifierOf(one));
      return { title: `Regex '${pattern}'`, matches };
    }),
    ...flags.operands.map((operand) => matcherOf(session, operand)),
  ];
  if (matchers.length === 0) throw usageError('No packages specified.', session.name);
  if (flags.has('--all') && matchers.length > 1) {
    throw usageError('--all cannot be used with package names or regular expressions.', session.name);
  }
  const names = new Set<string>();
  if (elements.size === 0) {
    warn('There are no packages in the profile.');
    return names;
  }
  for (const { title, matches } of matchers) {
    const found = [...elements].filter(([name, one]) => matches(name, one));
    if (found.length === 0) warn(`${title} does not match any packages in the profile.`);
    for (const [name] of found) names.add(name);
  }
  return names;
}

function matcherOf({ store, name }: CommandSession, operand: string) {
  if (/^[0-9]+$/.test(operand)) throw usageError(`'nix profile' no longer supports indices ('${operand}')`, name);
  return operand.startsWith(`${store.storeDirectory}/`)
    ? { title: `Store path '${operand.slice(store.storeDirectory.length + 1)}'`,
      matches: (_: string, one: ProfileElement) => one.storePaths.includes(operand as StorePath) }
    : { title: `Package name '${operand}'`, matches: (own: string) => own === operand };
}

/** Makes a profile of the packages and switches to it. */
export async function updateProfile(session: CommandSession, profile: string, elements: Elements): Promise<void> {
  const { store, context } = session;
  const path = addProfile(session, elements);
  await withProfileLock(profile, context.signal, () => {
    switchLink(profile, createGeneration(store, profile, path));
  });
}

/** The store path of the profile: addressed by its content, as C++ Nix makes it. */
function addProfile({ store }: CommandSession, elements: Elements): StorePath {
  const all = [...elements.values()];
  const folder = mkdtempSync(join(tmpdir(), 'nix-profile.'));
  const place = join(folder, 'profile');
  const tree = new EnvironmentTree({ store, out: place, log() {} });
  try {
    tree.addAll(all.filter((one) => one.active).flatMap(({ priority, storePaths }) =>
      storePaths.map((path) => ({ path, priority }))));
    const text = encodeUtf8(JSON.stringify(manifestJson(elements)));
    tree.write(place, new Map([['manifest.json', { type: 'file', text }]]));
    return store.addTree('profile', place, {
      method: 'recursive', algorithm: 'sha256', references: [...new Set(all.flatMap((one) => one.storePaths))].sort(),
    });
  } finally {
    deleteTree(bytePath(folder));
  }
}

/** The same conflict, told with the names that one can do something about. */
export function explainConflict(conflict: EnvironmentConflict, elements: Elements, added: readonly string[]): Error {
  const { first, second, priority } = conflict;
  const ownerOf = (file: string) =>
    [...elements].find(([, one]) => one.storePaths.some((path) => file.startsWith(path)));
  const isNew = (file: string) => added.includes(ownerOf(file)?.[0] ?? '');
  const [oldFile, newFile] = isNew(first) && !isNew(second) ? [second, first] : [first, second];
  const [old, fresh] = [ownerOf(oldFile), ownerOf(newFile)];
  if (old === undefined || fresh === undefined) return conflict;
  const operand = fresh[1].source === undefined ? fresh[1].storePaths.join(' ') : installableOf(fresh[1].source);
  const lines = [
    'An existing package already provides the following file:', '', `  "${oldFile}"`, '',
    'This is the conflicting file from the new package:', '', `  "${newFile}"`, '',
    'To remove the existing package:', '', `  nix profile remove ${old[0]}`, '',
    'The new package can also be added next to the existing one by assigning a different priority.',
    `The conflicting packages have a priority of ${priority}.`,
    'To prioritise the new package:', '', `  nix profile add ${operand} --priority ${priority - 1}`, '',
    'To prioritise the existing package:', '', `  nix profile add ${operand} --priority ${priority + 1}`,
  ];
  // Below the word 'error:', as C++ Nix lays it out.
  const text = lines.map((line, index) => (index === 0 || line === '' ? line : `       ${line}`)).join('\n');
  return new UserError('ENVIRONMENT_CONFLICT', text);
}

/** A generation with the store path that it leads to. */
export interface GenerationPath extends Generation {
  readonly path: StorePath;
  readonly isCurrent: boolean;
}

export function generationPaths(session: CommandSession, profile: string): GenerationPath[] {
  const { all, current } = findGenerations(profile);
  return all.map((one) => ({ ...one, path: followToStorePath(session, one.link), isCurrent: one.number === current }));
}
