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
import { packedArray } from './packed-array.ts';
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
  const a = left.shape.names;
  const b = right.shape.names;
  const names: string[][] = [];
  const positions: number[][] = [];
  const slots: Slot[][] = [];
  let from = 0;
  for (let j = 0; j < b.length; j++) {
    const name = b[j]!;
    const at = lowerBound(a, name, from);
    names.push(a.slice(from, at), [name]);
    positions.push(left.shape.positions.slice(from, at), [right.shape.positions[j]!]);
    slots.push(left.slots.slice(from, at), [right.slots[j]!]);
    from = a[at] === name ? at + 1 : at;
  }
  names.push(a.slice(from));
  positions.push(left.shape.positions.slice(from));
  slots.push(left.slots.slice(from));
  const lasting = left.shape.lasting && right.shape.lasting;
  const shape = new Shape(joined(names), joined(positions), lasting);
  return new Attrs(shape, joined(slots));
}

/** The arrays one after the other; elements that are arrays themselves stay whole. */
function joined<T>(parts: T[][]): T[] {
  return ([] as T[]).concat(...parts);
}
