/**
 * What a thunk made before it meets when it runs again: so what does not depend on a change is not
 * evaluated again, whatever it was made by. Each program makes something in a thunk that reads a file
 * that changes; what is done with it takes a hundred thunks, none of which reads that file.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { revisionCounts } from '#flat';
import { Revisions } from './revised.ts';

const prelude = `
  inherit (builtins) deepSeq elemAt foldl' fromJSON genList head length listToAttrs mapAttrs match seq tail zipAttrsWith;
  x = import ../f.nix;
  work = v: deepSeq (map (i: i + 1) (genList (i: i) 100)) v;
  u = 5; l = [ 7 8 ]; s = { k = 1; };`;

/** By what is made, a program that says `x` where it reads the file. */
const made: Readonly<Record<string, string>> = {
  'a call of one argument': 'let f = v: { r = work v; }; in (seq x (f u)).r',
  'a call of two': 'let f = v: w: { r = work (v + w); }; in (seq x (f u 6)).r',
  'a call of three': 'let f = v: w: z: { r = work (v + w + z); }; in (seq x (f u 6 7)).r',
  'a call of four': 'let f = v: w: z: y: { r = work (v + w + z + y); }; in (seq x (f u 6 7 8)).r',
  'a call of a pattern': 'let f = { k, n ? 3, ... }: { r = work (k + n); }; in (seq x (f (s // { m = u; }))).r',
  'a call of a pattern behind others': 'let f = v: { k, ... }: { r = work (k + v); }; in (seq x (f u s)).r',
  'a call of a functor': 'let f = { __functor = self: v: { r = work v; }; }; in (seq x (f u)).r',
  'a suspended argument': 'let f = v: { r = work v; }; in (seq x (f (u + 1))).r',
  'let': '(seq x (let k = u; r = work k; in { inherit r; })).r',
  'with': '(seq x (with { k = u; }; { r = work k; })).r',
  'a recursive set': '(seq x (rec { k = u; r = work k; })).r',
  'a set': '(seq x { r = work u; }).r',
  'a set that inherits': '(let q = { r = work u; }; in seq x { inherit (q) r; }).r',
  'a set of computed names': '(seq x { ${"r" + "s"} = work u; }).rs',
  'a list': 'head (seq x [ (work u) ])',
  'a function': 'let g = seq x (v: work (v + u)); in map g l',
  'a function with one of its arguments': 'let f = v: w: work (v + w); g = seq x (f u); in map g l',
  'a function with two of its arguments': 'let f = v: w: z: work (v + w + z); g = seq x (f u 3); in map g l',
  'a builtin with one of its arguments': 'let g = seq x (map work); in g l',
  'map': 'seq x (map work l)',
  'mapAttrs': 'seq x (mapAttrs (n: v: work v) s)',
  'zipAttrsWith': 'seq x (zipAttrsWith (n: v: work n) [ s s ])',
  'genList': 'seq x (genList (n: work n) 2)',
  'elements of a known list': 'seq x (map work (genList (n: elemAt l (length l - n - 1)) 2))',
  'joined lists': 'let a = seq x (l ++ [ u ]); in map work a',
  'a shorter list': 'let a = seq x (tail l); in map work a',
  'a merged set': 'let a = seq x (s // { m = 2; }); in mapAttrs (n: v: work v) a',
  'a set of a list': 'let a = seq x (listToAttrs [ { name = "p"; value = u; } ]); in mapAttrs (n: v: work v) a',
  'strings': 'seq x (map work (match "(.)(.)" "ab"))',
  'numbers of two words': 'seq x (map work (fromJSON "[1.5, 2.5]"))',
  'steps of a fold': 'let f = a: n: { r = work (a.r + n); }; in (seq x (foldl\' f { r = 0; } l)).r',
  'a value that is alike': 'let y = if x > 0 then l else [ ]; in map work y',
  'a sum that is alike': 'let y = x - x; f = v: work v; in f y',
};

for (const how of ['resident', 'images'] as const) {
  test(`what was made is met again: ${how}`, () => {
    for (const [what, program] of Object.entries(made)) {
      using revisions = new Revisions({ 'f.nix': '1', 'stable/program.nix': `let${prelude}\nin ${program}` }, how);
      revisions.check('import ./stable/program.nix');
      for (const text of ['2', '3', '1']) {
        revisions.write({ 'f.nix': text });
        // A machine that goes on from an image counts from there.
        const before = how === 'images' ? 0 : revisionCounts().again;
        revisions.check('import ./stable/program.nix');
        const ran = revisionCounts().again - before;
        assert.ok(ran < 30 && (ran > 0 || text === '1'), `${what}, ${text}: ${ran} thunks have run`);
      }
    }
  });
}
