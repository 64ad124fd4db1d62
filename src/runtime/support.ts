/**
 * What emitted code calls: one object of functions per evaluator, bound to its services.
 *
 * Emitted code is many small functions that mostly run few times; the work is therefore here, in
 * few functions that soon run optimised. Names are short because they stand in every emitted file.
 */

import { NixError, originOf, type Position, showPosition } from '#diagnostics';
import { assertEqual } from './assert-equal.ts';
import { Attrs, emptyAttrs } from './attrs.ts';
import { mergeAttrs } from './merge.ts';
import { call, call2, call3, callMany } from './call.ts';
import { rethrowWithTrace } from './coerce.ts';
import { contextOf } from './context.ts';
import {
  assertionFailed,
  evalError,
  expectedButFound,
  missingAttribute,
  undefinedVariable,
} from './errors.ts';
import { argumentSet, linkLambdaInfos, makeLambdaInfo, planFor } from './formals.ts';
import {
  add,
  arithmetic,
  compareValues,
  concatLists,
  concatValues,
  equalOperands,
  interpolate,
  intDivide,
  intMultiply,
  intSubtract,
  joinStrings,
  updateAttrs,
} from './operators.ts';
import { positionValue } from './position-value.ts';
import type { EvalServices } from './services.ts';
import { Shape } from './shape.ts';
import { bestMatches } from './suggestions.ts';
import { force, shortcut, Thunk, type ThunkCode } from './thunk.ts';
import { ContextString, Lambda, NixFloat, NixPath, type Slot, type Value } from './values.ts';

/** The functions that emitted code takes from its first parameter. */
export type Support = ReturnType<typeof createSupport>;

export function createSupport(
  services: EvalServices,
  globalSlot: (name: string) => Slot,
) {
  return {
    T: Thunk,
    L: Lambda,
    A: Attrs,
    F: force,
    E: emptyAttrs,
    /** Shape of a literal: names sorted, positions relative to `base`. */
    H: (base: Position, names: string[], offsets: number[]): Shape =>
      new Shape(
        names,
        offsets.map((offset) => (offset < 0 ? 0 : base + offset)),
        true,
      ),
    I: makeLambdaInfo,
    N: linkLambdaInfos,
    G: globalSlot,
    C: call,
    C2: call2,
    C3: call3,
    CN: callMany,
    S: select,
    SN: selectPath,
    SO: selectOr,
    SNO: selectPathOr,
    Q: hasPath,
    q: hasName,
    W: lookupWith,
    J: laterSelect,
    JN: laterSelectPath,
    V: laterLookup,
    U: undefinedThrow,
    b: forceBoolean,
    FA: argumentSet,
    FP: planFor,
    eq: equalOperands,
    lt: (a: Value, b: Value) => compareValues(a, b, 0, ''),
    sub: (a: Value, b: Value) => arithmetic(a, b, intSubtract, (x, y) => x - y, subtractTexts),
    mul: (a: Value, b: Value) => arithmetic(a, b, intMultiply, (x, y) => x * y, multiplyTexts),
    div: divide,
    up: (right: Value, left: Value, atLeft: Position, atRight: Position) =>
      right instanceof Attrs && left instanceof Attrs
        ? mergeAttrs(left, right)
        : updateAttrs(left, right, atLeft, atRight),
    cat: concatLists,
    add: (a: Value, b: Value, at: Position, atA: Position, atB: Position) =>
      typeof a === 'string' && typeof b === 'string' ? a + b : add(services, a, b, at, atA, atB),
    path: (values: Value[], places: Position[], at: Position) =>
      concatValues(services, values, places, at),
    str: (value: Value, at: Position) =>
      typeof value === 'string' ? value : interpolate(services, value, at),
    join: joinStrings,
    join2: (a: string | ContextString, b: string | ContextString) =>
      typeof a === 'string' && typeof b === 'string' ? a + b : joinStrings([a, b]),
    P: (path: string) => new NixPath(path),
    D: (value: number) => new NixFloat(value),
    dyn: addDynamic,
    over: applyOverrides,
    fail: assertFail,
    pos: positionValue,
    name: attributeName,
    /** Runs code, adding a frame when it fails. */
    tr: (code: () => Value, at: Position, text: string): Value => {
      try {
        return code();
      } catch (error) {
        return rethrowWithTrace(error, at, text);
      }
    },
  };
}

