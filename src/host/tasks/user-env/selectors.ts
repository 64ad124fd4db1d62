/**
 * Selecting packages by name, as operands of `nix-env` do: `hello`, `hello-2.12`, `.*perl.*`, `*`.
 *
 * The part before the version is a regular expression for the whole of a name; the version, if one
 * is given, must be the same.
 */

import { NixError } from '#diagnostics';
import { compareVersions, parseDrvName, regexMatch } from '#runtime';
import type { PackageInfo } from './package-info.ts';

export class Selector {
  readonly text: string;
  readonly #name: string;
  readonly #version: string;
  hits = 0;

  constructor(text: string) {
    const { name, version } = parseDrvName(text);
    this.text = text;
    this.#name = name;
    this.#version = version;
  }

  /** The start of a name that a user may have had in mind. */
  get prefix(): string {
    return this.#name;
  }

  matches(packageName: string): boolean {
    const { name, version } = parseDrvName(packageName);
    if (this.#name !== '*' && regexMatch(this.#name, name) === undefined) return false;
    return this.#version === '' || this.#version === version;
  }
}

/** The packages that any of the selectors matches, each once, in the selectors' order. */
export function filterBySelector(
  all: readonly PackageInfo[], texts: readonly string[], options: FilterOptions,
): PackageInfo[] {
  const selectors = (texts.length === 0 ? ['*'] : texts).map((text) => new Selector(text));
  const taken = new Set<PackageInfo>();
  for (const selector of selectors) {
    const matches = all.filter((one) => selector.matches(one.name));
    if (matches.length === 0 && selector.text !== '*') throw unmatched(selector, all);
    for (const one of options.newestOnly ? pickNewest(matches, options) : matches) taken.add(one);
  }
  return [...taken];
}

export interface FilterOptions {
  /** Of packages with one name, takes only the best. */
  readonly newestOnly: boolean;
  /** Packages for it are preferred. */
  readonly system: string;
  warn(text: string): void;
}

/** Positive if the first is to be preferred: a smaller number means more. */
export function comparePriorities(first: PackageInfo, second: PackageInfo): number {
  return second.metaInteger('priority', 0) - first.metaInteger('priority', 0);
}

/** Of each name: for this system before others, then by priority, then the newest, then the first. */
function pickNewest(matches: readonly PackageInfo[], { system, warn }: FilterOptions): PackageInfo[] {
  const newest = new Map<string, PackageInfo>();
  const ambiguous = new Set<string>();
  for (const one of matches) {
    const { name, version } = parseDrvName(one.name);
    const other = newest.get(name);
    let order = 1;
    if (other !== undefined) {
      const preference = (info: PackageInfo) => (info.system === system ? 1 : 0);
      order = preference(one) - preference(other)
        || comparePriorities(one, other)
        || compareVersions(version, parseDrvName(other.name).version);
    }
    if (order > 0) {
      newest.set(name, one);
      ambiguous.delete(name);
    } else if (order === 0) {
      ambiguous.add(name);
    }
  }
  const names = [...newest.keys()].sort();
  for (const name of names) {
    if (ambiguous.has(name)) warn(`there are multiple derivations named '${name}'; using the first one`);
  }
  return names.map((name) => newest.get(name) as PackageInfo);
}

function unmatched(selector: Selector, all: readonly PackageInfo[]): NixError {
  const near = new Set<string>();
  for (const { name } of all) {
    const plain = parseDrvName(name).name;
    if (near.size < 3 && plain.startsWith(selector.prefix)) near.add(plain);
  }
  const suggestion = near.size === 0 ? '' : `, maybe you meant:\n${[...near].sort().join('\n')}`;
  return new NixError('Error', `selector '${selector.text}' matches no derivations${suggestion}`);
}
