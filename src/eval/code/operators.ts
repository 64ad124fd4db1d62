/**
 * Code for operators.
 */

import type { Position } from '#diagnostics';
import { type Expr, offsetOf } from '#lang';
import {
  Attrs, concatLists, concatRow, equalOperands, mergeAttrs, updateAttrs, type Value,
} from '#runtime';
import { compile, condition, operand } from './compile.ts';
import type { Body } from './frame.ts';
import type { Unit } from './unit.ts';

export function compileBinary(unit: Unit, expr: Expr & { kind: 'binary' }): Body {
  const { operator, left, right } = expr;
  const leftText = `in the left operand of '${operator}'`;
  const rightText = `in the right operand of '${operator}'`;
  const at = unit.at(expr.at);
  switch (operator) {
    case '==':
    case '!=': {
      const a = operand(unit, left, leftText);
      const b = operand(unit, right, rightText);
      return operator === '=='
        ? (frame) => equalOperands(a(frame), b(frame), at)
        : (frame) => !equalOperands(a(frame), b(frame), at);
    }
    case '&&':
    case '||':
    case '->': {
      const a = condition(unit, left, leftText);
      const b = condition(unit, right, rightText);
      if (operator === '&&') return (frame) => a(frame) && b(frame);
      if (operator === '||') return (frame) => a(frame) || b(frame);
      return (frame) => !a(frame) || b(frame);
    }
    case '//': {
      const b = operand(unit, right, rightText);
      const a = operand(unit, left, leftText);
      const atLeft = unit.at(offsetOf(left));
      const atRight = unit.at(offsetOf(right));
      return (frame) => {
        const over = b(frame);
        const under = a(frame);
        return over instanceof Attrs && under instanceof Attrs
          ? mergeAttrs(under, over)
          : updateAttrs(under, over, atLeft, atRight);
      };
    }
    case '++': {
      if (isConcat(right) && !unit.traced) return compileRow(unit, expr);
      const a = operand(unit, left, leftText);
      const b = operand(unit, right, rightText);
      return (frame) => concatLists(a(frame), b(frame), at);
    }
  }
}

type BinaryExpr = Expr & { kind: 'binary' };

function isConcat(expr: Expr): expr is BinaryExpr {
  return expr.kind === 'binary' && expr.operator === '++';
}

/** `a ++ b ++ c …` at once: pair by pair, from the right, would copy the last lists again and again. */
function compileRow(unit: Unit, expr: BinaryExpr): Body {
  const parts: Body[] = [];
  const places: Position[] = [];
  let rest: Expr = expr;
  for (; isConcat(rest); rest = rest.right) {
    parts.push(compile(unit, rest.left));
    places.push(unit.at(rest.at));
  }
  parts.push(compile(unit, rest));
  return (frame) => {
    const lists: Value[] = [];
    for (let i = 0; i < parts.length; i++) lists.push(parts[i]!(frame));
    return concatRow(lists, places);
  };
}
