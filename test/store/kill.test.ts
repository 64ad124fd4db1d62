/**
 * Killing a process that writes to the store, at random instants: afterwards everything that is
 * registered is there and has the hash that the database says, and the work can be finished.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { deleteTree, LocalStore, verifyStore } from '#store';

const scratch = mkdtempSync(join(tmpdir(), 'firn-kill-'));
after(() => { deleteTree(scratch); });

const writer = new URL('./kill-writer.ts', import.meta.url).pathname;
const rounds = Number(process.env['FIRN_TEST_KILLS'] ?? 12);

/** A repeatable sequence, so that a failure can be found again. */
function* delays(): Generator<number> {
  for (let seed = 42; ; seed = (seed * 1103515245 + 12345) % 2147483648) yield 60 + (seed % 400);
}

test(`a writer killed at ${rounds} instants leaves a store that verifies`, async () => {
  const root = join(scratch, 'root');
  const delay = delays();
  let killedAtWork = 0;
  for (let round = 0; round < rounds; round++) {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', writer, root, String(round)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    await new Promise((resolve) => { setTimeout(resolve, delay.next().value as number); });
    if (child.exitCode === null) killedAtWork++;
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    const store = new LocalStore({ root });
    const { problems } = await verifyStore(store, { checkContents: true });
    assert.deepEqual(problems, [], `round ${round}`);
    store.close();
  }
  assert.ok(killedAtWork > rounds / 2, 'the writer was to be killed while it works');
  const last = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', writer, root, '0', 'finish'], { stdio: 'inherit' });
  const [status] = await once(last, 'exit') as [number];
  assert.equal(status, 0);
  const store = new LocalStore({ root });
  assert.deepEqual((await verifyStore(store, { checkContents: true })).problems, []);
  assert.ok(store.allValidPaths().length >= 40);
});
