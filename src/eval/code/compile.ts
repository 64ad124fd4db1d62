/**
 * Code of a tree: for each expression a function of the frame that gives its value.
 *
 * Nix code mostly runs once or never, so nothing is made that V8 would have to read and compile: the
 * functions here are closures over their parts. What may not run at all (branches, bodies of
 * functions, whatever is suspended) is a `Site` and compiled when it is first wanted.
 *
 * With `traced`, frames for `--show-trace` are added around operands, and every lambda takes one
 * parameter.
 */

import { type Expr, offsetOf, showExpr } from '#lang';
import {
  assertFail,
  emptyAttrs,
  forceBoolean,
  NixFloat,
  NixPath,
  positionValue,
  rethrowWithTrace,
  type Slot,
} from '#runtime';
import type { Body, Frame } from './frame.ts';
import { compileLambda } from './functions.ts';
import { lazy } from './lazy.ts';
import { compileCall, compileConcat, compileHasAttr, compileSelect } from './operations.ts';
import { compileBinary } from './operators.ts';
import { compileAttrs, compileLet } from './sets.ts';
import { makeSlot, Making, Site } from './site.ts';
import { stepped } from './stepping.ts';
import type { Unit } from './unit.ts';
import { compileVariable, compileWith } from './variables.ts';

export function compile(unit: Unit, expr: Expr): Body {
  switch (expr.kind) {
    case 'int':
    case 'string': {
      const { value } = expr;
      return () => value;
    }
    case 'float': {
      const value = new NixFloat(expr.value);
      return () => value;
    }
    case 'path': {
      const value = new NixPath(expr.path);
      return () => value;
    }
    case 'var':
      return compileVariable(unit, expr);
    case 'inheritFrom':
      throw new Error('a source of inherit stands alone');
    case 'select':
      return compileSelect(unit, expr);
    case 'hasAttr':
      return compileHasAttr(unit, expr);
    case 'attrs':
      return compileAttrs(unit, expr);
    case 'list':
      return compileList(unit, expr.elements);
    case 'lambda':
      return compileLambda(unit, expr);
    case 'call':
      return stepped(unit, expr, unit.at(expr.at), 'while calling a function', compileCall(unit, expr));
    case 'let':
      return compileLet(unit, expr);
    case 'with':
      return compileWith(unit, expr);
    case 'if': {
      const test = condition(unit, expr.condition, 'while evaluating a branch condition');
      const then = new Site(unit, expr.then);
      const otherwise = new Site(unit, expr.otherwise);
      return (frame) => (test(frame) ? then.run(frame) : otherwise.run(frame));
    }
    case 'assert':
      return compileAssert(unit, expr);
    case 'not': {
      const test = condition(unit, expr.operand, "in the argument of '!'");
      return (frame) => !test(frame);
    }
    case 'binary':
      return compileBinary(unit, expr);
    case 'concat':
      return compileConcat(unit, expr);
    case 'currentPosition': {
      const at = unit.at(expr.at);
      return () => positionValue(at);
    }
  }
}

/** The value of an operand; with `traced`, a frame is added when it fails. */
export function operand(unit: Unit, expr: Expr, text: string): Body {
  const body = compile(unit, expr);
  if (!unit.traced) return body;
  const at = unit.at(offsetOf(expr));
  return (frame) => {
    try {
      return body(frame);
    } catch (error) {
      return rethrowWithTrace(error, at, text);
    }
  };
}

/** A JavaScript Boolean, checked; `text` is the frame if it is none. */
export function condition(unit: Unit, expr: Expr, text: string): (frame: Frame) => boolean {
  const body = operand(unit, expr, text);
  if (isBoolean(expr)) return body as (frame: Frame) => boolean;
  const at = unit.at(offsetOf(expr));
  return (frame) => {
    const value = body(frame);
    return typeof value === 'boolean' ? value : forceBoolean(value, at, text);
  };
}

/** Whether an expression has no other values. */
function isBoolean(expr: Expr): boolean {
  if (expr.kind === 'binary') return expr.operator !== '//' && expr.operator !== '++';
  return expr.kind === 'not' || expr.kind === 'hasAttr';
}

function compileAssert(unit: Unit, expr: Expr & { kind: 'assert' }): Body {
  const test = condition(unit, expr.condition, 'in the condition of the assert statement');
  const body = compile(unit, expr.body);
  const at = unit.at(expr.at);
  const { condition: tested } = expr;
  const fail = (frame: Frame): never => {
    const text = showExpr(tested);
    if (tested.kind !== 'binary' || tested.operator !== '==') return assertFail(text, at);
    const left = compile(unit, tested.left);
    const right = compile(unit, tested.right);
    return assertFail(text, at, unit.at(tested.at), () => left(frame), () => right(frame));
  };
  return (frame) => (test(frame) ? body(frame) : fail(frame));
}

function compileList(unit: Unit, elements: readonly Expr[]): Body {
  const sites = elements.map((element) => lazy(unit, element));
  if (sites.every((site) => site.making === Making.constant)) {
    const list = sites.map((site) => site.data as Slot);
    // Each a list of its own: printers tell by identity what is repeated.
    return list.length === 0 ? () => list : () => list.slice();
  }
  switch (sites.length) {
    case 1: {
      const [a] = sites as [Site];
      return (frame) => [makeSlot(a, frame)];
    }
    case 2: {
      const [a, b] = sites as [Site, Site];
      return (frame) => [makeSlot(a, frame), makeSlot(b, frame)];
    }
  }
  const template: Slot[] = sites.map(() => emptyAttrs);
  return (frame) => {
    const list = template.slice();
    for (let i = 0; i < sites.length; i++) list[i] = makeSlot(sites[i]!, frame);
    return list;
  };
}
