/** Walks over graphs: everything once, in a known order, however deep or circular. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reachable } from '#base';

const graph: Readonly<Record<string, string[]>> = {
  a: ['b', 'c'], b: ['d'], c: ['d', 'a'], d: [], lonely: [],
};

test('what can be reached is found once, the last neighbour first', () => {
  assert.deepEqual([...reachable(['a'], (node) => graph[node]!)], ['a', 'c', 'd', 'b']);
});

test('each node is asked once, though many lead to it', () => {
  // A ladder of diamonds has 2^40 ways from end to end.
  let asked = 0;
  const found = reachable([0], (level) => {
    asked += 1;
    return level < 40 ? [level + 1, level + 1] : [];
  });
  assert.deepEqual([found.size, asked], [41, 41]);
});

test('a long chain needs no stack', () => {
  assert.equal(reachable([0], (node) => (node < 300_000 ? [node + 1] : [])).size, 300_001);
});
