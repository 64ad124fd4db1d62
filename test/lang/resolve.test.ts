/** Where variables live: frames to go out, places in them, and what gets none. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NixError } from '#diagnostics';
import { type Expr, Level, parse, resolve, type VarExpr } from '#lang';

/** Variables of a text in order, as `name:level.place`; of the base scope and `with` without place. */
function variables(text: string, curried = false): string[] {
  const { tree } = parse(text, { base: 1, directory: '/test', home: undefined, pipes: false });
  assert.ok(tree);
  resolve(tree, { base: 1, globals: new Set(['map']), extraNames: ['e0', 'e1'], curried });
  const found: VarExpr[] = [];
  collect(tree, found);
  return found.map(({ name, level, slot }) => {
    if (level === Level.global) return `${name}:global`;
    return level === Level.with ? `${name}:with` : `${name}:${level}.${slot}`;
  });
}

function collect(node: unknown, found: VarExpr[]): void {
  if (typeof node !== 'object' || node === null) return;
  if ((node as Expr).kind === 'var') found.push(node as VarExpr);
  const parts = node instanceof Map ? node.values() : Object.values(node);
  for (const part of parts) collect(part, found);
}

test('parameters in a row share a frame, unless each is to be called alone', () => {
  assert.deepEqual(variables('x: y: map x y'), ['map:global', 'x:0.1', 'y:0.2']);
  assert.deepEqual(variables('x: y: map x y', true), ['map:global', 'x:1.1', 'y:0.1']);
  assert.deepEqual(variables('x: x: x'), ['x:0.2']);
});

test('only what a variable means gets a place, in the order of use', () => {
  assert.deepEqual(variables('{ a, b, c }: [ c a ]'), ['c:0.1', 'a:0.2']);
  assert.deepEqual(variables('x: s@{ a, ... }: [ a s x ]'), ['a:0.2', 's:0.3', 'x:0.1']);
  assert.deepEqual(variables('let a = 1; b = 2; in b'), ['b:0.1']);
});

test('what is inherited plainly is meant outside of the group', () => {
  assert.deepEqual(variables('x: let inherit x; in x'), ['x:0.1', 'x:0.1']);
  assert.deepEqual(variables('x: rec { inherit x; y = x; }'), ['x:0.1', 'x:0.1']);
});

test('a with is asked last, and is a frame', () => {
  assert.deepEqual(variables('x: with x; [ x y map ]'), ['x:0.1', 'x:1.1', 'y:with', 'map:global']);
});

test('the names of an added scope stand before the base scope', () => {
  assert.deepEqual(variables('y: e1'), ['e1:1.2']);
});

test('an undefined variable is a fault wherever it stands', () => {
  assert.throws(() => variables('{ a = x: y; }'), (error: unknown) =>
    error instanceof NixError && error.message === "undefined variable 'y'" && error.position === 10);
});
