/** Forcing a value with everything in it. */

import { NixError } from '#diagnostics';
import { placeOf } from './applied-thunk.ts';
import { symbolOrder } from './attr-order.ts';
import { Attrs } from './attrs.ts';
import { enterCall, leaveCall } from './call-depth.ts';
import { printAttributeName } from './print.ts';
import { force } from './thunk.ts';
import type { Slot, Value } from './values.ts';

/** Forces lists and sets to the last element. Cyclic values are fine. */
export function forceDeep(slot: Slot): void {
  const seen = new Set<unknown>();
  const visit = (item: Slot): void => {
    const place = placeOf(item);
    enterCall(place);
    visitInside(force(item, place));
    leaveCall();
  };
  const visitInside = (value: Value): void => {
    if (typeof value !== 'object' || value === null) return;
    if (value instanceof Attrs) {
      if (seen.has(value.slots)) return;
      seen.add(value.slots);
      for (const i of symbolOrder(value)) {
        try {
          visit(value.slotAt(i));
        } catch (error) {
          if (error instanceof NixError) {
            const name = printAttributeName(value.nameAt(i));
            const text = `while evaluating the attribute '${name}'`;
            error.addTrace(value.positionAt(i), text);
          }
          throw error;
        }
      }
    } else if (Array.isArray(value)) {
      if (seen.has(value)) return;
      seen.add(value);
      for (let i = 0; i < value.length; i++) {
        try {
          visit(value[i]!);
        } catch (error) {
          if (error instanceof NixError) {
            error.addTrace(0, `while evaluating list element at index ${i}`);
          }
          throw error;
        }
      }
    }
  };
  visit(slot);
}
