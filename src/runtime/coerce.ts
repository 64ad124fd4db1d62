/**
 * Forcing to a type, and coercing to strings and paths.
 *
 * Each takes the position where the value is wanted and the text of the frame that C++ Nix adds
 * when it fails.
 */

import { NixError, type Position } from '#diagnostics';
import { Attrs } from './attrs.ts';
import { enterCall, leaveCall } from './call-depth.ts';
import { call, isCallable } from './call.ts';
import type { ContextCollector } from './context.ts';
import { evalError, expectedButFound, printForError, showType, typeError } from './errors.ts';
import type { EvalServices } from './services.ts';
import { canonicalPath } from './path-text.ts';
import { force, forceAt, isForced } from './thunk.ts';
import { ContextString, NixFloat, NixPath, type Slot, type Value } from './values.ts';
import { formatFloat } from './float-text.ts';

/** Adds a frame to a Nix error and throws it again; other errors pass unchanged. */
export function rethrowWithTrace(error: unknown, position: Position, text: string): never {
  if (error instanceof NixError && text !== '') error.addTrace(position, text);
  throw error;
}

/** Forces, adding a frame when that fails. */
export function forceWithTrace(slot: Slot, position: Position, text: string): Value {
  try {
    return force(slot, position);
  } catch (error) {
    return rethrowWithTrace(error, position, text);
  }
}

function wrongType(wanted: string, value: Value, position: Position, text: string): NixError {
  const error = expectedButFound(wanted, value, position);
  return text === '' ? error : error.addTrace(position, text);
}

/** An integer: a number, or a bigint outside the safe range. */
export function forceInt(slot: Slot, position: Position, text: string): number | bigint {
  const value = forceWithTrace(slot, position, text);
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  throw wrongType('an integer', value, position, text);
}

/** A float, or an integer as one. */
export function forceFloat(slot: Slot, position: Position, text: string): number {
  const value = forceWithTrace(slot, position, text);
  if (value instanceof NixFloat) return value.value;
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  throw wrongType('a float', value, position, text);
}

export function forceBool(slot: Slot, position: Position, text: string): boolean {
  const value = forceWithTrace(slot, position, text);
  if (typeof value === 'boolean') return value;
  throw wrongType('a Boolean', value, position, text);
}

export function forceAttrs(slot: Slot, position: Position, text: string): Attrs {
  const value = force(slot, position);
  if (value instanceof Attrs) return value;
  throw expectedButFound('a set', value).addTrace(position, text);
}

export function forceList(slot: Slot, position: Position, text: string): Slot[] {
  const value = force(slot, position);
  if (Array.isArray(value)) return value;
  throw expectedButFound('a list', value).addTrace(position, text);
}

/** A function or a set with `__functor`. */
export function forceFunction(slot: Slot, position: Position, text: string): Value {
  const value = forceWithTrace(slot, position, text);
  if (isCallable(value)) return value;
  throw wrongType('a function', value, position, text);
}

/** A string's text; its context goes to `collector`, or is dropped without one. */
export function forceString(
  slot: Slot,
  position: Position,
  text: string,
  collector?: ContextCollector,
): string {
  const value = forceWithTrace(slot, position, text);
  if (typeof value === 'string') return value;
  if (value instanceof ContextString) {
    collector?.add(value.context);
    return value.text;
  }
  throw wrongType('a string', value, position, text);
}

/** The text of a string that may have no context. */
export function forceStringNoContext(slot: Slot, position: Position, text: string): string {
  const value = forceWithTrace(slot, position, text);
  if (typeof value === 'string') return value;
  if (value instanceof ContextString) {
    const element = displayContextElement(value.context[0]!);
    throw evalError(
      `the string '${value.text}' is not allowed to refer to a store path (such as '${element}')`,
    ).addTrace(position, text);
  }
  throw wrongType('a string', value, position, text);
}

/** An encoded context element as messages name it. */
export function displayContextElement(element: string): string {
  if (element.startsWith('!')) {
    const end = element.indexOf('!', 1);
    return `${element.slice(end + 1)}^${element.slice(1, end)}`;
  }
  return element.startsWith('=') ? `${element.slice(1)} (deep)` : element;
}

/** A string value: plain if the context is empty. */
export function makeString(text: string, collector: ContextCollector): string | ContextString {
  const context = collector.context;
  return context.length === 0 ? text : new ContextString(text, context);
}

/** Whether a value is a set with `type = "derivation"`. */
export function isDerivation(value: Value): boolean {
  if (!(value instanceof Attrs)) return false;
  const at = value.indexOf('type');
  if (at < 0) return false;
  return force(value.slotAt(at), value.positionAt(at)) === 'derivation';
}

export interface CoerceOptions {
  /** Also null, Booleans, numbers and lists. Default false. */
  readonly coerceMore?: boolean;
  /** Paths are copied to the store and give their store path. Default true. */
  readonly copyToStore?: boolean;
  /** Paths lose a trailing slash. Default true. */
  readonly canonicalizePath?: boolean;
}

const usualCoercion: CoerceOptions = {};

/**
 * The text of anything that can stand for a string; contexts go to `collector`. `services` is
 * needed for copying paths to the store.
 */
