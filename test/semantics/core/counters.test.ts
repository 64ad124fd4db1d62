/** What evaluation of fixed programs costs, counted: a regression shows as a difference. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counters, forceDeep, resetCounters } from '#runtime';
import { openSession } from '../evaluate.ts';

function count(program: string): Record<string, number> {
  const { evaluator } = openSession();
  resetCounters();
  const value = evaluator.evaluateText(program, '/');
  forceDeep(value);
  const { thunksForced, functionCalls, primOpCalls, attributeMerges, mergePlansMade } = counters;
  return { thunksForced, functionCalls, primOpCalls, attributeMerges, mergePlansMade };
}

test('a saturated call of a function of two parameters is one call and no thunk', () => {
  assert.deepEqual(count('let f = a: b: a + b; in f 1 2'), {
    thunksForced: 0, functionCalls: 1, primOpCalls: 0, attributeMerges: 0, mergePlansMade: 0,
  });
});

test('selecting from a known set makes no thunk', () => {
  const program = 'let s = { a = 1; b = 2; }; in builtins.seq s ((x: [ x.a x.b ]) s)';
  // `builtins`, the set, and the second argument of `seq`.
  assert.equal(count(program)['thunksForced'], 3);
});

test('the same merge again goes by its plan', () => {
  const result = count('map (i: { a = i; } // { b = i; }) [ 1 2 3 4 ]');
  assert.equal(result['attributeMerges'], 4);
  assert.equal(result['mergePlansMade'], 1);
});

test('a loop calls its function once per step', () => {
  const result = count("builtins.foldl' (a: b: a + b) 0 (builtins.genList (x: x) 100)");
  assert.equal(result['functionCalls'], 200);
  assert.equal(result['primOpCalls'], 2);
});
