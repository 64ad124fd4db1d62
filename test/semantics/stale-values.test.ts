/**
 * Programs that do not change over a file that does, evaluated again: each would give a stale value, or
 * say something that it does not, if one of the things were not noted that they read.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeUtf8 } from '#base';
import { Unkept } from '#flat';
import { openSession } from './evaluate.ts';
import { Revisions } from './revised.ts';

/** Programs with what `f.nix` says in turn. */
const programs: readonly (readonly [program: string, ...texts: string[]])[] = [
  // The same value read by two builtins of another layer: each has to read it for itself.
  ['let x = (import ../f.nix) + ""; in [ (builtins.convertHash { hash = x; toHashFormat = "base64"; hashAlgo = "md5"; }) (builtins.convertHash { hash = x; toHashFormat = "nix32"; hashAlgo = "md5"; }) ]',
    '"d41d8cd98f00b204e9800998ecf8427e"', '"0cc175b9c0f1b6a831c399e269772661"', '"d41d8cd98f00b204e9800998ecf8427e"'],
  ['let s = { inherit (import ../f.nix) hash hashAlgo; toHashFormat = "base16"; }; c = builtins.convertHash; in [ (c s) [ (c s) ] (c (s // { toHashFormat = "nix32"; })) ]',
    '{ hash = "d41d8cd98f00b204e9800998ecf8427e"; hashAlgo = "md5"; }', '{ hash = "0cc175b9c0f1b6a831c399e269772661"; hashAlgo = "md5"; }'],
  // Functions called by builtins of another layer.
  ['let x = import ../f.nix; f = p: t: baseNameOf p == x; in [ (builtins.filterSource f ./source) (builtins.path { path = ./source; name = "n"; filter = f; }) ]', '"a"', '"b"', '"a"'],
  // A function that is the same one and has another body: `genList` looks into it.
  ['let s = import ../f.nix { l = [ 1 2 3 ]; }; in [ (builtins.seq s.f (builtins.genList s.f 2)) ]',
    '{ l }: { f = n: __elemAt l n; }', '{ l }: { f = n: __elemAt l (n + 1); }', '{ l }: { f = n: __elemAt l n; }'],
  // Functions of every number of parameters that are the same ones and have other bodies.
  ...['a: [ a 1 ]|a: [ a 2 ]', 'a: b: [ a b 1 ]|a: b: [ a b 2 ]', 'a: b: c: [ a b c 1 ]|a: b: c: [ a b c 2 ]', 'a: b: c: d: [ a b c d 1 ]|a: b: c: d: [ a b c d 2 ]',
    '{ k, ... }: [ k 1 ]|{ k, ... }: [ k 2 ]', 'a: { k, ... }: [ a k 1 ]|a: { k, ... }: [ a k 2 ]'].flatMap((pair) => {
    const [one, two] = pair.split('|') as [string, string];
    const calls = ['f s', 'f s s', 'f s s s', 'f s s s s', 'map f l', 'map (f s) l', 'map (f s s) l', 'map (f s s s) l', 'builtins.foldl\' f s l'];
    return calls.map((call) => [
      `let f = (import ../f.nix { }).f; s = { k = 1; }; l = [ s s ]; try = v: (builtins.tryEval (builtins.deepSeq v v)).value;
      ok = v: if builtins.isList v then map (e: if builtins.isFunction e then 0 else e) v else builtins.typeOf v; in [ (ok (${call})) (ok (${call})) ]`,
      `{ }: { f = ${one}; }`, `{ }: { f = ${two}; }`, `{ }: { f = ${one}; }`] as const);
  }),
  // What depended on the file, and does not any more: a list whose elements had been taken from it.
  [`let l = import ../f.nix; t = builtins.genList (n: __elemAt l n) 2; g = x: { inherit x; }; n = builtins.length; in
    [ (builtins.seq l (n t)) (if n l == 0 then n t else 7) (if n l == 0 then (g (__elemAt t 0)) ? x else false) (n t) (if n l > 1 then t else [ ]) ]`,
  '[ 1 2 ]', '[ ]', '[ 3 4 ]', '[ ]', '[ 5 6 7 ]', '[ 1 2 ]'],
  // The same is read while something else is made valid, and by the program.
  [`let x = import ../f.nix; a = x + 0; b = a * 0; c = [ b ]; d = if x > 1 then a + builtins.head c else builtins.head c + a; in [ d (builtins.head c + a) a ]`, '1', '2', '3', '2', '1'],
  // What is new is made valid for one reader first, then read by it.
  [`let x = import ../f.nix; y = x * 0; z = if x > 1 then y + 1 else 0; w = z + y; v = if x > 1 then w else z; in [ v (if x == 3 then z + w else 0) w z ]`, '1', '2', '3', '1', '3'],
  // Of elements that are looked at before they are wanted, some fail, in every way.
  ...['throw "a"', 'abort "a"', '{ }.a', '(let r = r; in r)', '1 + ""'].map((failing) => [
    `let f = import ../f.nix; i = f.i; l = f.l; k = x: y: { r = if x then y else 0; }; in builtins.seq (builtins.tryEval i) [
      (map (n: (k f.b (__elemAt l i)).r) [ 1 2 ]) (k f.b (__elemAt l (i + 0))).r ]`,
    '{ b = true; i = 0; l = [ 1 2 ]; }', `{ b = false; i = ${failing}; l = [ 1 2 ]; }`, `{ b = false; i = 0; l = ${failing}; }`, '{ b = true; i = 1; l = [ 3 4 ]; }',
  ] as const),
  // An index that was known when something was made of it, and reads that itself now.
  [`let f = import ../f.nix; l = [ 1 2 3 ]; i = if f.c then builtins.length t else 0; k = x: [ x ]; t = if f.z then k (__elemAt l i) else [ ]; in
    [ (if f.c then 0 else builtins.seq i t) i t ]`, '{ c = false; z = true; }', '{ c = true; z = true; }', '{ c = true; z = false; }', '{ c = false; z = true; }'],
  // What is caught again and again, also after something that is not.
  [`let f = import ../f.nix; t = builtins.tryEval; a = t f.a; b = t (f.b + 1); c = if a.success then b else t f.c; in [ (if f.n then [ a b c ] else [ ]) (t c.value) ]`,
    '{ n = true; a = 1; b = throw "b"; c = 3; }', '{ n = false; a = throw "a"; b = throw "b"; c = abort "c"; }', '{ n = true; a = throw "a"; b = 2; c = throw "c"; }',
    '{ n = true; a = abort "a"; b = 2; c = 3; }', '{ n = true; a = throw "a"; b = 2; c = 4; }', '{ n = true; a = 1; b = 2; c = 4; }'],
  [`let f = import ../f.nix; d = f.a + f.b; e = d + 1; t = v: (builtins.tryEval v).success; in [ (t e) (t [ e ]) (if t d then e else 0) (t (e + d)) ]`,
    '{ a = 1; b = throw "b"; }', '{ a = throw "a"; b = 1; }', '{ a = 1; b = 2; }', '{ a = 1; b = throw "c"; }', '{ a = 2; b = 2; }'],
  // Contexts of strings that were being joined when something failed.
  [`let f = import ../f.nix; d = derivation { name = "d"; system = "s"; builder = "/b"; }; s = "\${d}" + (if (builtins.tryEval ("\${d.drvPath}" + f.a)).success then "y" else "n") + f.b;
    in [ (builtins.attrNames (builtins.getContext s)) s (builtins.attrNames (builtins.getContext "\${f.b}")) ]`,
  '{ a = "a"; b = "b"; }', '{ a = throw "a"; b = "b"; }', '{ a = throw "a"; b = "c"; }', '{ a = "x"; b = "c"; }'],
  [`let f = import ../f.nix; d = n: derivation { name = n; system = "s"; builder = "/b"; }; u = "\${d "e"}\${f.a}"; t = builtins.tryEval u;
    s = "\${d "d"}\${f.b}\${if t.success then "y" else "n"}"; in [ (builtins.attrNames (builtins.getContext s)) s ]`,
  '{ a = "a"; b = "b"; }', '{ a = throw "a"; b = "c"; }', '{ a = "a"; b = "d"; }'],
  // Values that differ in one thing.
  ...['0.0|-0.0', '1|1.0', '/a|"/a"', '[ ]|{ }', '[ 1 ]|[ 2 ]', '[ 1 ]|[ 1 2 ]', '{ a = 1; }|{ b = 1; }', '{ a = 1; }|{ a = 2; }', '{ a = 1; b = 2; }|{ a = 1; c = 2; }',
    '"a"|"b"', '9007199254740993|9007199254740992', '(0.0 * (1.0e308 * 10))|(0.0 * (1.0e308 * 10))', 'null|false', '1000000000|1000000001', '1.5|2.5',
    '"${derivation { name = "a"; system = "s"; builder = "b"; }}"|builtins.unsafeDiscardStringContext "${derivation { name = "a"; system = "s"; builder = "b"; }}"',
    '/a/b|/a/c'].map((pair) => {
    const [one, two] = pair.split('|') as [string, string];
    return [`let x = import ../f.nix; y = if builtins.isAttrs x then x // { } else x; z = [ y ]; in [ (builtins.typeOf x) (builtins.toXML z) (builtins.toXML y) (y == y) (z == z)
      (if builtins.isString x then builtins.getContext y else { }) ]`, one, two, one] as const;
  }),
  // Sets of the same names and values that stand elsewhere.
  [`let s = import ../f.nix; p = builtins.unsafeGetAttrPos "a" s; t = s // { z = 1; }; q = builtins.unsafeGetAttrPos "a" t; in [ p.line q.line (p == q) t.a ]`,
    '{ a = 1; }', '\n{ a = 1; }', '{ b = 2;\n\n a = 1; }', '\n\n{ a = 1; }', '{ a = 1; }'],
  // What is shown: once, in its order, by whoever reads it first; also what is shown of sets.
  [`let x = import ../f.nix; s = builtins.trace; a = s "a" (x + 0); b = s "b" (a * 0); c = s "c" (b + a); in [ (if x == 2 then c else b) (if x == 3 then a else c) b c (s "\${toString x}" a) ]`,
    '1', '2', '3', '1', '2'],
  [`let x = import ../f.nix; s = builtins.trace; a = s "a" x; b = if a > 1 then s "b" 1 else 2; c = map (n: s "c\${toString n}" (b + n)) [ 1 2 ]; in [ (if x > 2 then c else [ ]) b c (if x == 2 then a else b) ]`,
    '1', '2', '3', '4', '1'],
  // Scopes.
  [`let f = import ../f.nix; g = s: with s; with f.t; [ a (b + 0) ]; in [ (g { a = 1; b = 2; }) (g f.s) (with f.s; a) ]`,
    '{ s = { a = 3; b = 4; }; t = { }; }', '{ s = { a = 3; b = 4; }; t = { b = 5; }; }', '{ s = { a = 6; b = 4; }; t = { a = 1; }; }', '{ s = { a = 3; b = 4; }; t = { }; }'],
  [`let f = import ../f.nix; r = rec { a = 1; b = a + 1; __overrides = f; }; in [ r.a r.b (r.c or 0) ]`, '{ }', '{ a = 2; }', '{ a = 3; c = 4; }', '{ }'],
  // Forty names, some of which come and go.
  [`let f = import ../f.nix; s = builtins.listToAttrs (builtins.genList (i: { name = "n\${toString (i * f.by)}"; value = i; }) 40); in
    [ (builtins.attrNames s) (s.n4 or "none") (builtins.intersectAttrs s { n4 = 1; n8 = 2; }) (removeAttrs s f.names) ((s // f.more).n0) ]`,
  '{ by = 1; names = [ "n1" ]; more = { }; }', '{ by = 2; names = [ "n1" "n2" ]; more = { }; }', '{ by = 2; names = [ ]; more.n0 = 9; }', '{ by = 1; names = [ "n1" ]; more = { }; }'],
];