const subtractTexts: readonly [string, string] = [
  'while evaluating the first argument of the subtraction',
  'while evaluating the second argument of the subtraction',
];
const multiplyTexts: readonly [string, string] = [
  'while evaluating the first argument of the multiplication',
  'while evaluating the second argument of the multiplication',
];
const divideTexts: readonly [string, string] = [
  'while evaluating the first operand of the division',
  'while evaluating the second operand of the division',
];

function divide(a: Value, b: Value): Value {
  if (b === 0 || (b instanceof NixFloat && b.value === 0)) throw evalError('division by zero');
  return arithmetic(a, b, intDivide, (x, y) => x / y, divideTexts);
}

/** `subject.name`. */
function select(subject: Value, name: string, at: Position): Value {
  if (subject instanceof Attrs) {
    const index = subject.shape.indexOf(name);
    if (index >= 0) {
      const slot = subject.slots[index]!;
      if (!(slot instanceof Thunk)) return slot;
      return slot.code === null ? slot.value : forceSelected(subject, index, name, at);
    }
  }
  return selectFail(subject, name, at, name);
}

function forceSelected(subject: Attrs, index: number, path: string, at: Position): Value {
  const place = subject.shape.positions[index]!;
  try {
    return force(subject.slots[index]!, place === 0 ? at : place);
  } catch (error) {
    return selectRethrow(error, place, path, path, at);
  }
}

/** Adds the frames of a selection: where the attribute is defined, then where it is wanted. */
function selectRethrow(
  error: unknown,
  definition: Position,
  found: string,
  path: string,
  at: Position,
): never {
  if (error instanceof NixError) {
    if (definition !== 0 && originOf(definition)?.kind !== 'internal') {
      error.addTrace(definition, `from the definition of '${found}'`);
    }
    error.addTrace(at, `while evaluating the attribute '${path}'`);
  }
  throw error;
}

function selectFail(subject: Value, name: string, at: Position, path: string): never {
  let error: NixError;
  if (subject instanceof Attrs) {
    error = missingAttribute(name, 0, bestMatches(subject.names(), name));
  } else {
    error = expectedButFound('a set', subject, at).addTrace(at, 'while selecting an attribute');
  }
  throw error.addTrace(at, `while evaluating the attribute '${path}'`);
}

/** `subject.a.b.c`; names that are not constant were computed before. */
function selectPath(subject: Value, names: string[], at: Position): Value {
  let value = subject;
  let definition = 0;
  let found = 0;
  try {
    for (let i = 0; i < names.length; i++) {
      if (!(value instanceof Attrs)) {
        throw expectedButFound('a set', value, at).addTrace(at, 'while selecting an attribute');
      }
      const index = value.shape.indexOf(names[i]!);
      if (index < 0) throw missingAttribute(names[i]!, 0, bestMatches(value.names(), names[i]!));
      definition = value.shape.positions[index]!;
      found = i + 1;
      value = force(value.slots[index]!, definition === 0 ? at : definition);
    }
    return value;
  } catch (error) {
    return selectRethrow(error, definition, names.slice(0, found).join('.'), names.join('.'), at);
  }
}

/** `subject.name` for `or`: undefined if it is not there. */
function selectOr(subject: Value, name: string, at: Position): Value | undefined {
  if (subject instanceof Attrs) {
    const index = subject.shape.indexOf(name);
    if (index >= 0) {
      const slot = subject.slots[index]!;
      if (!(slot instanceof Thunk)) return slot;
      return slot.code === null ? slot.value : forceSelected(subject, index, name, at);
    }
  }
  return undefined;
}

