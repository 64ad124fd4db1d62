/**
 * `builtins.genericClosure`: everything that can be reached from a start set.
 *
 * Keys are compared as by `<`, so they must all be of one comparable type. Keys that are strings
 * or small integers are looked up by hashing; any other kind goes to a sorted array.
 */

import { NixError } from '#diagnostics';
import type { Attrs } from '../attrs.ts';
import { depthNow, restoreDepth } from '../call-depth.ts';
import { call } from '../call.ts';
import { forceAttrs, forceFunction, forceList } from '../coerce.ts';
import { printForError } from '../errors.ts';
import { compareValues } from '../operators.ts';
import { force } from '../thunk.ts';
import { ContextString, type Slot, type Value } from '../values.ts';
import { requireAttr } from './attrsets.ts';
import { definePrimOp, type PrimOpDefinition } from './define.ts';
import { withTrace } from './errors.ts';

export const closures: readonly PrimOpDefinition[] = [
  definePrimOp({
    name: 'genericClosure',
    args: ['attrset'],
    doc:
      'The elements of the list `startSet` and all that `operator`, applied to an element, returns' +
      ' as a list, and so on, each `key` once. Elements are sets with an attribute `key`.',
    run: (_, attrset) => {
      const attrs = forceAttrs(
        attrset,
        0,
        'while evaluating the first argument passed to builtins.genericClosure',
      );
      const missing = 'in the attrset passed as argument to builtins.genericClosure';
      const start = forceList(
        requireAttr(attrs, 'startSet', missing),
        0,
        "while evaluating the 'startSet' attribute passed as argument to builtins.genericClosure",
      );
      if (start.length === 0) return start;
      const operator = forceFunction(
        requireAttr(attrs, 'operator', missing),
        0,
        "while evaluating the 'operator' attribute passed as argument to builtins.genericClosure",
      );
      return close(start, operator);
    },
  }),
];

function close(start: readonly Slot[], operator: Value): Slot[] {
  const work = start.slice();
  const result: Slot[] = [];
  const seen = new SeenKeys();
  for (let i = 0; i < work.length; i++) {
    const slot = work[i]!;
    const element = elementOf(slot);
    const key = force(withTrace(() => describe(slot), () => requireAttr(element, 'key', '')));
    if (!seen.add(key, slot)) continue;
    result.push(slot);
    withTrace(
      () => `while calling operator on genericClosure element ${printForError(slot)}`,
      () => {
        const found = forceList(
          call(operator, slot),
          0,
          'while evaluating the return value of the `operator` passed to builtins.genericClosure',
        );
        for (let j = 0; j < found.length; j++) {
          force(found[j]!);
          work.push(found[j]!);
        }
      },
    );
  }
  return result;
}

function describe(slot: Slot): string {
  return `in genericClosure element ${printForError(slot)}`;
}

function elementOf(slot: Slot): Attrs {
  return withTrace(() => describe(slot), () => forceAttrs(slot, 0, ''));
}

interface SeenKey {
  readonly key: Value;
  readonly element: Slot;
}

class SeenKeys {
  private kind: 'string' | 'number' | 'other' | undefined;
  private readonly simple = new Map<Value, Slot>();
  /** The keys in ascending order. */
  private readonly sorted: SeenKey[] = [];

  /** False if there was such a key already. */
  add(keyValue: Value, element: Slot): boolean {
    const key = keyValue instanceof ContextString ? keyValue.text : keyValue;
    const kind = typeof key === 'string' || typeof key === 'number' ? typeof key : 'other';
    this.kind ??= kind as 'string' | 'number' | 'other';
    if (this.kind !== 'other' && kind === this.kind) {
      if (this.simple.has(key)) return false;
      this.simple.set(key, element);
      return true;
    }
    return this.addSorted(key, element);
  }

  private addSorted(key: Value, element: Slot): boolean {
    try {
      if (this.kind !== 'other') this.sortSimple();
      let low = 0;
      let high = this.sorted.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (compareValues(key, this.sorted[middle]!.key, 0, '')) high = middle;
        else low = middle + 1;
      }
      const before = this.sorted[low - 1];
      if (before !== undefined && !compareValues(before.key, key, 0, '')) return false;
      this.sorted.splice(low, 0, { key, element });
      return true;
    } catch (error) {
      if (error instanceof NixError) this.explain(error, key, element);
      throw error;
    }
  }

  /** A key of another kind came: all go to the sorted array, where comparing tells. */
  private sortSimple(): void {
    for (const [key, element] of this.simple) this.sorted.push({ key, element });
    this.sorted.sort((a, b) => (compareValues(a.key, b.key, 0, '') ? -1 : 1));
    this.simple.clear();
    this.kind = 'other';
  }

  private explain(error: NixError, key: Value, element: Slot): void {
    const other = this.sorted.find((seen) => {
      const depth = depthNow();
      try {
        compareValues(key, seen.key, 0, '');
        return false;
      } catch {
        restoreDepth(depth);
        return true;
      }
    });
    if (other === undefined) {
      error.addTrace(0, `while checking key of element ${printForError(element)}`);
    } else {
      error.addTrace(0, `with element ${printForError(other.element)}`);
      error.addTrace(0, `while comparing element ${printForError(element)}`);
    }
  }
}
