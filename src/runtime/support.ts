/**
 * What the code of a tree calls: selections, lookups, conditions, dynamic attributes, assertions.
 *
 * Compiled trees are many small functions that mostly run few times; the work is therefore here, in
 * few functions that soon run optimised.
 */

import { NixError, originOf, type Position, showPosition } from '#diagnostics';
import { assertEqual } from './assert-equal.ts';
import { Attrs } from './attrs.ts';
import { depthNow, restoreDepth } from './call-depth.ts';
import { displayContextElement, rethrowWithTrace } from './coerce.ts';
import { assertionFailed, evalError, expectedButFound, missingAttribute } from './errors.ts';
import { mergeAttrs } from './merge.ts';
import { arithmetic, intDivide } from './operators.ts';
import { printAttributeName } from './print.ts';
import { Shape } from './shape.ts';
import { bestMatches } from './suggestions.ts';
import { force, forceAt, shortcut, shortcutAt, Thunk } from './thunk.ts';
import { ContextString, NixFloat, type Slot, type Value } from './values.ts';

export const subtractTexts: readonly [string, string] = [
  'while evaluating the first argument of the subtraction',
  'while evaluating the second argument of the subtraction',
];
export const multiplyTexts: readonly [string, string] = [
  'while evaluating the first argument of the multiplication',
  'while evaluating the second argument of the multiplication',
];
const divideTexts: readonly [string, string] = [
  'while evaluating the first operand of the division',
  'while evaluating the second operand of the division',
];

export function divide(a: Value, b: Value): Value {
  if (b === 0 || (b instanceof NixFloat && b.value === 0)) throw evalError('division by zero');
  return arithmetic(a, b, intDivide, (x, y) => x / y, divideTexts);
}

/** `subject.name`. */
export function select(subject: Value, name: string, at: Position): Value {
  if (subject instanceof Attrs) {
    const index = subject.shape.indexOf(name);
    if (index >= 0) {
      const slot = subject.slots[index]!;
      return slot instanceof Thunk ? forceSelected(subject, index, name, at) : slot;
    }
  }
  return selectFail(subject, name, at, name);
}

function forceSelected(subject: Attrs, index: number, path: string, at: Position): Value {
  const place = subject.shape.positions[index]!;
  try {
    return forceAt(subject.slots, index, place === 0 ? at : place);
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
    error = missingAttribute(printAttributeName(name), 0, bestMatches(subject.names(), name));
  } else {
    error = expectedButFound('a set', subject, at).addTrace(at, 'while selecting an attribute');
  }
  throw error.addTrace(at, `while evaluating the attribute '${path}'`);
}

/** `subject.a.b.c`; names that are not constant were computed before. */
export function selectPath(subject: Value, names: readonly string[], at: Position): Value {
  let value = subject;
  let definition = 0;
  let found = 0;
  try {
    for (let i = 0; i < names.length; i++) {
      if (!(value instanceof Attrs)) {
        throw expectedButFound('a set', value, at).addTrace(at, 'while selecting an attribute');
      }
      const index = value.shape.indexOf(names[i]!);
      if (index < 0) throw missingAttribute(printAttributeName(names[i]!), 0, bestMatches(value.names(), names[i]!));
      definition = value.shape.positions[index]!;
      found = i + 1;
      value = force(value.slots[index]!, definition === 0 ? at : definition);
    }
    return value;
  } catch (error) {
    return selectRethrow(error, definition, names.slice(0, found).join('.'), names.join('.'), at);
  }
}

/** A name in a selection: known, or to be computed; `unknown` is how it is shown if that fails. */
export type SelectedName = string | { readonly name: () => string; readonly unknown: string };

/**
 * `subject.a.${b}`; names are computed on the way, and once more for the frames of what fails. With
 * `orElse`, undefined if an attribute is not there.
 */
export function selectNamed(
  subject: Value, names: readonly SelectedName[], at: Position, orElse: boolean,
): Value | undefined {
  let value = subject;
  let definition = 0;
  let found = 0;
  try {
    for (const part of names) {
      const name = typeof part === 'string' ? part : part.name();
      if (!(value instanceof Attrs)) {
        if (orElse) return undefined;
        throw expectedButFound('a set', value, at).addTrace(at, 'while selecting an attribute');
      }
      const index = value.shape.indexOf(name);
      if (index < 0) {
        if (orElse) return undefined;
        throw missingAttribute(printAttributeName(name), 0, bestMatches(value.names(), name));
      }
      definition = value.shape.positions[index]!;
      found++;
      value = force(value.slots[index]!, definition === 0 ? at : definition);
    }
    return value;
  } catch (error) {
    if (!(error instanceof NixError)) throw error;
    return selectRethrow(error, definition, showNames(names.slice(0, found)), showNames(names), at);
  }
}

