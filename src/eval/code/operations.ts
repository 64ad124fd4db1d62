/**
 * Code for selections, calls, interpolation and `+`.
 */

import type { Position } from '#diagnostics';
import {
  type AttrName,
  type CallExpr,
  type ConcatExpr,
  type Expr,
  type HasAttrExpr,
  Level,
  offsetOf,
  type SelectExpr,
  showAttrPath,
  showExpr,
  type VarExpr,
} from '#lang';
import {
  add,
  arithmetic,
  attributeName,
  call,
  call2,
  call3,
  callMany,
  compareValues,
  concatValues,
  type ContextString,
  divide,
  hasName,
  hasPath,
  interpolate,
  intMultiply,
  intSubtract,
  joinStrings,
  multiplyTexts,
  placedError,
  select,
  selectOr,
  selectNamed,
  selectPath,
  selectPathOr,
  subtractTexts,
} from '#runtime';
import { compile, operand } from './compile.ts';
import type { Body, Frame } from './frame.ts';
import { isConstantPath, lazy } from './lazy.ts';
import { makeSlot, Site } from './site.ts';
import { type Stepper, stepper } from './stepping.ts';
import type { Unit } from './unit.ts';
import { readAt } from './variables.ts';

/** `subject.path` and `subject.path or fallback`. */
export function compileSelect(unit: Unit, expr: SelectExpr): Body {
  const { subject, path, fallback } = expr;
  const at = unit.at(expr.at);
  const from = operand(unit, subject, 'while selecting an attribute');
  if (unit.resolution.scopes !== undefined && isConstantPath(path)) {
    const step = stepper(unit, expr, at, `while evaluating the attribute '${showAttrPath(path)}'`);
    if (step !== undefined) return selectStepped(unit, expr, step, from);
  }
  const isLong = fallback !== undefined && path.length > 1;
  if (!isConstantPath(path) && (unit.traced || isLong)) return selectDynamic(unit, expr, from);
  if (fallback !== undefined) return selectWithFallback(unit, expr, from, fallback);
  if (path.length > 1 && unit.traced && isConstantPath(path)) {
    return (frame) => selectPath(from(frame), path, at);
  }
  return path.reduce<Body>((inner, part) => {
    if (typeof part !== 'string') return selectComputed(inner, nameCode(unit, part), at);
    return inner === from && subject.kind === 'var' && subject.level >= 0 && !unit.traced
      ? selectFromVariable(subject, unit.at(subject.at), part, at)
      : selectOne(inner, part, at);
  }, from);
}

/** While a debugger looks: what is selected from is no part of the step. */
function selectStepped(unit: Unit, expr: SelectExpr, step: Stepper, from: Body): Body {
  const at = unit.at(expr.at);
  const path = expr.path as readonly string[];
  const other = expr.fallback === undefined ? undefined : new Site(unit, expr.fallback);
  return (frame) => {
    const set = from(frame);
    return step(frame, () => {
      if (other === undefined) return selectPath(set, path, at);
      const found = selectPathOr(set, path, at);
      return found === undefined ? other.run(frame) : found;
    });
  };
}

// Functions of their own, so that what is kept of each place is no more than they name.

function selectOne(from: Body, name: string, at: Position): Body {
  return (frame) => select(from(frame), name, at);
}

function selectComputed(from: Body, name: (frame: Frame) => string, at: Position): Body {
  return (frame) => select(from(frame), name(frame), at);
}

/** The commonest selection: its variable is read without another call. */
function selectFromVariable(
  { level, slot }: VarExpr, place: Position, name: string, at: Position,
): Body {
  return (frame) => select(readAt(frame, level, slot, place), name, at);
}

