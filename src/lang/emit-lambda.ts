/**
 * JavaScript for functions.
 *
 * Plain parameters in a row become one JavaScript function of that many parameters; a set pattern
 * may be the last of them. Formals that nothing refers to are not read from the argument.
 */

import type { Emitter, FunctionContext } from './emit.ts';
import type { Scope, Variable } from './scope.ts';
import type { FormalParameter, LambdaExpr } from './tree.ts';

const arityLimit = 8;

/** A `Lambda` object. */
export function emitLambda(
  emitter: Emitter,
  expr: LambdaExpr,
  scope: Scope | undefined,
): string {
  const info = emitter.onceName('i');
  const parameters: string[] = [];
  let current = expr;
  let inner = scope;
  const owner: FunctionContext = { variables: [] };
  const others: LambdaExpr[] = [];
  while (current.formals === undefined) {
    const code = emitter.fresh('a');
    parameters.push(code);
    inner = bind(inner, current.argument!, code, owner, false);
    if (
      emitter.options.traced ||
      parameters.length === arityLimit ||
      current.body.kind !== 'lambda'
    ) {
      break;
    }
    current = current.body;
    others.push(current);
  }
  let code = infoCode(expr);
  let body: string;
  if (current.formals === undefined) {
    body = emitter.functionBody((fn) => emitter.strict(current.body, inner, fn));
  } else {
    const argument = emitter.fresh('a');
    parameters.push(argument);
    const own = current === expr ? info : emitter.onceName('i');
    body = patternBody(emitter, current, inner, argument, own);
    if (others.length > 0) {
      const last = others.length - 1;
      const codes = others.map((o, i) => (i === last ? `${own}=${infoCode(o)}` : infoCode(o)));
      code = `N(${[code, ...codes].join(',')})`;
    }
  }
  if (current.formals === undefined && others.length > 0) {
    code = `N(${[code, ...others.map(infoCode)].join(',')})`;
  }
  return `new L((${parameters.join(',')})=>${body},${parameters.length},${info}||(${info}=${code}))`;
}

function bind(
  up: Scope | undefined,
  name: string,
  code: string,
  owner: object,
  isValue: boolean,
): Scope {
  const variable: Variable = { code, owner, ready: true, isValue, used: false };
  return { kind: 'names', up, names: new Map([[name, variable]]) };
}

function infoCode(expr: LambdaExpr): string {
  const name = expr.name === undefined ? 'null' : JSON.stringify(expr.name);
  const argument = expr.argument === undefined ? 'null' : JSON.stringify(expr.argument);
  if (expr.formals === undefined) return `I(B,${expr.at},${name},${argument})`;
  const formals = sortFormals(expr.formals);
  const names = JSON.stringify(formals.map((formal) => formal.name));
  const defaults = formals.map((formal) => (formal.fallback === undefined ? '0' : '1')).join('');
  const offsets = formals.map((formal) => formal.at).join(',');
  return `I(B,${expr.at},${name},${argument},${names},"${defaults}",[${offsets}],${expr.ellipsis})`;
}

function sortFormals(formals: readonly FormalParameter[]): FormalParameter[] {
  return [...formals].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Body of a function with a set pattern. */
function patternBody(
  emitter: Emitter,
  expr: LambdaExpr,
  scope: Scope | undefined,
  argument: string,
  info: string,
): string {
  const formals = sortFormals(expr.formals!);
  const fn: FunctionContext = { variables: [] };
  const names = new Map<string, Variable>();
  const set = emitter.fresh('m');
  if (expr.argument !== undefined) {
    names.set(expr.argument, { code: set, owner: fn, ready: true, isValue: true, used: false });
  }
  for (const formal of formals) {
    names.set(formal.name, {
      code: emitter.fresh('v'),
      owner: fn,
      ready: false,
      isValue: false,
      used: false,
    });
  }
  const inner: Scope = { kind: 'names', up: scope, names };
  // Defaults may refer to any formal, in any order: while they are emitted none counts as ready.
  const defaults = formals.map((formal) =>
    formal.fallback === undefined ? undefined : emitter.lazy(formal.fallback, inner, fn),
  );
  for (const variable of names.values()) variable.ready = true;
  const value = emitter.strict(expr.body, inner, fn);
  const plan = emitter.fresh('p');
  const slots = emitter.fresh('l');
  let reads = '';
  formals.forEach((formal, i) => {
    const variable = names.get(formal.name)!;
    if (!variable.used) return;
    const fallback = defaults[i];
    const place = `${slots}[${plan}[${i}]]`;
    const code = fallback === undefined ? place : `${plan}[${i}]<0?${fallback}:${place}`;
    reads += `,${variable.code}=${code}`;
  });
  const head =
    `var ${set}=FA(${argument},${info}),${plan}=FP(${info},${set})` +
    (reads === '' ? '' : `,${slots}=${set}.slots${reads}`);
  const variables = fn.variables.length === 0 ? '' : `,${fn.variables.join(',')}`;
  return `{${head}${variables};return ${value}}`;
}
