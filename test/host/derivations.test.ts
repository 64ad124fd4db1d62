/**
 * Derivations made by the host, compared with those that C++ Nix writes: the same request as Nix
 * code gives the same paths and the same bytes.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { noProgress } from '#base';
import type { StorePath } from '#formats';
import { EvaluationHost } from '../../src/host/evaluation-host.ts';
import { deleteTree, LocalStore } from '#store';
import { needs } from '../support/foreign.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-host-'));
after(() => { deleteTree(scratch); });

let count = 0;
function freshHost(): { host: EvaluationHost; store: LocalStore } {
  const store = new LocalStore({ root: join(scratch, `root${count++}`) });
  const nothing = () => assert.fail('nothing is to be built or fetched here');
  const host = new EvaluationHost({
    storeDirectory: '/nix/store', openStore: () => store, progress: noProgress, environment: {}, currentTime: 1,
    services: { realise: nothing, fetch: nothing, resolveSearchPathEntry: nothing },
  });
  return { host, store };
}

/** What C++ Nix instantiates in a store of its own: the path and the file's content. */
function oracle(expression: string): { drvPath: string; text: string } {
  const root = join(scratch, `root${count++}`);
  const drvPath = execFileSync('nix-instantiate', ['--store', root, '--extra-experimental-features', 'ca-derivations', '-E', expression],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  return { drvPath, text: readFileSync(root + drvPath, 'latin1') };
}

const plain = {
  name: 'd', system: 'x', builder: '/b', args: [] as string[], outputs: ['out'], context: [] as string[],
};
const plainEnv = (more: Record<string, string> = {}) =>
  new Map(Object.entries({ builder: '/b', name: 'd', system: 'x', ...more }));

test('input-addressed, fixed and multiple outputs, as C++ Nix', needs('nix-instantiate'), () => {
  const { host, store } = freshHost();
  const fixed = host.instantiate({
    ...plain, name: 'f', env: plainEnv({ name: 'f', outputHash: '0'.repeat(64), outputHashAlgo: 'sha256', outputHashMode: 'recursive' }),
    fixedOutput: { hashAlgorithm: 'sha256', hash: '0'.repeat(64), mode: 'recursive' },
  });
  const source = host.addTextToStore('t', 'text', []);
  const both = host.instantiate({
    ...plain, args: ['a\n"b"\t\\'], outputs: ['out', 'dev'],
    env: plainEnv({ outputs: 'out dev', src: fixed.outputs.get('out') as string, t: source }),
    context: [`!out!${fixed.drvPath}`, source],
  });
  const top = host.instantiate({
    ...plain, env: plainEnv({ x: `${both.outputs.get('dev')}`, y: both.drvPath }),
    context: [`!dev!${both.drvPath}`, `=${both.drvPath}`],
  });
  host.flush();
  const expected = oracle(`let
    fixed = derivation { name = "f"; system = "x"; builder = "/b"; outputHashMode = "recursive"; outputHashAlgo = "sha256"; outputHash = "${'0'.repeat(64)}"; };
    both = derivation { name = "d"; system = "x"; builder = "/b"; args = [ "a\\n\\"b\\"\\t\\\\" ]; outputs = [ "out" "dev" ]; src = fixed; t = builtins.toFile "t" "text"; };
    in derivation { name = "d"; system = "x"; builder = "/b"; x = both.dev; y = both.drvPath; }`);
  assert.equal(top.drvPath, expected.drvPath);
  assert.equal(readFileSync(store.physicalPath(top.drvPath), 'latin1'), expected.text);
});

test('floating content-addressed outputs and what depends on them, as C++ Nix', needs('nix-instantiate'), () => {
  const { host, store } = freshHost();
  const floating = host.instantiate({
    ...plain, env: plainEnv({ outputHashAlgo: 'sha256', outputHashMode: 'recursive' }),
    contentAddressed: { hashAlgorithm: 'sha256', mode: 'recursive' },
  });
  const top = host.instantiate({
    ...plain, env: plainEnv({ x: floating.outputs.get('out') as string }), context: [`!out!${floating.drvPath}`],
  });
  host.flush();
  const expected = oracle(`derivation { name = "d"; system = "x"; builder = "/b"; x = derivation {
    name = "d"; system = "x"; builder = "/b"; __contentAddressed = true; outputHashMode = "recursive"; outputHashAlgo = "sha256"; }; }`);
  assert.equal(readFileSync(store.physicalPath(top.drvPath), 'latin1'), expected.text);
  assert.equal(top.drvPath, expected.drvPath);
});

test('a filtered source has the path that C++ Nix gives it, from its hash cache too', needs('nix-instantiate'), () => {
  const tree = join(scratch, 'source');
  mkdirSync(join(tree, 'sub'), { recursive: true });
  for (let i = 0; i < 300; i++) writeFileSync(join(tree, 'sub', `f${i}`), `${i}`);
  const old = new Date(Date.now() - 86_400_000);
  utimesSync(tree, old, old);
  const expected = execFileSync('nix-instantiate', ['--eval', '--store', join(scratch, 'o'), '-E',
    `(builtins.filterSource (p: t: baseNameOf p != "f7") ${tree}) + ""`], { encoding: 'utf8' }).trim();
  const { host, store } = freshHost();
  const seen: string[] = [];
  const path = host.addPathToStore('source', tree, {
    recursive: true, filter: (inner, type) => { seen.push(`${inner} ${type}`); return !inner.endsWith('/f7'); },
  });
  assert.equal(JSON.stringify(path), expected);
  assert.equal(seen[0], `${tree}/sub directory`);
  host.flush();
  assert.equal(store.isValidPath(path as StorePath), true);
  assert.throws(() => readFileSync(join(store.physicalPath(path), 'sub/f7')), { code: 'ENOENT' });
});

test('nothing is written before it is needed', () => {
  const { host, store } = freshHost();
  const path = host.addTextToStore('t', 'text', []) as StorePath;
  assert.equal(host.readFile(path), 'text');
  assert.equal(store.isValidPath(path), false);
  assert.equal(host.isValidPath(path), true);
  host.flush();
  assert.equal(store.isValidPath(path), true);
});
