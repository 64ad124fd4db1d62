/** The local store by itself, and together with C++ Nix on the same store. */

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { formatHash, formatPrefixedHash, hashOf } from '#base';
import { parseDerivation, type Derivation, type StorePath } from '#formats';
import { LocalStore, deleteTree, verifyStore } from '#store';
import { needs } from '../support/foreign.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-store-'));
after(() => { deleteTree(scratch); });

let count = 0;
function freshStore(): LocalStore {
  return new LocalStore({ root: join(scratch, `root${count++}`) });
}

/** A folder with every kind of node and a name that is not UTF-8. */
function sampleTree(): string {
  const root = join(scratch, `tree${count++}`);
  mkdirSync(join(root, 'folder/empty'), { recursive: true });
  writeFileSync(join(root, 'folder/file'), 'content\n');
  writeFileSync(join(root, 'program'), '#!/bin/sh\n', { mode: 0o755 });
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x66, 0xff])]), 'x'.repeat(100_000));
  symlinkSync('folder/file', join(root, 'link'));
  return root;
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(Buffer.from(piece));
  return Buffer.concat(all);
}

const nix = (store: LocalStore, program: string, ...args: string[]) =>
  execFileSync(program, ['--store', store.root, ...args], { encoding: 'utf8' }).trim();

/** What stands in the store's folder, the shared files aside. */
function namesIn(store: LocalStore): string[] {
  return readdirSync(store.physicalStoreDirectory).filter((name) => name !== '.links');
}

test('a text has the path that C++ Nix gives it, and is valid afterwards', () => {
  const store = freshStore();
  const path = store.addTextToStore('greeting', 'hello\n', []);
  assert.equal(readFileSync(store.physicalPath(path), 'utf8'), 'hello\n');
  const info = store.queryPathInfo(path);
  assert.equal(info?.narSizeBytes, 120);
  assert.equal(lstatSync(store.physicalPath(path)).mode & 0o777, 0o444);
  assert.equal(lstatSync(store.physicalPath(path)).mtimeMs, 1000);
  assert.equal(store.queryPathFromHashPart(path.slice(11, 43)), path);
});

test('texts of one batch may refer to each other; an unknown reference is refused', () => {
  const store = freshStore();
  const first = store.addTextToStore('first', '1', []);
  const second = store.addTextToStore('second', first, [first]);
  assert.deepEqual(store.closureOf([second]), [first, second].sort());
  assert.deepEqual(store.queryReferrers(first), [second]);
  const unknown = first.replace('first', 'other') as StorePath;
  assert.throws(() => store.addTextToStore('third', '3', [unknown]), { code: 'REFERENCE_NOT_VALID' });
});

test('a tree is copied canonically and gives its NAR back', async () => {
  const store = freshStore();
  const path = store.addTree('tree', sampleTree(), { method: 'recursive', algorithm: 'sha256' });
  const physical = store.physicalPath(path);
  assert.equal(lstatSync(physical).mode & 0o777, 0o555);
  assert.equal(lstatSync(join(physical, 'program')).mode & 0o777, 0o555);
  assert.equal(lstatSync(join(physical, 'folder/file')).mode & 0o777, 0o444);
  assert.equal(lstatSync(join(physical, 'link')).mtimeMs, 1000);
  const nar = await collect(store.narOf(path));
  const info = store.queryPathInfo(path);
  assert.equal(info?.narSizeBytes, nar.length);
  assert.deepEqual(info?.narHash, hashOf('sha256', nar));
});

test('a NAR with the wrong hash leaves nothing behind', async () => {
  const from = freshStore();
  const to = freshStore();
  const path = from.addTree('tree', sampleTree(), { method: 'recursive', algorithm: 'sha256' });
  const info = from.queryPathInfo(path);
  assert.ok(info);
  const wrong = { ...info, narHash: hashOf('sha256', 'other') };
  await assert.rejects(to.addNar(wrong, from.narOf(path)), { code: 'HASH_MISMATCH' });
  await assert.rejects(to.addNar({ ...info, narSizeBytes: 8 }, from.narOf(path)), { code: 'SIZE_MISMATCH' });
  assert.deepEqual(namesIn(to), []);
  await to.addNar(info, from.narOf(path));
  assert.deepEqual(await collect(to.narOf(path)), await collect(from.narOf(path)));
});

test('an output is scanned, made canonical and registered in one step', async () => {
  const store = freshStore();
  const dependency = store.addTextToStore('dependency', 'd', []);
  const unused = store.addTextToStore('unused', 'u', []);
  const path = `/nix/store/${'0'.repeat(32)}-output` as StorePath;
  const physical = store.prepareOutput(path);
  mkdirSync(join(physical, 'bin'), { recursive: true });
  writeFileSync(join(physical, 'bin/run'), `exec ${dependency} ${path}`, { mode: 0o4711 });
  chmodSync(join(physical, 'bin'), 0o700);
  assert.equal(store.isValidPath(path), false);
  const [info] = await store.commitOutputs([{ path, physical }], { candidates: [dependency, unused] });
  assert.deepEqual(info?.references, [path, dependency].sort());
  assert.equal(lstatSync(join(store.physicalPath(path), 'bin/run')).mode & 0o7777, 0o555);
  assert.equal(store.isValidPath(path), true);
});

