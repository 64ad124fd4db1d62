/**
 * The site of an expression: how it is suspended, decided once from what it is.
 */

import { type AttrName, type Expr, isDirectList, Level, type VarExpr } from '#lang';
import { emptyAttrs, NixFloat, NixPath, type Slot } from '#runtime';
import { Making, Site } from './site.ts';
import type { Unit } from './unit.ts';

export function lazy(unit: Unit, expr: Expr): Site {
  switch (expr.kind) {
    case 'int':
    case 'string':
      return constant(unit, expr.value);
    case 'float':
      return constant(unit, new NixFloat(expr.value));
    case 'path':
      return constant(unit, new NixPath(expr.path));
    case 'lambda':
      return unit.suspendsAll ? new Site(unit, expr) : new Site(unit, expr, Making.now);
    case 'list':
      return (unit.suspendsAll ? expr.elements.length === 0 : isDirectList(expr.elements))
        ? new Site(unit, expr, Making.now)
        : new Site(unit, expr);
    case 'attrs':
      return expr.attrs.size === 0 && expr.dynamic.length === 0 && !unit.suspendsAll
        ? constant(unit, emptyAttrs)
        : new Site(unit, expr);
    case 'var':
      return lazyVariable(unit, expr);
    case 'select':
      return unit.traced || unit.suspendsAll ? new Site(unit, expr) : lazySelect(unit, expr);
    default:
      return new Site(unit, expr);
  }
}

function constant(unit: Unit, value: Slot): Site {
  return new Site(unit, undefined, Making.constant, value);
}

function lazyVariable(unit: Unit, expr: VarExpr): Site {
  const { level, slot, name } = expr;
  if (level === 0) return new Site(unit, expr, Making.own, undefined, 0, slot);
  if (level > 0) return new Site(unit, expr, Making.outer, undefined, level, slot);
  if (level === Level.global) return constant(unit, unit.globals.get(name)!);
  if (unit.traced || unit.suspendsAll) return new Site(unit, expr);
  const innermost = unit.resolution.withs[slot]![0]!;
  return new Site(unit, expr, Making.lookup, name, innermost.level);
}

function lazySelect(unit: Unit, expr: Expr & { kind: 'select' }): Site {
  const { subject, path, fallback } = expr;
  if (fallback !== undefined || subject.kind !== 'var' || subject.level < 0) {
    return new Site(unit, expr);
  }
  if (!isConstantPath(path)) return new Site(unit, expr);
  const { level, slot } = subject;
  return path.length === 1
    ? new Site(unit, expr, Making.select, path[0], level, slot)
    : new Site(unit, expr, Making.selectPath, path, level, slot);
}

export function isConstantPath(path: readonly AttrName[]): path is readonly string[] {
  return path.every((part) => typeof part === 'string');
}
