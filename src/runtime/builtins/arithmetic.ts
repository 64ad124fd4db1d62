/**
 * Arithmetic and comparison as functions. The operators of the language share the code of
 * `operators.ts`; here only the frames differ.
 */

import { forceFloat, forceInt } from '../coerce.ts';
import { evalError } from '../errors.ts';
import { formatFloatShort } from '../float-text.ts';
import { compareValues, intAdd, intDivide, intMultiply, intSubtract } from '../operators.ts';
import { force } from '../thunk.ts';
import { NixFloat, type Slot, type Value } from '../values.ts';
import { definePrimOp, type PrimOpDefinition } from './define.ts';

export const arithmetic: readonly PrimOpDefinition[] = [
  definePrimOp({
    name: 'add',
    args: ['e1', 'e2'],
    doc: 'The sum of two numbers.',
    run: (_, a, b) =>
      operate(a, b, [
        'while evaluating the first argument of the addition',
        'while evaluating the second argument of the addition',
        intAdd,
        (x, y) => x + y,
      ]),
  }),
  definePrimOp({
    name: 'sub',
    args: ['e1', 'e2'],
    doc: 'The difference of two numbers.',
    run: (_, a, b) =>
      operate(a, b, [
        'while evaluating the first argument of the subtraction',
        'while evaluating the second argument of the subtraction',
        intSubtract,
        (x, y) => x - y,
      ]),
  }),
  definePrimOp({
    name: 'mul',
    args: ['e1', 'e2'],
    doc: 'The product of two numbers.',
    run: (_, a, b) => {
      const isFloat = force(a) instanceof NixFloat || force(b) instanceof NixFloat;
      return operate(a, b, [
        isFloat
          ? 'while evaluating the first of the multiplication'
          : 'while evaluating the first argument of the multiplication',
        'while evaluating the second argument of the multiplication',
        intMultiply,
        (x, y) => x * y,
      ]);
    },
  }),
  definePrimOp({
    name: 'div',
    args: ['e1', 'e2'],
    doc: 'The quotient of two numbers; of two integers, rounded towards zero.',
    run: (_, a, b) => {
      const first = 'while evaluating the first operand of the division';
      const second = 'while evaluating the second operand of the division';
      force(a);
      force(b);
      if (forceFloat(b, 0, second) === 0) throw evalError('division by zero');
      return operate(a, b, [first, second, intDivide, (x, y) => x / y]);
    },
  }),
  definePrimOp({
    name: 'bitAnd',
    args: ['e1', 'e2'],
    doc: 'The bits that both integers have.',
    run: (_, a, b) => bitwise('bitAnd', a, b, (x, y) => x & y),
  }),
  definePrimOp({
    name: 'bitOr',
    args: ['e1', 'e2'],
    doc: 'The bits that either integer has.',
    run: (_, a, b) => bitwise('bitOr', a, b, (x, y) => x | y),
  }),
  definePrimOp({
    name: 'bitXor',
    args: ['e1', 'e2'],
    doc: 'The bits that exactly one of the integers has.',
    run: (_, a, b) => bitwise('bitXor', a, b, (x, y) => x ^ y),
  }),
  definePrimOp({
    name: 'lessThan',
    args: ['e1', 'e2'],
    doc:
      'Whether *e1* comes before *e2*: numbers by size, strings and paths by bytes, lists by their' +
      ' first elements that differ.',
    run: (_, a, b) => {
      force(a);
      return compareValues(force(a), force(b), 0, '');
    },
  }),
  definePrimOp({
    name: 'ceil',
    args: ['number'],
    doc: 'The smallest integer that is not less than *number*.',
    run: (_, number) => round('ceil', number, Math.ceil),
  }),
  definePrimOp({
    name: 'floor',
    args: ['number'],
    doc: 'The largest integer that is not greater than *number*.',
    run: (_, number) => round('floor', number, Math.floor),
  }),
];

type Operation = readonly [
  firstText: string,
  secondText: string,
  ofInts: (a: number | bigint, b: number | bigint) => Value,
  ofFloats: (a: number, b: number) => number,
];

function operate(a: Slot, b: Slot, [firstText, secondText, ofInts, ofFloats]: Operation): Value {
  const x = force(a);
  const y = force(b);
  if (typeof x === 'number' && typeof y === 'number') return ofInts(x, y);
  if (x instanceof NixFloat || y instanceof NixFloat) {
    return new NixFloat(ofFloats(forceFloat(x, 0, firstText), forceFloat(y, 0, secondText)));
  }
  return ofInts(forceInt(x, 0, firstText), forceInt(y, 0, secondText));
}

function bitwise(
  name: string,
  a: Slot,
  b: Slot,
  combine: (x: bigint, y: bigint) => bigint,
): number | bigint {
  const x = forceInt(a, 0, `while evaluating the first argument passed to builtins.${name}`);
  const y = forceInt(b, 0, `while evaluating the second argument passed to builtins.${name}`);
  return integerOf(combine(BigInt(x), BigInt(y)));
}

/** An integer of 64 bits in the representation of its size. */
export function integerOf(value: bigint): number | bigint {
  const wrapped = BigInt.asIntN(64, value);
  const small = Number(wrapped);
  return Number.isSafeInteger(small) ? small : wrapped;
}

const limit = 2 ** 63;

function round(name: string, slot: Slot, rounding: (value: number) => number): number | bigint {
  const text = `while evaluating the first argument passed to builtins.${name}`;
  const rounded = rounding(forceFloat(slot, 0, text));
  const value = force(slot);
  const issue = 'https://github.com/NixOS/nix/issues/12899';
  if (!(rounded >= -limit && rounded < limit)) {
    throw evalError(
      value instanceof NixFloat
        ? `NixFloat argument ${formatFloatShort(value.value)} is not in the range of NixInt`
        : `Due to a bug (see ${issue}) the NixInt argument ${String(value)} caused undefined` +
            ' behavior in previous Nix versions.\n\tFuture Nix versions might implement the' +
            ' correct behavior.',
    );
  }
  const result = integerOf(BigInt(rounded));
  if (!(value instanceof NixFloat) && value !== result) {
    throw evalError(
      `Due to a bug (see ${issue}) a loss of precision occurred in previous Nix versions because` +
        ` the NixInt argument ${String(value)} was rounded to ${result}.\n\tFuture Nix versions` +
        ' might implement the correct behavior.',
    );
  }
  return result;
}
