/** Ways to read a text: as an expression, as bindings, or as what its last name is selected from. */

import type { Position } from '#diagnostics';
import { parse, parseReplBindings } from '#lang';
import type { Attrs } from '#runtime';

/** How a text is read, if in another way than usually. */
export interface ReadingOptions {
  /** Names that it sees before the base scope. */
  readonly scope?: Attrs | undefined;
  readonly read?: ReadText;
  /** Where its positions begin. */
  readonly base?: Position;
  /** Whether each name gets a place in its frame, wanted or not: then a use more moves no others. */
  readonly keepsScopes?: boolean;
}

/** From a text to its tree: of an expression, if nothing else is said. */
export type ReadText = typeof parse;

/** The last semicolon may be left out; it is no part of the text that messages show. */
export const parseBindingsOnly: ReadText = (text, options) => {
  const plain = parseReplBindings(text, options);
  const { bindings, diagnostics } = plain.bindings ? plain : parseReplBindings(`${text};`, options);
  return { tree: bindings, diagnostics, warnings: [] };
};

export const parseWithoutLastName: ReadText = (text, options) => {
  const parsed = parse(text, options);
  if (parsed.tree?.kind !== 'select') return parsed;
  const { subject, path } = parsed.tree;
  return { ...parsed, tree: path.length === 1 ? subject : { ...parsed.tree, path: path.slice(0, -1) } };
};
