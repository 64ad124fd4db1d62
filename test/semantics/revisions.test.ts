/**
 * Programs that are evaluated again after a change: as evaluating anew would have it, in value,
 * positions and what is shown; and what does not depend on the change is not evaluated.
 */

import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeUtf8 } from '#base';
import { Unkept } from '#flat';
import { forceDeep } from '#runtime';
import { Revisions } from './revised.ts';

function eachWay(name: string, run: (how: 'resident' | 'images') => void): void {
  for (const how of ['resident', 'images'] as const) test(`${name}: ${how}`, () => run(how));
}

/** Modules in little: options by name, definitions merged over a fixed point. */
const modules = `
  let
    fix = f: let x = f x; in x;
    reverse = xs: builtins.genList (n: builtins.elemAt xs (builtins.length xs - n - 1)) (builtins.length xs);
    load = config: m: let v = if builtins.isFunction m then m { inherit config; } else import m { inherit config; };
      in [ v ] ++ builtins.concatMap (load config) (v.imports or [ ]);
    evaluate = m: fix (config:
      let all = reverse (load config m); in
      builtins.mapAttrs (name: definitions: builtins.concatStringsSep "," definitions)
        (builtins.zipAttrsWith (name: sets: builtins.concatLists sets) (map (one: removeAttrs one [ "imports" ]) all)));
    many = builtins.genList (n: { config, ... }: { "unrelated\${toString n}" = [ (builtins.hashString "sha256" (toString n)) ]; }) 60;
  in evaluate ({ config, ... }: { imports = many ++ [ ./host.nix ]; banner = [ "welcome to \${config.name}" ]; base = [ "b" ]; })`;

eachWay('modules over a file run again as far as they depend on it', (how) => {
  using revisions = new Revisions({ 'host.nix': '{ config, ... }: { name = [ "one" ]; }', 'more.nix': '{ ... }: { base = [ "more" ]; }' }, how);
  revisions.check(modules);
  assert.equal(revisions.check(modules).again, 0);
  revisions.write({ 'host.nix': '{ config, ... }: { name = [ "two" ]; }' });
  const { again, value } = revisions.check(modules);
  assert.match(value, /welcome to two/);
  assert.ok(again > 0 && again < 40, `${again} thunks`);
  revisions.write({ 'host.nix': '{ config, ... }: {\n imports = [ ./more.nix ];\n name = [ "two" config.base ];\n new = [ "x" ]; }' });
  revisions.check(modules);
  revisions.write({ 'host.nix': '{ config, ... }: let n = "three"; in { name = [ n ]; }' });
  revisions.check(modules);
});

eachWay('a comment or a line more changes nothing but positions', (how) => {
  const host = '{ a = 1; b = { c = x: x; }; here = __curPos; f = { p, q ? 2 }: p; }';
  using revisions = new Revisions({ 'host.nix': host }, how);
  const where = `let h = import ./host.nix; at = n: s: let p = builtins.unsafeGetAttrPos n s; in [ p.line p.column ];
    in [ (at "a" h) (at "a" (h // { z = 1; })) (at "c" h.b) (at "b" (removeAttrs h [ "a" ])) h.here.line
         (at "p" (builtins.functionArgs h.f)) (builtins.toXML h.b.c) ]`;
  const use = 'let h = import ./host.nix; in [ h.a (h.b.c 2) (h.f { p = 3; }) ]';
  revisions.check(`[ (${where}) (${use}) ]`);
  for (const text of [`\n\n${host}`, `# why\n${host.replace('b =', '\n\n  b =')}`, host.replace('{ a = 1;', '{ z = 0; a = 1;\n'), host]) {
    revisions.write({ 'host.nix': text });
    revisions.check(`[ (${where}) (${use}) ]`);
  }
});