/** Names are computed on the way: one that is not reached is not evaluated, one that fails has its frames. */
function selectDynamic(unit: Unit, expr: SelectExpr, from: Body): Body {
  const { path, fallback } = expr;
  const at = unit.at(expr.at);
  const other = fallback === undefined ? undefined : new Site(unit, fallback);
  const parts = path.map((part) => {
    if (typeof part === 'string') return () => part;
    const name = nameCode(unit, part);
    const unknown = `"\${${showExpr(part)}}"`;
    return (frame: Frame) => ({ name: () => name(frame), unknown });
  });
  return (frame) => {
    const names = parts.map((part) => part(frame));
    const found = selectNamed(from(frame), names, at, other !== undefined);
    return found === undefined ? other!.run(frame) : found;
  };
}

function selectWithFallback(unit: Unit, expr: SelectExpr, from: Body, fallback: Expr): Body {
  const { path } = expr;
  const at = unit.at(expr.at);
  const other = new Site(unit, fallback);
  const [first] = path;
  if (path.length === 1 && typeof first === 'string') {
    return (frame) => {
      const found = selectOr(from(frame), first, at);
      return found === undefined ? other.run(frame) : found;
    };
  }
  const names = pathCode(unit, path);
  return (frame) => {
    const found = selectPathOr(from(frame), names(frame), at);
    return found === undefined ? other.run(frame) : found;
  };
}

/** `subject ? path`. */
export function compileHasAttr(unit: Unit, expr: HasAttrExpr): Body {
  const { subject, path } = expr;
  const from = operand(unit, subject, "in the argument of '?'");
  const [first] = path;
  if (path.length === 1) {
    if (typeof first === 'string') return (frame) => hasName(from(frame), first);
    const name = nameCode(unit, first!);
    return (frame) => hasName(from(frame), name(frame));
  }
  const at = unit.at(offsetOf(subject));
  const names = path.map((part) => nameCode(unit, part));
  return (frame) => hasPath(from(frame), names.length, (i) => names[i]!(frame), at);
}

function nameCode(unit: Unit, part: AttrName): (frame: Frame) => string {
  if (typeof part === 'string') return () => part;
  const body = compile(unit, part);
  const at = unit.at(offsetOf(part));
  return (frame) => attributeName(body(frame), at, 'while evaluating an attribute name');
}

function pathCode(unit: Unit, path: readonly AttrName[]): (frame: Frame) => readonly string[] {
  if (isConstantPath(path)) return () => path;
  const names = path.map((part) => nameCode(unit, part));
  return (frame) => names.map((name) => name(frame));
}

/** A call; arithmetic whose names are not redefined is done at once. */
export function compileCall(unit: Unit, expr: CallExpr): Body {
  const { callee, args } = expr;
  if (callee.kind === 'var' && callee.level === Level.global && args.length === 2 && !unit.traced) {
    const body = arithmeticCode(unit, callee.name, args[0]!, args[1]!);
    if (body !== undefined) return body;
  }
  const at = unit.at(expr.at);
  const [a, b, c, ...more] = args.map((arg) => lazy(unit, arg)) as [Site, Site?, Site?, ...Site[]];
  if (callee.kind === 'var' && callee.level >= 0 && c === undefined) {
    const place = unit.at(callee.at);
    return b === undefined
      ? callVariable(callee, place, a, at)
      : callVariable2(callee, place, a, b, at);
  }
  const target = compile(unit, callee);
  if (b === undefined) return callOne(target, a, at);
  if (c === undefined) return callTwo(target, a, b, at);
  return more.length === 0 ? callThree(target, a, b, c, at) : callAll(target, [a, b, c, ...more], at);
}

function callVariable({ level, slot }: VarExpr, place: Position, a: Site, at: Position): Body {
  return (frame) => call(readAt(frame, level, slot, place), makeSlot(a, frame), at);
}

function callVariable2(
  { level, slot }: VarExpr, place: Position, a: Site, b: Site, at: Position,
): Body {
  return (frame) => {
    const f = readAt(frame, level, slot, place);
    return call2(f, makeSlot(a, frame), makeSlot(b, frame), at);
  };
}