test('a NAR may refer to an output that is not durable yet', async () => {
  const from = freshStore();
  const to = freshStore();
  const path = `/nix/store/${'0'.repeat(32)}-output` as StorePath;
  for (const store of [from, to]) {
    const physical = store.prepareOutput(path);
    writeFileSync(physical, 'content');
    const soon = await store.commitSoon([{ path, physical }], { candidates: [] });
    if (store === from) await Promise.all([soon.durable, store.flush()]);
  }
  const referring = from.addTextToStore('referring', path, [path]);
  await to.addNar(from.queryPathInfo(referring)!, from.narOf(referring));
  assert.deepEqual(to.closureOf([referring]), [path, referring].sort());
});

test('an output that the check rejects does not become valid', async () => {
  const store = freshStore();
  const path = `/nix/store/${'0'.repeat(32)}-output` as StorePath;
  const physical = store.prepareOutput(path);
  writeFileSync(physical, 'content');
  const check = () => { throw new Error('rejected'); };
  await assert.rejects(store.commitOutputs([{ path, physical }], { candidates: [], check }), /rejected/);
  assert.equal(store.isValidPath(path), false);
  await assert.rejects(
    store.commitOutputs([{ path, physical: `${physical}x` }], { candidates: [] }), { code: 'OUTPUT_MISSING' });
});

test('locks of the same path exclude each other', async () => {
  const store = freshStore();
  const path = `/nix/store/${'1'.repeat(32)}-locked` as StorePath;
  const first = await store.lockPaths([path]);
  let got = false;
  const second = store.lockPaths([path]).then((lock) => { got = true; return lock; });
  await new Promise((resolve) => { setTimeout(resolve, 100); });
  assert.equal(got, false);
  first.release();
  (await second).release();
  assert.deepEqual(namesIn(store), []);
});

test('NAR and hashes of a tree are those of C++ Nix', needs('nix-store', 'nix-hash'), async () => {
  const store = freshStore();
  const tree = sampleTree();
  const path = store.addTree('tree', tree, { method: 'recursive', algorithm: 'sha256' });
  assert.deepEqual(await collect(store.narOf(path)), execFileSync('nix-store', ['--dump', tree]));
  for (const algorithm of ['md5', 'sha1', 'sha512'] as const) {
    const expected = execFileSync('nix-hash', ['--type', algorithm, tree], { encoding: 'utf8' }).trim();
    assert.equal(formatHash(await store.hashTree(tree, 'recursive', algorithm), 'base16'), expected);
  }
});

test('C++ Nix reads and verifies our store', needs('nix-store'), () => {
  const store = freshStore();
  const tree = store.addTree('tree', sampleTree(), { method: 'recursive', algorithm: 'sha256' });
  const text = store.addTextToStore('text', `see ${tree}`, [tree]);
  store.close();
  assert.equal(nix(store, 'nix-store', '-q', '--references', text), tree);
  assert.equal(nix(store, 'nix-store', '-q', '--hash', tree),
    formatPrefixedHash(new LocalStore({ root: store.root }).queryPathInfo(tree)!.narHash, 'nix32'));
  nix(store, 'nix-store', '--verify', '--check-contents');
});

test('we read a store that C++ Nix made', needs('nix-store', 'nix-instantiate'), async () => {
  const root = join(scratch, `root${count++}`);
  const run = (program: string, ...args: string[]) =>
    execFileSync(program, ['--store', root, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  const tree = sampleTree();
  const added = run('nix-store', '--add', tree) as StorePath;
  const drvPath = run('nix-instantiate', '-E',
    `derivation { name = "d"; system = "x"; builder = "\${${tree}}/program"; args = [ "a\\nb" "\\"" ]; outputs = [ "out" "dev" ]; }`,
  ) as StorePath;
  const store = new LocalStore({ root });
  assert.deepEqual(await collect(store.narOf(added)), execFileSync('nix-store', ['--dump', tree]));
  const derivation: Derivation = store.readDerivation(drvPath);
  assert.deepEqual(derivation.args, ['a\nb', '"']);
  assert.deepEqual([...store.queryDerivationOutputs(drvPath).keys()], ['dev', 'out']);
  const other = freshStore();
  const copied = other.addTree(added.slice(44), tree, { method: 'recursive', algorithm: 'sha256' });
  assert.equal(copied, added);
  const source = derivation.inputSources[0] as StorePath;
  assert.equal(other.addTree(source.slice(44), tree, { method: 'recursive', algorithm: 'sha256' }), source);
  assert.equal(other.addDerivation(parseDerivation(readFileSync(store.physicalPath(drvPath), 'latin1'), 'd')), drvPath);
});

test('several processes adding the same paths at once agree', async () => {
  const root = join(scratch, `root${count++}`);
  new LocalStore({ root }).close();
  const source = sampleTree();
  const program = `import { LocalStore } from '#store';
    const store = new LocalStore({ root: ${JSON.stringify(root)} });
    const tree = store.addTree('tree', ${JSON.stringify(source)}, { method: 'recursive', algorithm: 'sha256' });
    for (let i = 0; i < 20; i++) store.addTextToStore('text', 'number ' + i, [tree]);
    store.close();`;
  const results = await Promise.all(Array.from({ length: 4 }, () => new Promise<number | null>((resolve) => {
    execFile(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program], {
      cwd: new URL('../..', import.meta.url).pathname,
    }, (error) => resolve(error === null ? 0 : 1));
  })));
  assert.deepEqual(results, [0, 0, 0, 0]);
  const store = new LocalStore({ root });
  assert.deepEqual((await verifyStore(store, { checkContents: true })).problems, []);
  assert.equal(store.allValidPaths().length, 21);
  assert.equal(namesIn(store).length, 21);
});
