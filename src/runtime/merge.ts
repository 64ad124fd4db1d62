/**
 * Merging attribute sets: `left // right`.
 *
 * Three ways: by a plan, when the same two shapes meet again; by copying the left set and putting
 * the few attributes of the right one in, which is how package sets grow; else name by name.
 */

import { Attrs } from './attrs.ts';
import { counters } from './counters.ts';
import { fitted, Shape } from './shape.ts';
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
  if (plan !== undefined) return new Attrs(plan.shape, pick(plan.sources, a, b));
  if (a.length >= largeSet && a.length > b.length * runRatio) return mergeFew(left, right);
  return mergeByName(left, right);
}

function pick(sources: readonly number[], a: readonly Slot[], b: readonly Slot[]): Slot[] {
  const slots: Slot[] = [];
  const isLarge = sources.length >= largeSet;
  for (let i = 0; i < sources.length; i++) {
    const source = sources[i]!;
    const slot = source >= 0 ? a[source]! : b[~source]!;
    slots.push(isLarge ? slot : shortcut(slot));
  }
  return fitted(slots);
}

function mergeByName(left: Attrs, right: Attrs): Attrs {
  const a = left.shape.names;
  const b = right.shape.names;
  const names: string[] = [];
  const positions: number[] = [];
  const slots: Slot[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const x = a[i]!;
    const y = b[j]!;
    if (x !== y && x < y) {
      names.push(x);
      positions.push(left.shape.positions[i]!);
      slots.push(shortcut(left.slots[i]!));
      i++;
    } else {
      if (x === y) i++;
      names.push(y);
      positions.push(right.shape.positions[j]!);
      slots.push(shortcut(right.slots[j]!));
      j++;
    }
  }
  for (; i < a.length; i++) {
    names.push(a[i]!);
    positions.push(left.shape.positions[i]!);
    slots.push(shortcut(left.slots[i]!));
  }
  for (; j < b.length; j++) {
    names.push(b[j]!);
    positions.push(right.shape.positions[j]!);
    slots.push(shortcut(right.slots[j]!));
  }
  const lasting = left.shape.lasting && right.shape.lasting;
  return new Attrs(new Shape(fitted(names), fitted(positions), lasting), fitted(slots));
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

/** Index of the first name that is not before `name`, from `from` on. */
function lowerBound(names: readonly string[], name: string, from: number): number {
  let low = from;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (names[middle]! < name) low = middle + 1;
    else high = middle;
  }
  return low;
}
