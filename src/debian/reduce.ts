/**
 * Reducing dependencies: from relations with versions and virtual names to plain lists of packages.
 *
 * In a merged set a name has one version, so whether a relation holds is a fact of the set and can
 * be settled once, here, rather than at each evaluation. A clause becomes the list of packages that
 * would satisfy it, in the order of preference: alternatives as written; within one, the package of
 * that name before those that provide it, these by priority and then name. A package of backports is
 * written `backports/NAME`, and stands after what main offers for the same alternative.
 */
import {
  parseRelations,
  satisfiesRelation,
  type PackageRelation,
  type VersionRelation,
} from '#formats';
import type { IndexedPackage } from './package-index.ts';

/** A clause that one package alone satisfies is that name; otherwise the names, best first. */
export type ReducedClause = string | readonly string[];

export interface ReducedDependencies {
  /** Pre-Depends and Depends. */
  readonly depends: readonly ReducedClause[];
  readonly recommends: readonly ReducedClause[];
  /** Packages of the set that this one's Conflicts or Breaks speak of. */
  readonly conflicts: readonly string[];
  /** Clauses, as written, that nothing in the set satisfies. */
  readonly unsatisfied: readonly string[];
}

interface Candidate {
  readonly id: string;
  readonly entry: IndexedPackage;
}

interface Provider extends Candidate {
  readonly version: string | undefined;
}

/** Reduces the dependencies of packages against one or more sets, the first preferred. */
export class DependencyReducer {
  readonly #real = new Map<string, Candidate[]>();
  readonly #providers = new Map<string, Provider[]>();

  /** `sets` in the order of preference, each with the prefix that its packages are written with. */
  constructor(
    sets: readonly { readonly prefix: string; readonly packages: ReadonlyMap<string, IndexedPackage> }[],
  ) {
    for (const { prefix, packages } of sets) {
      const provided = new Map<string, Provider[]>();
      for (const entry of packages.values()) {
        const candidate = { id: prefix + entry.name, entry };
        append(this.#real, entry.name, candidate);
        if (entry.provides === '') continue;
        for (const [relation] of parseRelations(entry.provides)) {
          if (!relation || relation.name === entry.name) continue;
          append(provided, relation.name, { ...candidate, version: relation.version });
        }
      }
      for (const [name, providers] of provided) {
        providers.sort(byPreference);
        for (const provider of providers) append(this.#providers, name, provider);
      }
    }
  }

  reduce(entry: IndexedPackage): ReducedDependencies {
    const unsatisfied: string[] = [];
    return {
      depends: this.#reduceField(entry, joined(entry.preDepends, entry.depends), unsatisfied),
      recommends: entry.recommends === '' ? [] : this.#reduceField(entry, entry.recommends, []),
      conflicts: this.#conflicts(entry),
      unsatisfied,
    };
  }

  #reduceField(entry: IndexedPackage, field: string, unsatisfied: string[]): ReducedClause[] {
    if (field === '') return [];
    const reduced = new Map<string, ReducedClause>();
    for (const clause of parseRelations(field)) {
      const names = new Set<string>();
      let satisfiedBySelf = false;
      for (const relation of clause) {
        for (const candidate of this.#candidates(relation)) {
          if (candidate.entry === entry) satisfiedBySelf = true;
          names.add(candidate.id);
        }
      }
      if (satisfiedBySelf) continue;
      if (names.size === 0) {
        unsatisfied.push(clause.map(formatRelation).join(' | '));
        continue;
      }
      const list = [...names];
      reduced.set(list.join(' '), list.length === 1 ? (list[0] as string) : list);
    }
    return [...reduced.values()];
  }

  #candidates(relation: PackageRelation): Candidate[] {
    const found: Candidate[] = [];
    for (const candidate of this.#real.get(relation.name) ?? []) {
      if (!fitsArchitecture(relation, candidate.entry)) continue;
      if (holds(candidate.entry.version, relation)) found.push(candidate);
    }
    for (const provider of this.#providers.get(relation.name) ?? []) {
      if (!fitsArchitecture(relation, provider.entry)) continue;
      // Only a provision that states its version can satisfy a relation that asks for one.
      if (relation.version === undefined || holds(provider.version, relation)) found.push(provider);
    }
    return found;
  }

  #conflicts(entry: IndexedPackage): string[] {
    const field = joined(entry.conflicts, entry.breaks);
    if (field === '') return [];
    const ids = new Set<string>();
    for (const clause of parseRelations(field)) {
      for (const relation of clause) {
        for (const candidate of this.#candidates(relation)) {
          if (candidate.entry.name !== entry.name) ids.add(candidate.id);
        }
      }
    }
    return [...ids].sort();
  }
}

function holds(version: string | undefined, relation: PackageRelation): boolean {
  if (relation.relation === undefined || relation.version === undefined) return true;
  if (version === undefined) return false;
  return satisfiesRelation(version, relation.relation as VersionRelation, relation.version);
}

// `:any` asks for nothing that a single-architecture set does not have; another machine's name does.
function fitsArchitecture(relation: PackageRelation, entry: IndexedPackage): boolean {
  const wanted = relation.architecture;
  if (wanted === undefined || wanted === 'any' || wanted === 'native') return true;
  return wanted === entry.architecture;
}

const priorities = ['required', 'important', 'standard', 'optional', 'extra'];

function byPreference(left: Provider, right: Provider): number {
  const rank = priorities.indexOf(left.entry.priority) - priorities.indexOf(right.entry.priority);
  if (rank !== 0) return rank;
  return left.entry.name < right.entry.name ? -1 : left.entry.name > right.entry.name ? 1 : 0;
}

function formatRelation(relation: PackageRelation): string {
  const version = relation.version === undefined ? '' : ` (${relation.relation} ${relation.version})`;
  return `${relation.name}${version}`;
}

function joined(first: string, second: string): string {
  if (first === '') return second;
  return second === '' ? first : `${first}, ${second}`;
}

function append<V>(map: Map<string, V[]>, key: string, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
