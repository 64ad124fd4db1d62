/** The language itself: literals, bindings, functions, operators, laziness. */

import { rows } from './check.ts';

rows('numbers', [
  ['1 + 2 * 3 - 4', '3'],
  ['7 / 2', '3'],
  ['-7 / 2', '-3'],
  ['0 * -1', '0'],
  ['1 / 0', 'error: division by zero'],
  ['7 / 2.0', '3.5'],
  ['1 + 0.5', '1.5'],
  ['.5 + 1.e2', '100.5'],
  ['9007199254740993', '9007199254740993'],
  ['9007199254740992 + 1', '9007199254740993'],
  ['9223372036854775807', '9223372036854775807'],
  ['9223372036854775807 + 1', 'error: integer overflow in adding 9223372036854775807 + 1'],
  ['0 - 9223372036854775807 - 1', '-9223372036854775808'],
  ['0 - 9223372036854775807 - 2',
    'error: integer overflow in subtracting -9223372036854775807 - 2'],
  ['4611686018427387904 * 2',
    'error: integer overflow in multiplying 4611686018427387904 * 2'],
  ['(0 - 9223372036854775807 - 1) / -1',
    'error: integer overflow in dividing -9223372036854775808 / -1'],
  ['9007199254740993 == 9007199254740992', 'false'],
  ['9007199254740993 - 9007199254740992', '1'],
  ['1 == 1.0', 'true'],
  ['1 < 1.5', 'true'],
  ['1 + "a"', 'error: cannot add a string to an integer'],
  ['9223372036854775808', "error: invalid integer '9223372036854775808'"],
]);

rows('strings and paths', [
  ['"a${"b"}c"', '"abc"'],
  ['"\\${x} $${y} \\n$"', '"\\${x} $\\${y} \\n$"'],
  ["''\n  a\n    b\n  ''", '"a\\n  b\\n"'],
  ["''a ''${x} ''' ''\\n$''", '"a \\${x} \'\' \\n$"'],
  ["''\n    ${\"x\"}\n  y''", '"  x\\ny"'],
  ['"ü" + "x"', '"üx"'],
  ['builtins.stringLength "ü"', '2'],
  ['./a', '/test/directory/a'],
  ['../a/../b', '/test/b'],
  ['./a + "/b/../c"', '/test/directory/a/c'],
  ['./a/${"b"}.nix', '/test/directory/a/b.nix'],
  ['/. + "/x"', '/x'],
  ['~/x', '/fake-home/x'],
  ['http://example.org/a?b=c', '"http://example.org/a?b=c"'],
  ['x:y', '"x:y"'],
  ['{ outPath = "/o"; } + "/p"', '"/o/p"'],
  ['"${{ __toString = self: self.a; a = "b"; }}"', '"b"'],
  ['"${1}"', 'error: cannot coerce an integer to a string: 1'],
  ['./a/ + "b"', 'error: path has a trailing slash'],
]);

rows('sets', [
  ['{ a.b.c = 1; a.b.d = 2; }.a.b', '{ c = 1; d = 2; }'],
  ['{ a = { b = 1; }; a.c = 2; }', '{ a = { b = 1; c = 2; }; }'],
  ['{ a.b = 1; a = { inherit (({ z = 5; })) z; }; }', '{ a = { b = 1; z = 5; }; }'],
  ['rec { a = b + 1; b = 2; }', '{ a = 3; b = 2; }'],
  ['rec { a = 1; __overrides = { a = 2; c = 3; }; b = a; }.b', '2'],
  ['{ ${"a" + "b"} = 1; ${null} = 2; }', '{ ab = 1; }'],
  ['{ a = 1; ${"a"} = 2; }', "error: attribute 'a' already defined at «string»:1:3"],
  ['{ a = 1; ${"a" + ""} = 2; }',
    "error: dynamic attribute 'a' already defined at «string»:1:3"],
  ['{ a = 1; } // { a = 2; b = 3; }', '{ a = 2; b = 3; }'],
  ['{ a = 1; } ? a && ! { a.b = 1; } ? a.c', 'true'],
  ['{ a.b = 1; }.a.c or "no"', '"no"'],
  ['1.a or 2', "error: undefined variable 'a'"],
  ['(1).a or 2', '2'],
  ['{ a = 1; }.b', "error: attribute 'b' missing"],
  ['{ "a b" = 1; or = 2; }.or', '2'],
  ['let { a = 1; body = a + 1; }', '2'],
  ['let x = { b = 1; a = 2; }; in builtins.attrNames x', '[ "a" "b" ]'],
  ['let inherit (builtins) length; a = [ 1 ]; in length a', '1'],
  ['builtins.length (builtins.attrNames (builtins.listToAttrs (builtins.genList (i: { name = "n${toString i}"; value = i; }) 500) // { n3 = 1; m = 2; }))', '501'],
  ['(builtins.listToAttrs (builtins.genList (i: { name = "n${toString i}"; value = i; }) 500)).n377', '377'],
]);

