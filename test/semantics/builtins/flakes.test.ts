/** What `flake.nix` may say: literals, known attributes, and what the inputs may be. */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openSession } from '../evaluate.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-flakes-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const rows: readonly (readonly [string, RegExp])[] = [
  ['{ inputs = builtins.trace "ran" { }; outputs = _: { }; }', /expected a set but got a thunk at .*flake\.nix:1:3/],
  ['{ description = "a" + "b"; outputs = _: { }; }', /expected a string but got a thunk/],
  ['{ outputs = { }; }', /expected a function but got a set/],
  ['{ }', /lacks attribute 'outputs'/],
  ['{ outputs = _: { }; extra = 1; }', /has an unsupported attribute 'extra'/],
  ['let x = 1; in { }', /must be an attribute set/],
  ['{ inputs.a = { url = "path:./a"; follows = "b"; }; outputs = _: { }; }', /both a flake reference and a follows attribute/],
  ['{ inputs.a = { url = "path:./a"; other = "b"; }; outputs = _: { }; }', /unexpected flake input attribute 'other'/],
  ['{ inputs.a.follows = "b"; outputs = _: { }; }', /input 'a' follows a non-existent input 'b'/],
  ['{ inputs.a.follows = "b"; inputs.b.follows = "a"; outputs = _: { }; }', /follow cycle detected: \[.*a.*\]/],
  ['{ inputs.a.url = "path:./a"; outputs = _: { }; }', /path '.*\/a\/flake\.nix' does not exist/],
  ['{ inputs.self.shallow = true; outputs = _: { }; }', /is not in the Nix store/],
  ['{ inputs.a = { type = "git"; url = "/a"; rev = -1; }; outputs = _: { }; }', /flake input attribute 'rev' is a thunk/],
  ['{ inputs.a.flake = "no"; outputs = _: { }; }', /expected a Boolean but got a string/],
];

test('flake.nix is read without being evaluated', () => {
  rows.forEach(([text, expected], index) => {
    const folder = join(scratch, `f${index}`);
    mkdirSync(folder);
    writeFileSync(join(folder, 'flake.nix'), text);
    const { evaluator, output } = openSession({ features: new Set(['flakes']) });
    assert.throws(() => evaluator.evaluateString(`builtins.getFlake ${folder}`, '/'), expected);
    assert.deepEqual(output.filter((line) => line.includes('ran')), []);
  });
});

test('lock files that cannot be', () => {
  const lock = (nodes: object, root = 'root') => JSON.stringify({ version: 7, root, nodes });
  const texts: readonly (readonly [string, RegExp])[] = [
    ['{', /Could not parse '.*flake\.lock'/],
    ['{ "version": 99 }', /has unsupported version 99/],
    [lock({}), /has no root node/],
    [lock({ root: { inputs: { a: 'b' } } }), /lock file references missing node 'b'/],
    [lock({ root: { inputs: { a: 'root' } } }), /lock file contains cycle to root node/],
    [lock({ root: { inputs: { a: 'a' } }, a: { locked: { type: 'git', url: 'https://example.org' } } }),
      /Lock file contains unlocked input/],
    [lock({ root: { inputs: { a: 'a' } }, a: {} }), /attribute 'locked' missing in lock file/],
  ];
  texts.forEach(([text, expected], index) => {
    const folder = join(scratch, `l${index}`);
    mkdirSync(folder);
    writeFileSync(join(folder, 'flake.nix'), '{ outputs = _: { }; }');
    writeFileSync(join(folder, 'flake.lock'), text);
    const { evaluator } = openSession({ features: new Set(['flakes']) });
    assert.throws(() => evaluator.evaluateString(`builtins.getFlake ${folder}`, '/'), expected);
  });
});
