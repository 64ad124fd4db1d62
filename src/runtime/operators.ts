/**
 * The language's operators on forced values.
 *
 * Emitted code evaluates the operands; here they are checked and combined, in C++ Nix's order and
 * wording.
 */

import { NixError, type Position } from '#diagnostics';
import { Attrs } from './attrs.ts';
import { enterCall, leaveCall } from './call-depth.ts';
import { mergeAttrs } from './merge.ts';
import { coerceToString, isDerivation } from './coerce.ts';
import { ContextCollector, type Context, unionContext } from './context.ts';
import {
  checkListLength,
  evalError,
  expectedButFound,
  isLambdaLike,
  printForError,
  showType,
  typeOf,
} from './errors.ts';
import { packedArray } from './packed-array.ts';
import { canonicalPath } from './path-text.ts';
import type { EvalServices } from './services.ts';
import { force, forceAt } from './thunk.ts';
import { ContextString, NixFloat, NixPath, type Slot, type Value } from './values.ts';

type Integer = number | bigint;

const smallest = -0x8000000000000000n;
const largest = 0x7fffffffffffffffn;

/** A result of exact arithmetic in its representation; undefined if it has more than 64 bits. */
function fit(value: bigint): Integer | undefined {
  if (value < smallest || value > largest) return undefined;
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}

function overflow(verb: string, a: Integer, sign: string, b: Integer, at: Position): NixError {
  return evalError(`integer overflow in ${verb} ${a} ${sign} ${b}`, at);
}

export function intAdd(a: Integer, b: Integer, position: Position = 0): Integer {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  const sum = fit(BigInt(a) + BigInt(b));
  if (sum === undefined) throw overflow('adding', a, '+', b, position);
  return sum;
}

export function intSubtract(a: Integer, b: Integer, position: Position = 0): Integer {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b;
    if (Number.isSafeInteger(difference)) return difference;
  }
  const difference = fit(BigInt(a) - BigInt(b));
  if (difference === undefined) throw overflow('subtracting', a, '-', b, position);
  return difference;
}

export function intMultiply(a: Integer, b: Integer, position: Position = 0): Integer {
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b;
    if (Number.isSafeInteger(product)) return product + 0;
  }
  const product = fit(BigInt(a) * BigInt(b));
  if (product === undefined) throw overflow('multiplying', a, '*', b, position);
  return product;
}

/** Rounded towards zero. */
export function intDivide(a: Integer, b: Integer, position: Position = 0): Integer {
  if (b === 0) throw evalError('division by zero', position);
  if (typeof a === 'number' && typeof b === 'number') return Math.trunc(a / b) + 0;
  const quotient = fit(BigInt(a) / BigInt(b));
  if (quotient === undefined) throw overflow('dividing', a, '/', b, position);
  return quotient;
}

function isInteger(value: Value): value is Integer {
  return typeof value === 'number' || typeof value === 'bigint';
}

type IntOperation = (a: Integer, b: Integer, position: Position) => Integer;

/** `-`, `*` and `/`: of two numbers. `texts` name the operands in errors. */
export function arithmetic(
  a: Value,
  b: Value,
  ints: IntOperation,
  floats: (a: number, b: number) => number,
  texts: readonly [string, string],
): Value {
  if (isInteger(a) && isInteger(b)) return ints(a, b, 0);
  const isFloat = a instanceof NixFloat || b instanceof NixFloat;
  const wanted = isFloat ? 'a float' : 'an integer';
  const x = numberOf(a);
  if (x === undefined) throw expectedButFound(wanted, a).addTrace(0, texts[0]);
  const y = numberOf(b);
  if (y === undefined) throw expectedButFound(wanted, b).addTrace(0, texts[1]);
  return new NixFloat(floats(x, y));
}

function numberOf(value: Value): number | undefined {
  if (value instanceof NixFloat) return value.value;
  return isInteger(value) ? Number(value) : undefined;
}

/** Whether `a < b`. */
export function compareValues(a: Value, b: Value, position: Position, text: string): boolean {
  if (typeof a === 'number' && typeof b === 'number') return a < b;
  if (typeof a === 'string' && typeof b === 'string') return a < b;
  try {
    return compareSlow(a, b, position, text);
  } catch (error) {
    if (error instanceof NixError && text !== '') error.addTrace(0, text);
    throw error;
  }
}