function showNames(names: readonly SelectedName[]): string {
  const depth = depthNow();
  return names.map((part) => {
    if (typeof part === 'string') return part;
    try {
      return part.name();
    } catch {
      restoreDepth(depth);
      return part.unknown;
    }
  }).join('.');
}

/** `subject.name` for `or`: undefined if it is not there. */
export function selectOr(subject: Value, name: string, at: Position): Value | undefined {
  if (subject instanceof Attrs) {
    const index = subject.shape.indexOf(name);
    if (index >= 0) {
      const slot = subject.slots[index]!;
      return slot instanceof Thunk ? forceSelected(subject, index, name, at) : slot;
    }
  }
  return undefined;
}

/** `subject.a.b.c` for `or`: undefined if it is not there. */
export function selectPathOr(subject: Value, names: readonly string[], at: Position): Value | undefined {
  let value = subject;
  const last = names.length - 1;
  let definition = 0;
  for (let i = 0; i <= last; i++) {
    if (!(value instanceof Attrs)) return undefined;
    const index = value.shape.indexOf(names[i]!);
    if (index < 0) return undefined;
    definition = value.shape.positions[index]!;
    try {
      value = forceAt(value.slots, index, definition === 0 ? at : definition);
    } catch (error) {
      selectRethrow(error, definition, names.slice(0, i + 1).join('.'), names.join('.'), at);
    }
  }
  return value;
}

/** `subject ? name`. */
export function hasName(subject: Value, name: string): boolean {
  return subject instanceof Attrs && subject.shape.indexOf(name) >= 0;
}

/** `subject ? a.b.c`. */
export function hasPath(subject: Value, count: number, name: (i: number) => string, at: Position): boolean {
  let value = subject;
  for (let i = 0; ; i++) {
    const wanted = name(i);
    if (!(value instanceof Attrs)) return false;
    const index = value.shape.indexOf(wanted);
    if (index < 0) return false;
    if (i === count - 1) return true;
    value = forceAt(value.slots, index, at);
  }
}

/** The set of a `with`. */
export function withScope(slot: Slot, place: Position): Attrs {
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

/** A condition; `text` is the frame when it is not a Boolean. */
export function forceBoolean(value: Value, at: Position, text: string): boolean {
  if (typeof value === 'boolean') return value;
  throw expectedButFound('a Boolean', value, at).addTrace(at, text);
}

/**
 * A failed assertion. If its condition is an equation, `left` and `right` evaluate its sides once
 * more and `sign` is the place of the `==`, so that the first difference can be named.
 */
export function assertFail(
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

/**
 * A slot for `subject.name`: the attribute's own, if the subject is known already, else undefined.
 */
export function knownAttribute(subject: Slot, name: string): Slot | undefined {
  const known = shortcut(subject);
  if (!(known instanceof Attrs)) return undefined;
  const index = known.shape.indexOf(name);
  return index < 0 ? undefined : shortcutAt(known.slots, index);
}

/** The same for `subject.a.b.c`. */
export function knownAttributePath(subject: Slot, names: readonly string[]): Slot | undefined {
  let slot: Slot | undefined = subject;
  for (let i = 0; i < names.length && slot !== undefined; i++) {
    slot = knownAttribute(slot, names[i]!);
  }
  return slot;
}

/** A slot for an attribute of a source of `inherit (source) …`. */
export function inheritedSlot(source: Slot, name: string, at: Position): Slot {
  const known = knownAttribute(source, name);
  return known === undefined ? new Thunk(runSelect, { source, name, at }) : known;
}

interface SuspendedSelect {
  readonly source: Slot;
  readonly name: string;
  readonly at: Position;
}

const runSelect = (_position: Position, thunk: Thunk): Value => {
  const { source, name, at } = thunk.value as unknown as SuspendedSelect;
  return select(force(source, at), name, at);
};

/** Adds `${name} = slot` attributes to a set; null names are left out. */
export function addDynamic(set: Attrs, names: Value[], slots: Slot[], places: Position[]): Attrs {
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
export function attributeName(value: Value, at: Position, text: string): string {
  if (typeof value === 'string') return value;
  if (value instanceof ContextString) {
    throw evalError(
      `the string '${value.text}' is not allowed to refer to a store path (such as '${displayContextElement(value.context[0]!)}')`,
    ).addTrace(at, text);
  }
  throw expectedButFound('a string', value, at).addTrace(at, text);
}

/** `rec { __overrides = …; }`: the overrides replace what the set itself has. */
export function applyOverrides(set: Attrs, replace: (name: string, slot: Slot) => void): Attrs {
  const text = 'while evaluating the `__overrides` attribute';
  const value = force(set.get('__overrides')!);
  if (!(value instanceof Attrs)) throw expectedButFound('a set', value).addTrace(0, text);
  for (let i = 0; i < value.size; i++) replace(value.nameAt(i), value.slotAt(i));
  return mergeAttrs(set, value);
}
