/** What fails on the flat heap is performed again: nobody sees that, but for the words of errors. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { firn, folderWith, type Outcome } from '../support/firn.ts';

const folder = folderWith({});

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
