/**
 * Positions: one number for a place in any source.
 *
 * A source gets a range of numbers when it is registered; a position is the base of its source plus
 * a byte offset. Emitted code and attribute-set shapes carry these small integers, and line and
 * column are worked out only when somebody looks. Zero is "no position".
 *
 * Invariant: texts are byte strings (one character per byte); a column counts bytes from 1, as in
 * C++ Nix.
 */

import { shownPath } from './source-trees.ts';

/** A place in a registered source; 0 when there is none. */
export type Position = number;

export const noPosition: Position = 0;

/** Where a source's text came from. */
export type SourceOrigin =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'string' }
  | { readonly kind: 'stdin' }
  | { readonly kind: 'internal'; readonly path: string };

export interface ResolvedPosition {
  readonly origin: SourceOrigin;
  readonly text: string;
  /** In the text, from 0, in bytes. */
  readonly offset: number;
  /** From 1. */
  readonly line: number;
  /** From 1, in bytes. */
  readonly column: number;
}

interface Source {
  readonly base: number;
  readonly origin: SourceOrigin;
  /** Of files whose programs were kept, read when it is wanted. */
  text: string | (() => string);
  lineStarts: Uint32Array | undefined;
}

/** By their positions. */
const sources: Source[] = [];
let nextBase = 1;

/** Registers a text and returns the position of its first byte. */
export function registerSource(origin: SourceOrigin, text: string): Position {
  const base = nextBase;
  nextBase += text.length + 2;
  insertSource({ base, origin, text, lineStarts: undefined });
  return base;
}

/** From here on are positions of an evaluation that may be gone on from in another process. */
const firstNotedPosition: Position = 2 ** 29;

/** The next source's position, which is none that a process has that goes on from this one. */
export function beginNotedSources(): Position {
  nextBase = Math.max(nextBase, firstNotedPosition);
  return nextBase;
}

export function nextSourcePosition(): Position {
  return nextBase;
}

/** A source that another process may have too. */
export interface NotedSource {
  readonly base: Position;
  readonly origin: SourceOrigin;
  readonly text: () => string;
}

/** All sources from a position on. */
export function sourcesFrom(first: Position): NotedSource[] {
  return sources.slice(placeOf(first - 1) + 1).map((source) => ({
    base: source.base, origin: source.origin, text: () => textOf(source),
  }));
}

/** Takes sources of another process, in the place of all that may have the same positions; `next` is free. */
export function restoreSources(restored: readonly NotedSource[], next: Position): void {
  sources.splice(placeOf(firstNotedPosition - 1) + 1);
  for (const { base, origin, text } of restored) sources.push({ base, origin, text, lineStarts: undefined });
  nextBase = next;
}

/** From here on are positions in files whose programs are kept, the same in each run. */
export const firstKeptPosition: Position = 2 ** 30;
const lastKeptPosition: Position = 2 ** 31 - 1;
let nextKept = firstKeptPosition;

/** Positions from `firstKeptPosition` to here are those of programs that may be known. */
export function reserveKeptPositions(end: Position): void {
  nextKept = end;
}

export function keptPositionsEnd(): Position {
  return nextKept;
}

/** Registers a file whose program may be kept; undefined if there are no positions for it. */
export function registerKeptSource(origin: SourceOrigin, text: string): Position | undefined {
  const base = nextKept;
  if (base + text.length + 2 > lastKeptPosition) return undefined;
  nextKept += text.length + 2;
  insertSource({ base, origin, text, lineStarts: undefined });
  return base;
}

/** Registers a file whose program was kept, at its positions. */
export function registerKnownSource(origin: SourceOrigin, base: Position, text: () => string): void {
  insertSource({ base, origin, text, lineStarts: undefined });
}

function insertSource(source: Source): void {
  const last = sources[sources.length - 1];
  if (last === undefined || last.base < source.base) sources.push(source);
  else sources.splice(placeOf(source.base) + 1, 0, source);
}

function textOf(source: Source): string {
  if (typeof source.text !== 'string') source.text = source.text();
  return source.text;
}

/** Origin, line and column of a position; undefined for `noPosition`. */
export function resolvePosition(position: Position): ResolvedPosition | undefined {
  const source = sourceOf(position);
  if (source === undefined) return undefined;
  const offset = position - source.base;
  const text = textOf(source);
  const starts = (source.lineStarts ??= findLineStarts(text));
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= offset) low = middle;
    else high = middle - 1;
  }
  return {
    origin: source.origin,
    text,
    offset,
    line: low + 1,
    column: offset - starts[low]! + 1,
  };
}

/** `file:line:column`, as messages name a place. */
export function showPosition(position: Position): string {
  const place = resolvePosition(position);
  if (place === undefined) return '\xc2\xabnone\xc2\xbb';
  return `${showOrigin(place.origin)}:${place.line}:${place.column}`;
}

/** A source's name as messages have it. */
export function showOrigin(origin: SourceOrigin): string {
  switch (origin.kind) {
    case 'string':
      return '\xc2\xabstring\xc2\xbb';
    case 'stdin':
      return '\xc2\xabstdin\xc2\xbb';
    case 'internal':
      return `\xc2\xabnix-internal\xc2\xbb/${origin.path}`;
    default:
      return shownPath(origin.path);
  }
}

/** Origin of a position without the work of finding its line. */
export function originOf(position: Position): SourceOrigin | undefined {
  return sourceOf(position)?.origin;
}

/** The text of a registered file, if it was read; of several the last. */
export function textOfFile(path: string): string | undefined {
  const found = sources.findLast(({ origin }) => origin.kind === 'file' && origin.path === path);
  return found === undefined ? undefined : textOf(found);
}

function sourceOf(position: Position): Source | undefined {
  if (position <= 0) return undefined;
  return sources[placeOf(position)];
}

/** Place of the last source that begins at a position or before it, or -1. */
function placeOf(position: Position): number {
  let low = -1;
  let high = sources.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (sources[middle]!.base <= position) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** A line ends with LF, CR LF or CR. */
function findLineStarts(text: string): Uint32Array {
  const starts = [0];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 10) starts.push(i + 1);
    else if (code === 13 && text.charCodeAt(i + 1) !== 10) starts.push(i + 1);
  }
  return Uint32Array.from(starts);
}
