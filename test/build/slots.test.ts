/** Places for running work: order, weights, aborting. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Slots, type SlotsOptions } from '../../src/build/slots.ts';

const never = new AbortController().signal;

/** Slots whose work ends when it is told to. */
function slots(count: number, options?: SlotsOptions) {
  const places = new Slots(count, options);
  const running = new Map<string, () => void>();
  return {
    running: () => [...running.keys()].join(' '),
    begin(name: string, rank: number, weight = 0, signal = never): Promise<void> {
      return places.run(signal, rank, () => new Promise<void>((end) => running.set(name, end)), weight);
    },
    async end(name: string): Promise<void> {
      running.get(name)?.();
      running.delete(name);
      await new Promise(setImmediate);
    },
  };
}

test('the highest rank goes first, of equals the one that came first', async () => {
  const { begin, end, running } = slots(1);
  for (const [name, rank] of [['a', 0], ['b', 1], ['c', 5], ['d', 1]] as const) void begin(name, rank);
  await end('');
  for (const name of ['a', 'c', 'b', 'd']) {
    assert.equal(running(), name);
    await end(name);
  }
});

test('where enough runs by weight, two places are taken and no more', async () => {
  const { begin, end, running } = slots(8, { enough: 100 });
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) void begin(name, 0, name === 'a' ? 120 : 20);
  await end('');
  assert.equal(running(), 'a b');
  await end('b');
  assert.equal(running(), 'a c');
  await end('a');
  assert.equal(running(), 'c d e f');
});

test('what waits can be aborted and takes no place', async () => {
  const { begin, end, running } = slots(1);
  const controller = new AbortController();
  void begin('a', 0);
  const aborted = begin('b', 1, 0, controller.signal);
  void begin('c', 0);
  await end('');
  controller.abort();
  await assert.rejects(aborted, { name: 'AbortError' });
  await end('a');
  assert.equal(running(), 'c');
});
