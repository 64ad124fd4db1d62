/**
 * Regular expressions of `builtins.match` and `builtins.split`: compiled once, kept by text.
 *
 * Most expressions in use are simple enough that V8's own engine gives the same answer; those are
 * handed to it when its backtracking is bounded for the text at hand (`native.ts`). The rest runs
 * on `matcher.ts`.
 */

import { checkListLength } from '../errors.ts';
import { matchAll, matchWhole } from './matcher.ts';
import { nativeForm, type NativeForm } from './native.ts';
import { compileProgram, type Program } from './program.ts';
import { parseRegex, RegexError } from './syntax.ts';

export { RegexError };

/** What the groups took, in order; `null` for one that took no part. */
export type RegexGroups = (string | null)[];

/** Throws `RegexError` unless `source` is a regular expression. */
export function checkRegex(source: string): void {
  lookUp(source);
}

/** The groups if the whole of `text` matches, else `undefined`. Throws `RegexError`. */
export function regexMatch(source: string, text: string): RegexGroups | undefined {
  const regex = lookUp(source);
  const native = regex.native?.whole(text);
  if (native !== undefined) {
    const found = native.exec(text);
    return found === null ? undefined : found.slice(1).map((group) => group ?? null);
  }
  const match = matchWhole(regex.program(), text);
  return match === undefined ? undefined : groupsOf(text, match.groups);
}

/**
 * The parts of `text` that do not match, between the groups of those that do. Throws `RegexError`.
 */
export function regexSplit(source: string, text: string): (string | RegexGroups)[] {
  const parts: (string | RegexGroups)[] = [];
  let from = 0;
  for (const match of matchAll(lookUp(source).program(), text)) {
    parts.push(text.slice(from, match.begin), groupsOf(text, match.groups));
    checkListLength(parts.length, 0);
    from = match.end;
  }
  parts.push(text.slice(from));
  return parts;
}

function groupsOf(text: string, spans: Int32Array): RegexGroups {
  const groups: RegexGroups = [];
  for (let i = 0; i < spans.length; i += 2) {
    groups.push(spans[i]! < 0 ? null : text.slice(spans[i], spans[i + 1]));
  }
  return groups;
}

interface Regex {
  readonly native: NativeForm | undefined;
  program(): Program;
}

const cache = new Map<string, Regex>();

function lookUp(source: string): Regex {
  let regex = cache.get(source);
  if (regex === undefined) cache.set(source, (regex = compile(source)));
  return regex;
}

function compile(source: string): Regex {
  const tree = parseRegex(source);
  // The size limit holds for every expression, whoever runs it.
  const program = compileProgram(tree);
  return { native: nativeForm(tree), program: () => program };
}
