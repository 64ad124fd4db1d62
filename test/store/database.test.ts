/** What the user is told when the database cannot be written or read. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { UserError } from '#base';
import { collectGarbage, deleteTree, LocalStore } from '#store';
import { databaseFailure } from '../../src/store/database-failure.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-database-'));
after(() => { deleteTree(scratch); });

/** Root in a namespace that may mount: elsewhere a disk is not easily filled. */
function mounted(place: string): boolean {
  mkdirSync(place);
  return process.getuid?.() === 0
    && spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', place]).status === 0;
}

test('a full disk is named, with the folder and what to do', (context) => {
  const place = join(scratch, 'small');
  if (!mounted(place)) {
    context.skip('file systems cannot be mounted here');
    return;
  }
  try {
    const store = new LocalStore({ root: place });
    const texts = Array.from({ length: 20_000 }, (_, at) => store.storeDirectory + `/${'0'.repeat(32)}-${at}`);
    assert.throws(() => store.database.transaction(() => {
      for (const path of texts) {
        store.database.register([{
          path: path as never, narHash: { algorithm: 'sha256', bytes: new Uint8Array(32) }, narSizeBytes: 1,
          references: [], signatures: [],
        }]);
      }
    }), (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.equal(error.code, 'DISK_FULL');
      assert.match(error.message, /small\/nix\/var\/nix\/db\/db\.sqlite.*KiB are free/);
      assert.match(error.hint ?? '', /[Ff]ree space/);
      return true;
    });
    // The store is as it was, and goes on where there is room.
    assert.deepEqual(store.allValidPaths(), []);
    store.close();
  } finally {
    spawnSync('umount', [place]);
  }
});

test('a read-only disk is named, with how to read the store all the same', (context) => {
  const place = join(scratch, 'read-only');
  if (!mounted(place)) {
    context.skip('file systems cannot be mounted here');
    return;
  }
  try {
    const made = new LocalStore({ root: place });
    const path = made.addTextToStore('text', 'text', []);
    made.close();
    assert.equal(spawnSync('mount', ['-o', 'remount,ro', place]).status, 0);
    assert.throws(() => new LocalStore({ root: place }).queryPathInfo(path), { code: 'STORE_NOT_WRITABLE', hint: /read-only=true/ });
    const store = new LocalStore({ root: place, readOnly: true });
    assert.equal(store.queryPathInfo(path)?.narSizeBytes, 120);
    store.close();
  } finally {
    spawnSync('umount', [place]);
  }
});

test('a file that is no database is said to be damaged', () => {
  const root = join(scratch, 'damaged');
  new LocalStore({ root }).close();
  writeFileSync(join(root, 'nix/var/nix/db/db.sqlite'), 'this is no database'.repeat(1000));
  assert.throws(() => new LocalStore({ root }), { code: 'STORE_DAMAGED' });
});

test('what is registered and is no store path is never taken for a file', async () => {
  for (const name of ['/etc/passwd', `/nix/store/${'0'.repeat(32)}-a/../../x`, `/nix/store/${'0'.repeat(32)}-\0`, '']) {
    const store = new LocalStore({ root: join(scratch, `named-${name.length}`) });
    store.database.run("insert into ValidPaths (path, hash, registrationTime) values (?, 'sha256:0', 0)", name);
    assert.throws(() => store.allValidPaths(), { code: 'STORE_DAMAGED', message: /is no store path/ });
    await assert.rejects(collectGarbage(store), { code: 'STORE_DAMAGED' });
    store.close();
  }
});

test("SQLite's errors have meanings, and others are left alone", () => {
  const codeOf = (errcode: number): string | undefined =>
    databaseFailure('/no/such/file', Object.assign(new Error('x'), { code: 'ERR_SQLITE_ERROR', errcode }))?.code;
  assert.equal(codeOf(13), 'DISK_FULL');
  assert.equal(codeOf(5), 'STORE_BUSY');
  assert.equal(codeOf(8 | (4 << 8)), 'STORE_NOT_WRITABLE');
  assert.equal(codeOf(11), 'STORE_DAMAGED');
  assert.equal(codeOf(26), 'STORE_DAMAGED');
  assert.equal(codeOf(10), 'STORE_DATABASE');
  assert.equal(databaseFailure('/no/such/file', new TypeError('x')), undefined);
});
