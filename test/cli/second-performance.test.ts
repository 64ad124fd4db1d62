/** What fails on the flat heap is performed again: nobody sees that, but for the words of errors. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { programDigest } from '../../src/host/results/question.ts';
import { firn, folderWith, type Outcome } from '../support/firn.ts';

const folder = folderWith({ 'fails.nix': '{ f = x:\n  x.missing;\n}' });

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Outcome {
  return firn(['nix-instantiate', '--option', 'eval-cache', 'false', '--store', join(folder, 'store'), ...args], {
    cwd: folder, env: { XDG_CACHE_HOME: join(folder, 'cache'), ...env },
  });
}

test('messages and output are shown once', () => {
  const { stdout, stderr, status } = run(['-E', `let
    one = name: builtins.trace "making \${name}" (derivation { inherit name; system = "s"; builder = "/b"; });
  in [ (one "a") (one "b") (throw "at the end") ]`, '-A', '0', '-A', '1', '-A', '2']);
  assert.equal(status, 1);
  assert.deepEqual(stdout.match(/-[ab]\.drv\n/g), ['-a.drv\n', '-b.drv\n']);
  assert.deepEqual(stderr.match(/trace: .*/g), ['trace: making a', 'trace: making b']);
  assert.match(stderr, /error: at the end/);
});

test('errors have frames, as without the flat heap', () => {
  const program = ['--eval', '-E', 'let f = x: x.missing; in builtins.length [ 1 ] + f { }'];
  const { stderr } = run(program);
  assert.match(stderr, /while evaluating the attribute 'missing'\n +at «string»:1:12:/);
  assert.equal(stderr, run(program, { FIRN_FLAT: 'off' }).stderr);
});

test('what does not fit on the flat heap is evaluated without', () => {
  const { stdout, stderr } = run(
    ['--eval', '-E', "builtins.foldl' (a: b: a + b) 0 (builtins.genList (x: x + 1) 2500000)"], { FIRN_HEAP_MB: '300' });
  assert.equal(stdout, '3125001250000\n', stderr);
});

test('a program that only warns is not performed again', () => {
  const { stdout, stderr } = run(['--eval', '-E', 'builtins.warn "careful" 1']);
  assert.equal(stdout, '1\n');
  assert.equal(stderr.match(/careful/g)?.length, 1);
});

test('errors in files whose programs were kept are those of the files', (context) => {
  if (programDigest() === undefined) return context.skip('keeps programs only when its own sources have rested');
  const cache = join(folder, 'programs-cache');
  const evaluate = (number: number, more: readonly string[], env: Readonly<Record<string, string>> = {}): Outcome =>
    firn(['nix-instantiate', '--eval', ...more, '-E', `(import ./fails.nix).f { a = ${number}; }`], {
      cwd: folder, env: { XDG_CACHE_HOME: cache, ...env },
    });
  // The first run is from modules and makes the pack, which counts as another program.
  for (let round = 1; round < 4; round++) evaluate(round, []);
  assert.ok(existsSync(join(cache, 'firn/programs')));
  for (const more of [[], ['--show-trace']]) {
    const { stderr } = evaluate(4, more);
    assert.match(stderr, /fails\.nix:2:3:/);
    assert.equal(stderr, evaluate(4, more, { FIRN_FLAT: 'off' }).stderr);
  }
});
