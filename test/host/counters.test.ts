/**
 * How much work fixed programs are, in counts that are the same on every machine: a regression of
 * the evaluator shows as a difference. `FIRN_ACCEPT=1` writes the counts as they are now.
 */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { forceDeep, resetCounters } from '#runtime';
import { workDone } from '../../src/host/worker/statistics.ts';
import { firn, folderWith } from '../support/firn.ts';
import { openSession } from '../semantics/evaluate.ts';

const expectedFile = new URL('./counters.json', import.meta.url);

const programs: Readonly<Record<string, string>> = {
  'function in a loop': 'builtins.foldl\' (a: b: a + b) 0 (builtins.genList (n: n * 2) 1000)',
  'lazy recursion': 'let fib = n: if n < 2 then n else fib (n - 1) + fib (n - 2); in fib 15',
  'merging sets': 'builtins.foldl\' (all: n: all // { "a${toString n}" = n; }) { } (builtins.genList (n: n) 200)',
  'fixed point with overlays': `
    let
      fix = f: let x = f x; in x;
      extends = over: f: final: let prev = f final; in prev // over final prev;
      base = final: { a = 1; b = final.a + 1; c = final.b + final.a; };
      over = n: final: prev: { a = prev.a + n; "x\${toString n}" = final.c; };
    in fix (builtins.foldl' (f: n: extends (over n) f) base (builtins.genList (n: n) 30))`,
  'formals with defaults': `
    let f = { a, b ? a + 1, c ? b + 1, ... }@all: a + b + c + builtins.length (builtins.attrNames all);
    in map (n: f { a = n; d = n; }) (builtins.genList (n: n) 200)`,
  'with and inherit': `
    let lib = { inc = n: n + 1; twice = f: n: f (f n); }; inherit (lib) twice;
    in map (n: with lib; twice inc n) (builtins.genList (n: n) 200)`,
  'strings': 'builtins.concatStringsSep "," (map (n: "${toString n}-${builtins.substring 0 2 (toString (n * 7))}") (builtins.genList (n: n) 300))',
  'regular expressions': 'map (builtins.split "(a|ab)(c|bcd)*") (builtins.genList (n: "xabcdab${toString n}c") 20)',
};

function countsOf(program: string): Readonly<Record<string, number>> {
  const { evaluator } = openSession();
  resetCounters();
  forceDeep(evaluator.evaluateString(program, '/'));
  return workDone();
}

test('the work for fixed programs is what it was', () => {
  // Once without counting: what is made for all evaluators belongs to none of the programs.
  Object.values(programs).forEach(countsOf);
  const counts = Object.fromEntries(Object.entries(programs).map(([name, text]) => [name, countsOf(text)]));
  if (process.env['FIRN_ACCEPT'] !== undefined) writeFileSync(expectedFile, `${JSON.stringify(counts, undefined, 2)}\n`);
  assert.deepEqual(counts, JSON.parse(readFileSync(expectedFile, 'utf8')));
});

test('NIX_SHOW_STATS=1 prints the counts under C++ Nix’s names', () => {
  const { stdout, stderr } = firn(
    ['nix-instantiate', '--eval', '-E', 'map (n: n + 1) [ 1 2 ]', '--strict'], { env: { NIX_SHOW_STATS: '1' } });
  assert.equal(stdout, '[ 2 3 ]\n');
  const shown = JSON.parse(stderr) as Record<string, number>;
  for (const name of ['cpuTime', 'nrThunks', 'nrFunctionCalls', 'nrPrimOpCalls', 'nrLookups', 'nrOpUpdates']) {
    assert.equal(typeof shown[name], 'number', name);
  }
  assert.equal(shown['nrFunctionCalls'], 2);
});

test('NIX_SHOW_STATS_PATH takes the counts to a file', () => {
  const folder = folderWith({});
  const evaluate = (path: string) => firn(
    ['nix-instantiate', '--eval', '-E', '1'], { env: { NIX_SHOW_STATS: '1', NIX_SHOW_STATS_PATH: path } });
  const outcome = evaluate(`${folder}/counts.json`);
  assert.deepEqual(outcome, { status: 0, stdout: '1\n', stderr: '' });
  assert.equal(typeof JSON.parse(readFileSync(`${folder}/counts.json`, 'utf8')).nrThunks, 'number');
  const failed = evaluate(`${folder}/none/counts.json`);
  assert.equal(failed.status, 1);
  assert.match(failed.stderr, /error: cannot write the statistics to/);
});
