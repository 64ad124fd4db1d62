/**
 * Calling functions while traces are collected, or calls observed.
 *
 * As C++ Nix counts them: all arguments of one place are one call, one level deep, which an observer
 * sees as one; each lambda on the way has its own frame. Frames of calls are for `--show-trace`.
 */

import { NixError, type Position } from '#diagnostics';
import { Attrs } from './attrs.ts';
import { enterCall, leaveCall } from './call-depth.ts';
import { counters } from './counters.ts';
import { notAFunction, placedError } from './errors.ts';
import { partial } from './partial.ts';
import { force } from './thunk.ts';
import { tracing } from './tracing.ts';
import { Lambda, PrimOp, PrimOpApp, type Slot, type Value } from './values.ts';

/** Applies a function to arguments, one after the other. */
export function callTraced(f: Value, args: readonly Slot[], position: Position): Value {
  enterCall(position);
  const { observer } = tracing;
  if (observer === undefined) {
    const value = applyAll(f, args, position);
    leaveCall();
    return value;
  }
  observer.entered(f, args, position);
  try {
    const value = applyAll(f, args, position);
    leaveCall();
    return value;
  } finally {
    observer.exited(position);
  }
}

function applyAll(f: Value, args: readonly Slot[], position: Position): Value {
  let result = f;
  for (let i = 0; i < args.length;) {
    if (result instanceof Lambda) {
      result = callLambda(result, args[i++]!, position);
    } else if (result instanceof PrimOp || result instanceof PrimOpApp) {
      const [primOp, known] = result instanceof PrimOp ? [result, []] : [result.primOp, result.args];
      const given = [...known, ...args.slice(i, i + primOp.arity - known.length)];
      i += given.length - known.length;
      result = given.length < primOp.arity ? new PrimOpApp(primOp, given) : runPrimOp(primOp, given, position);
    } else {
      const at = result instanceof Attrs ? result.indexOf('__functor') : -1;
      if (at < 0) throw notAFunction(result, position);
      result = callFunctor(result as Attrs, at, args[i++]!, position);
    }
  }
  return result;
}

function callLambda(f: Lambda, a: Slot, position: Position): Value {
  if (f.arity > 1) return partial(f, [a]);
  counters.functionCalls++;
  try {
    return f.body(f.frame as never, a);
  } catch (error) {
    if (error instanceof NixError) {
      const shown = error.beforeBody ? 'usually' : 'onRequest';
      if (!error.beforeBody) {
        const name = f.info.name === undefined ? 'anonymous lambda' : `'${f.info.name}'`;
        error.addTrace(f.info.position, `while calling ${name}`, shown);
      }
      error.beforeBody = false;
      if (position !== 0) error.addTrace(position, 'from call site', shown);
    }
    throw error;
  }
}

function runPrimOp(primOp: PrimOp, args: readonly Slot[], position: Position): Value {
  counters.primOpCalls++;
  try {
    return primOp.run(primOp.services, ...args, position);
  } catch (thrown) {
    const error = placedError(thrown, 0);
    if (error instanceof NixError && primOp.addsTrace) {
      error.addTrace(position, `while calling the '${primOp.name}' builtin`);
    }
    throw error;
  }
}

function callFunctor(f: Attrs, at: number, a: Slot, position: Position): Value {
  const functorPosition = f.positionAt(at);
  try {
    return callTraced(force(f.slotAt(at), functorPosition), [f, a], functorPosition);
  } catch (error) {
    throw duringFunctor(error, position);
  }
}

/** An error met while a set's `__functor` was called at a place, with the frame that says so. */
export function duringFunctor(error: unknown, position: Position): unknown {
  const text = "while calling a functor (an attribute set with a '__functor' attribute)";
  return error instanceof NixError ? error.addTrace(position, text) : error;
}