function compareSlow(a: Value, b: Value, position: Position, text: string): boolean {
  const x = numberOf(a);
  const y = numberOf(b);
  if (x !== undefined && y !== undefined) {
    if (isInteger(a) && isInteger(b)) return a < b;
    return x < y;
  }
  const type = typeOf(a);
  if (type !== typeOf(b)) {
    throw evalError(
      `cannot compare ${showType(a)} with ${showType(b)}; values are ${printForError(a)} and ${printForError(b)}`,
    );
  }
  if (type === 'string') return textOf(a as string) < textOf(b as string);
  if (a instanceof NixPath) return a.path < (b as NixPath).path;
  if (Array.isArray(a)) return compareLists(a, b as Slot[], position, text);
  throw evalError(
    `cannot compare ${showType(a)} with ${showType(b)}; values of that type are incomparable (values are ${printForError(a)} and ${printForError(b)})`,
  );
}

function compareLists(a: Slot[], b: Slot[], position: Position, text: string): boolean {
  for (let i = 0; ; i++) {
    if (i === b.length) return false;
    if (i === a.length) return true;
    if (!equalValues(a[i]!, b[i]!, position, text)) {
      return compareValues(
        force(a[i]!),
        force(b[i]!),
        position,
        'while comparing two list elements',
      );
    }
  }
}

/** The text of a string value. */
export function textOf(value: string | ContextString): string {
  return typeof value === 'string' ? value : value.text;
}

/**
 * Equality of what two slots hold. Elements of sets and lists that are the same value are equal
 * without looking inside, even functions.
 */
export function equalValues(a: Slot, b: Slot, position: Position, text: string): boolean {
  const x = force(a, position);
  const y = force(b, position);
  if (x === y) return true;
  return equalForced(x, y, position, text);
}

/** `==` of two operands: here a function is not even equal to itself. */
export function equalOperands(x: Value, y: Value, position: Position): boolean {
  if (x === y && (typeof x !== 'object' || x === null)) return true;
  if (x === y && isLambdaLike(x)) return false;
  return equalForced(x, y, position, 'while testing two values for equality');
}

function equalForced(x: Value, y: Value, position: Position, text: string): boolean {
  if (x === null || y === null) return false;
  switch (typeof x) {
    case 'boolean':
      return x === y;
    case 'bigint':
    case 'number':
      return y instanceof NixFloat ? Number(x) === y.value : x === y;
    case 'string':
      return x === (y instanceof ContextString ? y.text : y);
  }
  if (typeof y === 'string') return x instanceof ContextString && x.text === y;
  if (typeof y !== 'object') {
    return x instanceof NixFloat && isInteger(y) && x.value === Number(y);
  }
  if (Array.isArray(x)) {
    if (!Array.isArray(y) || x.length !== y.length) return false;
    enterCall(position);
    const isEqual = equalLists(x, y, position, text);
    leaveCall();
    return isEqual;
  }
  if (x instanceof Attrs) {
    if (!(y instanceof Attrs)) return false;
    enterCall(position);
    const isEqual = equalAttrs(x, y, position, text);
    leaveCall();
    return isEqual;
  }
  if (x instanceof ContextString) return y instanceof ContextString && x.text === y.text;
  if (x instanceof NixPath) return y instanceof NixPath && x.path === y.path;
  if (x instanceof NixFloat) return y instanceof NixFloat && x.value === y.value;
  return false;
}

/** A function of its own without a closure: one would cost an object in every comparison. */
function equalLists(x: Slot[], y: Slot[], position: Position, text: string): boolean {
  for (let i = 0; i < x.length; i++) {
    if (!equalValues(forceAt(x, i, position), forceAt(y, i, position), position, text)) return false;
  }
  return true;
}

function equalAttrs(x: Attrs, y: Attrs, position: Position, text: string): boolean {
  if (isDerivation(x) && isDerivation(y)) {
    const i = x.get('outPath');
    const j = y.get('outPath');
    if (i !== undefined && j !== undefined) return equalValues(i, j, position, text);
  }
  const count = x.size;
  if (count !== y.size) return false;
  const sameShape = x.shape === y.shape;
  for (let i = 0; i < count; i++) {
    if (!sameShape && x.nameAt(i) !== y.nameAt(i)) return false;
    const left = forceAt(x.slots, i, position);
    if (!equalValues(left, forceAt(y.slots, i, position), position, text)) return false;
  }
  return true;
}

/** `left ++ right`. */
export function concatLists(left: Value, right: Value, position: Position): Slot[] {
  if (!Array.isArray(left)) throw notAListToJoin(left, position);
  if (!Array.isArray(right)) throw notAListToJoin(right, position);
  if (left.length === 0) return right;
  if (right.length === 0) return left;
  checkListLength(left.length + right.length, position);
  return left.concat(right);
}

