/**
 * Positions in files that may change.
 *
 * Nodes that a changed file keeps (changed-tree.ts) keep their positions, and so do sets that were
 * made of them. Where such a position stands now is looked up when somebody wants to know; who does
 * depends on the file.
 */

import type { Position } from '#diagnostics';
import type { Index } from './heap.ts';
import type { ImageReader, ImageWriter } from './image-parts.ts';

/** The text of a file in one revision. */
interface Extent {
  readonly base: Position;
  readonly end: Position;
  readonly input: Index;
}

const extents: Extent[] = [];
const moved = new Map<Position, Position>();

export function forgetPositions(): void {
  extents.length = 0;
  moved.clear();
}

/** Positions from `base` on are in a file that may change, whose input cell this is. */
export function watchPositions(base: Position, length: number, input: Index): void {
  extents.push({ base, end: base + length, input });
}

/** In a first revision nothing has moved. */
export function savePositions(image: ImageWriter): void {
  image.numbers('input-extents', extents.flatMap(({ base, end, input }) => [base, end, input]));
}

export function restorePositions(image: ImageReader): void {
  forgetPositions();
  const words = image.numbers('input-extents');
  for (let i = 0; i < words.length; i += 3) extents.push({ base: words[i]!, end: words[i + 1]!, input: words[i + 2]! });
}

/** The input cell of the file that a position is in; undefined if that does not change. */
export function inputOfPosition(position: Position): Index | undefined {
  for (const { base, end, input } of extents) if (position >= base && position <= end) return input;
  return undefined;
}

/** What stood at the one position of each pair stands at the other now. */
export function movePositions(pairs: ReadonlyMap<Position, Position>): void {
  for (const [first, last] of moved) {
    const now = pairs.get(last);
    if (now !== undefined) moved.set(first, now);
  }
  for (const [before, now] of pairs) moved.set(before, now);
}

/** Where that stands now which stood there when its node was made. */
export function positionNow(position: Position): Position {
  return moved.get(position) ?? position;
}

export function isSamePosition(a: Position, b: Position): boolean {
  return positionNow(a) === positionNow(b);
}
