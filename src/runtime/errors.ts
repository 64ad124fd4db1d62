/**
 * The errors that evaluation raises, as functions, in C++ Nix's wording.
 *
 * Texts are byte strings. A value inside a message is printed by the printer that the value-printing
 * module installs, which keeps this module free of it.
 */

import { encodeUtf8, UserError } from '#base';
import { NixError, type NixErrorKind, type Position } from '#diagnostics';
import { Attrs } from './attrs.ts';
import { Thunk } from './thunk.ts';
import { tracing } from './tracing.ts';
import {
  ContextString,
  Lambda,
  NixFloat,
  NixPath,
  PrimOp,
  PrimOpApp,
  type Slot,
  type Value,
} from './values.ts';

type ErrorPrinter = (slot: Slot) => string;

let errorPrinter: ErrorPrinter = (slot) => (slot instanceof Thunk ? '«thunk»' : showType(slot));

/** Sets how messages show values (bounded depth and length, never forcing). */
export function installErrorPrinter(printer: ErrorPrinter): void {
  errorPrinter = printer;
}

/** A value as messages show it. */
export function printForError(slot: Slot): string {
  return errorPrinter(slot);
}

/** A type with its article, as messages name it: `a set`, `an integer`. */
export function showType(value: Value): string {
  if (value === null) return 'null';
  switch (typeof value) {
    case 'boolean':
      return 'a Boolean';
    case 'number':
    case 'bigint':
      return 'an integer';
    case 'string':
      return 'a string';
  }
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Attrs) return 'a set';
  if (value instanceof ContextString) return 'a string with context';
  if (value instanceof NixFloat) return 'a float';
  if (value instanceof NixPath) return 'a path';
  if (value instanceof PrimOp) return `the built-in function '${value.name}'`;
  if (value instanceof PrimOpApp) {
    return `the partially applied built-in function '${value.primOp.name}'`;
  }
  return 'a function';
}

/** The type as `builtins.typeOf` names it. */
export function typeOf(value: Value): string {
  if (value === null) return 'null';
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'number':
    case 'bigint':
      return 'int';
    case 'string':
      return 'string';
  }
  if (Array.isArray(value)) return 'list';
  if (value instanceof Attrs) return 'set';
  if (value instanceof ContextString) return 'string';
  if (value instanceof NixFloat) return 'float';
  if (value instanceof NixPath) return 'path';
  return 'lambda';
}

/** Any error of a kind. */
export function nixError(kind: NixErrorKind, message: string, position: Position = 0): NixError {
  return new NixError(kind, message, position);
}

export function evalError(message: string, position: Position = 0): NixError {
  return new NixError('EvalError', message, position);
}

export function typeError(message: string, position: Position = 0): NixError {
  return new NixError('TypeError', message, position);
}

/** `expected a set but found an integer: 1` */
export function expectedButFound(wanted: string, found: Value, position: Position = 0): NixError {
  return typeError(
    `expected ${wanted} but found ${showType(found)}: ${printForError(found)}`,
    position,
  );
}

export function infiniteRecursion(position: Position): NixError {
  return new NixError('InfiniteRecursionError', 'infinite recursion encountered', position);
}

export function stackOverflow(position: Position): NixError {
  return new NixError(
    'StackOverflowError',
    'stack overflow; max-call-depth exceeded',
    position,
  );
}

/** The longest list. V8 ends the process where an array grows past twice of it. */
const maxListLength = 0x400_0000;

/** Fails where a list would get longer than lists can be. */
export function checkListLength(length: number, position: Position): void {
  if (length > maxListLength) {
    throw evalError(`list is too long: it would have more than ${maxListLength} elements`, position);
  }
}

/**
 * What V8 refuses for its size, as the program's error at a place; any other error as it is. The
 * stack is full by nesting that is not calls.
 */
export function limitError(error: unknown, position: Position): unknown {
  if (!(error instanceof RangeError)) return error;
  const { message } = error;
  if (message.includes('call stack')) return stackOverflow(position);
  if (message.includes('string length')) {
    return evalError('string is too long: it would have more than 536870888 bytes', position);
  }
  if (/array length|maximum size exceeded/.test(message)) {
    return evalError('list or set is too large', position);
  }
  return message.includes('allocation failed') ? evalError('memory exhausted', position) : error;
}

/** The same; while frames are collected, what the world is at fault for becomes an error with them. */
export function placedError(error: unknown, position: Position): unknown {
  return error instanceof UserError && tracing.on
    ? new NixError('SystemError', encodeUtf8(error.message), position, { world: error })
    : limitError(error, position);
}

export function undefinedVariable(name: string, position: Position): NixError {
  return new NixError('UndefinedVarError', `undefined variable '${name}'`, position);
}

export function missingAttribute(
  name: string,
  position: Position,
  suggestions: readonly string[] = [],
): NixError {
  return new NixError('EvalError', `attribute '${name}' missing`, position, { suggestions });
}

export function assertionFailed(text: string, position: Position): NixError {
  return new NixError('AssertionError', `assertion '${text}' failed`, position);
}

export function notAFunction(value: Value, position: Position): NixError {
  return typeError(
    `attempt to call something which is not a function but ${showType(value)}: ${printForError(value)}`,
    position,
  );
}

export function missingArgument(functionName: string, name: string, position: Position): NixError {
  return new NixError(
    'MissingArgumentError',
    `function '${functionName}' called without required argument '${name}'`,
    position,
  );
}

export function unexpectedArgument(
  functionName: string,
  name: string,
  position: Position,
  suggestions: readonly string[],
): NixError {
  return new NixError(
    'TypeError',
    `function '${functionName}' called with unexpected argument '${name}'`,
    position,
    { suggestions },
  );
}

export { isLambdaLike };

function isLambdaLike(value: Value): value is Lambda | PrimOp | PrimOpApp {
  return value instanceof Lambda || value instanceof PrimOp || value instanceof PrimOpApp;
}
