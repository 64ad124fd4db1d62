/**
 * Relations between Debian packages: the text of Depends, Provides, Conflicts and their kin.
 *
 * A field is a list of clauses joined by commas, a clause is a list of alternatives joined by `|`
 * (Policy §7.1). Architecture restrictions in brackets and build profiles in angle brackets do not
 * occur in a binary index; they are read past. The spelling of an old relation (`<`, `>`) means
 * `<=` and `>=`.
 */
import type { VersionRelation } from './debian-version.ts';

/** One alternative: a package, real or virtual, perhaps at certain versions or of one machine. */
export interface PackageRelation {
  readonly name: string;
  /** The text after the colon: `any`, `native` or an architecture. */
  readonly architecture?: string;
  readonly relation?: VersionRelation;
  readonly version?: string;
}

/** The clauses of `field`, each with its alternatives in order; unreadable ones are left out. */
export function parseRelations(field: string): PackageRelation[][] {
  const clauses: PackageRelation[][] = [];
  for (const clauseText of field.split(',')) {
    const clause: PackageRelation[] = [];
    for (const text of clauseText.split('|')) {
      const relation = parseRelation(text);
      if (relation) clause.push(relation);
    }
    if (clause.length > 0) clauses.push(clause);
  }
  return clauses;
}

const pattern = /^\s*([A-Za-z0-9][A-Za-z0-9+.-]*)(?::([a-z0-9-]+))?\s*(?:\(\s*(<<|<=|=|>=|>>|<|>)\s*([^\s)]+)\s*\))?/;

function parseRelation(text: string): PackageRelation | undefined {
  const match = pattern.exec(text);
  if (!match) return undefined;
  const [, name, architecture, relation, version] = match as unknown as [
    string,
    string,
    string | undefined,
    string | undefined,
    string | undefined,
  ];
  return {
    name,
    ...(architecture === undefined ? {} : { architecture }),
    ...(relation === undefined || version === undefined
      ? {}
      : { relation: modernRelation(relation), version }),
  };
}

function modernRelation(relation: string): VersionRelation {
  if (relation === '<') return '<=';
  if (relation === '>') return '>=';
  return relation as VersionRelation;
}
