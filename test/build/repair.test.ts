/** Building again what is valid: to compare it, or to put right what was damaged. */

import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import { join } from 'node:path';
import { BuiltinRunner, realise, repairClosure, repairPath, type RealiseOptions } from '#build';
import { chooseMirrors } from '#debian';
import { isIntact, verifyStore } from '#store';
import { freshBuilds, type Builds } from './derivations.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

function fresh(): { builds: Builds; options: RealiseOptions } {
  const builds = freshBuilds();
  const runner = new BuiltinRunner({
    mirrors: chooseMirrors({ mirror: 'http://127.0.0.1:1/debian' }), cacheDirectory: builds.cacheDirectory, threads: 1,
  });
  open.push(runner, builds);
  return { builds, options: { builders: [runner] } };
}

/** Writes into a valid path, as nobody should. */
function spoil(place: string): void {
  chmodSync(place, 0o644);
  appendFileSync(place, 'spoilt');
  chmodSync(place, 0o444);
}

test('a damaged path, and one that is gone, is made again in its place', async () => {
  const { builds, options } = fresh();
  const { store } = builds;
  const base = builds.add('base', 'builtin:write-file', { text: 'base' });
  const top = builds.add('top', 'builtin:concat-files', { files: [base.out], header: base.out }, [base]);
  const [place = ''] = await builds.realise([top]);
  const info = store.queryPathInfo(base.out);
  const damages: ((place: string) => void)[] = [spoil, (path) => { store.markDamaged(base.out); spoil(path); }];
  for (const damage of damages) {
    damage(store.physicalPath(base.out));
    assert.equal(await isIntact(store, base.out), false);
    assert.deepEqual(await repairClosure(store, [top.out], options), [base.out]);
    assert.ok(await isIntact(store, base.out));
  }
  assert.deepEqual(store.queryPathInfo(base.out)?.narHash, info?.narHash);
  assert.deepEqual(store.queryReferrers(base.out), [top.out]);
  assert.equal(readFileSync(place, 'utf8'), `${base.out}base`);
  spoil(store.physicalPath(base.out));
  const said: string[] = [];
  const { isUnsound } = await verifyStore(store, {
    checkContents: true, say: (text) => said.push(text),
    repair: async (path) => {
      await repairPath(store, path, options);
      return true;
    },
  });
  assert.equal(isUnsound, false);
  assert.match(said.join('\n'), /^path '.*-base' was modified! expected hash 'sha256:[0-9a-z]{52}', got 'sha256:[0-9a-z]{52}'$/);
  assert.ok(await isIntact(store, base.out));
});

test('what nothing makes cannot be repaired', async () => {
  const { builds, options } = fresh();
  const path = builds.store.addTextToStore('source', 'x', []);
  spoil(builds.store.physicalPath(path));
  await assert.rejects(repairPath(builds.store, path, options), { code: 'CANNOT_REPAIR', message: `cannot repair path '${path}'` });
});

test('checking: the same again passes; another result is named, and kept if that is wanted', async () => {
  const { builds, options } = fresh();
  const { store } = builds;
  const made = builds.add('made', 'builtin:write-file', { text: 'made' });
  const check = (keepDifferent: boolean) =>
    realise(store, [{ drvPath: made.drvPath }], { ...options, check: { keepDifferent } });
  await assert.rejects(check(false), { message: /some outputs of '.*-made\.drv' are not valid, so checking is not possible/ });
  const [place = ''] = await builds.realise([made]);
  await check(false);
  // The same as another result of the build: what is registered is not what comes out.
  const other = builds.store.addTextToStore('other', 'another result', []);
  const info = store.queryPathInfo(other)!;
  store.database.register([{ ...store.queryPathInfo(made.out)!, narHash: info.narHash }]);
  await assert.rejects(check(false), { message: new RegExp(`derivation '${made.drvPath}' may not be deterministic: output '${place}' differs$`) });
  assert.equal(existsSync(`${place}.check`), false);
  await assert.rejects(check(true), { message: new RegExp(`output '${place}' differs from '${place}\\.check'`) });
  assert.equal(readFileSync(`${place}.check`, 'utf8'), 'made');
  assert.equal(readFileSync(place, 'utf8'), 'made');
});

test('a program of the user\'s is told of the difference, and another one of each build', async () => {
  const { builds, options } = fresh();
  const made = builds.add('made', 'builtin:write-file', { text: 'made' });
  const told: string[] = [];
  await realise(builds.store, [{ drvPath: made.drvPath }], {
    ...options, whenBuilt: (drvPath, outputs) => {
      assert.ok(builds.store.database.isValid(made.out), 'it is valid for everybody by then');
      told.push(drvPath, ...outputs.values());
    },
  });
  assert.deepEqual(told, [made.drvPath, made.out]);
  const other = builds.store.queryPathInfo(builds.store.addTextToStore('other', 'another', []))!;
  builds.store.database.register([{ ...builds.store.queryPathInfo(made.out)!, narHash: other.narHash }]);
  const hook = join(builds.store.root, 'hook');
  const output = join(builds.store.root, 'said');
  writeFileSync(hook, `#!/bin/sh\necho "$1 $2 $3" > ${output}\n`, { mode: 0o755 });
  await assert.rejects(realise(builds.store, [{ drvPath: made.drvPath }], { ...options, check: { keepDifferent: false, diffHook: hook } }));
  const place = builds.store.physicalPath(made.out);
  assert.equal(readFileSync(output, 'utf8'), `${place} ${place}.check ${made.drvPath}\n`);
});
