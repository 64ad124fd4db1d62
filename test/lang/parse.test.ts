/** Texts and the trees that they make, as `--parse` prints them, or the first fault. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeUtf8, encodeUtf8 } from '#base';
import { NixError } from '#diagnostics';
import { parseText } from './parse-text.ts';

function check(text: string, expected: string): void {
  let actual: string;
  try {
    actual = decodeUtf8(parseText(encodeUtf8(text)));
  } catch (error) {
    if (!(error instanceof NixError)) throw error;
    actual = `error: ${decodeUtf8(error.message)}`;
  }
  assert.equal(actual, expected, text);
}

function rows(name: string, table: readonly (readonly [string, string])[]): void {
  test(name, () => {
    for (const [text, expected] of table) check(text, expected);
  });
}

rows('slashes in a row', [
  ['/a//b', "error: syntax error, unexpected end of path, expecting '${'"],
  ['[ ./a//b ]', "error: syntax error, unexpected end of path, expecting '${'"],
  ['/a//b//c', "error: syntax error, unexpected string, expecting '${'"],
  ['/a//b/', 'error: path has a trailing slash'],
  ['/a//', 'error: path has a trailing slash'],
  ['/a//b${"c"}//d', '(/a/ + "/b" + "c" + "/" + "/d")'],
]);

rows('operators by strength', [
  ['a + b * c', '(a + (__mul b c))'],
  ['a - b - c', '(__sub (__sub a b) c)'],
  ['a ++ b ++ c', '(a ++ (b ++ c))'],
  ['a // b // c', '(a // (b // c))'],
  ['a -> b -> c', '(a -> (b -> c))'],
  ['!a == b', '((! a) == b)'],
  ['!a ? b', '(! ((a) ? b))'],
  ['-a.b', '(__sub 0 (a).b)'],
  ['a < b || c >= d', '((__lessThan a b) || (! (__lessThan c d)))'],
  ['a == b == c', "error: syntax error, unexpected '=='"],
  ['f a b.c or d e', '(f a (b).c or (d) e)'],
  ['f or', '(f or)'],
  ['(f a) b', '(f a b)'],
]);

rows('words, paths and addresses', [
  ['a/b', '/test/a/b'],
  ['a.b/c', '/test/a.b/c'],
  ['a/ b', '(__div a b)'],
  ['1/2', '/test/1/2'],
  ['x:x', '"x:x"'],
  ['x: x', '(x: x)'],
  ["a'b-c", "a'b-c"],
  ['<a/b.nix>', '(__findFile __nixPath "a/b.nix")'],
  ['a<b', '(__lessThan a b)'],
  ['./a/${b}/c', '(/test/a/ + b + "/c")'],
  ['~/${x}', '(/home/user/ + x)'],
  ['/a/../b', '/b'],
  ['1.5e3', '1500'],
  ['0.1', '0.1'],
  ['00.5', '(0 0.5)'],
  ['123 /* a */ # b', '123'],
  ['a/*b', "error: syntax error, unexpected '*'"],
]);

rows('sets and patterns', [
  ['{ a.b = 1; a.c = 2; }', '{ a = { b = 1; c = 2; }; }'],
  ['{ inherit b a; inherit (x) d c; }', '{ inherit a b; inherit (x) c d; }'],
  ['{ "${a}" = 1; ${b}.c = 2; }', '{ "${(a)}" = 1; "${b}" = { c = 2; }; }'],
  ['{ b, a ? 1, ... }@x: a', '({ a ? 1, b, ... } @ x: a)'],
  ['x@{ }: x', '({  } @ x: x)'],
  ['rec { a = 1; }', 'rec { a = 1; }'],
  ['let { body = 1; }', '(rec { body = 1; }).body'],
  ['{ a = 1; a = 2; }', "error: attribute 'a' already defined at «string»:1:3"],
  ['{ inherit ${a}; }', 'error: dynamic attributes not allowed in inherit'],
  ['let ${a} = 1; in a', 'error: dynamic attributes not allowed in let'],
  ['{ a, a }: a', "error: duplicate formal function argument 'a'"],
  ['rec { 1', "error: syntax error, unexpected integer, expecting 'inherit' or '}'"],
  ['let a = 1; 2', "error: syntax error, unexpected integer, expecting 'in' or 'inherit'"],
  ['(1', "error: syntax error, unexpected end of file, expecting ')'"],
  ['{ a = 1 }', "error: syntax error, unexpected '}', expecting ';'"],
]);

test('nesting of any sensible depth is parsed', () => {
  const depth = 500;
  const text = '['.repeat(depth) + ']'.repeat(depth);
  assert.equal(parseText(text).length, 3 + 6 * (depth - 1));
});
