/**
 * Source trees hashed on another thread while they are walked: the same hash as by reading the
 * tree alone, and no hash at all for what cannot be read as it was told.
 */

import assert from 'node:assert/strict';
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { encodeHex } from '#base';
import { BackgroundHash, bytePath, deleteTree, hashTreeNow } from '#store';
import { sourcePath, type HashCache } from '../../src/host/source-paths.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-trees-'));
after(() => { deleteTree(scratch); });

/** Large enough for a thread: folders in folders, links, programs, odd names and sizes. */
function makeTree(): string {
  const root = join(scratch, 'tree');
  mkdirSync(join(root, 'a', 'empty'), { recursive: true });
  for (let i = 0; i < 2100; i++) writeFileSync(join(root, 'a', `f${i}`), 'x'.repeat(i % 19));
  writeFileSync(join(root, 'a-b'), Buffer.alloc((1 << 20) + 3, 7));
  writeFileSync(join(root, 'a.b'), Buffer.alloc(1 << 20, 9));
  writeFileSync(join(root, 'größe'), 'é');
  writeFileSync(join(root, 'run'), '#!/bin/sh\n');
  chmodSync(join(root, 'run'), 0o755);
  symlinkSync('nowhere', join(root, 'link'));
  mkdirSync(join(root, 'z', 'deeper', 'still'), { recursive: true });
  writeFileSync(join(root, 'z', 'deeper', 'still', 'refused'), '');
  writeFileSync(join(root, 'z', 'last'), 'last');
  return root;
}

const root = makeTree();
const filter = (inner: string) => !inner.endsWith('/refused');

function memoryCache(): HashCache {
  const hashes = new Map<string, Uint8Array>();
  return {
    load: (key) => hashes.get(key),
    store: (key, hash) => { hashes.set(key, hash); },
  };
}

test('a large tree has the hash that reading it alone gives, filtered or not', () => {
  for (const chosen of [undefined, filter]) {
    const wanted = encodeHex(hashTreeNow(bytePath(root), 'recursive', 'sha256', chosen).bytes);
    const request = {
      name: 'tree', physical: root, method: 'recursive', ...(chosen === undefined ? {} : { filter: chosen }),
    } as const;
    const found = sourcePath(request, '/nix/store', memoryCache());
    assert.equal(encodeHex(found.hash.bytes), wanted);
  }
});

function tell(hash: BackgroundHash, names: readonly string[]): void {
  for (const name of names) {
    const { mode, size } = lstatSync(join(root, name));
    hash.add(Buffer.from(name).toString('latin1'), 0, mode, size);
  }
}

test('the thread hashes what it is told', () => {
  const names = ['a-b', 'a.b', 'größe', 'link', 'run'];
  const hash = new BackgroundHash(bytePath(root));
  tell(hash, names);
  const told = new Set(names.map((name) => `/${bytePath(name)}`));
  const wanted = hashTreeNow(bytePath(root), 'recursive', 'sha256', (inner) => told.has(inner));
  assert.equal(encodeHex(hash.finish()!.bytes), encodeHex(wanted.bytes));
});

const faults: Readonly<Record<string, readonly [name: string, mode: number, size: number]>> = {
  'a file that is gone': ['gone', 0o100644, 3],
  'a file that has grown': ['run', 0o100644, 3],
  'a file that has shrunk': ['run', 0o100644, 300],
};

for (const [label, [name, mode, size]] of Object.entries(faults)) {
  test(`no hash with ${label}`, () => {
    const hash = new BackgroundHash(bytePath(root));
    tell(hash, ['a-b']);
    hash.add(name, 0, mode, size);
    assert.equal(hash.finish(), undefined);
  });
}
