/**
 * Set patterns: binding the formal parameters of a function from its argument.
 *
 * Where each parameter stands depends only on the argument's shape, so that is worked out once per
 * function and shape, the checks for missing and unexpected arguments included.
 */

import { NixError, type Position } from '#diagnostics';
import { Attrs } from './attrs.ts';
import { expectedButFound, missingArgument, unexpectedArgument } from './errors.ts';
import { zeroes } from './packed-array.ts';
import { printAttributeName } from './print.ts';
import type { Shape } from './shape.ts';
import { bestMatches } from './suggestions.ts';
import { force } from './thunk.ts';
import type { Formal, LambdaInfo, Slot, Value } from './values.ts';

const planLimit = 64;

/** Where each formal stands in an argument of a shape; -1 for one that takes its default. */
type FormalsPlan = readonly number[];

class FunctionInfo implements LambdaInfo {
  readonly position: Position;
  readonly name: string | undefined;
  readonly argument: string | undefined;
  readonly formals: readonly Formal[] | undefined;
  readonly ellipsis: boolean;
  next: LambdaInfo | undefined = undefined;
  lastShape: Shape | undefined = undefined;
  lastPlan: FormalsPlan | undefined = undefined;
  plans: Map<Shape, FormalsPlan> | undefined = undefined;

  constructor(
    position: Position,
    name: string | undefined,
    argument: string | undefined,
    formals: readonly Formal[] | undefined,
    ellipsis: boolean,
  ) {
    this.position = position;
    this.name = name;
    this.argument = argument;
    this.formals = formals;
    this.ellipsis = ellipsis;
  }
}

/** The description of a lambda; formals are sorted by name. */
export function makeLambdaInfo(
  position: Position,
  name: string | undefined,
  argument: string | undefined,
  formals: readonly Formal[] | undefined,
  ellipsis: boolean,
): LambdaInfo {
  return new FunctionInfo(position, name, argument, formals, ellipsis);
}

/** Links the descriptions of lambdas that return each other; returns the first. */
export function linkLambdaInfos(first: LambdaInfo, ...others: LambdaInfo[]): LambdaInfo {
  let current = first as FunctionInfo;
  for (const other of others) {
    current.next = other;
    current = other as FunctionInfo;
  }
  return first;
}

/** The argument of a function with a set pattern. */
export function argumentSet(slot: Slot, info: LambdaInfo): Attrs {
  const text = 'while evaluating the value passed for the lambda argument';
  let value: Value;
  try {
    value = force(slot, info.position);
  } catch (error) {
    if (error instanceof NixError) {
      error.addTrace(info.position, text);
      error.beforeBody = true;
    }
    throw error;
  }
  if (value instanceof Attrs) return value;
  const error = expectedButFound('a set', value, info.position).addTrace(info.position, text);
  error.beforeBody = true;
  throw error;
}

/** Where the formals stand in this argument, after the checks. */
export function planFor(info: LambdaInfo, set: Attrs): FormalsPlan {
  const own = info as FunctionInfo;
  const shape = set.shape;
  if (own.lastShape === shape) return own.lastPlan!;
  let plan = own.plans?.get(shape);
  if (plan === undefined) {
    plan = makePlan(own, shape);
    if (shape.lasting) {
      const plans = (own.plans ??= new Map());
      if (plans.size < planLimit) plans.set(shape, plan);
    }
  }
  own.lastShape = shape;
  own.lastPlan = plan;
  return plan;
}

function makePlan(info: FunctionInfo, shape: Shape): FormalsPlan {
  const formals = info.formals!;
  const plan = zeroes(formals.length);
  let used = 0;
  for (let i = 0; i < formals.length; i++) {
    const formal = formals[i]!;
    const at = shape.indexOf(formal.name);
    plan[i] = at;
    if (at >= 0) used++;
    else if (!formal.hasDefault) throw callFault(missing(info, formal.name));
  }
  if (!info.ellipsis && used !== shape.names.length) {
    const names = formals.map((formal) => formal.name);
    const known = new Set(names);
    const extra = shape.names.find((name) => !known.has(name))!;
    throw callFault(
      unexpectedArgument(
        info.name ?? 'anonymous lambda',
        printAttributeName(extra),
        info.position,
        bestMatches(names, extra),
      ),
    );
  }
  return plan;
}

function missing(info: FunctionInfo, name: string): NixError {
  return missingArgument(info.name ?? 'anonymous lambda', name, info.position);
}

function callFault(error: NixError): NixError {
  error.beforeBody = true;
  return error;
}
