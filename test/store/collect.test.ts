/** Collecting garbage while others use the store: by Firn, by C++ Nix, and each beside the other. */

import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { StorePath } from '#formats';
import {
  addIndirectRoot, collectForSpace, collectGarbage, deletePaths, deleteTree, LocalStore, optimiseStore, verifyStore,
} from '#store';
import { listenForRoots } from '../../src/store/roots-server.ts';
import { needs } from '../support/foreign.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-collect-'));
after(() => { deleteTree(scratch); });
const run = promisify(execFile);

let count = 0;
const freshRoot = (): string => join(scratch, `root${count++}`);
const freshStore = (): LocalStore => new LocalStore({ root: freshRoot() });

/** Another process: adds a text, says its path, and waits until it is killed. */
async function otherProcess(root: string): Promise<{ path: StorePath; end(): Promise<void> }> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', `
    import { LocalStore } from '#store';
    const store = new LocalStore({ root: ${JSON.stringify(root)} });
    console.log(store.addTextToStore('needed', 'needed by another process', []));
    setInterval(() => {}, 1000);`], { cwd: join(import.meta.dirname, '../..'), stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data') as [Buffer];
  return {
    path: line.toString().trim() as StorePath,
    async end() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

test('what a living process made is kept, and collected when it is gone', async () => {
  const root = freshRoot();
  const other = await otherProcess(root);
  const store = new LocalStore({ root });
  const garbage = store.addTextToStore('garbage', 'garbage', []);
  store.releaseTemporaryRoots();
  assert.deepEqual((await collectGarbage(store)).paths, [garbage]);
  await other.end();
  assert.deepEqual((await collectGarbage(store)).paths, [other.path]);
  assert.deepEqual(readdirSync(join(store.stateDirectory, 'temproots')), []);
});

test('C++ Nix keeps what we are making', needs('nix-store'), async () => {
  const root = freshRoot();
  const other = await otherProcess(root);
  execFileSync('nix-store', ['--store', root, '--gc'], { stdio: 'ignore' });
  const store = new LocalStore({ root });
  assert.ok(store.isValidPath(other.path));
  await other.end();
  execFileSync('nix-store', ['--store', root, '--gc'], { stdio: 'ignore' });
  assert.equal(store.isValidPath(other.path), false);
});

test('C++ Nix announces to our collector what it adds meanwhile', needs('nix-store', 'flock'), async () => {
  const store = freshStore();
  const kept: string[] = [];
  const lock = spawn('flock', [join(store.stateDirectory, 'gc.lock'), 'sleep', '30'], { stdio: 'ignore', detached: true });
  const server = await listenForRoots(store.stateDirectory, store.storeDirectory, (path) => kept.push(path));
  try {
    await sleep(200);
    const file = join(scratch, 'added');
    writeFileSync(file, 'added while garbage is collected');
    const { stdout } = await run('nix-store', ['--store', store.root, '--add', file]);
    assert.ok(kept.includes(stdout.trim()), kept.join(' '));
  } finally {
    process.kill(-(lock.pid as number), 'SIGKILL');
    await server.close();
  }
});

test('we announce to the collector of C++ Nix what we add meanwhile', needs('nix-store', 'mkfifo'), async () => {
  const store = freshStore();
  const garbage = store.addTextToStore('garbage', 'garbage', []);
  store.releaseTemporaryRoots();
  const fifo = join(scratch, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const collector = spawn('nix-store', ['--store', store.root, '--gc'], {
    stdio: 'ignore', env: { ...process.env, _NIX_TEST_GC_SYNC: fifo, _NIX_TEST_GC_SYNC_2: fifo },
  });
  const ended = once(collector, 'exit');
  const socket = join(store.stateDirectory, 'gc-socket/socket');
  for (let tries = 0; !existsSync(socket) && tries < 100; tries++) await sleep(50);
  const added = store.addTextToStore('added', 'added while C++ Nix collects', []);
  const release = spawn('sh', ['-c', `while :; do : > '${fifo}'; done`], { stdio: 'ignore' });
  const [status] = await ended as [number];
  release.kill('SIGKILL');
  assert.equal(status, 0);
  assert.equal(store.isValidPath(garbage), false);
  assert.ok(store.isValidPath(added) && existsSync(store.physicalPath(added)));
});

test('roots that come while we collect are kept, with what they need', async () => {
  const store = freshStore();
  const base = store.addTextToStore('base', 'base', []);
  const user = store.addTextToStore('user', base, [base]);
  for (let i = 0; i < 50; i++) store.addTextToStore('garbage', String(i), []);
  store.releaseTemporaryRoots();
  const collecting = collectGarbage(store);
  while (!existsSync(join(store.stateDirectory, 'gc-socket/socket'))) await sleep(1);
  store.addTemporaryRoot(user);
  const { paths } = await collecting;
  assert.deepEqual(store.isValidPath(user), !paths.includes(user));
  assert.ok(!store.isValidPath(user) || store.isValidPath(base), 'never a path without what it refers to');
  assert.deepEqual((await verifyStore(store, { checkContents: true })).problems, []);
});

test('trees that are deeper than a path can name are deleted', async () => {
  const store = freshStore();
  const place = `${store.physicalStoreDirectory}/${'5'.repeat(32)}-deep`;
  mkdirSync(place);
  // 60 folders of 200 characters: 12000, three times as long as a path may be.
  execFileSync('sh', ['-c', `name=${'d'.repeat(200)}; i=0; while [ $i -lt 60 ]; do mkdir $name && cd -P $name || exit 1; i=$((i+1)); done; echo x > file; chmod 555 .`], { cwd: place });
  await collectGarbage(store);
  assert.deepEqual(readdirSync(store.physicalStoreDirectory).filter((name) => name !== '.links'), []);
});

test('garbage is collected when too little room is left', async () => {
  const store = freshStore();
  store.addTextToStore('garbage', 'garbage', []);
  store.releaseTemporaryRoots();
  const never = { minimumFreeBytes: 1, maximumFreeBytes: Number.MAX_SAFE_INTEGER, checkedEverySeconds: 0 };
  await collectForSpace(store, never);
  assert.equal(store.allValidPaths().length, 1);
  await collectForSpace(store, { ...never, minimumFreeBytes: Number.MAX_SAFE_INTEGER });
  assert.equal(store.allValidPaths().length, 0);
});

test('garbage is collected again only when there is less room than the last collection left', async () => {
  const store = freshStore();
  let freeBytes = 100;
  const collect = () => collectForSpace(store, {
    minimumFreeBytes: 1000, maximumFreeBytes: 1001, checkedEverySeconds: 0, freeBytes: () => freeBytes,
  });
  const addGarbage = (): number => {
    store.addTextToStore('garbage', 'garbage', []);
    store.releaseTemporaryRoots();
    return store.allValidPaths().length;
  };
  for (const [free, left] of [[100, 0], [100, 1], [98, 1], [90, 0], [2000, 1]] as const) {
    freeBytes = free;
    assert.equal(addGarbage(), 1);
    await collect();
    assert.equal(store.allValidPaths().length, left, `with ${free} bytes free`);
  }
  store.close();
});

test('files of the same content become one, as C++ Nix has them', needs('nix-store'), async () => {
  const store = freshStore();
  const files = (name: string): StorePath => {
    const folder = join(scratch, name);
    mkdirSync(join(folder, 'sub'), { recursive: true });
    writeFileSync(join(folder, 'sub/a'), 'the same');
    writeFileSync(join(folder, 'program'), 'the same', { mode: 0o755 });
    return store.addTree(name, folder, { method: 'recursive', algorithm: 'sha256' });
  };
  const one = files('one');
  const two = files('two');
  const inode = (path: StorePath, name: string): number => statSync(join(store.physicalPath(path), name)).ino;
  const { filesLinked } = await optimiseStore(store);
  assert.equal(filesLinked, 2);
  assert.equal(inode(one, 'sub/a'), inode(two, 'sub/a'));
  assert.notEqual(inode(one, 'sub/a'), inode(one, 'program'));
  assert.equal((await optimiseStore(store)).filesLinked, 0);
  const links = readdirSync(join(store.physicalStoreDirectory, '.links')).sort();
  execFileSync('nix-store', ['--store', store.root, '--optimise'], { stdio: 'ignore' });
  assert.deepEqual(readdirSync(join(store.physicalStoreDirectory, '.links')).sort(), links);
  assert.deepEqual((await verifyStore(store, { checkContents: true })).problems, []);
  // New files are linked as they come, if that is wanted.
  const linking = new LocalStore({ root: store.root, autoOptimise: true });
  const three = linking.addTextToStore('three', 'the same', []);
  assert.equal(statSync(store.physicalPath(three)).ino, inode(one, 'sub/a'));
  linking.releaseTemporaryRoots();
  addIndirectRoot(store, one, join(scratch, 'link'));
  await collectGarbage(store);
  assert.equal(readFileSync(join(store.physicalPath(one), 'sub/a'), 'utf8'), 'the same');
  await deletePaths(store, [one], { ignoreLiveness: true });
  assert.deepEqual(readdirSync(join(store.physicalStoreDirectory, '.links')), []);
});
