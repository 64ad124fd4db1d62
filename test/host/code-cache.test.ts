/** The cache of emitted code: what each of several runs finds and leaves. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { DiskCodeCache } from '../../src/host/code-cache.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-code-cache-'));
after(() => { rmSync(scratch, { recursive: true }); });

const sum = '(a) => ((b) => a + b)(20)';

function opened(name: string): DiskCodeCache {
  const cache = DiskCodeCache.open(join(scratch, name));
  assert(cache !== undefined);
  return cache;
}

function databaseOf(name: string): string {
  const directory = join(scratch, name);
  return join(directory, readdirSync(directory).find((one) => one.endsWith('.sqlite'))!);
}

/** Runs the code as one process would; returns what was found. */
function runOnce(name: string, code = sum): ReturnType<DiskCodeCache['load']> {
  const cache = opened(name);
  const known = cache.load('key');
  if (known === undefined) cache.store('key', code);
  const compiled = cache.compile(known?.code ?? code, 'test.nix', known?.compiled);
  assert.equal(compiled.run(22), 42);
  // The share of a run's time that compiled forms may take is then enough for one.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  cache.close();
  return known;
}

test('the first run leaves the text, the second V8’s form of it, the third uses both', () => {
  assert.equal(runOnce('ripening'), undefined);
  assert.deepEqual(runOnce('ripening'), { code: sum });
  const third = runOnce('ripening');
  assert.equal(third?.code, sum);
  assert(third.compiled instanceof Uint8Array && third.compiled.length > 0);
});

test('a form that V8 refuses is made again', () => {
  // A text of its own, not compiled before: V8 looks at no form of a text that it still remembers.
  const code = `${sum}/* refused */`;
  const cache = opened('refused');
  cache.store('key', code);
  cache.close();
  const database = new DatabaseSync(databaseOf('refused'));
  database.exec('update code set compiled = zeroblob(400)');
  database.close();
  const isBlank = (found: ReturnType<typeof runOnce>) => found?.compiled?.every((byte) => byte === 0);
  assert.equal(isBlank(runOnce('refused', code)), true);
  assert.equal(isBlank(runOnce('refused', code)), false);
});

test('a cache that cannot be opened is done without', () => {
  const file = join(scratch, 'file');
  writeFileSync(file, '');
  assert.equal(DiskCodeCache.open(file), undefined);
});

test('a file that is no database is done without', () => {
  opened('broken').close();
  writeFileSync(databaseOf('broken'), 'not a database, but long enough to be read as a header of one');
  assert.equal(DiskCodeCache.open(join(scratch, 'broken')), undefined);
});
