/** Writing to the store by a thread while an evaluation goes on. */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { makeContentAddressedPath, makeTextPath } from '#formats';
import { deleteTree, hashTreeNow, LocalStore, StagingAhead, type PreparedText, type PreparedTree } from '#store';
import { needs } from '../support/foreign.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-ahead-'));
after(() => { deleteTree(scratch); });

let count = 0;
const freshStore = () => new LocalStore({ root: join(scratch, `root${count++}`) });

const namesIn = (store: LocalStore): string[] =>
  readdirSync(store.physicalStoreDirectory).filter((name) => name !== '.links');

function textOf(store: LocalStore, name: string, text: string): PreparedText {
  return { path: makeTextPath(name, text, [], store.storeDirectory), text, references: [] };
}

/** A tree of two files of which one is copied. */
function treeOf(store: LocalStore): PreparedTree {
  const physical = join(scratch, `tree${count++}`);
  mkdirSync(physical);
  writeFileSync(join(physical, 'kept'), 'kept\n');
  writeFileSync(join(physical, 'left-out'), 'left out\n');
  const accepted = new Set(['/kept']);
  const hash = hashTreeNow(physical, 'recursive', 'sha256', (inner) => accepted.has(inner));
  const path = makeContentAddressedPath(
    'tree', { method: 'recursive', hash }, { others: [], self: false }, store.storeDirectory);
  return { path, name: 'tree', physical, accepted, options: { method: 'recursive', algorithm: 'sha256', expected: path } };
}

function addAhead(store: LocalStore, fewPaths = 2) {
  const texts = Array.from({ length: 150 }, (_, at) => textOf(store, `text-${at}`, `text ${at}\n`));
  const tree = treeOf(store);
  const ahead = new StagingAhead(() => store, fewPaths);
  for (const text of texts) ahead.addText(text);
  ahead.addTree(tree);
  return { texts, tree, ahead };
}

test('what was written ahead is registered as it is, and nothing else stays', () => {
  const store = freshStore();
  const { texts, tree, ahead } = addAhead(store);
  const staged = ahead.finish();
  assert.equal(staged.size, 151);
  assert.ok([...staged.values()].every(({ info }) => info !== undefined), 'the thread wrote all of them');
  store.addAll([tree], texts, staged);
  assert.equal(namesIn(store).length, 151);
  assert.equal(readFileSync(store.physicalPath(texts[149]!.path), 'utf8'), 'text 149\n');
  assert.deepEqual(readdirSync(store.physicalPath(tree.path)), ['kept']);
  if (needs('nix-store').skip !== false) return;
  execFileSync('nix-store', ['--store', store.root, '--verify', '--check-contents'], { stdio: 'pipe' });
});

test('few paths start no thread', () => {
  const store = freshStore();
  const { texts, tree, ahead } = addAhead(store, 1000);
  assert.equal(ahead.finish().size, 0);
  store.addAll([tree], texts);
  assert.equal(namesIn(store).length, 151);
});

test('what is valid already is not written', () => {
  const store = freshStore();
  const first = addAhead(store);
  store.addAll([first.tree], first.texts, first.ahead.finish());
  const again = new StagingAhead(() => store, 2);
  for (const text of first.texts) again.addText(text);
  assert.equal(again.finish().size, 0);
});

test('what becomes valid meanwhile is removed where it was written ahead', () => {
  const store = freshStore();
  const { texts, tree, ahead } = addAhead(store);
  const other = new LocalStore({ root: store.root });
  other.addAll([tree], texts);
  store.addAll([tree], texts, ahead.finish());
  assert.equal(namesIn(store).length, 151);
});

test('giving up leaves nothing behind', () => {
  const store = freshStore();
  addAhead(store).ahead.abandon();
  assert.deepEqual(namesIn(store), []);
});

test('a source that changes is reported by who registers it', () => {
  const store = freshStore();
  const tree = treeOf(store);
  writeFileSync(join(tree.physical, 'kept'), 'changed\n');
  const ahead = new StagingAhead(() => store, 0);
  ahead.addTree(tree);
  const staged = ahead.finish();
  assert.equal(staged.get(tree.path)?.info, undefined);
  assert.throws(() => store.addAll([tree], [], staged), /changed/);
  assert.deepEqual(namesIn(store), []);
});

test('a store that cannot be opened is left to who registers', () => {
  const ahead = new StagingAhead(() => { throw new Error('no store'); }, 0);
  ahead.addText(textOf(freshStore(), 'text', 'text\n'));
  assert.equal(ahead.finish().size, 0);
});

test('an instantiation of many derivations writes them ahead, and removes them if it fails', () => {
  const root = join(scratch, `root${count++}`);
  const run = (last: string) => spawnSync(process.execPath, [
    '--disable-warning=ExperimentalWarning', resolve(import.meta.dirname, '../../src/cli/main.ts'),
    'nix-instantiate', '--store', root, '-E', `
      builtins.genList (n: derivation {
        name = "d\${toString n}"; system = "builtin"; builder = if n == 899 then ${last} else "b";
      }) 900`,
  ], { encoding: 'utf8', env: { ...process.env, XDG_CACHE_HOME: join(scratch, 'cache') } });
  const failed = run('throw "no"');
  assert.equal(failed.status, 1, failed.stderr);
  assert.deepEqual(readdirSync(join(root, 'nix/store')).filter((name) => name !== '.links'), []);
  const made = run('"c"');
  assert.equal(made.status, 0, made.stderr);
  assert.equal(made.stdout.trim().split('\n').length, 900);
  assert.equal(readdirSync(join(root, 'nix/store')).filter((name) => name.endsWith('.drv')).length, 900);
});