function callOne(target: Body, a: Site, at: Position): Body {
  return (frame) => call(target(frame), makeSlot(a, frame), at);
}

function callTwo(target: Body, a: Site, b: Site, at: Position): Body {
  return (frame) => call2(target(frame), makeSlot(a, frame), makeSlot(b, frame), at);
}

function callThree(target: Body, a: Site, b: Site, c: Site, at: Position): Body {
  return (frame) => {
    const f = target(frame);
    return call3(f, makeSlot(a, frame), makeSlot(b, frame), makeSlot(c, frame), at);
  };
}

function callAll(target: Body, sites: readonly Site[], at: Position): Body {
  return (frame) => {
    const f = target(frame);
    return callMany(f, sites.map((site) => makeSlot(site, frame)), at);
  };
}

function arithmeticCode(unit: Unit, name: string, left: Expr, right: Expr): Body | undefined {
  if (!/^__(sub|mul|div|lessThan)$/.test(name)) return undefined;
  const a = compile(unit, left);
  const b = compile(unit, right);
  switch (name) {
    case '__sub':
      return (frame) =>
        arithmetic(a(frame), b(frame), intSubtract, (x, y) => x - y, subtractTexts);
    case '__mul':
      return (frame) =>
        arithmetic(a(frame), b(frame), intMultiply, (x, y) => x * y, multiplyTexts);
    case '__div':
      return (frame) => divide(a(frame), b(frame));
    default:
      return (frame) => compareValues(a(frame), b(frame), 0, '');
  }
}

/** Interpolation and `+`. */
export function compileConcat(unit: Unit, expr: ConcatExpr): Body {
  const text = "in an operand of '+'";
  const at = unit.at(expr.at);
  const { services } = unit;
  if (expr.interpolation) return compileInterpolation(unit, expr, at, text);
  const values = expr.parts.map((part) => operand(unit, part.value, text));
  const places = expr.parts.map((part) => unit.at(part.at));
  if (values.length === 2 && expr.parts[0]!.value.kind !== 'path') {
    const [a, b] = values as [Body, Body];
    const [atA, atB] = places as [number, number];
    return (frame) => {
      const x = a(frame);
      const y = b(frame);
      try {
        return typeof x === 'string' && typeof y === 'string'
          ? x + y
          : add(services, x, y, at, atA, atB);
      } catch (error) {
        throw placedError(error, at);
      }
    };
  }
  return (frame) => {
    const operands = values.map((value) => value(frame));
    try {
      return concatValues(services, operands, places, at);
    } catch (error) {
      throw placedError(error, at);
    }
  };
}

type Text = string | ContextString;

function compileInterpolation(
  unit: Unit,
  expr: ConcatExpr,
  position: Position,
  text: string,
): Body {
  const parts = expr.parts.map((part): ((frame: Frame) => Text) => {
    const { value: inner } = part;
    if (inner.kind === 'string') {
      const { value } = inner;
      return () => value;
    }
    const body = operand(unit, inner, text);
    const at = unit.at(part.at);
    return (frame) => {
      const value = body(frame);
      if (typeof value === 'string') return value;
      try {
        return interpolate(unit.services, value, at);
      } catch (error) {
        throw placedError(error, at);
      }
    };
  });
  if (parts.length === 1) return parts[0]!;
  if (parts.length === 2) {
    const [a, b] = parts as [(frame: Frame) => Text, (frame: Frame) => Text];
    return (frame) => {
      const x = a(frame);
      const y = b(frame);
      try {
        return typeof x === 'string' && typeof y === 'string' ? x + y : joinStrings([x, y]);
      } catch (error) {
        throw placedError(error, position);
      }
    };
  }
  return (frame) => {
    const texts: Text[] = [];
    for (let i = 0; i < parts.length; i++) texts.push(parts[i]!(frame));
    try {
      return joinStrings(texts);
    } catch (error) {
      throw placedError(error, position);
    }
  };
}
