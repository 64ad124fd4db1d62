/**
 * The variables and functions that a builder finds, as its report tells them, and the shell code
 * that makes them again. All texts are byte strings.
 */

import { badEnvironment } from '../../errors.ts';
import { quoteForShell } from '../shell-words.ts';

export type BashValue =
  | { readonly type: 'var' | 'exported'; readonly value: string }
  | { readonly type: 'array'; readonly value: readonly string[] }
  | { readonly type: 'associative'; readonly value: Readonly<Record<string, string>> };

export interface BuildEnvironment {
  readonly variables: ReadonlyMap<string, BashValue>;
  /** Bodies by names. */
  readonly bashFunctions: ReadonlyMap<string, string>;
  /** Of structured attributes, `.attrs.sh` and `.attrs.json`. */
  readonly structuredAttrs: ReadonlyMap<string, string> | undefined;
}

/** Reads a report; `place` is where it stands, for messages. */
export function parseEnvironment(text: string, place: string): BuildEnvironment {
  let json;
  try {
    json = JSON.parse(text) as ReportJson;
  } catch (error) {
    throw badEnvironment(place, error as Error);
  }
  const { variables = {}, bashFunctions = {}, structuredAttrs } = json;
  return {
    variables: new Map(sortedEntries(variables)
      .filter((entry): entry is [string, BashValue] => entry[1].type !== 'unknown')),
    bashFunctions: new Map(sortedEntries(bashFunctions)),
    structuredAttrs: structuredAttrs === undefined ? undefined : new Map(sortedEntries(structuredAttrs)),
  };
}

/** As `nix print-dev-env --json` prints it. */
export function environmentJson({ variables, bashFunctions, structuredAttrs }: BuildEnvironment): object {
  return {
    bashFunctions: Object.fromEntries(bashFunctions),
    variables: Object.fromEntries(variables),
    ...(structuredAttrs === undefined ? {} : { structuredAttrs: Object.fromEntries(structuredAttrs) }),
  };
}

/** Shell code that declares everything but the variables to be left out. */
export function printEnvironment({ variables, bashFunctions }: BuildEnvironment, left: ReadonlySet<string>): string {
  const declared = [...variables].filter(([name]) => !left.has(name)).map(([name, value]) => declaration(name, value));
  const defined = [...bashFunctions].map(([name, body]) => `${name} ()\n{\n${body}}\n`);
  return [...declared, ...defined].join('');
}

/** The outputs' paths by names. */
export function outputPaths({ variables, structuredAttrs }: BuildEnvironment, place: string): ReadonlyMap<string, string> {
  const outputs = variables.get('outputs');
  if (structuredAttrs !== undefined && outputs?.type === 'associative') return new Map(Object.entries(outputs.value));
  if (outputs === undefined || outputs.type === 'associative') throw badEnvironment(place, "derivation does not have an 'outputs' attribute");
  const names = outputs.type === 'array' ? outputs.value : outputs.value.split(/\s+/).filter(Boolean);
  return new Map(names.flatMap((name): [string, string][] => {
    const path = textOf(variables.get(name));
    return path === undefined ? [] : [[name, path]];
  }));
}

export function textOf(value: BashValue | undefined): string | undefined {
  return value?.type === 'var' || value?.type === 'exported' ? value.value : undefined;
}

function declaration(name: string, value: BashValue): string {
  switch (value.type) {
    case 'var': return `${name}=${quoteForShell(value.value)}\n`;
    case 'exported': return `${name}=${quoteForShell(value.value)}\nexport ${name}\n`;
    case 'array': return `declare -a ${name}=(${value.value.map((item) => `${quoteForShell(item)} `).join('')})\n`;
    case 'associative': {
      const pairs = sortedEntries(value.value).map(([key, item]) => `[${quoteForShell(key)}]=${quoteForShell(item)} `);
      return `declare -A ${name}=(${pairs.join('')})\n`;
    }
  }
}

interface ReportJson {
  readonly variables?: Readonly<Record<string, BashValue | { readonly type: 'unknown' }>>;
  readonly bashFunctions?: Readonly<Record<string, string>>;
  readonly structuredAttrs?: Readonly<Record<string, string>>;
}

function sortedEntries<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1));
}
