/**
 * Attribute sets: a shared shape and the slots in the shape's order.
 *
 * Invariants: `slots.length` equals the number of names; attributes are sorted by name, bytewise;
 * a set is never changed once it is reachable, but for replacing a forced thunk by its value.
 */

import type { Position } from '#diagnostics';
import { packedArray } from './packed-array.ts';
import { emptyShape, restrictShape, Shape, sortedShape } from './shape.ts';
import type { Slot } from './values.ts';

/** One attribute as given to `Attrs.fromEntries`. */
export type AttrsEntry = readonly [name: string, slot: Slot, position?: Position];

export class Attrs {
  readonly shape: Shape;
  readonly slots: Slot[];

  /** For this layer and the code of trees: `slots` are in the shape's order and not shared. */
  constructor(shape: Shape, slots: Slot[]) {
    this.shape = shape;
    this.slots = slots;
  }

  /** A set of entries in any order; for a name given twice the last entry counts. */
  static fromEntries(entries: Iterable<AttrsEntry>): Attrs {
    const byName = new Map<string, AttrsEntry>();
    for (const entry of entries) byName.set(entry[0], entry);
    if (byName.size === 0) return emptyAttrs;
    const list = [...byName.values()];
    const { shape, order } = sortedShape(
      list.map((entry) => entry[0]),
      list.map((entry) => entry[2] ?? 0),
      false,
    );
    const slots = order === undefined ? list.map((e) => e[1]) : order.map((i) => list[i]![1]);
    return new Attrs(shape, slots);
  }

  /**
   * A set from parallel arrays, names in any order without duplicates; takes the arrays over.
   * Faster than `fromEntries`.
   */
  static fromNames(names: string[], slots: Slot[], positions?: Position[]): Attrs {
    if (names.length === 0) return emptyAttrs;
    const places = positions ?? new Array<Position>(names.length).fill(0);
    const { shape, order } = sortedShape(names, places, false);
    return new Attrs(shape, order === undefined ? slots : order.map((i) => slots[i]!));
  }

  get size(): number {
    return this.slots.length;
  }

  get(name: string): Slot | undefined {
    const at = this.shape.indexOf(name);
    return at < 0 ? undefined : this.slots[at];
  }

  has(name: string): boolean {
    return this.shape.indexOf(name) >= 0;
  }

  /** Index of a name, or -1. */
  indexOf(name: string): number {
    return this.shape.indexOf(name);
  }

  /** Ascending by bytes. Not to be changed. */
  names(): readonly string[] {
    return this.shape.names;
  }

  nameAt(index: number): string {
    return this.shape.names[index]!;
  }

  slotAt(index: number): Slot {
    return this.slots[index]!;
  }

  positionAt(index: number): Position {
    return this.shape.positions[index]!;
  }

  /** Where the attribute was defined; 0 if unknown or absent. */
  positionOf(name: string): Position {
    const at = this.shape.indexOf(name);
    return at < 0 ? 0 : this.shape.positions[at]!;
  }

  /** The same names and positions with other slots; takes the array over. */
  withSlots(slots: Slot[]): Attrs {
    return new Attrs(this.shape, slots);
  }

  /** The same names without positions: attributes of their own (`mapAttrs`). */
  withNewSlots(slots: Slot[]): Attrs {
    return new Attrs(this.shape.withoutPositions(), slots);
  }

  /** The attributes at the given ascending indices. */
  restrict(keep: readonly number[]): Attrs {
    if (keep.length === 0) return emptyAttrs;
    if (keep.length === this.slots.length) return this;
    const slots = packedArray<Slot>(keep.length);
    for (let i = 0; i < slots.length; i++) slots[i] = this.slots[keep[i]!]!;
    return new Attrs(restrictShape(this.shape, keep, false), slots);
  }

  /** The set without one name. */
  without(name: string): Attrs {
    const plan = this.shape.withoutPlan(name);
    if (plan === undefined) return this;
    const slots = packedArray<Slot>(plan.keep.length);
    for (let i = 0; i < slots.length; i++) slots[i] = this.slots[plan.keep[i]!]!;
    return new Attrs(plan.shape, slots);
  }
}

export const emptyAttrs = new Attrs(emptyShape, []);
