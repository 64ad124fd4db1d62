/** The thread pool: reuse, errors that keep their class, stopping. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { UserError } from '#base';
import { createWorkerPool } from '#build';

const pool = createWorkerPool(2);
after(() => pool.close());
const module = new URL('./worker-pool-task.ts', import.meta.url);

test('more tasks than threads, each answered', async () => {
  const answers = await Promise.all(Array.from({ length: 9 }, (_, n) => pool.run<{ double: number; thread: number }>(module, { do: 'double', n })));
  assert.deepEqual(answers.map((answer) => answer.double), [0, 2, 4, 6, 8, 10, 12, 14, 16]);
  assert.ok(new Set(answers.map((answer) => answer.thread)).size <= 2);
});

test('an error keeps its class, code and hint', async () => {
  await assert.rejects(pool.run(module, { do: 'fail' }), (error: unknown) =>
    error instanceof UserError && error.code === 'TEST' && error.hint === 'a hint' && error.message === 'failed');
  await assert.rejects(pool.run(module, { do: 'throw' }), { name: 'TypeError' });
});

test('a task that runs is stopped, one that waits does not begin, the pool goes on', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const tasks = [1, 2, 3].map(() => pool.run(module, { do: 'spin' }, { signal }));
  setTimeout(() => controller.abort(), 100);
  for (const task of tasks) await assert.rejects(task, { name: 'AbortError' });
  assert.equal((await pool.run<{ double: number }>(module, { do: 'double', n: 21 })).double, 42);
});

test('a thread that dies fails its task, not the pool', async () => {
  await assert.rejects(pool.run(module, { do: 'exit' }), /ended early/);
  assert.equal((await pool.run<{ double: number }>(module, { do: 'double', n: 1 })).double, 2);
});

test('tasks for idle threads go last', async () => {
  const single = createWorkerPool(1);
  const order: number[] = [];
  const task = (n: number, whenIdle: boolean) =>
    single.run<{ double: number }>(module, { do: 'double', n }, { whenIdle }).then(() => { order.push(n); });
  await Promise.all([task(1, false), task(2, true), task(3, true), task(4, false)]);
  assert.deepEqual(order, [1, 4, 2, 3]);
  await single.close();
});
