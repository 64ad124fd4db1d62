/**
 * The task behind `nix search`: packages whose attribute path, name or description match.
 *
 * Sets are gone into where packages are by convention; what fails to evaluate in `legacyPackages` is
 * passed over, since some of its packages always do. Matches are printed as they are found.
 */

import { decodeUtf8, encodeUtf8 } from '#base';
import { NixError } from '#diagnostics';
import {
  Attrs, coerceToString, ContextCollector, force, forceBool, isDerivation, parseDrvName, type Slot,
} from '#runtime';
import { findFlakeOutputs } from '../flakes/open-flake.ts';
import type { EvaluationSession } from '../worker/session.ts';
import { parseAttributePath, selectPath } from './attribute-path.ts';
import {
  autoCall, evaluateSource, makeAutoArguments, type AutoArgument, type ExpressionSource,
} from './expression-source.ts';

export interface SearchInput {
  readonly source: ExpressionSource;
  readonly autoArguments: readonly AutoArgument[];
  /** A byte string. */
  readonly attributePath: string;
  /** Regular expressions that must all match, and those of which none may. */
  readonly wanted: readonly string[];
  readonly excluded: readonly string[];
  /** Whether matches are printed, and then whether with colours; otherwise they are returned. */
  readonly print: 'plain' | 'colored' | 'nothing';
}

/** Ordinary strings. */
export interface FoundPackage {
  readonly pname: string;
  readonly version: string;
  readonly description: string;
}

/** Matches by their attribute paths. */
export type SearchResult = Readonly<Record<string, FoundPackage>>;

export function run(session: EvaluationSession, input: unknown): SearchResult {
  const search = new Search(session, input as SearchInput);
  const { source, autoArguments, attributePath } = input as SearchInput;
  const args = makeAutoArguments(session, autoArguments);
  const roots = source.kind === 'flake' ? findFlakeOutputs(session, source)
    : [{ slot: autoCall(args, selectPath(attributePath, args, evaluateSource(session, source))), attributePath }];
  for (const root of roots) search.visit(root.slot, parseAttributePath(root.attributePath), true);
  return Object.fromEntries(search.found);
}

class Search {
  readonly found: [string, FoundPackage][] = [];
  readonly #session: EvaluationSession;
  readonly #print: SearchInput['print'];
  readonly #wanted: readonly RegExp[];
  readonly #excluded: readonly RegExp[];

  constructor(session: EvaluationSession, { print, wanted, excluded }: SearchInput) {
    this.#session = session;
    this.#print = print;
    this.#wanted = wanted.map(readPattern);
    this.#excluded = excluded.map(readPattern);
  }

  visit(slot: Slot, path: readonly string[], isRoot: boolean): void {
    try {
      const value = force(slot);
      if (!(value instanceof Attrs)) return;
      if (isDerivation(value)) this.#consider(value, path);
      else if (isRoot || goesInto(value, path)) {
        for (const name of value.names()) this.visit(value.get(name)!, [...path, name], false);
      }
    } catch (error) {
      if (!(error instanceof NixError) || path[0] !== 'legacyPackages') throw error;
    }
  }

  #consider(attrs: Attrs, parts: readonly string[]): void {
    const path = decodeUtf8(parts.join('.'));
    const { name, version } = parseDrvName(this.#text(attrs, 'name'));
    const meta = attrs.get('meta');
    const metaSet = meta === undefined ? null : force(meta);
    const description = metaSet instanceof Attrs && metaSet.has('description')
      ? decodeUtf8(this.#text(metaSet, 'description')).replaceAll('\n', ' ') : '';
    const pname = decodeUtf8(name);
    const texts = [path, pname, description];
    if (this.#excluded.some((pattern) => texts.some((text) => matches(text, pattern).length > 0))) return;
    if (!this.#wanted.every((pattern) => texts.some((text) => matches(text, pattern).length > 0))) return;
    this.found.push([path, { pname, version: decodeUtf8(version), description }]);
    if (this.#print !== 'nothing') this.#show(path, decodeUtf8(version), description);
  }

  #show(path: string, version: string, description: string): void {
    const lines = [
      ...(this.found.length > 1 ? [''] : []),
      `* ${this.#paint(bold, this.#highlight(path, bold))}${version === '' ? '' : ` (${version})`}`,
      ...(description === '' ? [] : [`  ${this.#highlight(description, normal)}`]),
    ];
    this.#session.print(encodeUtf8(lines.map((line) => `${line}\n`).join('')));
  }

  /** The text with all matches in green; `after` is the style of the rest. */
  #highlight(text: string, after: string): string {
    let shown = '';
    let at = 0;
    for (const [start, end] of joined(this.#wanted.flatMap((pattern) => matches(text, pattern)))) {
      shown += text.slice(at, start) + this.#paint(green, text.slice(start, end), after);
      at = end;
    }
    return shown + text.slice(at);
  }

  #paint(style: string, text: string, after = normal): string {
    return this.#print === 'colored' ? `${style}${text}${after}` : text;
  }

  #text(attrs: Attrs, name: string): string {
    return coerceToString(attrs.get(name) ?? '', this.#session.evaluator, new ContextCollector(), attrs.positionOf(name), '', {
      copyToStore: false,
    });
  }
}

const bold = '\x1b[0;1m';
const green = '\x1b[32;1m';
const normal = '\x1b[0m';

function goesInto(value: Attrs, path: readonly string[]): boolean {
  const [kind] = path;
  if (path.length === 0 || ((kind === 'legacyPackages' || kind === 'packages') && path.length <= 2)) return true;
  const recurse = kind === 'legacyPackages' ? value.get('recurseForDerivations') : undefined;
  return recurse !== undefined && forceBool(recurse, 0, 'while evaluating the attribute `recurseForDerivations`');
}

function readPattern(text: string): RegExp {
  try {
    return new RegExp(text.replace(/\[:(\w+):\]/g, (whole, name: string) => characterClasses[name] ?? whole), 'gi');
  } catch (error) {
    throw new NixError('Error', encodeUtf8(`invalid regular expression '${text}': ${(error as Error).message}`));
  }
}

/** POSIX's classes as they stand inside brackets. */
const characterClasses: Readonly<Record<string, string>> = {
  alpha: 'a-zA-Z', digit: '0-9', alnum: 'a-zA-Z0-9', space: '\\s', upper: 'A-Z', lower: 'a-z', punct: '!-\\/:-@\\[-`{-~',
  xdigit: '0-9a-fA-F', blank: ' \\t', word: '\\w',
};

type Range = readonly [start: number, end: number];

function matches(text: string, pattern: RegExp): Range[] {
  return [...text.matchAll(pattern)].map((match) => [match.index, match.index + match[0].length]);
}

/** Ranges in order, those that overlap or touch as one. */
function joined(ranges: readonly Range[]): Range[] {
  const result: [number, number][] = [];
  for (const [start, end] of [...ranges].sort(([a], [b]) => a - b)) {
    const last = result.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else result.push([start, end]);
  }
  return result;
}
