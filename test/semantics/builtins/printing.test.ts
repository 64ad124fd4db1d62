/**
 * Values as people see them: the one-line form of messages, the many-line form of the REPL, limits,
 * repetition, functions, errors in place; XML.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeUtf8, encodeUtf8 } from '#base';
import {
  ContextCollector, forceDeep, printAmbiguous, printValue, quoteNixString, valueToXml, type PrintOptions,
} from '#runtime';
import { openSession } from '../evaluate.ts';

function check(program: string, options: PrintOptions, expected: string): void {
  const { evaluator } = openSession();
  const value = evaluator.evaluateText(encodeUtf8(program), '/');
  assert.equal(decodeUtf8(printValue(value, evaluator, options)), expected, program);
}

const forced: PrintOptions = { force: true };
const pretty: PrintOptions = { force: true, prettyIndent: 2, derivationPaths: true };

test('one line', () => {
  check('{ a = 1; "b c" = [ true null ]; "if" = ./x; e = { }; }', forced,
    '{ a = 1; "b c" = [ true null ]; e = { }; "if" = /x; }');
  check('"quote \\" dollar \\${x} $y newline \\n ü"', forced,
    '"quote \\" dollar \\${x} $y newline \\n ü"');
  check('[ (x: x) builtins.add (builtins.add 1) ]', forced,
    '[ «lambda @ «string»:1:4» «primop add» «partially applied primop add» ]');
  check('{ f = { a, ... }: a; }.f', forced, '«lambda f @ «string»:1:7»');
  check('{ a = 1 + 1; }', {}, '{ a = «thunk»; }');
});

test('many lines', () => {
  check('{ a = 1; b = { c = [ 1 ]; d = [ { } ]; e = [ 1 2 ]; }; }', pretty,
    '{\n  a = 1;\n  b = {\n    c = [ 1 ];\n    d = [\n      { }\n    ];\n    e = [\n      1\n      2\n    ];\n  };\n}');
  check('[ "one" ]', pretty, '[ "one" ]');
});

test('derivations by their paths', () => {
  const d = 'derivation { name = "d"; system = "s"; builder = "b"; }';
  const { evaluator } = openSession();
  const path = JSON.parse(printAmbiguous(evaluator.evaluateText(`(${d}).drvPath`, '/'))) as string;
  check(`{ d = ${d}; }`, pretty, `{\n  d = «derivation ${path}»;\n}`);
});

test('limits', () => {
  check('{ a = 1; b = 2; c = 3; type = "t"; }', { force: true, maxAttrs: 2 },
    '{ type = "t"; a = 1; «2 attributes elided» }');
  check('[ 1 2 3 ]', { force: true, maxListItems: 2 }, '[ 1 2 «1 item elided» ]');
  check('{ a.b.c = 1; }', { force: true, maxDepth: 1 }, '{ a = { ... }; }');
  check('"abcdef"', { force: true, maxStringLength: 2 }, '"ab" «4 bytes elided»');
});

test('repetition and errors', () => {
  check('let x = { a = x; }; in x', forced, '{ a = «repeated»; }');
  check('{ a = throw "bad"; b = 1; }', forced, '{ a = «error: bad»; b = 1; }');
  assert.throws(() => check('{ a = throw "bad"; }', { force: true, errors: 'throw' }, ''), /bad/);
});

test('the older form', () => {
  const { evaluator } = openSession();
  const value = evaluator.evaluateText('{ a = 1 + 1; f = x: x; l = [ ]; "b c" = { }; }', '/');
  assert.equal(printAmbiguous(value), '{ a = <CODE>; "b c" = { }; f = <LAMBDA>; l = [ ]; }');
});

test('a list that is printed may be met again inside of it, once', () => {
  const { evaluator } = openSession();
  for (const [program, expected] of [
    ['let x = [ 1 x ]; in x', '[ 1 [ 1 «repeated» ] ]'],
    ['let s = { all = map (n: s) [ 1 ]; }; in s.all', '[ { all = [ «repeated» ]; } ]'],
    ['let l = [ 1 ]; in [ l l ]', '[ [ 1 ] «repeated» ]'],
  ] as const) {
    const value = evaluator.evaluateText(program, '/');
    forceDeep(value);
    assert.equal(decodeUtf8(printAmbiguous(value)), expected, program);
  }
});

test('XML', () => {
  const { evaluator } = openSession();
  const program = '{ a = [ 1 "x<\\n" 1.5 true null ./p ]; f = { x, y ? 1, ... }@z: x; g = w: w; }';
  const xml = valueToXml(evaluator.evaluateText(program, '/'), new ContextCollector(), {
    strict: true,
    location: false,
  });
  assert.equal(xml, `<?xml version='1.0' encoding='utf-8'?>
<expr>
  <attrs>
    <attr name="a">
      <list>
        <int value="1" />
        <string value="x&lt;&#xA;" />
        <float value="1.5" />
        <bool value="true" />
        <null />
        <path value="/p" />
      </list>
    </attr>
    <attr name="f">
      <function>
        <attrspat ellipsis="1" name="z">
          <attr name="x" />
          <attr name="y" />
        </attrspat>
      </function>
    </attr>
    <attr name="g">
      <function>
        <varpat name="w" />
      </function>
    </attr>
  </attrs>
</expr>
`);
});

test('long texts are escaped in pieces, without a seam', () => {
  // The pieces have 2^24 bytes; what decides about the dollar is behind it.
  const filling = 'x'.repeat(2 ** 24 - 2);
  for (const [text, escaped] of [['$${', '$\\${'], ['$$$', '$$$'], ['"\n"', '\\"\\n\\"']] as const) {
    const quoted = quoteNixString(filling + text);
    assert.equal(quoted.slice(-escaped.length - 2), `x${escaped}"`);
    assert.equal(quoted.length, filling.length + escaped.length + 2);
  }
});
