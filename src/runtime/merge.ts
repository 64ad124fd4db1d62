/**
 * Merging attribute sets: `left // right`.
 *
 * By a plan, when the same two shapes meet again. Else it is found out first where each attribute
 * comes from, and then the arrays are filled, each made at its size: most merges happen once, so
 * what counts is to compare few names and to leave no garbage. When no name is new, the names are
 * those of one side; a large left set is copied in runs, which is how package sets grow.
 */

import { Attrs } from './attrs.ts';
import { counters } from './counters.ts';
import { findSources, lowerBound, sources } from './merge-sources.ts';
import { mergedShape, Shape } from './shape.ts';
import { packedArray, zeroes } from './packed-array.ts';
import { shortcut } from './thunk.ts';
import type { Slot } from './values.ts';

/** From this size on, slots are copied without looking at them: that would only empty caches. */
const largeSet = 64;
/** How many times larger the left set is when its runs are copied whole. */
const runRatio = 12;

/** `left // right`. */
export function mergeAttrs(left: Attrs, right: Attrs): Attrs {
  const a = left.slots;
  const b = right.slots;
  if (a.length === 0) return right;
  if (b.length === 0) return left;
  counters.attributeMerges++;
  const plan = left.shape.mergePlan(right.shape);
  if (plan !== undefined) {
    return new Attrs(plan.shape, pick(plan.sources, plan.sources.length, a, b));
  }
  if (a.length >= largeSet && a.length > b.length * runRatio) return mergeFew(left, right);
  return mergeOnce(left, right);
}

function mergeOnce(left: Attrs, right: Attrs): Attrs {
  const a = left.shape;
  const b = right.shape;
  const count = findSources(a.names, b.names);
  // Every attribute of the left set is replaced.
  if (count === right.slots.length) return right;
  const slots = pick(sources, count, left.slots, right.slots);
  return new Attrs(mergedShape(a, b, sources, count, a.lasting && b.lasting), slots);
}

function pick(
  from: Int32Array, count: number, a: readonly Slot[], b: readonly Slot[],
): Slot[] {
  const slots = packedArray<Slot>(count);
  if (count >= largeSet) {
    for (let i = 0; i < count; i++) {
      const source = from[i]!;
      slots[i] = source >= 0 ? a[source]! : b[~source]!;
    }
    return slots;
  }
  for (let i = 0; i < count; i++) {
    const source = from[i]!;
    slots[i] = shortcut(source >= 0 ? a[source]! : b[~source]!);
  }
  return slots;
}

/** Copies runs of the large left set between the places of the right one's names. */
function mergeFew(left: Attrs, right: Attrs): Attrs {
  const a = left.shape;
  const b = right.shape;
  const places: number[] = [];
  let count = a.names.length;
  let from = 0;
  for (let j = 0; j < b.names.length; j++) {
    const name = b.names[j]!;
    from = lowerBound(a.names, name, from);
    if (a.names[from] === name) {
      places.push(from++);
    } else {
      places.push(~from);
      count++;
    }
  }
  const isNameNew = count > a.names.length;
  const names = isNameNew ? put(packedArray<string>(count), a.names, b.names, places) : a.names;
  const positions = put(zeroes(count), a.positions, b.positions, places);
  const shape = new Shape(names, positions, a.lasting && b.lasting);
  return new Attrs(shape, put(packedArray<Slot>(count), left.slots, right.slots, places));
}

/**
 * Fills `result` with `a` and the elements of `b`, each of which replaces the one at its place
 * `i >= 0` or comes before the one at `~i`.
 */
function put<T>(result: T[], a: readonly T[], b: readonly T[], places: readonly number[]): T[] {
  let count = 0;
  let from = 0;
  for (let j = 0; j < places.length; j++) {
    const place = places[j]!;
    const end = place < 0 ? ~place : place;
    while (from < end) result[count++] = a[from++]!;
    result[count++] = b[j]!;
    if (place >= 0) from++;
  }
  while (from < a.length) result[count++] = a[from++]!;
  return result;
}
