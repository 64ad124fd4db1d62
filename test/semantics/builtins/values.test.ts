/**
 * Values of builtins: programs and the text their value prints as, or the message they fail with.
 * Each feature has its rows; most need no outside tool.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeUtf8, encodeUtf8 } from '#base';
import { NixError } from '#diagnostics';
import { counters, forceDeep, printAmbiguous, resetCounters, type EvalSettings } from '#runtime';
import { openSession } from '../evaluate.ts';

function check(
  program: string,
  expected: string,
  settings: Partial<EvalSettings> = {},
): void {
  const { evaluator } = openSession(settings);
  let actual: string;
  try {
    actual = evaluator.guard(() => {
      const value = evaluator.evaluateText(encodeUtf8(program), '/');
      forceDeep(value);
      return decodeUtf8(printAmbiguous(value));
    });
  } catch (error) {
    if (!(error instanceof NixError)) throw error;
    actual = `error: ${decodeUtf8(error.message)}`;
  }
  assert.equal(actual, expected, program);
}

function rows(name: string, table: readonly (readonly [string, string])[]): void {
  test(name, () => {
    for (const [program, expected] of table) check(program, expected);
  });
}

rows('match and split', [
  ['builtins.match "(a|ab)(c|bcd)(d*)" "abcd"', '[ "a" "bcd" "" ]'],
  ['builtins.match "((a)|b)*" "ab"', '[ "b" "a" ]'],
  ['builtins.match "(a*)?" ""', '[ "" ]'],
  ['builtins.match "(x)?(y)" "y"', '[ null "y" ]'],
  ['builtins.match "a.b" "a\\nb"', '[ ]'],
  ['builtins.match "[[:space:]]+([[:upper:]]+)[[:space:]]+" "  FOO   "', '[ "FOO" ]'],
  ['builtins.match "[]a]+" "]a"', '[ ]'],
  ['builtins.match "[^]a]+" "bc"', '[ ]'],
  ['builtins.match "[a-]+" "a-"', '[ ]'],
  ['builtins.match "[[.hyphen.]-z]" "-"', '[ ]'],
  ['builtins.match "[[=a=]]" "A"', '[ ]'],
  ['builtins.match "a{2}{3}" "aaaaaa"', '[ ]'],
  ['builtins.match "" ""', '[ ]'],
  ['builtins.match "ü" "ü"', '[ ]'],
  ['builtins.match "." "ü"', 'null'],
  ['builtins.split "(a)|b" "xaybz"', '[ "x" [ "a" ] "y" [ null ] "z" ]'],
  ['builtins.split "(a|ab)(c|bcd)" "abcdx"', '[ "" [ "a" "bcd" ] "x" ]'],
  ['builtins.split "(a*)(ab)*" "aab"', '[ "" [ "aa" null ] "" [ "" null ] "b" [ "" null ] "" ]'],
  ['builtins.split "x" "abc"', '[ "abc" ]'],
  ['builtins.split "^a" "aa"', '[ "" [ ] "a" ]'],
  ['builtins.match "\\\\d" "1"', "error: invalid regular expression '\\d'"],
  ['builtins.match "[a" "a"', "error: invalid regular expression '[a'"],
  ['builtins.match "a{,3}" "a"', "error: invalid regular expression 'a{,3}'"],
  ['builtins.match "*a" "a"', "error: invalid regular expression '*a'"],
  ['builtins.match "[z-a]" "a"', "error: invalid regular expression '[z-a]'"],
  ['builtins.match "[[:foo:]]" "a"', "error: invalid regular expression '[[:foo:]]'"],
  ['builtins.match "(a" "a"', "error: invalid regular expression '(a'"],
  ['builtins.match "a{2147483648}" "a"', "error: invalid regular expression 'a{2147483648}'"],
]);

/** The largest count before which a regular expression is accepted; one more is too much. */
const largest: Readonly<Record<string, number>> = {
  'a{N}': 99_993, '(a){N}': 24_997, 'a{0,N}': 49_996, '(a*){N}': 19_997, '(a?){N}': 16_664,
  '(a|b){N}': 12_498, 'a+{N}': 49_996, '(a{1000}){N}': 98, 'a{N,}': 99_992,
};