/** Programs with what a file says in turn. */
const staleness: readonly (readonly [program: string, ...texts: string[]])[] = [
  // An element that is taken because the list is known.
  ['let inherit (builtins) elemAt genList; l = import ./f.nix; in builtins.seq (elemAt l 0) [ (genList (n: elemAt l n) 2) (map (x: x) l) ]',
    '[ 1 2 ]', '[ 3 2 ]', '[ 3 2 1 ]', '[ 1 ]', '[ 1 2 ]'],
  ['let inherit (builtins) elemAt; l = import ./f.nix; f = x: { inherit x; }; in builtins.seq (elemAt l 0) [ (f (elemAt l (1 - 1))) ]', '[ 1 ]', '[ 2 ]'],
  ['let inherit (builtins) elemAt genList; f = import ./f.nix; l = [ 1 2 3 ]; in [ (elemAt l 0) (genList (f l elemAt) 2) ]',
    'l: elemAt: n: elemAt l n', 'l: elemAt: n: elemAt l (n + 1)'],
  // What was caught, by several.
  ['let x = import ./f.nix; t = builtins.tryEval x; u = builtins.tryEval x; in [ t u (builtins.tryEval [ x ]).success ]',
    'throw "a"', '1', 'throw "b"', '2'],
  ['let x = import ./f.nix; y = x + 1; in [ (builtins.tryEval y) (if (builtins.tryEval y).success then y else "none") ]', '1', 'throw "a"', '2'],
  ['let x = import ./f.nix; in [ (builtins.tryEval (assert x.a; x.b)) (builtins.tryEval x.b) ]',
    '{ a = false; b = 1; }', '{ a = true; b = throw ""; }', '{ a = true; b = 1; }', '{ a = 1; b = 2; }', '{ a = true; b = 1; }'],
  // Functions that stay and have another body, other parameters, another place.
  ['let f = import ./f.nix; in [ (map f [ 1 2 ]) (builtins.functionArgs f) ]', 'x: x', 'x: x + 1', 'x: { y = x; }', 'let z = 1; in x: z', 'x: x'],
  ['let f = import ./f.nix; in [ (f { a = 1; }) (builtins.functionArgs f) ]', '{ a }: a', '{ a, b ? 2 }: a + b', '{ a, b ? 3 }: a + b', '{ ... }@s: s'],
  ['let f = import ./f.nix; in builtins.genList f 3', 'n: builtins.elemAt [ 1 2 3 ] n', 'n: builtins.elemAt [ 4 5 6 ] n'],
  ['let f = import ./f.nix; in map (f 1) [ 1 2 ]', 'a: b: a + b', 'a: b: a - b', 'a: b: { c = a; }', 'a: b: a + b'],
  // Scopes.
  ['(import ./f.nix) { a = 1; b = 2; }', 's: with s; a', 's: with s; b', 's: with s; with { b = 3; }; [ a b ]', 's: with { a = 0; }; with s; a'],
  ['import ./f.nix', 'let x = 1; y = 2; in { a = x; }', 'let y = 2; x = 1; in { a = x; }', 'let x = 5; in { a = x; }', 'rec { x = 5; a = x; }'],
  ['(import ./f.nix).a', '{ a = 1; ${"b"} = 2; }', '{ ${"a"} = 3; }', 'rec { __overrides = { a = 4; }; a = 1; }', '{ a.b = 1; a.c = 2; }'],
  // Failures, of every kind, and what is right again afterwards.
  ['(import ./f.nix).x', '{ x = 1; }', '{ x = }', '{ x = 2; }', '{ y = 2; }', 'undefined', '{ x = 3; }', '{ x = abort "a"; }', '{ x = 3; }'],
  ['let x = import ./f.nix; in [ x (if x == 1 then throw "one" else "other") ]', '2', '1', '2'],
  ['let a = (import ./f.nix) a; in a.b', 's: { b = 1; }', 's: { b = s.b; }', 's: { b = s.c; c = 2; }'],
  // What is alike: the readers' readers do not see a change.
  ['let x = import ./f.nix; y = if x > 1 then [ "many" ] else [ "one" ]; in [ y (map builtins.stringLength y) ]', '1', '2', '3', '0'],
  ['let x = import ./f.nix; in builtins.toJSON { inherit x; y = builtins.toFile "x" (toString x); }', '1.5', '-0.0', '0.0', '"s"', './f.nix'],
  // What builtins that are not the heap's own read.
  ['let s = import ./f.nix; in [ (builtins.match "(a*)(.*)" s.t) (builtins.fromTOML s.u) (builtins.hashString "md5" s.t) ]',
    '{ t = "aab"; u = "a = 1"; }', '{ t = "b"; u = "a = 1"; }', '{ t = "b"; u = "[x]"; }'],
  // Nested deeply.
  ['let x = import ./f.nix; f = n: if n == 0 then x else 1 + f (n - 1); l = builtins.genList (n: f n) 60; in [ (f 200) l ]', '1', '2', 'throw ""', '3'],
  ['let x = import ./f.nix; l = builtins.foldl\' (a: n: { inherit a; v = a.v + n; }) { v = x; } (builtins.genList (n: n) 300); in l.v', '1', '2'],
  // What is shown: in its order, once.
  ['let x = import ./f.nix; s = t: v: builtins.trace t v; a = s "a" (x + 1); b = s "b" (s "c" a + a); in [ b a (s "d" 1) ]', '1', '2', '2 ', '1'],
  ['let x = import ./f.nix; y = builtins.trace "y" (x > 1); z = builtins.trace "z" (if y then 1 else 2); in [ z y (builtins.warn "w" z) ]', '1', '2', '3', '0'],
  ['import ./f.nix', 'builtins.trace "in the file" 1', 'builtins.trace "in the file"  1', 'builtins.trace "another" 1'],
];

