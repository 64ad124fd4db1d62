/**
 * Shapes: the names of an attribute set, shared by all sets made at one place of the program.
 *
 * A shape holds the sorted names, the position of each attribute's definition, and the index of
 * each name. Merging (`//`) two sets needs only their shapes to know where each attribute of the
 * result comes from, so that plan is kept per pair of shapes.
 *
 * Invariants: names are strictly ascending by bytes; a shape never changes after it was made, but
 * for its caches; caches are bounded, and only shapes that are `lasting` keep plans.
 */

import { assert } from '#base';
import type { Position } from '#diagnostics';
import { counters } from './counters.ts';
import { findSources, sources } from './merge-sources.ts';
import { packedArray, zeroes } from './packed-array.ts';

/** Below this size a name is found by looking at each. */
const linearLimit = 8;
const mergePlanLimit = 48;

export class Shape {
  readonly names: readonly string[];
  readonly positions: readonly Position[];
  /** Made at a place of the program, or from lasting shapes: worth remembering plans for. */
  readonly lasting: boolean;
  private index: Map<string, number> | undefined;
  private searches: number;
  private memory: ShapeMemory | undefined;

  constructor(names: readonly string[], positions: readonly Position[], lasting: boolean) {
    this.names = names;
    this.positions = positions;
    this.lasting = lasting;
    this.index = undefined;
    this.searches = 0;
    this.memory = undefined;
    counters.shapesMade++;
  }

  /** Index of a name, or -1. */
  indexOf(name: string): number {
    counters.lookups++;
    const names = this.names;
    const count = names.length;
    if (count <= linearLimit) {
      for (let i = 0; i < count; i++) if (names[i] === name) return i;
      return -1;
    }
    const index = this.index;
    if (index === undefined) return this.search(name);
    const found = index.get(name);
    return found === undefined ? -1 : found;
  }

  /** Searches by halves, until an index would have paid for itself. */
  private search(name: string): number {
    const names = this.names;
    if (++this.searches > names.length) {
      const found = this.makeIndex().get(name);
      return found === undefined ? -1 : found;
    }
    let low = 0;
    let high = names.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const candidate = names[middle]!;
      if (candidate === name) return middle;
      if (candidate < name) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  /**
   * How `this // right` is put together, if that was asked for the same pair before: most pairs are
   * merged once, and a plan costs more than the merge.
   */
  mergePlan(right: Shape): MergePlan | undefined {
    if (!this.lasting || !right.lasting) return undefined;
    const memory = (this.memory ??= new ShapeMemory());
    const known = memory.mergePlans?.get(right);
    if (known !== undefined) return known;
    if (memory.met !== right && memory.metBefore !== right) {
      memory.metBefore = memory.met;
      memory.met = right;
      return undefined;
    }
    const plans = (memory.mergePlans ??= new Map());
    if (plans.size >= mergePlanLimit) return undefined;
    const plan = makeMergePlan(this, right);
    plans.set(right, plan);
    return plan;
  }

  /** How the set without one name is put together; undefined if it does not have it. */
  withoutPlan(name: string): RestrictPlan | undefined {
    const at = this.indexOf(name);
    if (at < 0) return undefined;
    const memory = (this.memory ??= new ShapeMemory());
    const known = memory.withoutPlans?.get(name);
    if (known !== undefined) return known;
    const plans = (memory.withoutPlans ??= new Map());
    const room = this.lasting && plans.size < mergePlanLimit;
    const keep = this.names.map((_, i) => i).filter((i) => i !== at);
    const plan = { shape: restrictShape(this, keep, room), keep };
    if (room) plans.set(name, plan);
    return plan;
  }

  /** The shape of the same names with nothing known about their places. */
  withoutPositions(): Shape {
    const memory = (this.memory ??= new ShapeMemory());
    if (memory.unplaced !== undefined) return memory.unplaced;
    const names = this.names;
    const isUnplaced = this.positions.every((position) => position === 0);
    const shape = isUnplaced
      ? this
      : new Shape(names, zeroes(names.length), this.lasting);
    memory.unplaced = shape;
    return shape;
  }

  private makeIndex(): Map<string, number> {
    const index = new Map<string, number>();
    const names = this.names;
    for (let i = 0; i < names.length; i++) index.set(names[i]!, i);
    this.index = index;
    return index;
  }
}

/** What a shape remembers of what was done with it; most have nothing to remember. */
class ShapeMemory {
  mergePlans: Map<Shape, MergePlan> | undefined = undefined;
  /** The right sides met last that have no plan yet. */
  met: Shape | undefined = undefined;
  metBefore: Shape | undefined = undefined;
  withoutPlans: Map<string, RestrictPlan> | undefined = undefined;
  unplaced: Shape | undefined = undefined;
}

/** Where each attribute of a merged set comes from: `i >= 0` left's, `i < 0` right's `~i`. */
export interface MergePlan {
  readonly shape: Shape;
  readonly sources: Int32Array;
}

/** Which attributes of a set stay. */
export interface RestrictPlan {
  readonly shape: Shape;
  readonly keep: readonly number[];
}

export const emptyShape = new Shape([], [], true);

/** A shape for names in any order without duplicates, and the order that sorts them. */
export function sortedShape(
  names: readonly string[],
  positions: readonly Position[],
  lasting: boolean,
): { shape: Shape; order: number[] | undefined } {
  let sorted = true;
  for (let i = 1; i < names.length; i++) {
    if (!(names[i - 1]! < names[i]!)) {
      sorted = false;
      break;
    }
  }
  if (sorted) return { shape: new Shape(names, positions, lasting), order: undefined };
  const order = names.map((_, i) => i);
  order.sort((a, b) => (names[a]! < names[b]! ? -1 : names[a]! > names[b]! ? 1 : 0));
  const shape = new Shape(
    order.map((i) => names[i]!),
    order.map((i) => positions[i]!),
    lasting,
  );
  for (let i = 1; i < order.length; i++) {
    assert(shape.names[i - 1] !== shape.names[i], `attribute '${shape.names[i]}' given twice`);
  }
  return { shape, order };
}

/** The shape of the attributes at the ascending indices `keep`. */
export function restrictShape(shape: Shape, keep: readonly number[], lasting: boolean): Shape {
  const names = packedArray<string>(keep.length);
  const positions = zeroes(keep.length);
  for (let i = 0; i < keep.length; i++) {
    names[i] = shape.names[keep[i]!]!;
    positions[i] = shape.positions[keep[i]!]!;
  }
  return new Shape(names, positions, lasting);
}

function makeMergePlan(left: Shape, right: Shape): MergePlan {
  const count = findSources(left.names, right.names);
  const own = sources.slice(0, count);
  counters.mergePlansMade++;
  return { shape: mergedShape(left, right, own, count, true), sources: own };
}

/** The shape of `left // right`, whose `count` attributes come from `from`. */
export function mergedShape(
  left: Shape, right: Shape, from: Int32Array, count: number, lasting: boolean,
): Shape {
  const positions = zeroes(count);
  for (let i = 0; i < count; i++) {
    const source = from[i]!;
    positions[i] = source >= 0 ? left.positions[source]! : right.positions[~source]!;
  }
  // No name is new.
  if (count === left.names.length) return new Shape(left.names, positions, lasting);
  const names = packedArray<string>(count);
  for (let i = 0; i < count; i++) {
    const source = from[i]!;
    names[i] = source >= 0 ? left.names[source]! : right.names[~source]!;
  }
  return new Shape(names, positions, lasting);
}