test('regular expressions may have as many states as in C++', () => {
  for (const [form, count] of Object.entries(largest)) {
    const regex = form.replace('N', `${count}`);
    check(`builtins.match "${regex}" "c"`, 'null');
    const larger = form.replace('N', `${count + 1}`);
    check(`builtins.match "${larger}" "c"`, `error: memory limit exceeded by regular expression '${larger}'`);
  }
});

/** How many branches our matcher tries for what C++ Nix would try for ever. */
function branchesTried(length: number): number {
  resetCounters();
  const long = `builtins.concatStringsSep "" (builtins.genList (_: "x") ${length})`;
  check(`builtins.match "(x+x+)+y" (${long})`, 'null');
  check(`builtins.match "((x*)*)*y" (${long})`, 'null');
  check(`builtins.length (builtins.split "(x|xx)" (${long}))`, `${length + 1}`);
  check(`builtins.match "(((x*)*)*)*b" (${long})`, 'null');
  return counters.regexBranches;
}

test('regular expressions take steps in proportion to the text', () => {
  const steps = branchesTried(500);
  assert.ok(steps > 5 * 500, `only ${steps} steps: V8's engine has matched, which counts none`);
  const more = branchesTried(2000);
  assert.ok(more < steps * 4.1, `${steps} steps for 500 bytes, ${more} for 2000`);
  check('builtins.match "(((((a*)*)*)*)*)*b" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"', 'null');
});

rows('floats', [
  ['1.0', '1'],
  ['[ 0.1 1.0e10 1.0e5 1.0e6 123456.7 1.0e-5 ]', '[ 0.1 1e+10 100000 1e+06 123457 1e-05 ]'],
  ['1000005.0', '1e+06'],
  ['toString 1.5', '"1.500000"'],
  ['toString 0.0078125', '"0.007812"'],
  ['toString 1.0e22', '"10000000000000000000000.000000"'],
  ['builtins.toJSON [ 1.0 0.1 1.0e15 1.0e14 1.5e-7 123.456 1.0e100 ]',
    '"[1.0,0.1,1e+15,100000000000000.0,1.5e-07,123.456,1e+100]"'],
  ['builtins.floor 1.7', '1'],
  ['builtins.ceil (-1.7)', '-1'],
  ['builtins.floor 1.0e30', 'error: NixFloat argument 1e+30 is not in the range of NixInt'],
]);

rows('integers', [
  ['9223372036854775807', '9223372036854775807'],
  ['9223372036854775807 + 1', 'error: integer overflow in adding 9223372036854775807 + 1'],
  ['builtins.sub (-9223372036854775807) 2',
    'error: integer overflow in subtracting -9223372036854775807 - 2'],
  ['builtins.mul 4611686018427387904 2',
    'error: integer overflow in multiplying 4611686018427387904 * 2'],
  ['builtins.div 7 (-2)', '-3'],
  ['builtins.div 1 0', 'error: division by zero'],
  ['builtins.bitAnd (-1) 9223372036854775807', '9223372036854775807'],
  ['builtins.bitXor 5 (-1)', '-6'],
]);

rows('JSON', [
  ['builtins.fromJSON \'\'{"b": [1, -0, 2.5e3, "\\u00e9\\ud83d\\ude00"], "a": null, "a": true}\'\'',
    '{ a = true; b = [ 1 0 2500 "é😀" ]; }'],
  ['builtins.fromJSON "9223372036854775807"', '9223372036854775807'],
  ['builtins.fromJSON "-9223372036854775809"', '-9.22337e+18'],
  ['builtins.fromJSON "18446744073709551615"',
    'error: unsigned json number 18446744073709551615 outside of Nix integer range'],
  ['builtins.fromJSON "{"',
    'error: [json.exception.parse_error.101] parse error at line 1, column 2: syntax error while' +
      ' parsing object key - unexpected end of input; expected string literal'],
  ['builtins.fromJSON "[1,]"',
    'error: [json.exception.parse_error.101] parse error at line 1, column 4: syntax error while' +
      " parsing value - unexpected ']'; expected '[', '{', or a literal"],
  ['builtins.fromJSON "nul"',
    'error: [json.exception.parse_error.101] parse error at line 1, column 4: syntax error while' +
      " parsing value - invalid literal; last read: 'nul'"],
  ['builtins.fromJSON "1 2"',
    'error: [json.exception.parse_error.101] parse error at line 1, column 3: syntax error while' +
      ' parsing value - unexpected number literal; expected end of input'],
  ['builtins.toJSON { b = [ true null "x\\ty" ]; a = { __toString = self: "s"; }; }',
    '"{\\"a\\":\\"s\\",\\"b\\":[true,null,\\"x\\\\ty\\"]}"'],
  ['builtins.toJSON (x: x)', 'error: cannot convert a function to JSON'],
]);