/**
 * Two or more lists joined by `++`. `places` are the operators; each checks its operands when all
 * those to its right have.
 */
export function concatRow(values: readonly Value[], places: readonly Position[]): Slot[] {
  const last = values.length - 1;
  const end = concatLists(values[last - 1]!, values[last]!, places[last - 1]!);
  const lists = [end];
  let length = end.length;
  for (let i = last - 2; i >= 0; i--) {
    const list = values[i]!;
    if (!Array.isArray(list)) throw notAListToJoin(list, places[i]!);
    if (list.length === 0) continue;
    lists.push(list);
    length += list.length;
    checkListLength(length, places[i]!);
  }
  if (end.length === 0 && lists.length === 2) return lists[1]!;
  if (lists.length === 1) return end;
  const joined = packedArray<Slot>(length);
  let at = 0;
  for (let i = lists.length - 1; i >= 0; i--) {
    const list = lists[i]!;
    for (let j = 0; j < list.length; j++) joined[at++] = list[j]!;
  }
  return joined;
}

function notAListToJoin(value: Value, position: Position): NixError {
  const text = 'while evaluating one of the elements to concatenate';
  return expectedButFound('a list', value).addTrace(position, text);
}

/** `left // right`; the right operand was evaluated and is checked first. */
export function updateAttrs(left: Value, right: Value, atLeft: Position, atRight: Position): Attrs {
  if (!(right instanceof Attrs)) {
    throw expectedButFound('a set', right).addTrace(atRight, "in the right operand of '//'");
  }
  if (!(left instanceof Attrs)) {
    throw expectedButFound('a set', left).addTrace(atLeft, "in the left operand of '//'");
  }
  return mergeAttrs(left, right);
}

/** `a + b` of anything that can be added; `at` is the operator, the others the operands. */
export function add(
  services: EvalServices,
  a: Value,
  b: Value,
  at: Position,
  atA: Position,
  atB: Position,
): Value {
  if (typeof a === 'number' && typeof b === 'number') return intAdd(a, b, atB);
  if (typeof a === 'string' && typeof b === 'string') return a + b;
  if (isInteger(a) || a instanceof NixFloat) return addNumbers(a, b, atB);
  return concatValues(services, [a, b], [atA, atB], at);
}

function addNumbers(a: Integer | NixFloat, b: Value, atB: Position): Value {
  if (isInteger(a)) {
    if (isInteger(b)) return intAdd(a, b, atB);
    if (b instanceof NixFloat) return new NixFloat(Number(a) + b.value);
    throw evalError(`cannot add ${showType(b)} to an integer`, atB);
  }
  const y = numberOf(b);
  if (y === undefined) throw evalError(`cannot add ${showType(b)} to a float`, atB);
  return new NixFloat(a.value + y);
}

/** `+` of strings, paths and what stands for them; the first operand decides what it becomes. */
export function concatValues(
  services: EvalServices,
  values: readonly Value[],
  places: readonly Position[],
  at: Position,
): Value {
  const first = values[0]!;
  const isPath = first instanceof NixPath;
  const copyToStore = typeof first === 'string' || first instanceof ContextString;
  const collector = new ContextCollector();
  let text = '';
  for (let i = 0; i < values.length; i++) {
    text += coerceToString(
      values[i]!,
      services,
      collector,
      places[i]!,
      'while evaluating a path segment',
      { copyToStore, canonicalizePath: i > 0 },
    );
  }
  if (isPath) {
    if (collector.context.length > 0) {
      throw evalError('a string that refers to a store path cannot be appended to a path', at);
    }
    return new NixPath(canonicalPath(text));
  }
  return collector.context.length === 0 ? text : new ContextString(text, collector.context);
}

/** One interpolated part as a string, with its context. */
export function interpolate(
  services: EvalServices,
  value: Value,
  position: Position,
): string | ContextString {
  if (typeof value === 'string' || value instanceof ContextString) return value;
  const collector = new ContextCollector();
  const text = coerceToString(
    value,
    services,
    collector,
    position,
    'while evaluating a path segment',
  );
  return collector.context.length === 0 ? text : new ContextString(text, collector.context);
}

/** Strings one after the other, contexts joined. */
export function joinStrings(parts: readonly (string | ContextString)[]): string | ContextString {
  let text = '';
  let context: Context | undefined;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    if (typeof part === 'string') {
      text += part;
    } else {
      text += part.text;
      context = context === undefined ? part.context : unionContext(context, part.context);
    }
  }
  return context === undefined ? text : new ContextString(text, context);
}
