/** Parsing in tests: a text to its printed tree, or to the first error. */

import { NixError, registerSource, type SourceOrigin } from '#diagnostics';
import { parse, resolve, showExpr } from '#lang';

export interface ParseTextOptions {
  readonly directory?: string;
  readonly pipes?: boolean;
}

/** The tree as `--parse` prints it; throws the first diagnostic. */
export function parseText(text: string, options: ParseTextOptions = {}): string {
  const base = registerSource({ kind: 'string' }, text);
  const result = parse(text, {
    base,
    directory: options.directory ?? '/test',
    home: '/home/user',
    pipes: options.pipes ?? false,
  });
  if (result.tree === undefined) throw result.diagnostics[0]!;
  return showExpr(result.tree);
}

/** The first error of parsing and of resolving names; undefined if there is none. */
export function checkNames(text: string, origin: SourceOrigin): NixError | undefined {
  const base = registerSource(origin, text);
  const result = parse(text, { base, directory: '/test', home: '/home/user', pipes: false });
  if (result.tree === undefined) return result.diagnostics[0]!;
  try {
    resolve(result.tree, { base, globals: new Set(['true', 'false', 'null', '__sub']), curried: false });
    return undefined;
  } catch (error) {
    if (error instanceof NixError) return error;
    throw error;
  }
}