eachWay('nothing is stale', (how) => {
  for (const [program, ...texts] of staleness) {
    // Programs of files that do not change know more of what they read.
    const stable = program.replaceAll('./f.nix', '../f.nix');
    using revisions = new Revisions({ 'f.nix': texts[0]!, 'stable/program.nix': stable }, how);
    // There and back, and without a change between.
    for (const text of [...texts, texts[texts.length - 1]!, ...texts.toReversed()]) {
      revisions.write({ 'f.nix': text });
      revisions.check('import ./stable/program.nix');
      revisions.check(program);
      revisions.check(program);
    }
    for (const text of [...texts, texts[0]!]) {
      revisions.write({ 'f.nix': text });
      revisions.check('import ./stable/program.nix');
    }
  }
});

eachWay('the text itself may change, and another file', (how) => {
  using revisions = new Revisions({ 'a.nix': '{ x = 1; }', 'b/default.nix': '{ y = 2; }' }, how);
  symlinkSync(join(revisions.folder, 'a.nix'), join(revisions.folder, 'link.nix'));
  const texts = ['(import ./a.nix).x + (import ./b).y', '(import ./link.nix).x + (import ./b).y', '{ z = (import ./b).y; }',
    '\n{ z = (import ./b).y; w = [ 1 ]; }', '1', 'throw "x"', '(import ./a.nix).x'];
  for (const text of [...texts, ...texts.toReversed()]) {
    revisions.check(text);
    revisions.write({ 'a.nix': `{ x = ${text.length}; }` });
    revisions.check(text);
    revisions.write({ 'b/default.nix': `{ y = ${text.length}; }` });
    revisions.check(text);
  }
});

test('what cannot be kept is refused', () => {
  const refused: readonly (readonly [program: string, one: string, other: string])[] = [
    ['builtins.scopedImport { } ./f.nix', '1', '2'],
    // What is shown of them is what has been evaluated of them.
    ['builtins.trace { a = import ./f.nix; } 1', '1', '2'],
    ['builtins.trace [ (1 + 1) ] (import ./f.nix)', '1', '2'],
    ['let x = import ./f.nix; y = builtins.trace "y" (throw x); in [ (builtins.tryEval y) (builtins.tryEval y) ]', '"a"', '"b"'],
  ];
  for (const [program, one, other] of refused) {
    using revisions = new Revisions({ 'f.nix': one });
    assert.throws(() => {
      forceDeep(revisions.revise(encodeUtf8(program)));
      revisions.write({ 'f.nix': other });
      revisions.revise(encodeUtf8(program));
    }, Unkept);
  }
});
