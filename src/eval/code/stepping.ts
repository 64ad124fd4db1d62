/**
 * Code that tells the debugger of its steps, with the variables that are visible there.
 *
 * Only where names were resolved for it (`Resolution.scopes`): otherwise code is as it was, and
 * nothing is kept for it.
 */

import type { Position } from '#diagnostics';
import type { Expr, ScopeView } from '#lang';
import { Attrs, debugging, type DebugScope, force, isForced, type Slot, type Value } from '#runtime';
import type { Body, Frame } from './frame.ts';
import type { Unit } from './unit.ts';

/** Code that is a step, in the scope that `expr` is known by. */
export function stepped(unit: Unit, expr: Expr, at: Position, text: string, body: Body): Body {
  const step = stepper(unit, expr, at, text);
  return step === undefined ? body : (frame) => step(frame, () => body(frame));
}

/** Does an action as a step. */
export type Stepper = (frame: Frame, action: () => Value) => Value;

/** What does actions as steps; undefined where nobody looks. */
export function stepper(unit: Unit, expr: Expr, position: Position, text: string): Stepper | undefined {
  const scope = unit.resolution.scopes?.get(expr);
  const { current } = debugging;
  if (scope === undefined || current === undefined) return undefined;
  return (frame, action) =>
    current.step({ position, text, scopes: () => visibleScopes(scope, frame) }, action);
}

/** What stands in a frame and those around it. */
function visibleScopes(scope: ScopeView, frame: Frame): DebugScope[] {
  const found: DebugScope[] = [];
  let stands: Frame | undefined = frame;
  for (let at: ScopeView | undefined = scope; at !== undefined; at = at.up) {
    const { up, parameters, withAt, names = new Map<string, { readonly slot: number }>() } = at;
    const isWith = withAt !== undefined;
    const own: (readonly [string, Slot | undefined])[] = isWith ? ofWith(stands?.[1] as Slot)
      : [
        ...parameters.map((name, i) => [name, stands?.[i + 1] as Slot | undefined] as const),
        ...[...names].map(([name, { slot }]) => [name, stands?.[slot] as Slot | undefined] as const),
      ];
    // The outermost is the base scope's unless somebody added names to it.
    if (up !== undefined || own.length > 0) found.push({ variables: sorted(own), isWith });
    stands = stands?.[0] as Frame | undefined;
  }
  return found;
}

function ofWith(slot: Slot): (readonly [string, Slot])[] {
  const set = isForced(slot) ? force(slot) : undefined;
  return set instanceof Attrs ? set.names().map((name) => [name, set.get(name)!] as const) : [];
}

function sorted(variables: readonly (readonly [string, Slot | undefined])[]): Map<string, Slot> {
  const made = variables.filter((one): one is readonly [string, Slot] => one[1] !== undefined);
  return new Map(made.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
