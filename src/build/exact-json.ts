/**
 * JSON kept as it was written: numbers as their text, objects as maps whose names no JavaScript
 * object would reorder. What is read and printed again differs at most in spaces and in the order
 * of names, which is always that of their bytes. Strings are byte strings.
 */
import { compareByteStrings } from '#base';
import { malformedAttributes } from './errors.ts';

/** A number as its text. */
export class JsonNumber {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

export type ExactJson =
  | null | boolean | string | JsonNumber | readonly ExactJson[] | ReadonlyMap<string, ExactJson>;

/** Parses the attributes of the derivation called `name`. */
export function parseExactJson(text: string, name: string): ExactJson {
  try {
    return JSON.parse(text, function exact(_key, value: unknown, context?: { source?: string }): unknown {
      if (typeof value === 'number') return new JsonNumber(context?.source ?? String(value));
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
      return value instanceof JsonNumber || value instanceof Map ? value : new Map(Object.entries(value));
    }) as ExactJson;
  } catch (error) {
    throw malformedAttributes(name, error);
  }
}

/** Prints without spaces, names in byte order. */
export function printExactJson(value: ExactJson): string {
  if (value instanceof JsonNumber) return value.source;
  if (Array.isArray(value)) return `[${value.map(printExactJson).join(',')}]`;
  if (value instanceof Map) {
    const members = sortedMembers(value as ReadonlyMap<string, ExactJson>);
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${printExactJson(member)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}

/** The members of an object in the order in which they are printed. */
export function sortedMembers(object: ReadonlyMap<string, ExactJson>): [string, ExactJson][] {
  return [...object].sort(([a], [b]) => compareByteStrings(a, b));
}