rows('TOML', [
  ['builtins.fromTOML "a.b = 1\\nc = [1, 2,\\n 3]\\n[d]\\ne = \\"x\\"\\n[[f]]\\ng=1\\n[[f]]\\ng=2"',
    '{ a = { b = 1; }; c = [ 1 2 3 ]; d = { e = "x"; }; f = [ { g = 1; } { g = 2; } ]; }'],
  ["builtins.fromTOML \"a = 'lit\\\\n'\\nb = 0xff\\nc = 1_000\\nd = inf\"",
    '{ a = "lit\\\\n"; b = 255; c = 1000; d = inf; }'],
  ['builtins.fromTOML "a = 1979-05-27"',
    'error: while parsing TOML: Dates and times are not supported'],
]);

test('TOML refuses what it must', () => {
  for (const text of [
    'a = 1\\na = 2', '[a]\\n[a]', 'a = {b = 1}\\n[a]', 'a = 1 b = 2', 'a = 01', 'a = 1__0',
    'a = \\"x', '[a', 'a =', 'a = [1', 'a.b = 1\\na = 2', '[a.b]\\n[a]\\nb = 1',
  ]) {
    const { evaluator } = openSession();
    assert.throws(
      () => evaluator.evaluateText(`builtins.fromTOML "${text}"`, '/'),
      (error) => error instanceof NixError && error.message.startsWith('while parsing TOML:'),
      text,
    );
  }
});

test('TOML gives dates and times when asked', () => {
  check(
    'builtins.fromTOML "a = 1979-05-27 07:32:00.5+00:00\\nb = 07:32:00"',
    '{ a = { _type = "timestamp"; value = "1979-05-27T07:32:00.500Z"; };' +
      ' b = { _type = "timestamp"; value = "07:32:00"; }; }',
    { features: new Set(['parse-toml-timestamps']) },
  );
});

rows('versions', [
  ['builtins.compareVersions "1.0" "1.0pre1"', '1'],
  ['builtins.compareVersions "2.3" "2.3.1"', '-1'],
  ['builtins.compareVersions "2.3a" "2.3.1"', '-1'],
  ['builtins.compareVersions "99999999999" "1"', '-1'],
  ['builtins.splitVersion "1.2-rc3"', '[ "1" "2" "rc" "3" ]'],
  ['builtins.parseDrvName "a-b-2.0-c"', '{ name = "a-b"; version = "2.0-c"; }'],
]);

rows('strings', [
  ['builtins.replaceStrings [ "" ] [ "-" ] "ab"', '"-a-b-"'],
  ['builtins.replaceStrings [ "ab" "a" ] [ "1" "2" ] "aab"', '"21"'],
  ['builtins.replaceStrings [ "x" ] [ (throw "not used") ] "ab"', '"ab"'],
  ['builtins.substring 1 (-1) "abc"', '"bc"'],
  ['builtins.substring (-1) 1 "abc"', "error: negative start position in 'substring'"],
  ['toString [ 1 [ ] true null [ 2 ] ]', '"1 1  2"'],
  ['baseNameOf "a/b/"', '"b"'],
  ['baseNameOf "a//"', '""'],
  ['dirOf "/a"', '"/"'],
  ['builtins.hashString "md5" ""', '"d41d8cd98f00b204e9800998ecf8427e"'],
  ['builtins.convertHash { hash = "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";' +
    ' toHashFormat = "base16"; }',
    '"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"'],
  ['builtins.placeholder "out"', '"/1rz4g4znpzjwh1xymhjpm42vipw92pr73vdgl6xs1hycac8kf2n9"'],
]);

