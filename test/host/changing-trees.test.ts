/**
 * Trees that change while they are hashed or copied: the store gets what was hashed or nothing, and
 * an error names what changed. A filter, which is asked for each entry, makes the change in between.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync, chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { encodeHex, UserError } from '#base';
import { bytePath, deleteTree, hashTreeNow, LocalStore, type TreeFilter } from '#store';
import { sourcePath, type HashCache, type SourcePath } from '../../src/host/source-paths.ts';
import { needs } from '../support/foreign.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-changing-'));
after(() => { deleteTree(scratch); });
let count = 0;

/** `a` and `c`, files; `b`, a folder with a file; `d`, a link; `more` empty files in `e`. */
function makeTree(more = 0): string {
  const root = join(scratch, `größe-${count++}`);
  mkdirSync(join(root, 'b'), { recursive: true });
  writeFileSync(join(root, 'a'), 'first');
  writeFileSync(join(root, 'b', 'inner'), 'inside');
  writeFileSync(join(root, 'c'), Buffer.alloc(3 << 20, 7));
  symlinkSync('a', join(root, 'd'));
  mkdirSync(join(root, 'e'));
  for (let i = 0; i < more; i++) writeFileSync(join(root, 'e', `${i}`), '');
  return root;
}

function memoryCache(): HashCache {
  const hashes = new Map<string, Uint8Array>();
  return { load: (key) => hashes.get(key), store: (key, hash) => { hashes.set(key, hash); } };
}

const source = (root: string, filter?: TreeFilter, method: 'recursive' | 'git' | 'flat' = 'recursive'): SourcePath =>
  sourcePath({ name: 'tree', physical: root, method, ...(filter === undefined ? {} : { filter }) }, '/nix/store', undefined);

