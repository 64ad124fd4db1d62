/** Errors of the machine, in the words of the evaluator's. */

import { NixError, type Position } from '#diagnostics';
import {
  evalError, expectedButFound, missingAttribute, notAFunction, printAttributeName, printForError,
  showType, typeError, undefinedVariable, Unkept,
} from '#runtime';
import { toValue } from './bridge.ts';
import { AGAIN, heap, MANNER, symbolName, type Index, type Word } from './heap.ts';
import { SYMBOLS } from './sets.ts';

export { Unkept } from '#runtime';

const H = heap;

/** Why a first revision can have no other, if it was met. */
let unkept: string | undefined;

export function forgetUnkept(): void {
  unkept = undefined;
}

/** This cannot be kept: a first revision goes on without another one to come; others are to be evaluated anew. */
export function cannotKeep(what: string): void {
  if (H[MANNER] === AGAIN) throw new Unkept(what);
  unkept ??= what;
}

/** What could not be kept. */
export function unkeptBefore(): string | undefined {
  return unkept;
}

export function failType(wanted: string, found: Word, position: Position): NixError {
  return expectedButFound(wanted, toValue(found), position);
}

export function failCoerce(found: Word, position: Position): NixError {
  const value = toValue(found);
  return typeError(`cannot coerce ${showType(value)} to a string: ${printForError(value)}`, position);
}

export function failMissing(subject: Word, symbol: number, position: Position): NixError {
  if ((subject & 7) !== 1) return failType('a set', subject, position);
  return missingAttribute(printAttributeName(symbolName(symbol)), position);
}

export function failUndefined(symbol: number, position: Position): NixError {
  return undefinedVariable(symbolName(symbol), position);
}

export function failNotASet(found: Word, position: Position): NixError {
  return failType('a set', found, position);
}

export function failNotAFunction(found: Word, position: Position): NixError {
  return notAFunction(toValue(found), position);
}

function functionName(code: Index): string {
  const name = H[code + 6]!;
  return name === 0 ? 'anonymous lambda' : symbolName(name);
}

export function failMissingArgument(code: Index, symbol: number, position: Position): NixError {
  return new NixError('MissingArgumentError',
    `function '${functionName(code)}' called without required argument '${symbolName(symbol)}'`, position);
}

export function failUnexpected(code: Index, set: Word, position: Position): NixError {
  const shape = H[set >>> 2]!;
  const known = new Set<number>();
  for (let i = 0; i < H[code + 9]!; i++) known.add(H[code + 11 + 4 * i]!);
  for (let i = 0; i < H[shape]!; i++) {
    const symbol = H[shape + SYMBOLS + i]!;
    if (!known.has(symbol)) {
      return typeError(
        `function '${functionName(code)}' called with unexpected argument '${symbolName(symbol)}'`, position);
    }
  }
  return evalError('unexpected argument', position);
}

/** What the machine leaves to the evaluator that has words for everything. */
export class Unhandled extends Error {}
