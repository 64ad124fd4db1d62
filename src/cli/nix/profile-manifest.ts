/**
 * The manifest of `nix profile`: the packages of a profile, by name, in its manifest.json.
 *
 * Written in the format of version 3, C++ Nix's newest; versions 1 and 2, and profiles of `nix-env`,
 * are read.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '#base';
import { nameOf, parseStorePath, type StorePath } from '#formats';
import { parseDrvName } from '#runtime';
import { placeOfLink, type Store } from '#store';

export interface ProfileElement {
  storePaths: readonly StorePath[];
  /** The flake that it comes from. */
  source: ElementSource | undefined;
  readonly active: boolean;
  readonly priority: number;
}

export interface ElementSource {
  readonly originalUrl: string;
  readonly url: string;
  readonly attrPath: string;
  /** What stood behind `^`; null for what the package says. */
  readonly outputs: readonly string[] | null;
}

export const defaultPriority = 5;

/** By name, sorted. */
export type Elements = ReadonlyMap<string, ProfileElement>;

/** The packages in a profile; undefined if it has no manifest.json. */
export function readManifest(
  profile: string, store: Pick<Store, 'storeDirectory' | 'physicalPath'>,
): Elements | undefined {
  const file = join(profile, 'manifest.json');
  let text;
  try {
    text = readFileSync(join(placeOfLink(store, profile), 'manifest.json'), 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw badManifest(file, (error as Error).message);
  }
  return parseManifest(text, file, store.storeDirectory);
}

interface WrittenElement {
  readonly storePaths?: readonly string[];
  readonly active?: boolean;
  readonly priority?: number;
  readonly attrPath?: string;
  readonly outputs?: readonly string[] | null;
  readonly url?: string;
  readonly originalUrl?: string;
  readonly uri?: string;
  readonly originalUri?: string;
}

function parseManifest(text: string, file: string, storeDirectory: string): Elements {
  let manifest: { version?: number; elements?: Record<string, WrittenElement> | WrittenElement[] };
  try {
    manifest = JSON.parse(text) as typeof manifest;
  } catch (error) {
    throw badManifest(file, (error as Error).message);
  }
  const { version = 0, elements = {} } = manifest;
  if (![1, 2, 3].includes(version)) {
    throw new UserError('PROFILE_MANIFEST', `profile manifest '${file}' has unsupported version ${version}`);
  }
  const found: [string | undefined, ProfileElement][] = (Array.isArray(elements)
    ? elements.map((one) => [undefined, one] as const) : Object.entries(elements)).map(([name, one]) => {
    const url = version === 1 ? one.uri : one.url;
    const originalUrl = version === 1 ? one.originalUri : one.originalUrl;
    return [name, {
      storePaths: [...one.storePaths ?? []].sort().map((path) => parseStorePath(path, storeDirectory)),
      active: one.active ?? true,
      priority: one.priority ?? defaultPriority,
      source: url === undefined || url === '' ? undefined
        : { url, originalUrl: originalUrl ?? url, attrPath: one.attrPath ?? '', outputs: one.outputs ?? null },
    }];
  });
  return found.reduce<Elements>(
    (all, [name, element]) => withElement(all, name ?? nameOfElement(element), element), new Map());
}

/** The packages with one more; if its name is taken it gets a number. */
export function withElement(elements: Elements, name: string, element: ProfileElement): Elements {
  let own = name;
  for (let number = 1; elements.has(own); number++) own = `${name}-${number}`;
  return new Map([...elements, [own, element] as const].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** As manifest.json has it. */
export function manifestJson(elements: Elements): object {
  return {
    elements: Object.fromEntries([...elements].map(([name, { source, ...rest }]) => {
      const all: Record<string, unknown> = { ...rest, ...source };
      return [name, Object.fromEntries(Object.keys(all).sort().map((key) => [key, all[key]]))];
    })),
    version: 3,
  };
}

/** What a package is called in histories and by --regex. */
export function identifierOf({ source, storePaths }: ProfileElement): string {
  if (source !== undefined) return installableOf(source);
  return [...new Set(storePaths.map((path) => parseDrvName(nameOf(path)).name))].sort().join(', ');
}

/** The operand that means the package. */
export function installableOf({ originalUrl, attrPath, outputs }: ElementSource): string {
  return `${originalUrl}#${attrPath}${outputs === null ? '' : `^${outputs.join(',')}`}`;
}

export function nameOfElement(element: ProfileElement): string {
  return (element.source === undefined ? undefined : nameInUrl(installableOf(element.source))) ?? identifierOf(element);
}

/** The name in a flake's URL: its last attribute, unless that is the default; else where it is. */
export function nameInUrl(text: string): string | undefined {
  const [url = '', fragment = ''] = text.split(/#(.*)/s);
  const [place = '', query = ''] = url.split(/\?(.*)/s);
  const folder = new URLSearchParams(query).get('dir');
  if (folder !== null) return folder;
  const attribute = /^((?:[a-zA-Z0-9_-]+\.)*)([a-zA-Z0-9_-]+)(\^.*)?$/.exec(fragment);
  if (attribute !== null && attribute[1] !== 'defaultPackage.' && attribute[2] !== 'default') return attribute[2];
  const colon = place.indexOf(':');
  const path = place.slice(colon + 1);
  if (/^(github|gitlab|sourcehut)$/.test(place.slice(0, Math.max(0, colon)))) {
    const repository = /^[a-zA-Z0-9_-]+\/([a-zA-Z0-9_-]+)(?:\/.*)?$/.exec(path);
    if (repository !== null) return repository[1];
  }
  return /.*\/([a-zA-Z0-9_-]+)$/.exec(path)?.[1];
}

/** The versions of a package, or that it has none. */
export function versionsOf({ storePaths }: ProfileElement): string {
  const versions = new Set(storePaths.map((path) => parseDrvName(nameOf(path)).version || 'ε'));
  return versions.size === 0 ? '∅' : [...versions].sort().join(', ');
}

/** What came, went or changed, a line each. */
export function manifestChanges(before: Elements, after: Elements): string[] {
  const lines: string[] = [];
  for (const name of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const [old, fresh] = [before.get(name), after.get(name)];
    const shown = identifierOf((fresh ?? old) as ProfileElement);
    const [was, is] = [old === undefined ? '∅' : versionsOf(old), fresh === undefined ? '∅' : versionsOf(fresh)];
    if (was !== is) lines.push(`${shown}: ${was} -> ${is}`);
  }
  return lines.length === 0 ? ['No changes.'] : lines;
}

function badManifest(file: string, reason: string): UserError {
  return new UserError('PROFILE_MANIFEST', `the profile manifest '${file}' cannot be read: ${reason}`);
}
