/**
 * Programs in which very much depends on each other, evaluated again after a change: as deep as
 * evaluating anew can go, without V8's stack giving out or being taken down frame by frame.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { DeepWork } from './deep-revisions-worker.ts';

/** As that of the evaluator's thread. */
const stackMegabytes = 768;

function evaluate(workerData: DeepWork): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./deep-revisions-worker.ts', import.meta.url), {
      workerData, resourceLimits: { stackSizeMb: stackMegabytes },
    });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

const texts = ['1', '1 ', '2', 'throw "x"', '3', '{ }.a', '1'];
const after = (of: (x: number) => number): string[] =>
  texts.map((text) => (text.startsWith('throw') ? 'error: x' : text === '{ }.a' ? "error: attribute 'a' missing" : `${of(Number(text))}`));

const many = 80_000;
const few = 2_000;
const sum = (count: number): number => count * (count - 1) / 2;

const deep: readonly (readonly [what: string, program: string, of: (x: number) => number, maxCallDepth?: number])[] = [
  ['steps of a fold that wait for each other',
    `let x = import ./f.nix; in (builtins.foldl' (a: n: { v = a.v + n; }) { v = x; } (builtins.genList (n: n) ${many})).v`,
    (x) => x + sum(many)],
  ['calls within calls', `let x = import ./f.nix; f = n: if n == 0 then x else 1 + f (n - 1); in f ${many}`, (x) => x + many, 2 * many],
  ['elements made of the one before',
    `let x = import ./f.nix; l = builtins.genList (n: if n == 0 then x else builtins.elemAt l (n - 1) + 1) ${few}; in builtins.elemAt l ${few - 1}`,
    (x) => x + few - 1],
  ['attempts within attempts, and what builtins of another layer read',
    `let
      x = import ./f.nix;
      l = builtins.genList (n: if n == 0 then x else
        let t = builtins.tryEval (builtins.elemAt l (n - 1) + builtins.compareVersions "2" (toString n)); in if t.success then t.value else throw "x") ${few};
    in builtins.elemAt l ${few - 1} + ${few - 3}`,
    (x) => x + 1],
  ['sets within sets', `let x = import ./f.nix; go = n: if n == 0 then x else { s = go (n - 1); }.s; deep = n: if n == 0 then [ x ] else [ (deep (n - 1)) ];
    in builtins.deepSeq (deep ${few}) (go ${few})`, (x) => x],
];

for (const [what, program, of, maxCallDepth = 10_000] of deep) {
  test(what, async () => {
    assert.deepEqual(await evaluate({ program, texts, maxCallDepth }), after(of));
  });
}
