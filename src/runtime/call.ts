/**
 * Calling functions.
 *
 * A lambda knows how many plain parameters it takes in a row, so that a saturated call runs the
 * body at once; fewer arguments make a smaller lambda, more are applied to the result. `position`
 * is the place of the call.
 *
 * Here are the quick ways; while `tracing.on`, calls go the way of `call-traced.ts`.
 */

import type { Position } from '#diagnostics';
import { Attrs } from './attrs.ts';
import { callDepth, enterCall, leaveCall } from './call-depth.ts';
import { callTraced, duringFunctor } from './call-traced.ts';
import { counters } from './counters.ts';
import { notAFunction, stackOverflow } from './errors.ts';
import { partial } from './partial.ts';
import { force } from './thunk.ts';
import { Lambda, PrimOp, PrimOpApp, type Slot, type Value } from './values.ts';
import { tracing } from './tracing.ts';

/** Applies a function to one argument. */
export function call(f: Value, a: Slot, position: Position = 0): Value {
  if (tracing.on) return callTraced(f, [a], position);
  if (f instanceof Lambda) {
    counters.functionCalls++;
    if (f.arity !== 1) return partial(f, [a]);
    if (callDepth.now++ > callDepth.limit) throw stackOverflow(position);
    const value = f.body(f.frame as never, a);
    callDepth.now--;
    return value;
  }
  if (f instanceof PrimOp) {
    if (f.arity !== 1) return new PrimOpApp(f, [a]);
    counters.primOpCalls++;
    if (callDepth.now++ > callDepth.limit) throw stackOverflow(position);
    const value = f.run(f.services, a, position);
    callDepth.now--;
    return value;
  }
  return callOther(f, a, position);
}

export function call2(f: Value, a: Slot, b: Slot, position: Position = 0): Value {
  if (tracing.on) return callTraced(f, [a, b], position);
  if (f instanceof Lambda) {
    if (f.arity === 2) {
      counters.functionCalls++;
      if (callDepth.now++ > callDepth.limit) throw stackOverflow(position);
      const value = f.body(f.frame as never, a, b);
      callDepth.now--;
      return value;
    }
    if (f.arity > 2) {
      return partial(f, [a, b]);
    }
  } else if (f instanceof PrimOp && f.arity === 2) {
    counters.primOpCalls++;
    if (callDepth.now++ > callDepth.limit) throw stackOverflow(position);
    const value = f.run(f.services, a, b, position);
    callDepth.now--;
    return value;
  }
  return call(call(f, a, position), b, position);
}

export function call3(f: Value, a: Slot, b: Slot, c: Slot, position: Position = 0): Value {
  if (tracing.on) return callTraced(f, [a, b, c], position);
  if (f instanceof Lambda) {
    if (f.arity === 3) {
      counters.functionCalls++;
      if (callDepth.now++ > callDepth.limit) throw stackOverflow(position);
      const value = f.body(f.frame as never, a, b, c);
      callDepth.now--;
      return value;
    }
    if (f.arity > 3) {
      return partial(f, [a, b, c]);
    }
    if (f.arity === 2) {
      counters.functionCalls++;
      if (callDepth.now++ > callDepth.limit) throw stackOverflow(position);
      const rest = f.body(f.frame as never, a, b);
      callDepth.now--;
      return call(rest, c, position);
    }
  } else if (f instanceof PrimOp && f.arity === 3) {
    counters.primOpCalls++;
    enterCall(position);
    const value = f.run(f.services, a, b, c, position);
    leaveCall();
    return value;
  }
  return call2(call(f, a, position), b, c, position);
}

/** Applies a function to any number of arguments, one after the other. */
export function callMany(f: Value, args: readonly Slot[], position: Position = 0): Value {
  if (tracing.on) return callTraced(f, args, position);
  let result = f;
  let i = 0;
  while (i < args.length) {
    const rest = args.length - i;
    if (result instanceof Lambda && result.arity <= rest && result.arity > 1) {
      counters.functionCalls++;
      const end = i + result.arity;
      enterCall(position);
      result = result.body(result.frame as never, ...args.slice(i, end));
      leaveCall();
      i = end;
    } else if (result instanceof PrimOp && result.arity <= rest) {
      const end = i + result.arity;
      result = runPrimOp(result, args.slice(i, end), position);
      i = end;
    } else {
      result = call(result, args[i++]!, position);
    }
  }
  return result;
}

/** Whether a value can be called: a function or a set with `__functor`. */
export function isCallable(value: Value): boolean {
  return (
    value instanceof Lambda ||
    value instanceof PrimOp ||
    value instanceof PrimOpApp ||
    (value instanceof Attrs && value.has('__functor'))
  );
}

function callOther(f: Value, a: Slot, position: Position): Value {
  if (f instanceof PrimOpApp) {
    const { primOp, args } = f;
    if (args.length + 1 < primOp.arity) return new PrimOpApp(primOp, [...args, a]);
    if (args.length > 2) return runPrimOp(primOp, [...args, a], position);
    counters.primOpCalls++;
    enterCall(position);
    // No array is made for the arguments of the usual ones.
    const value = args.length === 1
      ? primOp.run(primOp.services, args[0]!, a, position)
      : primOp.run(primOp.services, args[0]!, args[1]!, a, position);
    leaveCall();
    return value;
  }
  if (f instanceof Attrs) {
    const at = f.indexOf('__functor');
    if (at >= 0) return callFunctor(f, at, a, position);
  }
  throw notAFunction(f, position);
}

function callFunctor(f: Attrs, at: number, a: Slot, position: Position): Value {
  const functorPosition = f.positionAt(at);
  try {
    enterCall(position);
    const value = call2(force(f.slotAt(at), functorPosition), f, a, functorPosition);
    leaveCall();
    return value;
  } catch (error) {
    throw duringFunctor(error, position);
  }
}

function runPrimOp(primOp: PrimOp, args: Slot[], position: Position): Value {
  counters.primOpCalls++;
  enterCall(position);
  const value = primOp.run(primOp.services, ...args, position);
  leaveCall();
  return value;
}