for (const how of ['resident', 'images'] as const) {
  test(`nothing is stale that a stable program makes: ${how}`, () => {
    for (const [program, ...texts] of programs) {
      using revisions = new Revisions({ 'f.nix': texts[0]!, 'stable/program.nix': program, 'stable/source/a': 'a', 'stable/source/b': 'b' }, how);
      // There and back, and without a change between.
      for (const text of [...texts, texts.at(-1)!, ...texts.toReversed()]) {
        revisions.write({ 'f.nix': text });
        revisions.check('import ./stable/program.nix');
      }
    }
  });
}

test('what is shown of sets tells what was evaluated by then, so only anew', () => {
  const program = `let x = import ./f.nix; t = builtins.trace; y = t { a = 1 + 1; b = throw "never"; l = [ x ]; } (x + 1);
    in [ y (t [ y (1 + y) ] y) (t [ ] y) (t x y) ]`;
  using revisions = new Revisions({ 'f.nix': '1' });
  revisions.check(program);
  assert.throws(() => revisions.revise(encodeUtf8(program)), Unkept);
});

test('what cannot be known again leaves no image', () => {
  const { evaluator } = openSession({}, {}, undefined, true, new Set(['/none']));
  evaluator.evaluateText('{ a = 1; }', '/');
  assert.notEqual(evaluator.machineImage(), undefined);
  evaluator.cannotKeep('what need not have been evaluated');
  assert.equal(evaluator.machineImage(), undefined);
});
