/**
 * What `flake.nix` says without being evaluated: its description, inputs and settings.
 *
 * They must be literals, so that a flake's inputs are known without running any of its code. So
 * they are taken from the syntax tree. What is not a literal is called a thunk in messages, as
 * C++ Nix calls it.
 */

import { NixError, showPosition, type Position } from '#diagnostics';
import type { AttrsExpr, Expr } from '#lang';
import { quoteJson } from '#runtime';

/** A place in a source: where it starts, and the offset in it. */
export interface Place {
  readonly base: Position;
  readonly at: number;
}

export type LiteralType = 'a string' | 'a path' | 'a Boolean' | 'an integer' | 'a set' | 'a list' | 'a function';

/** The type of a literal; anything else is a thunk. */
export function literalType(expr: Expr): LiteralType | 'a float' | 'null' | 'a thunk' {
  switch (expr.kind) {
    case 'string': return 'a string';
    case 'path': return 'a path';
    case 'int': return 'an integer';
    case 'float': return 'a float';
    case 'list': return 'a list';
    case 'lambda': return 'a function';
    case 'attrs': return expr.dynamic.length === 0 ? 'a set' : 'a thunk';
    case 'var':
      if (expr.name === 'true' || expr.name === 'false') return 'a Boolean';
      return expr.name === 'null' ? 'null' : 'a thunk';
    default: return 'a thunk';
  }
}

export function showPlace({ base, at }: Place): string {
  return showPosition(base + at);
}

function expected(wanted: LiteralType, expr: Expr, place: Place): NixError {
  return new NixError('Error', `expected ${wanted} but got ${literalType(expr)} at ${showPlace(place)}`);
}

export function literalString(expr: Expr, place: Place): string {
  if (expr.kind !== 'string') throw expected('a string', expr, place);
  return expr.value;
}

export function literalFlag(expr: Expr, place: Place): boolean {
  if (literalType(expr) !== 'a Boolean') throw expected('a Boolean', expr, place);
  return expr.kind === 'var' && expr.name === 'true';
}

export function literalSet(expr: Expr, place: Place): AttrsExpr {
  if (expr.kind !== 'attrs' || expr.dynamic.length > 0) throw expected('a set', expr, place);
  return expr;
}

export function literalFunction(expr: Expr, place: Place): Extract<Expr, { kind: 'lambda' }> {
  if (expr.kind !== 'lambda') throw expected('a function', expr, place);
  return expr;
}

/** Attributes of a set literal in byte order of their names, with their places. */
export function sortedBindings(set: AttrsExpr, base: Position): { name: string; value: Expr; place: Place }[] {
  return [...set.attrs].sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { value, at }]) => ({ name, value, place: { base, at } }));
}

/** A list or set of literals as one line of JSON, keys in order. */
export function literalJson(expr: Expr): string {
  switch (expr.kind) {
    case 'string': return quoteJson(expr.value);
    case 'int': return String(expr.value);
    case 'list': return `[${expr.elements.map(literalJson).join(',')}]`;
    case 'attrs': {
      const pairs = sortedBindings(expr, 0).map(({ name, value }) => `${quoteJson(name)}:${literalJson(value)}`);
      return `{${pairs.join(',')}}`;
    }
    default: break;
  }
  if (literalType(expr) === 'a Boolean') return expr.kind === 'var' ? expr.name : 'null';
  throw new NixError('TypeError', `expected a literal but got ${literalType(expr)}`);
}
