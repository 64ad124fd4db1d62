/**
 * JavaScript for selections, calls, interpolation and `+`.
 */

import type { Emitter, FunctionContext } from './emit.ts';
import type { Scope } from './scope.ts';
import type { AttrName, CallExpr, ConcatExpr, Expr, HasAttrExpr, SelectExpr } from './tree.ts';
import { offsetOf } from './tree.ts';

/** `subject.path` and `subject.path or fallback`. */
export function emitSelect(
  emitter: Emitter,
  expr: SelectExpr,
  scope: Scope | undefined,
  fn: FunctionContext,
): string {
  const { subject, path, fallback } = expr;
  const at = emitter.at(expr.at);
  const from = emitter.operand(subject, scope, fn, 'while selecting an attribute');
  if (fallback === undefined) {
    if (path.length > 1 && emitter.options.traced) {
      return `SN(${from},${names(emitter, path, scope, fn)},${at})`;
    }
    return path.reduce<string>((code, part) => {
      return `S(${code},${name(emitter, part, scope, fn)},${at})`;
    }, from);
  }
  const temporary = emitter.fresh('t');
  fn.variables.push(temporary);
  const found =
    path.length === 1
      ? `SO(${from},${name(emitter, path[0]!, scope, fn)},${at})`
      : `SNO(${from},${names(emitter, path, scope, fn)},${at})`;
  const other = emitter.strict(fallback, scope, fn);
  return `((${temporary}=${found})===undefined?${other}:${temporary})`;
}

/** `subject ? path`. */
export function emitHasAttr(
  emitter: Emitter,
  expr: HasAttrExpr,
  scope: Scope | undefined,
  fn: FunctionContext,
): string {
  const { subject, path } = expr;
  const from = emitter.operand(subject, scope, fn, "in the argument of '?'");
  if (path.length === 1) return `q(${from},${name(emitter, path[0]!, scope, fn)})`;
  const at = emitter.at(offsetOf(subject));
  return `Q(${from},${names(emitter, path, scope, fn)},${at})`;
}

function name(
  emitter: Emitter,
  part: AttrName,
  scope: Scope | undefined,
  fn: FunctionContext,
): string {
  if (typeof part === 'string') return JSON.stringify(part);
  const text = JSON.stringify('while evaluating an attribute name');
  return `name(${emitter.strict(part, scope, fn)},${emitter.at(offsetOf(part))},${text})`;
}

function names(
  emitter: Emitter,
  path: readonly AttrName[],
  scope: Scope | undefined,
  fn: FunctionContext,
): string {
  const code = `[${path.map((part) => name(emitter, part, scope, fn)).join(',')}]`;
  return path.every((part) => typeof part === 'string') ? emitter.once('k', code) : code;
}

const arithmetic: ReadonlyMap<string, string> = new Map([
  ['__sub', 'sub'],
  ['__mul', 'mul'],
  ['__div', 'div'],
  ['__lessThan', 'lt'],
]);

/** A call; arithmetic whose names are not redefined is done at once. */
export function emitCall(
  emitter: Emitter,
  expr: CallExpr,
  scope: Scope | undefined,
  fn: FunctionContext,
): string {
  const { callee, args } = expr;
  if (callee.kind === 'var' && args.length === 2 && !emitter.options.traced) {
    const operation = arithmetic.get(callee.name);
    if (operation !== undefined && emitter.isGlobal(callee.name, scope)) {
      const [left, right] = args as [Expr, Expr];
      const a = emitter.strict(left, scope, fn);
      return `${operation}(${a},${emitter.strict(right, scope, fn)})`;
    }
  }
  const target = emitter.strict(callee, scope, fn);
  const slots = args.map((arg) => emitter.lazy(arg, scope, fn));
  const at = emitter.at(expr.at);
  switch (slots.length) {
    case 1:
      return `C(${target},${slots[0]},${at})`;
    case 2:
      return `C2(${target},${slots[0]},${slots[1]},${at})`;
    case 3:
      return `C3(${target},${slots[0]},${slots[1]},${slots[2]},${at})`;
    default:
      return `CN(${target},[${slots.join(',')}],${at})`;
  }
}

/** Interpolation and `+`. */
export function emitConcat(
  emitter: Emitter,
  expr: ConcatExpr,
  scope: Scope | undefined,
  fn: FunctionContext,
): string {
  const text = "in an operand of '+'";
  const at = emitter.at(expr.at);
  if (!expr.interpolation) {
    const values = expr.parts.map((part) => emitter.operand(part.value, scope, fn, text));
    const places = expr.parts.map((part) => emitter.at(part.at));
    if (values.length === 2 && expr.parts[0]!.value.kind !== 'path') {
      return `add(${values[0]},${values[1]},${at},${places[0]},${places[1]})`;
    }
    return `path([${values.join(',')}],[${places.join(',')}],${at})`;
  }
  const parts = expr.parts.map((part) => {
    if (part.value.kind === 'string') return JSON.stringify(part.value.value);
    return `str(${emitter.operand(part.value, scope, fn, text)},${emitter.at(part.at)})`;
  });
  if (parts.length === 1) return parts[0]!;
  if (parts.length === 2) return `join2(${parts[0]},${parts[1]})`;
  return `join([${parts.join(',')}])`;
}
