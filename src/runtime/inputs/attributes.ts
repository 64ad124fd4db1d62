/**
 * The attributes of an input, read one by one with the checks that C++ Nix makes.
 *
 * An input is a map, and stays one: attributes that a scheme does not know of are kept.
 */

import { formatHash, parseHash } from '#base';
import { withUserErrors } from '../builtins/errors.ts';
import { nixError } from '../errors.ts';
import type { FetchAttribute } from '../host.ts';
import { quoteJson } from '../json-text.ts';

export type Input = ReadonlyMap<string, FetchAttribute>;

/** One line of JSON, keys in order. */
export function inputToJson(input: Input): string {
  const pairs = sortedAttributes(input).map(([name, value]) =>
    `${quoteJson(name)}:${typeof value === 'string' ? quoteJson(value) : String(value)}`);
  return `{${pairs.join(',')}}`;
}

export function sortedAttributes(input: Input): [string, FetchAttribute][] {
  return [...input].sort(([a], [b]) => (a < b ? -1 : 1));
}

export function sameInput(a: Input, b: Input): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.get(name) === value);
}

/** With some attributes set and, where the value is undefined, removed. */
export function withAttributes(
  input: Input, changes: Readonly<Record<string, FetchAttribute | undefined>>,
): Input {
  const result = new Map(input);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) result.delete(name);
    else result.set(name, value);
  }
  return result;
}

export function textAttribute(input: Input, name: string): string | undefined {
  const value = input.get(name);
  if (value === undefined || typeof value === 'string') return value;
  throw nixError('Error', `input attribute '${name}' is not a string ${inputToJson(input)}`);
}

export function numberAttribute(input: Input, name: string): number | undefined {
  const value = input.get(name);
  if (value === undefined || typeof value === 'number') return value;
  throw nixError('Error', `input attribute '${name}' is not an integer`);
}

export function flagAttribute(input: Input, name: string): boolean | undefined {
  const value = input.get(name);
  if (value === undefined || typeof value === 'boolean') return value;
  throw nixError('Error', `input attribute '${name}' is not a Boolean`);
}

/** The revision in base 16. */
export function revisionOf(input: Input): string | undefined {
  const text = textAttribute(input, 'rev');
  if (text === undefined) return undefined;
  if (/^[0-9a-f]{40}$/.test(text)) return text;
  const isPrefixed = /^(?:md5|sha1|sha256|sha512|blake3)[:-]/.test(text);
  return formatHash(withUserErrors(() => parseHash(text, isPrefixed ? undefined : 'sha1')), 'base16');
}

/** The NAR hash as an SRI hash; an empty one is all zeros. */
export function narHashOf(input: Input): string | undefined {
  const text = textAttribute(input, 'narHash');
  if (text === undefined) return undefined;
  if (text === '') return formatHash({ algorithm: 'sha256', bytes: new Uint8Array(32) }, 'sri');
  const hash = withUserErrors(() => parseHash(text));
  if (hash.algorithm !== 'sha256') throw nixError('Error', 'narHash must use SHA-256');
  return formatHash(hash, 'sri');
}

/** Whether nothing may be added to the attributes: lock files name such inputs. */
export function isFinalInput(input: Input): boolean {
  return input.get('__final') === true;
}