/** `subject.a.b.c` for `or`: undefined if it is not there. */
function selectPathOr(subject: Value, names: string[], at: Position): Value | undefined {
  let value = subject;
  const last = names.length - 1;
  let definition = 0;
  for (let i = 0; i <= last; i++) {
    if (!(value instanceof Attrs)) return undefined;
    const index = value.shape.indexOf(names[i]!);
    if (index < 0) return undefined;
    definition = value.shape.positions[index]!;
    try {
      value = force(value.slots[index]!, definition === 0 ? at : definition);
    } catch (error) {
      selectRethrow(error, definition, names.slice(0, i + 1).join('.'), names.join('.'), at);
    }
  }
  return value;
}

/** `subject ? name`. */
function hasName(subject: Value, name: string): boolean {
  return subject instanceof Attrs && subject.shape.indexOf(name) >= 0;
}

/** `subject ? a.b.c`. */
function hasPath(subject: Value, names: string[], at: Position): boolean {
  let value = subject;
  const last = names.length - 1;
  for (let i = 0; i <= last; i++) {
    if (!(value instanceof Attrs)) return false;
    const index = value.shape.indexOf(names[i]!);
    if (index < 0) return false;
    if (i < last) value = force(value.slots[index]!, at);
  }
  return true;
}

/** A variable of the `with`s around it, innermost first; each with its own place. */
function lookupWith(name: string, at: Position, scopes: Slot[], places: Position[]): Value {
  for (let i = 0; i < scopes.length; i++) {
    const scope = withScope(scopes[i]!, places[i]!);
    const index = scope.shape.indexOf(name);
    if (index >= 0) return force(scope.slots[index]!, at);
  }
  throw undefinedVariable(name, at);
}

function withScope(slot: Slot, place: Position): Attrs {
  const text = 'while evaluating the first subexpression of a with expression';
  let value: Value;
  try {
    value = force(slot, place);
  } catch (error) {
    return rethrowWithTrace(error, place, text);
  }
  if (value instanceof Attrs) return value;
  throw expectedButFound('a set', value, place).addTrace(place, text);
}

function undefinedThrow(name: string, at: Position): never {
  throw undefinedVariable(name, at);
}

/** A condition; `text` is the frame when it is not a Boolean. */
function forceBoolean(value: Value, at: Position, text: string): boolean {
  if (typeof value === 'boolean') return value;
  throw expectedButFound('a Boolean', value, at).addTrace(at, text);
}

/**
 * A failed assertion. If its condition is an equation, `left` and `right` evaluate its sides once
 * more and `sign` is the place of the `==`, so that the first difference can be named.
 */
function assertFail(
  text: string,
  at: Position,
  sign: Position = 0,
  left?: () => Value,
  right?: () => Value,
): never {
  if (left !== undefined && right !== undefined) {
    try {
      assertEqual(left(), right(), sign);
    } catch (error) {
      if (error instanceof NixError && error.isCatchable) {
        error.addTrace(at, `while evaluating the condition of the assertion '${text}'`);
      }
      throw error;
    }
  }
  throw assertionFailed(text, at);
}

/** What a suspended selection or lookup works on. */
interface SuspendedSelect {
  readonly subject: Slot;
  readonly name: string;
  readonly at: Position;
}

interface SuspendedSelectPath {
  readonly subject: Slot;
  readonly names: string[];
  readonly at: Position;
}

interface SuspendedLookup {
  readonly name: string;
  readonly at: Position;
  readonly scopes: Slot[];
  readonly places: Position[];
}

const runSelect = (_position: Position, thunk: Thunk): Value => {
  const { subject, name, at } = thunk.value as unknown as SuspendedSelect;
  return select(force(subject, at), name, at);
};

const runSelectPath = (_position: Position, thunk: Thunk): Value => {
  const { subject, names, at } = thunk.value as unknown as SuspendedSelectPath;
  return selectPath(force(subject, at), names, at);
};