rows('sets and lists', [
  ['builtins.sort (a: b: a.k < b.k) [ { k = 2; v = 1; } { k = 1; v = 2; } { k = 2; v = 0; } ]',
    '[ { k = 1; v = 2; } { k = 2; v = 1; } { k = 2; v = 0; } ]'],
  ['builtins.sort (a: b: true) [ 1 2 3 4 5 ]', '[ 5 4 3 2 1 ]'],
  ['map (x: x.name) (builtins.genericClosure { startSet = [ { key = 1; name = "a"; } ];' +
    ' operator = e: [ { key = 1; name = "b"; } { key = 2.0; name = "c"; } ]; })', '[ "a" "c" ]'],
  ['builtins.listToAttrs [ { name = "a"; value = 1; } { name = "a"; value = 2; } ]', '{ a = 1; }'],
  ['builtins.zipAttrsWith (n: v: v) [ { a = 1; } { b = 2; } { a = 3; } ]', '{ a = [ 1 3 ]; b = [ 2 ]; }'],
  ['builtins.unsafeGetAttrPos "a" (builtins.mapAttrs (n: v: v) { a = 1; })', 'null'],
  ['builtins.functionArgs (a: { b, c ? 1 }: a)', '{ }'],
  ['builtins.functionArgs ((a: { b, c ? 1 }: a) 1)', '{ b = false; c = true; }'],
  ["builtins.foldl' (a: b: b) (throw \"not used\") [ 1 2 ]", '2'],
  ['builtins.head (map (x: x) [ 1 (throw "not used") ])', '1'],
  ['builtins.length (builtins.genList (throw "used") 0)', 'error: used'],
  ['builtins.elemAt [ 1 ] 1', "error: 'builtins.elemAt' called with index 1 on a list of size 1"],
  ['builtins.concatMap (x: x) [ [ 1 ] [ ] [ 2 3 ] ]', '[ 1 2 3 ]'],
]);

rows('control', [
  ['builtins.tryEval (throw "x")', '{ success = false; value = false; }'],
  ['builtins.tryEval (assert false; 1)', '{ success = false; value = false; }'],
  ['builtins.tryEval (abort "x")',
    "error: evaluation aborted with the following error message: 'x'"],
  ['builtins.tryEval { a = throw "x"; }', 'error: x'],
  ['builtins.seq (throw "x") 1', 'error: x'],
  ['builtins.deepSeq { a = [ (throw "deep") ]; } 1', 'error: deep'],
  ['let x = { inherit x; }; in builtins.deepSeq x 1', '1'],
  ['builtins.typeOf builtins.builtins', '"set"'],
  ['[ builtins.langVersion builtins.storeDir ]', '[ 6 "/nix/store" ]'],
  ['builtins ? fetchTree', 'false'],
  ['builtins ? outputOf', 'false'],
]);

test('experimental builtins come with their features', () => {
  const features = new Set(['flakes', 'dynamic-derivations', 'fetch-closure']);
  check('[ (builtins ? fetchTree) (builtins ? getFlake) (builtins ? outputOf) ]', '[ true true true ]', {
    features,
  });
});

test('pure evaluation has no time, system or environment', () => {
  check('[ (builtins ? currentTime) (builtins ? currentSystem) (builtins.getEnv "HOME") ]', '[ false false "" ]', {
    pureEval: true,
  });
});

test('pure evaluation reads what it made itself, and nothing else', () => {
  const settings: Partial<EvalSettings> = { pureEval: true, allowedPaths: [] };
  check('builtins.readFile (builtins.toFile "t" "made here")', '"made here"', settings);
  const { evaluator } = openSession(settings);
  assert.throws(() => evaluator.evaluateText('builtins.readFile /etc/hostname', '/'), NixError);
  check('builtins.pathExists /etc', 'false', settings);
});

test('flake references are rewritten', () => {
  const features = new Set(['flakes']);
  const url = 'git+https://example.org/a.git?dir=sub&ref=main';
  check(
    `builtins.parseFlakeRef "${url}"`,
    '{ dir = "sub"; ref = "main"; type = "git"; url = "https://example.org/a.git"; }',
    { features },
  );
  check(`builtins.flakeRefToString (builtins.parseFlakeRef "${url}")`, `"${url}"`, { features });
  check(
    'map (x: builtins.parseFlakeRef x) [ "nixpkgs/nixos-unstable" "path:/a" "https://example.org/a.tar.gz" ]',
    '[ { id = "nixpkgs"; ref = "nixos-unstable"; type = "indirect"; } { path = "/a"; type = "path"; }' +
      ' { type = "tarball"; url = "https://example.org/a.tar.gz"; } ]',
    { features },
  );
  check('builtins.parseFlakeRef "relative/path/x/y"',
    "error: GitHub URL 'flake:relative/path/x/y' is invalid", { features });
});