rows('functions', [
  ['(x: y: z: x + y * z) 1 2 3', '7'],
  ['let f = x: y: x - y; g = f 5; in [ (g 1) (g 2) ]', '[ 4 3 ]'],
  ['(a: b: c: d: e: f: g: h: i: j: a + j) 1 2 3 4 5 6 7 8 9 10', '11'],
  ['({ a, b ? a * 2, ... }@args: [ a b (args ? c) ]) { a = 1; c = 0; }', '[ 1 2 true ]'],
  ['({ a ? b, b ? 3 }: a) { }', '3'],
  ['({ a }: a) { }', "error: function 'anonymous lambda' called without required argument 'a'"],
  ['let f = { a }: a; in f { a = 1; b = 2; }', "error: function 'f' called with unexpected argument 'b'"],
  ['({ a }: 1) 2', 'error: expected a set but found an integer: 2'],
  ['builtins.functionArgs ((x: { a, b ? 1 }: x) 1)', '{ a = false; b = true; }'],
  ['{ __functor = self: x: self.n + x; n = 1; } 2', '3'],
  ['map (builtins.add 1) [ 1 2 ]', '[ 2 3 ]'],
  ['1 2', 'error: attempt to call something which is not a function but an integer: 1'],
  ['let or = 1; in [ (x: x) or ]', '[ 1 ]'],
  ['let x = 1; in with { x = 2; }; x', '1'],
  ['with { x = 1; }; with { x = 2; y = 3; }; x + y', '5'],
  ['with { a = 1; }; b', "error: undefined variable 'b'"],
  ['x', "error: undefined variable 'x'"],
  ['let __sub = a: b: 42; in 1 - 1', '42'],
  ['let __lessThan = a: b: true; in 2 > 1 && 1 >= 2', 'false'],
]);

rows('laziness', [
  ['let x = throw "no"; in 1', '1'],
  ['(x: 1) (throw "no")', '1'],
  ['{ a = throw "no"; } ? a', 'true'],
  ['let x = x; in x', 'error: infinite recursion encountered'],
  ['let x = y + 1; y = x; in x', 'error: infinite recursion encountered'],
  ['let x = { a = 1; b = x.a; }; in x.b', '1'],
  ['builtins.length [ (throw "a") (throw "b") ]', '2'],
  ['true || throw "no"', 'true'],
  ['false -> throw "no"', 'true'],
  ['if 1 then 2 else 3', 'error: expected a Boolean but found an integer: 1'],
  ['assert 1 == 2; 3',
    "error: an integer with value '1' is not equal to an integer with value '2'"],
  ['assert 1 > 2; 3', "error: assertion '(__lessThan 2 1)' failed"],
  ['assert true; 3', '3'],
  ['builtins.tryEval (throw "x")', '{ success = false; value = false; }'],
  ['let f = n: if n == 0 then 0 else 1 + f (n - 1); in f 500', '500'],
]);

rows('equality and order', [
  ['[ 1 [ "a" ] { b = null; } ] == [ 1 [ "a" ] { b = null; } ]', 'true'],
  ['let f = x: x; in f == f', 'false'],
  ['let f = x: x; in [ f ] == [ f ]', 'true'],
  ['let f = x: x; in { a = f; } == { a = f; }', 'true'],
  ['{ a = 1; } == { a = 1; b = 2; }', 'false'],
  ['{ type = "derivation"; outPath = "a"; x = 1; } == { type = "derivation"; outPath = "a"; }',
    'true'],
  ['[ 1 2 ] < [ 1 3 ]', 'true'],
  ['"a" < "b" && "B" < "a" && "z" < "ü"', 'true'],
  ['{ } < { }', 'error: cannot compare a set with a set; values of that type are incomparable (values are { } and { })'],
  ['1 < "a"', 'error: cannot compare an integer with a string; values are 1 and "a"'],
]);

