/** Emitted JavaScript of a few programs, whole: a change of code generation shows here. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emit, type EmittedCode, parse, supportNames } from '#lang';

function emitText(text: string, traced = false): EmittedCode {
  const options = { base: 1, directory: '/test', home: undefined, pipes: false };
  const { tree } = parse(text, options);
  assert.ok(tree);
  const globals = new Set(['map', 'true', '__sub', '__lessThan', 'derivation']);
  return emit(tree, { base: 1, globals, lazyGlobals: new Set(['derivation']), traced });
}

const head = `(${supportNames.join(',')},B,X,Z)=>`;

function check(text: string, expected: string): void {
  const { code } = emitText(text);
  assert.ok(code.startsWith(head));
  assert.equal(code.slice(head.length), expected, text);
}

test('what is cheap is not suspended', () => {
  check('x: [ x 1 "a" ]',
    '{let i0;return (()=>new L((a1)=>[a1,1,"a"],1,i0||(i0=I(B,0,null,"x"))))()}');
  check('1 - 2', '{return (()=>sub(1,2))()}');
});

test('functions of several parameters take them at once', () => {
  check('x: y: map x y',
    '{const g3=G("map");let i0;return (()=>new L((a1,a2)=>C2(g3,a1,a2,B+6),2,' +
    'i0||(i0=N(I(B,0,null,"x"),I(B,3,null,"y")))))()}');
});

test('selections need no code of their own', () => {
  check('x: { a = x.b; c = x.d.e; }',
    '{let i0,k2,s3;return (()=>new L((a1)=>new A(s3||(s3=H(B,["a","c"],[5,14])),' +
    '[J(a1,"b",B+9),JN(a1,k2||(k2=["d","e"]),B+18)]),1,i0||(i0=I(B,0,null,"x"))))()}');
});

test('bindings that nothing refers to are left out', () => {
  assert.ok(!emitText('let a = map 1 2; b = map 3 4; in b').code.includes('1,2'));
});

test('a long value stands in a chunk, compiled when it is wanted', () => {
  const long = `"${'x'.repeat(2000)}"`;
  const { code, chunks } = emitText(`y: { a = map ${long} y; }`);
  assert.equal(chunks.length, 1);
  assert.ok(code.includes('Z(0,0)(a1)'));
  assert.ok(!code.includes('xxx'));
  assert.ok(chunks[0]!.includes('xxx'));
});

test('large sets share chunks', () => {
  const text = Array.from({ length: 400 }, (_, i) => `a${i} = map ${i} [ ];`).join(' ');
  const { chunks } = emitText(`{ ${text} }`);
  assert.ok(chunks.length > 0 && chunks.length < 20);
});

test('with frames for traces, every function takes one parameter', () => {
  assert.ok(emitText('x: y: x', true).code.includes('(a1)=>new L((a3)=>'));
});
