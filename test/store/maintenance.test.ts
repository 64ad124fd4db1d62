/** Roots and collection, verification, export and import; with C++ Nix where it is installed. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { StorePath } from '#formats';
import {
  addIndirectRoot, collectGarbage, deletePaths, deleteTree, exportPaths, findRoots, importPaths, LocalStore, verifyStore,
} from '#store';
import { needs } from '../support/foreign.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-maintenance-'));
after(() => { deleteTree(scratch); });

let count = 0;
function freshStore(): LocalStore {
  return new LocalStore({ root: join(scratch, `root${count++}`) });
}

/** A chain of three: each text refers to the one before. */
function chain(store: LocalStore): [StorePath, StorePath, StorePath] {
  const a = store.addTextToStore('a', 'a', []);
  const b = store.addTextToStore('b', a, [a]);
  const c = store.addTextToStore('c', b, [b]);
  // Else they would be kept as long as this process lives.
  store.releaseTemporaryRoots();
  return [a, b, c];
}

const linkName = () => join(scratch, `result${count++}`);

test('what a root needs is kept, the rest and leftovers are deleted', async () => {
  const store = freshStore();
  const [a, b, c] = chain(store);
  addIndirectRoot(store, b, linkName());
  writeFileSync(join(store.physicalStoreDirectory, `${'7'.repeat(32)}-leftover`), 'x');
  const { paths } = await collectGarbage(store);
  assert.deepEqual([...paths].sort(), [c, `/nix/store/${'7'.repeat(32)}-leftover`].sort());
  assert.deepEqual(store.allValidPaths(), [a, b].sort());
  assert.equal(existsSync(store.physicalPath(c)), false);
});

test('removing or moving the link lets the path go', async () => {
  const store = freshStore();
  const [a, , c] = chain(store);
  const link = linkName();
  addIndirectRoot(store, c, link);
  assert.equal(readFileSync(link, 'utf8'), readFileSync(store.physicalPath(c), 'utf8'));
  addIndirectRoot(store, a, link);
  assert.deepEqual([...findRoots(store).values()].filter((path) => path === a).length > 0, true);
  await collectGarbage(store);
  assert.deepEqual(store.allValidPaths(), [a]);
  unlinkSync(link);
  await collectGarbage(store);
  assert.deepEqual(store.allValidPaths(), []);
});

test('a root never takes the place of a file that is no link into the store', () => {
  const store = freshStore();
  const [a] = chain(store);
  const link = linkName();
  writeFileSync(link, 'mine');
  assert.throws(() => addIndirectRoot(store, a, link), { code: 'ROOT_IN_THE_WAY' });
  assert.equal(readFileSync(link, 'utf8'), 'mine');
});

test('a limit stops the collector early', async () => {
  const store = freshStore();
  chain(store);
  const { paths } = await collectGarbage(store, { maximumFreedBytes: 1 });
  assert.equal(paths.length, 1);
});

test('a path that something needs is not deleted', async () => {
  const store = freshStore();
  const [a, b, c] = chain(store);
  await assert.rejects(deletePaths(store, [a]), { code: 'PATH_ALIVE' });
  const link = linkName();
  addIndirectRoot(store, c, link);
  await assert.rejects(deletePaths(store, [a, b, c]), { code: 'PATH_ALIVE' });
  unlinkSync(link);
  await deletePaths(store, [a, b, c]);
  assert.deepEqual(store.allValidPaths(), []);
});

test('verification finds changed and missing paths', async () => {
  const store = freshStore();
  const [a, b] = chain(store);
  chmodSync(store.physicalPath(a), 0o644);
  writeFileSync(store.physicalPath(a), 'changed');
  const changed = await verifyStore(store, { checkContents: true });
  assert.deepEqual(changed.damaged, [a]);
  const lone = store.addTextToStore('lone', 'l', []);
  rmSync(store.physicalPath(lone));
  const missing = await verifyStore(store);
  assert.deepEqual(missing.forgotten, [lone]);
  assert.equal(store.isValidPath(b), true);
});

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function exported(store: LocalStore, paths: StorePath[]): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of exportPaths(store, paths)) pieces.push(piece);
  return Buffer.concat(pieces);
}

test('an export is imported; a damaged one is refused', async () => {
  const from = freshStore();
  const paths = chain(from);
  const bytes = await exported(from, paths);
  const to = freshStore();
  assert.deepEqual(await importPaths(to, once(bytes)), paths);
  assert.deepEqual(to.queryPathInfo(paths[2])?.references, [paths[1]]);
  await assert.rejects(importPaths(freshStore(), once(bytes.subarray(0, bytes.length - 9))), { code: 'BAD_EXPORT' });
  await assert.rejects(importPaths(freshStore(), once(bytes.subarray(8))), { code: 'BAD_EXPORT' });
});

test('exports go both ways with C++ Nix', needs('nix-store'), async () => {
  const from = freshStore();
  const paths = chain(from);
  const root = join(scratch, `root${count++}`);
  const ours = await exported(from, paths);
  execFileSync('nix-store', ['--store', root, '--import'], { input: ours, stdio: ['pipe', 'ignore', 'ignore'] });
  const theirs = execFileSync('nix-store', ['--store', root, '--export', ...paths]);
  assert.deepEqual(theirs, ours);
});

test('C++ Nix keeps what our roots keep, and the other way round', needs('nix-store'), async () => {
  const store = freshStore();
  const [a, b] = chain(store);
  addIndirectRoot(store, a, linkName());
  store.close();
  execFileSync('nix-store', ['--store', store.root, '--gc'], { stdio: 'ignore' });
  const again = new LocalStore({ root: store.root });
  assert.deepEqual(again.allValidPaths(), [a]);
  chain(again);
  const link = linkName();
  again.close();
  execFileSync('nix-store', ['--store', store.root, '--add-root', link, '--realise', b], { stdio: 'ignore' });
  assert.equal(readlinkSync(link), b);
  const last = new LocalStore({ root: store.root });
  await collectGarbage(last);
  assert.deepEqual(last.allValidPaths(), [a, b].sort());
});