/** What it fails with, which is for the user to read. */
function failure(attempt: () => unknown): UserError {
  try {
    attempt();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  return assert.fail('it should fail');
}

type Change = (root: string) => void;

const replace = (name: string, make: (place: string) => void): Change => (root) => {
  rmSync(join(root, name), { recursive: true });
  make(join(root, name));
};
const makeFile = (place: string) => { writeFileSync(place, 'other'); };
const makeFolder = (place: string) => { mkdirSync(place); };
const makePipe = (place: string) => { assert.equal(spawnSync('mkfifo', [place]).status, 0); };

/** Made when the entry has been listed and let through, and is about to be read. */
const whileHashed: Readonly<Record<string, readonly [entry: string, change: Change, message: RegExp]>> = {
  'a file goes away': ['/a', (root) => { rmSync(join(root, 'a')); }, /größe-\d+\/a'.*[Nn]o such file/],
  'a folder takes a file’s place': ['/a', replace('a', makeFolder), /größe-\d+\/a' changed while it was read/],
  'a link takes a file’s place': [
    '/a', replace('a', (place) => { symlinkSync('/etc/hostname', place); }), /größe-\d+\/a'/],
  'a pipe takes a file’s place': ['/a', replace('a', makePipe), /größe-\d+\/a' changed while it was read/],
  'a file takes a folder’s place': ['/b', replace('b', makeFile), /größe-\d+\/b'.*[Nn]ot a directory/],
  'a folder goes away': ['/b', (root) => { rmSync(join(root, 'b'), { recursive: true }); }, /größe-\d+\/b'/],
  'what is in a folder goes away': ['/b/inner', (root) => { rmSync(join(root, 'b/inner')); }, /größe-\d+\/b\/inner'/],
  'a file takes a link’s place': ['/d', replace('d', makeFile), /größe-\d+\/d'/],
};

for (const [label, [entry, change, message]] of Object.entries(whileHashed)) {
  test(`${label} while the tree is hashed`, label.includes('pipe') ? needs('mkfifo') : {}, () => {
    for (const method of ['recursive', 'git'] as const) {
      const root = makeTree();
      const filter: TreeFilter = (inner) => {
        if (inner === entry) change(root);
        return true;
      };
      // By git's method an entry is looked at again and taken for what it is then: no error, but a
      // hash of what is there.
      if (method === 'recursive') assert.match(failure(() => source(root, filter)).message, message);
      else assertWholeOrFailed(root, () => source(root, filter, method));
    }
  });
}

/** Fails for the user, or answers the hash of the tree as it is now. */
function assertWholeOrFailed(root: string, attempt: () => SourcePath): void {
  let found: SourcePath;
  try {
    found = attempt();
  } catch (error) {
    assert.ok(error instanceof UserError && error.message.includes(root), `${error}`);
    return;
  }
  assert.deepEqual(found.hash, hashTreeNow(bytePath(root), found.options.method, 'sha256'));
}

test('a file that grows before it is read counts with its new size', () => {
  const root = makeTree();
  const found = source(root, (inner) => {
    if (inner === '/a') appendFileSync(join(root, 'a'), ' and more');
    return true;
  });
  assert.deepEqual(found.hash, hashTreeNow(bytePath(root), 'recursive', 'sha256'));
});

/** Made when all is hashed and nothing copied. */
const beforeCopying: Readonly<Record<string, readonly [change: Change, message: RegExp]>> = {
  'another text of the same length': [(root) => { writeFileSync(join(root, 'a'), 'other'); }, /größe-\d+' changed/],
  'a file cut short': [(root) => { truncateSync(join(root, 'c'), 100); }, /größe-\d+' changed/],
  'a file that is gone': [(root) => { rmSync(join(root, 'b/inner')); }, /größe-\d+' changed/],
  'another file': [(root) => { writeFileSync(join(root, 'b/new'), ''); }, /größe-\d+' changed/],
  'a program now': [(root) => { chmodSync(join(root, 'a'), 0o755); }, /größe-\d+' changed/],
  'a tree that is gone': [(root) => { rmSync(root, { recursive: true }); }, /größe-\d+'/],
};

for (const [label, [change, message]] of Object.entries(beforeCopying)) {
  test(`${label} is not copied`, () => {
    for (const method of ['recursive', 'git'] as const) {
      const root = makeTree();
      const found = source(root, undefined, method);
      change(root);
      const store = new LocalStore({ root: join(scratch, `store-${count++}`) });
      assert.match(failure(() => store.addAll([found], [])).message, message);
      assert.equal(store.isValidPath(found.path), false);
      const left = readdirSync(store.physicalStoreDirectory).filter((name) => !name.startsWith('.'));
      assert.deepEqual(left, [], 'what was copied so far is removed');
      store.close();
    }
  });
}

test('a file that comes after a filter was asked stays out', () => {
  const root = makeTree();
  const found = source(root, (inner) => inner !== '/c');
  writeFileSync(join(root, 'b', 'new'), '');
  const store = new LocalStore({ root: join(scratch, `store-${count++}`) });
  store.addAll([found], []);
  assert.deepEqual(readdirSync(store.physicalPath(found.path)).sort(), ['a', 'b', 'd', 'e']);
  assert.deepEqual(readdirSync(join(store.physicalPath(found.path), 'b')), ['inner']);
  store.close();
});

test('a flat file that is no file any more is not copied', () => {
  const root = makeTree();
  const found = source(join(root, 'a'), undefined, 'flat');
  replace('a', makeFolder)(root);
  const store = new LocalStore({ root: join(scratch, `store-${count++}`) });
  assert.match(failure(() => store.addAll([found], [])).message, /größe-\d+\/a' changed/);
  assert.match(failure(() => source(join(root, 'a'), undefined, 'flat')).message, /größe-\d+\/a'/);
  store.close();
});

test('a large tree that changes while another thread hashes it is kept as it was hashed or not at all', () => {
  for (const change of [
    (root: string) => { rmSync(join(root, 'e', '1')); },
    (root: string) => { writeFileSync(join(root, 'e', '1'), 'now with text'); },
    (root: string) => { truncateSync(join(root, 'c'), 5); },
    (root: string) => { writeFileSync(join(root, 'a'), 'other'); },
    replace('a', makeFolder),
  ]) {
    const root = makeTree(2100);
    const filter: TreeFilter = (inner) => {
      if (inner === '/e/2050') change(root);
      return true;
    };
    const cache = memoryCache();
    const look = (): SourcePath => sourcePath({ name: 'tree', physical: root, method: 'recursive', filter }, '/nix/store', cache);
    const store = new LocalStore({ root: join(scratch, `store-${count++}`) });
    try {
      const found = look();
      store.addAll([found], []);
      const copied = hashTreeNow(bytePath(store.physicalPath(found.path)), 'recursive', 'sha256');
      assert.equal(encodeHex(copied.bytes), encodeHex(found.hash.bytes));
    } catch (error) {
      assert.ok(error instanceof UserError && error.message.includes(root), `${error}`);
    }
    store.close();
  }
});