export function coerceToString(
  slot: Slot,
  services: EvalServices,
  collector: ContextCollector,
  position: Position,
  text: string,
  options: CoerceOptions = usualCoercion,
): string {
  const value = force(slot, position);
  if (typeof value === 'string') return value;
  if (value instanceof ContextString) {
    collector.add(value.context);
    return value.text;
  }
  if (value instanceof NixPath) {
    if (options.copyToStore === false) return value.path;
    const storePath = services.copyPathToStore(value.path);
    collector.addElement(storePath);
    return storePath;
  }
  if (value instanceof Attrs) {
    const known = knownOutPath(value);
    if (known !== undefined) {
      if (typeof known === 'string') return known;
      collector.add(known.context);
      return known.text;
    }
    return coerceSet(value, services, collector, position, text, options);
  }
  if (options.coerceMore === true) {
    if (value === true) return '1';
    if (value === false || value === null) return '';
    if (typeof value === 'number' || typeof value === 'bigint') return String(value);
    if (value instanceof NixFloat) return formatFloat(value.value);
    if (Array.isArray(value)) {
      enterCall(position);
      const joined = coerceList(value, services, collector, position, text, options);
      leaveCall();
      return joined;
    }
  }
  throw cannotCoerce(value, position, text);
}

/** Apart from `coerceToString`: its closure would cost an object at every string coerced. */
function coerceSet(
  set: Attrs,
  services: EvalServices,
  collector: ContextCollector,
  position: Position,
  text: string,
  options: CoerceOptions,
): string {
  return peelAttrs(set, position, (peeled) => {
    if (peeled instanceof Attrs) throw cannotCoerce(peeled, position, text);
    return coerceToString(peeled, services, collector, position, text, {
      ...options,
      canonicalizePath: true,
    });
  });
}

function cannotCoerce(value: Value, position: Position, text: string): NixError {
  const error = typeError(
    `cannot coerce ${showType(value)} to a string: ${printForError(value)}`,
  );
  return text === '' ? error : error.addTrace(position, text);
}

function coerceList(
  list: Slot[],
  services: EvalServices,
  collector: ContextCollector,
  position: Position,
  text: string,
  options: CoerceOptions,
): string {
  let result = '';
  const last = list.length - 1;
  for (let i = 0; i <= last; i++) {
    try {
      result += coerceToString(
        forceAt(list, i, position),
        services,
        collector,
        position,
        'while evaluating one element of the list',
        options,
      );
    } catch (error) {
      rethrowWithTrace(error, position, text);
    }
    if (i < last) {
      const value = forceAt(list, i);
      if (!Array.isArray(value) || value.length !== 0) result += ' ';
    }
  }
  return result;
}

/** The commonest case of what stands for a set: an `outPath` that is a string already. */
function knownOutPath(set: Attrs): string | ContextString | undefined {
  const slot = set.get('outPath');
  if (slot === undefined || !isForced(slot) || set.has('__toString')) return undefined;
  const value = force(slot);
  return typeof value === 'string' || value instanceof ContextString ? value : undefined;
}

export interface PeelOptions {
  /** Fail when `__toString` led to something that is no string. Default false. */
  readonly requireString?: boolean;
}

/**
 * Calls `use` with what stands for a set: the result of its `__toString`, or its `outPath`, as deep
 * as it goes; the set itself if it has neither. Failures of `use` get the frames of the way there.
 */
export function peelAttrs<T>(
  set: Attrs,
  position: Position,
  use: (peeled: Value, throughToString: boolean) => T,
  options: PeelOptions = {},
): T {
  let throughToString = false;
  const follow = (value: Value, place: Position, what: string): T => {
    try {
      return peel(value, place);
    } catch (error) {
      return rethrowWithTrace(error, place, `while using ${what}`);
    }
  };
  const refuse = (value: Value, verb: string, place: Position): NixError =>
    typeError(
      `\`__toString\` ${verb} return a string, but got ${showType(value)}: ${printForError(value)}`,
      place,
    );
  const peel = (value: Value, place: Position): T => {
    const mustBeString = options.requireString === true && throughToString;
    if (!(value instanceof Attrs)) {
      const isText =
        typeof value === 'string' || value instanceof ContextString || value instanceof NixPath;
      if (mustBeString && !isText) throw refuse(value, 'should', place);
      return use(value, throughToString);
    }
    let at = value.indexOf('__toString');
    if (at >= 0) {
      const own = value.positionAt(at);
      let result: Value;
      try {
        result = call(force(value.slotAt(at), own), value, own);
      } catch (error) {
        rethrowWithTrace(error, own, 'while calling the `__toString` attribute');
      }
      throughToString = true;
      return follow(result, own, 'the result of the `__toString` attribute');
    }
    at = value.indexOf('outPath');
    if (at >= 0) {
      const own = value.positionAt(at);
      let result: Value;
      try {
        result = force(value.slotAt(at), own);
      } catch (error) {
        rethrowWithTrace(error, own, 'while evaluating the `outPath` attribute');
      }
      return follow(result, own, 'the `outPath` attribute');
    }
    if (mustBeString) throw refuse(value, 'must', place);
    return use(value, throughToString);
  };
  return peel(set, position);
}

/** An absolute path from a path, a string or a set that stands for one. */
export function coerceToPath(
  slot: Slot,
  services: EvalServices,
  collector: ContextCollector,
  position: Position,
  text: string,
): string {
  const value = force(slot, position);
  const use = (peeled: Value): string => {
    if (peeled instanceof NixPath) return peeled.path;
    const path = coerceToString(peeled, services, collector, position, text, {
      copyToStore: false,
      canonicalizePath: true,
    });
    if (!path.startsWith('/')) {
      const error = evalError(`string '${path}' doesn't represent an absolute path`);
      throw error.addTrace(position, text);
    }
    return canonicalPath(path);
  };
  return value instanceof Attrs ? peelAttrs(value, position, use) : use(value);
}