rows('pipes', [
  ['[ 1 2 ] |> map (x: x + 1) |> builtins.length', '2'],
  ['builtins.length <| map (x: x) <| [ 1 ]', '1'],
], { features: new Set(['pipe-operators']) });

rows('pipes that are off', [
  ['1 |> 2', "error: experimental Nix feature 'pipe-operators' is disabled; add '--extra-experimental-features pipe-operators' to enable it"],
]);

rows('rows of lists', [
  ['[ 1 ] ++ [ ] ++ [ 2 3 ] ++ [ 4 ]', '[ 1 2 3 4 ]'],
  ['[ ] ++ [ ] ++ [ 1 ]', '[ 1 ]'],
  ['[ ] ++ [ 1 ] ++ [ ] ++ [ ]', '[ 1 ]'],
  ['[ ] ++ [ ] ++ [ ]', '[ ]'],
  ['([ 1 ] ++ [ 2 ]) ++ [ 3 ] ++ [ 4 ]', '[ 1 2 3 4 ]'],
  // All operands are evaluated, from the left; then the last operator is the first to complain.
  ['1 ++ [ ] ++ throw "last"', 'error: last'],
  ['1 ++ { } ++ [ ]', 'error: expected a list but found a set: { }'],
  ['1 ++ [ ] ++ null', 'error: expected a list but found null: null'],
  ['1 ++ [ ] ++ [ ]', 'error: expected a list but found an integer: 1'],
]);

const overflow = 'error: stack overflow; max-call-depth exceeded';

rows('depth', [
  ['let f = n: if n == 0 then 0 else 1 + f (n - 1); in f 40', '40'],
  ['let f = n: if n == 0 then 0 else 1 + f (n - 1); in f 60', overflow],
  ['(x: x x) (x: x x)', overflow],
  ['let f = { n }: f { n = n + 1; }; in f { n = 0; }', overflow],
  ['let f = { __functor = self: n: self (n + 1); }; in f 0', overflow],
  ['let f = n: builtins.head (map f [ n ]); in f 0', overflow],
  // What was caught does not count any more.
  ["let f = n: if n == 0 then throw \"x\" else f (n - 1); in builtins.foldl' (a: _: a + (if (builtins.tryEval (f 30)).success then 1 else 2)) 0 (builtins.genList (i: i) 20)", '40'],
  ['builtins.toJSON (let f = n: { inner = f (n + 1); }; in f 0)', overflow],
  ['builtins.toXML (let f = n: { inner = f (n + 1); }; in f 0)', overflow],
  ['let f = n: { inner = f (n + 1); }; in f 0 == f 1', overflow],
  ['let f = n: { inner = f (n + 1); }; in assert f 0 == f 1; true', overflow],
  ['let f = n: { __toString = _: f (n + 1); }; in "${f 0}"', overflow],
  ['let f = n: [ (f (n + 1)) ]; in toString (f 0)', overflow],
], { maxCallDepth: 50 });

const doubled = 'let f = n: v: if n == 0 then v else f (n - 1) (double v);';
const tooLong = 'error: string is too long: it would have more than 536870888 bytes';

rows('what is too large for a string or a list', [
  [`${doubled} double = s: s + s; in f 30 "x"`, tooLong],
  [`${doubled} double = s: "\${s}\${s}"; in f 30 "x"`, tooLong],
  [`${doubled} double = s: "\${s},\${s}"; in f 30 "x"`, tooLong],
  [`${doubled} double = s: s + s; a = f 20 "x"; in builtins.concatStringsSep a (builtins.genList (i: "y") 600)`, tooLong],
  [`${doubled} double = s: s + s; in builtins.replaceStrings [ "x" ] [ (f 20 "y") ] (f 10 "x")`, tooLong],
  ['builtins.genList (i: i) 100000000', 'error: list is too long: it would have more than 67108864 elements'],
  ['builtins.genList (i: i) (-1)', 'error: cannot create list of size -1'],
], { maxCallDepth: 1000 });
