/**
 * Code for variables and `with`.
 */

import type { Position } from '#diagnostics';
import { type Expr, Level, type VarExpr } from '#lang';
import { force, forceAt, type Slot, Thunk, undefinedVariable, type Value, withScope } from '#runtime';
import { compile } from './compile.ts';
import { type Body, type Frame, frameAt } from './frame.ts';
import { lazy } from './lazy.ts';
import { makeSlot } from './site.ts';
import type { Unit } from './unit.ts';

export function compileVariable(unit: Unit, expr: VarExpr): Body {
  const at = unit.at(expr.at);
  const { name, level, slot } = expr;
  switch (level) {
    case Level.global: {
      const value = unit.globals.get(name)!;
      return value instanceof Thunk ? () => force(value, at) : () => value;
    }
    case Level.with:
      return lookup(unit, expr);
    case 0:
      return (frame) => read(frame, slot, at);
    case 1:
      return (frame) => read(frame[0] as Frame, slot, at);
    case 2:
      return (frame) => read((frame[0] as Frame)[0] as Frame, slot, at);
    default:
      return (frame) => read(frameAt(frame, level), slot, at);
  }
}

/** The value of the variable at `slot` of the frame `level` out. */
export function readAt(frame: Frame, level: number, slot: number, at: Position): Value {
  return forceAt(frameAt(frame, level) as Slot[], slot, at);
}

/** The value of a variable; it takes the place of its thunk. */
function read(frame: Frame, place: number, at: Position): Value {
  return forceAt(frame as Slot[], place, at);
}

/** A variable of the `with`s around it, innermost first; each with its own place. */
function lookup(unit: Unit, { name, at: offset, slot }: VarExpr): Body {
  const at = unit.at(offset);
  const withs = unit.resolution.withs[slot]!;
  const places = withs.map((one) => unit.at(one.at));
  return (frame) => {
    for (let i = 0; i < withs.length; i++) {
      const scope = withScope(frameAt(frame, withs[i]!.level)[1] as Slot, places[i]!);
      const index = scope.indexOf(name);
      if (index >= 0) return forceAt(scope.slots, index, at);
    }
    throw undefinedVariable(name, at);
  };
}

export function compileWith(unit: Unit, expr: Expr & { kind: 'with' }): Body {
  const scope = lazy(unit, expr.scope);
  const body = compile(unit, expr.body);
  return (frame) => body([frame, makeSlot(scope, frame)]);
}
