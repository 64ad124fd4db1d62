/**
 * Inputs: what is fetched, as attributes with a `type`, whatever way it was written down.
 *
 * The scheme of a type knows which attributes there are and how they stand in a URL. Nothing is
 * looked up or fetched here. Texts are byte strings, messages C++ Nix's.
 */

import { nixError } from '../errors.ts';
import {
  inputToJson, narHashOf, numberAttribute, revisionOf, textAttribute, type Input,
} from './attributes.ts';
import { schemeOfType, schemes, type InputSettings } from './schemes.ts';
import { parseUrl, printUrl, type Url } from './url.ts';

/** Reads a URL. `requireTree` says that a plain file will not do: archives are taken then. */
export function inputFromUrl(url: Url | string, settings: InputSettings, requireTree = true): Input {
  const parsed = typeof url === 'string' ? parseUrl(url) : url;
  for (const scheme of schemes) {
    const input = scheme.fromUrl({ ...parsed, query: new Map(parsed.query) }, requireTree);
    if (input === undefined) continue;
    return checkedInput(input, settings);
  }
  const text = printUrl(parsed);
  if (parsed.scheme === 'file+git') {
    throw nixError('Error', `input '${text}' is unsupported; did you mean 'git+file' instead of 'file+git'?`);
  }
  throw nixError('Error', `input '${text}' is unsupported`);
}

/** Checks attributes against their scheme; those of an unknown type stay as they are. */
export function checkedInput(attributes: Input, settings: InputSettings): Input {
  const type = attributes.get('type');
  if (type === undefined) {
    throw nixError('Error', "'type' attribute to specify input scheme is required but not provided");
  }
  const scheme = schemeOfType(type);
  if (scheme === undefined) return attributes;
  if (scheme.feature !== undefined) settings.requireFeature(scheme.feature);
  for (const name of attributes.keys()) {
    if (name !== 'type' && name !== '__final' && !scheme.attributes.has(name)) {
      throw nixError('Error', `input attribute '${name}' not supported by scheme '${String(type)}'`);
    }
  }
  const input = scheme.check(attributes, settings);
  revisionOf(input);
  narHashOf(input);
  numberAttribute(input, 'revCount');
  numberAttribute(input, 'lastModified');
  textAttribute(input, 'ref');
  return input;
}

/** The URL form; `extraQuery` adds parameters. */
export function inputToUrl(input: Input, extraQuery: readonly (readonly [string, string])[] = []): string {
  const scheme = schemeOfType(input.get('type'));
  if (scheme === undefined) throw nixError('Error', `cannot show unsupported input '${inputToJson(input)}'`);
  const url = scheme.toUrl(input);
  for (const [name, value] of extraQuery) if (!url.query.has(name)) url.query.set(name, value);
  return printUrl(url);
}

/** Whether it always gives the same tree: it names a revision or a content hash. */
export function isLocked(input: Input, settings: InputSettings): boolean {
  return schemeOfType(input.get('type'))?.isLocked(input, settings) ?? false;
}

/** False for what a registry must resolve first. */
export function isDirect(input: Input): boolean {
  return input.get('type') !== 'indirect';
}

/** The path of a `path:` input that is relative to the flake that names it. */
export function relativePath(input: Input): string | undefined {
  const path = input.get('type') === 'path' ? input.get('path') : undefined;
  return typeof path === 'string' && !path.startsWith('/') ? path : undefined;
}

/** The input with another branch or revision. */
export function withOverrides(input: Input, ref: string | undefined, revision: string | undefined): Input {
  const scheme = schemeOfType(input.get('type'));
  return scheme === undefined ? input : scheme.override(input, ref, revision);
}
