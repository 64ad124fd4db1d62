/**
 * A channel's files: the reduced package index as JSON that the Nix tree reads lazily.
 *
 * Evaluating one package must not read 35 MB. Packages are therefore spread over shards by the first
 * digits of their name's SHA-256, which the Nix side computes with `builtins.hashString`; a closure
 * of 250 packages reads some 2 MB. `names.json` has every name, for the attribute set and for
 * suggestions; `sets.json` the names of priority and essential sets.
 *
 *     channel.json                        format, release, dates of the suites
 *     ARCH/main/names.json                { "curl": 0, … }
 *     ARCH/main/packages/HHH.json         { "curl": { version, url, sha256, … }, … }
 *     ARCH/main/sets.json                 { shardDigits, essential, required, important, standard }
 *     ARCH/backports/…                    the same
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lock } from './lock.ts';
import { mergePackages, readPackageIndex, type IndexedPackage } from './package-index.ts';
import { DependencyReducer } from './reduce.ts';
import { suites, type PackageSet } from './suites.ts';

/** Raised whenever the files' form or content changes for the same lock. */
export const channelFormat = 2;

/** The plain text of one locked index, as a byte string. */
export interface IndexText {
  readonly suite: string;
  readonly component: string;
  readonly architecture: string;
  readonly text: string;
}

/** About how many packages a shard has: few enough to read fast, enough to keep files few. */
const packagesPerShard = 20;

/** Writes the channel of `lock` to the folder `directory`, which exists and is empty. */
export function writeChannelFiles(
  directory: string,
  lock: Lock,
  indexes: readonly IndexText[],
): void {
  for (const architecture of new Set(indexes.map((index) => index.architecture))) {
    const sets: Record<PackageSet, Map<string, IndexedPackage>> = {
      main: new Map(),
      backports: new Map(),
    };
    for (const index of indexes) {
      const suite = suites.find((entry) => entry.name === index.suite);
      if (!suite || index.architecture !== architecture) continue;
      mergePackages(sets[suite.set], readPackageIndex(index.text, suite.archive, index.component));
    }
    const main = { prefix: '', packages: sets.main };
    const backports = { prefix: 'backports/', packages: sets.backports };
    const folder = join(directory, architecture);
    writeSet(join(folder, 'main'), sets.main, new DependencyReducer([main]));
    writeSet(join(folder, 'backports'), sets.backports, new DependencyReducer([main, backports]));
  }
  const dates = Object.entries(lock.suites).map(([name, suite]) => [name, suite.date]);
  writeJson(join(directory, 'channel.json'), {
    format: channelFormat,
    release: lock.release,
    dates: Object.fromEntries(dates) as unknown,
  });
}

function writeSet(
  folder: string,
  packages: ReadonlyMap<string, IndexedPackage>,
  reducer: DependencyReducer,
): void {
  mkdirSync(join(folder, 'packages'), { recursive: true });
  const names = [...packages.keys()].sort();
  const shards = new Map<string, Record<string, unknown>>();
  let shardDigits = 1;
  while (names.length > packagesPerShard * 16 ** shardDigits) shardDigits += 1;
  for (let i = 0; i < 16 ** shardDigits; i++) {
    shards.set(i.toString(16).padStart(shardDigits, '0'), {});
  }
  for (const name of names) {
    const shard = createHash('sha256').update(name, 'latin1').digest('hex').slice(0, shardDigits);
    const entry = packages.get(name) as IndexedPackage;
    (shards.get(shard) as Record<string, unknown>)[name] = packageRecord(entry, reducer);
  }
  for (const [shard, records] of shards) {
    writeJson(join(folder, 'packages', `${shard}.json`), records);
  }
  writeJson(join(folder, 'names.json'), Object.fromEntries(names.map((name) => [name, 0])));
  const named = (test: (entry: IndexedPackage) => boolean): string[] =>
    names.filter((name) => test(packages.get(name) as IndexedPackage));
  writeJson(join(folder, 'sets.json'), {
    shardDigits,
    essential: named((entry) => entry.essential),
    required: named((entry) => entry.priority === 'required'),
    important: named((entry) => entry.priority === 'important'),
    standard: named((entry) => entry.priority === 'standard'),
  });
}

// Empty fields are left out: most packages have few, and every byte here is read by evaluations.
function packageRecord(entry: IndexedPackage, reducer: DependencyReducer): Record<string, unknown> {
  const { depends, recommends, conflicts, unsatisfied } = reducer.reduce(entry);
  return {
    version: entry.version,
    architecture: entry.architecture,
    url: `mirror://${entry.archive}/${entry.filename}`,
    sha256: entry.sha256,
    size: entry.sizeBytes,
    component: entry.component,
    section: entry.section,
    priority: entry.priority,
    source: entry.source,
    description: entry.description,
    ...(entry.homepage === '' ? {} : { homepage: entry.homepage }),
    ...(entry.essential ? { essential: true } : {}),
    ...(depends.length === 0 ? {} : { depends }),
    ...(recommends.length === 0 ? {} : { recommends }),
    ...(conflicts.length === 0 ? {} : { conflicts }),
    ...(unsatisfied.length === 0 ? {} : { unsatisfied }),
  };
}

function writeJson(path: string, value: unknown): void {
  writeFileSync(path, JSON.stringify(value), 'latin1');
}