const runLookup = (_position: Position, thunk: Thunk): Value => {
  const { name, at, scopes, places } = thunk.value as unknown as SuspendedLookup;
  return lookupWith(name, at, scopes, places);
};

/** A slot for `subject.name`: the attribute's own, if the subject is known already. */
function laterSelect(subject: Slot, name: string, at: Position): Slot {
  const known = shortcut(subject);
  if (known instanceof Attrs) {
    const index = known.shape.indexOf(name);
    if (index >= 0) return shortcut(known.slots[index]!);
  }
  return suspend(runSelect, { subject, name, at });
}

/** The same for `subject.a.b.c`. */
function laterSelectPath(subject: Slot, names: string[], at: Position): Slot {
  let slot = subject;
  let i = 0;
  for (; i < names.length; i++) {
    const known = shortcut(slot);
    if (!(known instanceof Attrs)) break;
    const index = known.shape.indexOf(names[i]!);
    if (index < 0) break;
    slot = known.slots[index]!;
  }
  return i === names.length ? shortcut(slot) : suspend(runSelectPath, { subject, names, at });
}

/** A slot for a variable of the `with`s around it. */
function laterLookup(name: string, at: Position, scopes: Slot[], places: Position[]): Slot {
  const known = shortcut(scopes[0]!);
  if (known instanceof Attrs) {
    const index = known.shape.indexOf(name);
    if (index >= 0) return shortcut(known.slots[index]!);
  }
  return suspend(runLookup, { name, at, scopes, places });
}

function suspend(
  code: ThunkCode,
  data: SuspendedSelect | SuspendedSelectPath | SuspendedLookup,
): Thunk {
  const thunk = new Thunk(code);
  thunk.value = data as unknown as Value;
  return thunk;
}

/** Adds `${name} = slot` attributes to a set; null names are left out. */
function addDynamic(set: Attrs, names: Value[], slots: Slot[], places: Position[]): Attrs {
  let result = set;
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    if (name === null) continue;
    const text = attributeName(name, places[i]!, 'while evaluating the name of a dynamic attribute');
    if (result.has(text)) {
      throw duplicateDynamic(result, text, places[i]!);
    }
    result = insertAttribute(result, text, slots[i]!, places[i]!);
  }
  return result;
}

function duplicateDynamic(set: Attrs, name: string, at: Position): NixError {
  const place = showPosition(set.positionOf(name));
  return evalError(`dynamic attribute '${name}' already defined at ${place}`, at);
}

const singleShapes = new Map<string, Shape>();

function insertAttribute(set: Attrs, name: string, slot: Slot, at: Position): Attrs {
  if (set.size === 0) {
    const key = `${at} ${name}`;
    let shape = singleShapes.get(key);
    if (shape === undefined) {
      const room = singleShapes.size < 20000;
      shape = new Shape([name], [at], room);
      if (room) singleShapes.set(key, shape);
    }
    return new Attrs(shape, [slot]);
  }
  return mergeAttrs(set, new Attrs(new Shape([name], [at], false), [slot]));
}

/** A name that an expression gave: a string without context. */
function attributeName(value: Value, at: Position, text: string): string {
  if (typeof value === 'string') return value;
  if (value instanceof ContextString) {
    throw evalError(
      `the string '${value.text}' is not allowed to refer to a store path (such as '${contextOf(value.context)[0]}')`,
    ).addTrace(at, text);
  }
  throw expectedButFound('a string', value, at).addTrace(at, text);
}

/** `rec { __overrides = …; }`: the overrides replace what the set itself has. */
function applyOverrides(set: Attrs, replace: (name: string, slot: Slot) => void): Attrs {
  const text = 'while evaluating the `__overrides` attribute';
  const value = force(set.get('__overrides')!);
  if (!(value instanceof Attrs)) throw expectedButFound('a set', value).addTrace(0, text);
  for (let i = 0; i < value.size; i++) replace(value.nameAt(i), value.slotAt(i));
  return mergeAttrs(set, value);
}
