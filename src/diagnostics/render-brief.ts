/**
 * A `NixError` as a person with a configuration wants it: what is wrong first, then the place in
 * their own files, then which options it happened in. The whole trace is for `--show-trace`.
 *
 * A tree's own files (`distro/`, nixpkgs) are mostly where an error surfaces, not where it was made;
 * so the innermost place outside of them is shown, if there is one. Messages of the module system
 * name definitions as "In `FILE' (line N)": the lines are shown too.
 */

import type { NixError } from './nix-error.ts';
import { originOf, type Position, textOfFile } from './position.ts';
import {
  numbered,
  painted,
  plain,
  renderPlace,
  renderSuggestions,
  withoutEscapes,
} from './render.ts';

export interface BriefOptions {
  /** Files below it are the tree's own. A byte string. */
  readonly treeRoot: string;
  readonly color?: boolean;
}

const shownOptions = 3;
const shownDefinitions = 4;

/** The report, a byte string without a final newline. */
export function renderBrief(error: NixError, options: BriefOptions): string {
  const paint = options.color === true ? painted : plain;
  const suggestions =
    error.suggestions.length === 0
      ? []
      : [`Did you mean ${renderSuggestions(error.suggestions, paint)}?`];
  const excerpts = definitionExcerpts(error.message);
  // A place in the tree says nothing more where the user's own definitions are shown.
  const place = placeOf(error, options.treeRoot, excerpts.length === 0);
  const what = place === undefined || place.text === '' ? '' : `  ${place.text}\n`;
  const where = place === undefined ? '' : `${what}${renderPlace(place.position, '  ', paint).trimEnd()}`;
  const message = error.message.trimEnd();
  return [
    `${paint.red('error:')} ${options.color === true ? message : withoutEscapes(message)}`,
    ...suggestions,
    ...excerpts,
    where,
    ...optionsOf(error),
    error.frames.length > 0 ? "  (the option '--show-trace' shows how it came to this)" : '',
  ]
    .filter((part) => part !== '')
    .join('\n');
}

interface Place {
  readonly position: Position;
  /** What was being done there. */
  readonly text: string;
}

/** The error's own place or the innermost frame's, in the user's files if there is one. */
function placeOf(error: NixError, treeRoot: string, orTree: boolean): Place | undefined {
  const places: Place[] = [
    { position: error.position, text: '' },
    ...error.frames.map(({ position, text }) => ({ position, text })),
  ].filter(({ position }) => originOf(position)?.kind === 'file');
  const isUsers = ({ position }: Place) => {
    const origin = originOf(position);
    return origin?.kind === 'file' && !origin.path.startsWith(`${treeRoot}/`);
  };
  return places.find(isUsers) ?? (orTree ? places[0] : undefined);
}

/** The innermost options on the way, innermost first. */
function optionsOf(error: NixError): string[] {
  const names = new Set<string>();
  for (const { text } of error.frames) {
    const name = /^while evaluating the option `(.+)':?$/.exec(text)?.[1];
    if (name !== undefined) names.add(name);
    if (names.size === shownOptions) break;
  }
  return [...names].map((name, index) => `  ${index === 0 ? 'in the option' : 'needed by'} ${name}`);
}

/** The lines that a message names as places of definitions. */
function definitionExcerpts(message: string): string[] {
  const excerpts: string[] = [];
  const seen = new Set<string>();
  for (const match of message.matchAll(/[Ii]n `([^'\n]+)' \(line (\d+)\)/g)) {
    const [, path = '', lineText = ''] = match;
    const line = Number(lineText);
    const here = textOfFile(path)?.split(/\r\n|\n|\r/)[line - 1];
    const key = `${path}:${line}`;
    if (here === undefined || seen.has(key) || seen.size === shownDefinitions) continue;
    seen.add(key);
    excerpts.push(`  at ${key}:\n${numbered(line, here)}`);
  }
  return excerpts;
}
