/** Builtins that ask what a value is. */

import { Attrs } from '../attrs.ts';
import { isLambdaLike, typeOf } from '../errors.ts';
import { force } from '../thunk.ts';
import { ContextString, NixFloat, NixPath, type Value } from '../values.ts';
import { definePrimOp, type PrimOpDefinition } from './define.ts';

export const types: readonly PrimOpDefinition[] = [
  definePrimOp({
    name: 'typeOf',
    args: ['e'],
    doc:
      'The type of *e*: `"int"`, `"bool"`, `"string"`, `"path"`, `"null"`, `"set"`, `"list"`,' +
      ' `"lambda"` or `"float"`.',
    run: (_, e) => typeOf(force(e)),
  }),
  test('isNull', 'null; `e == null` says the same', (value) => value === null, true),
  test('isFunction', 'a function; a set with `__functor` is not', isLambdaLike),
  test(
    'isInt',
    'an integer',
    (value) => typeof value === 'number' || typeof value === 'bigint',
  ),
  test('isFloat', 'a floating-point number', (value) => value instanceof NixFloat),
  test(
    'isString',
    'a string',
    (value) => typeof value === 'string' || value instanceof ContextString,
  ),
  test('isBool', '`true` or `false`', (value) => typeof value === 'boolean'),
  test('isPath', 'a path', (value) => value instanceof NixPath),
  test('isAttrs', 'an attribute set', (value) => value instanceof Attrs),
  test('isList', 'a list', (value) => Array.isArray(value)),
];

function test(
  name: string,
  what: string,
  holds: (value: Value) => boolean,
  global = false,
): PrimOpDefinition {
  return definePrimOp({
    name,
    args: ['e'],
    global,
    doc: `Whether *e* is ${what}.`,
    run: (_, e) => holds(force(e)),
  });
}
