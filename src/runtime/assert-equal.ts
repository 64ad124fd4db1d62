/**
 * Why two values are not equal, for `assert a == b`.
 *
 * Follows `equalValues` step by step, but fails at the first difference with a message that names
 * it, and frames that lead there.
 */

import { NixError, type Position } from '#diagnostics';
import { Attrs } from './attrs.ts';
import { isDerivation } from './coerce.ts';
import { nixError, printForError, showType, typeOf } from './errors.ts';
import { equalValues, textOf } from './operators.ts';
import { force } from './thunk.ts';
import { ContextString, NixFloat, NixPath, type Slot, type Value } from './values.ts';

/** Throws an AssertionError that says where the values differ; returns if they do not. */
export function assertEqual(left: Slot, right: Slot, position: Position): void {
  const x = force(left, position);
  const y = force(right, position);
  if (left === right && typeof left === 'object' && left !== null) {
    if (x instanceof Attrs || Array.isArray(x)) return;
  }
  if (isNumber(x) && isNumber(y)) {
    if (equalValues(x, y, position, '')) return;
    throw differ(`${showType(x)} with value '${printForError(x)}'`, `${showType(y)} with value`, y);
  }
  if (typeOf(x) !== typeOf(y)) {
    throw differ(`${showType(x)} of value '${printForError(x)}'`, `${showType(y)} of value`, y);
  }
  if (Array.isArray(x)) return assertEqualLists(x, y as Slot[], position);
  if (x instanceof Attrs) return assertEqualAttrs(x, y as Attrs, position);
  assertEqualScalars(x, y);
}

function isNumber(value: Value): boolean {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof NixFloat;
}

function failure(message: string): NixError {
  return nixError('AssertionError', message);
}

function differ(left: string, rightKind: string, right: Value): NixError {
  return failure(`${left} is not equal to ${rightKind} '${printForError(right)}'`);
}

function assertEqualScalars(x: Value, y: Value): void {
  if (x === null) return;
  if (typeof x === 'boolean') {
    if (x !== y) throw differ(`boolean '${String(x)}'`, 'boolean', y);
    return;
  }
  if (typeof x === 'string' || x instanceof ContextString) {
    if (textOf(x) !== textOf(y as string | ContextString)) {
      throw differ(`string '${printForError(x)}'`, 'string', y);
    }
    return;
  }
  if (x instanceof NixPath) {
    if (x.path !== (y as NixPath).path) throw differ(`path '${printForError(x)}'`, 'path', y);
    return;
  }
  throw failure(
    'distinct functions and immediate comparisons of identical functions compare as unequal',
  );
}

function assertEqualLists(x: readonly Slot[], y: readonly Slot[], position: Position): void {
  if (x.length !== y.length) {
    throw failure(
      `list of size '${x.length}' is not equal to list of size '${y.length}', left hand side is` +
        ` '${printForError(x as Slot[])}', right hand side is '${printForError(y as Slot[])}'`,
    );
  }
  for (let i = 0; i < x.length; i++) {
    withFrame(position, `while comparing list element ${i}`, () =>
      assertEqual(x[i]!, y[i]!, position),
    );
  }
}

function assertEqualAttrs(x: Attrs, y: Attrs, position: Position): void {
  if (isDerivation(x) && isDerivation(y)) {
    const left = x.get('outPath');
    const right = y.get('outPath');
    if (left !== undefined && right !== undefined) {
      return withFrame(position, "while comparing a derivation by its 'outPath' attribute", () =>
        assertEqual(left, right, position),
      );
    }
  }
  if (x.size !== y.size) {
    throw failure(
      `attribute names of attribute set '${printForError(x)}' differs from attribute set` +
        ` '${printForError(y)}'`,
    );
  }
  for (const name of x.names()) {
    if (!y.has(name)) {
      throw failure(
        `attribute name '${name}' is contained in '${printForError(x)}', but not in` +
          ` '${printForError(y)}'`,
      );
    }
    try {
      assertEqual(x.get(name)!, y.get(name)!, position);
    } catch (error) {
      if (error instanceof NixError) {
        const right = y.positionOf(name);
        const left = x.positionOf(name);
        if (right !== 0) error.addTrace(right, 'where right hand side is');
        if (left !== 0) error.addTrace(left, 'where left hand side is');
        error.addTrace(position, `while comparing attribute '${name}'`);
      }
      throw error;
    }
  }
}

function withFrame(position: Position, text: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    if (error instanceof NixError) error.addTrace(position, text);
    throw error;
  }
}
