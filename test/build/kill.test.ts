/** Killed at any instant, a build leaves a valid store, and the next run completes it. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sameHash } from '#base';
import type { LocalStore } from '#store';
import { startServer } from '../support/http-server.ts';
import { freshBuilds } from './derivations.ts';
import { makeDeb } from './packages.ts';

const child = new URL('./kill-child.ts', import.meta.url).pathname;

/** Every valid path stands there with the content that the database says. */
async function verify(store: LocalStore): Promise<void> {
  for (const path of store.allValidPaths()) {
    const info = store.queryPathInfo(path);
    const hash = await store.hashTree(store.physicalPath(path), 'recursive', 'sha256');
    assert.ok(info && sameHash(info.narHash, hash), path);
    for (const reference of info.references) assert.ok(store.isValidPath(reference), reference);
  }
}

test('killed at many instants', async () => {
  const server = await startServer();
  const builds = freshBuilds();
  try {
    const trees = await Promise.all(Array.from({ length: 24 }, async (_, n) => {
      const files = Array.from({ length: 40 }, (_unused, i) => ({ name: `./usr/share/p${n}/file${i}`, content: `${n} ${i} `.repeat(2000) }));
      const deb = await makeDeb(files);
      server.files.set(`/${n}.deb`, deb);
      const source = builds.fetch(`p${n}.deb`, `${server.url}/${n}.deb`, deb, { size: `${deb.length}` });
      return builds.add(`p${n}`, 'builtin:unpack-deb', { src: source.out }, [source]);
    }));
    const top = builds.add('top', 'builtin:merge-trees', { trees: trees.map(({ out }) => out) }, trees);
    const run = () => spawn(process.execPath, ['--disable-warning=ExperimentalWarning', child, builds.store.root, top.drvPath], { stdio: 'inherit' });
    for (let i = 0; i < 12; i++) {
      const running = run();
      await sleep(250 + 70 * i);
      running.kill('SIGKILL');
      if (running.exitCode === null && running.signalCode === null) await once(running, 'exit');
      await verify(builds.store);
    }
    const last = run();
    assert.deepEqual(await once(last, 'exit'), [0, null]);
    await verify(builds.store);
    assert.ok(builds.store.isValidPath(top.out));
    assert.equal(readdirSync(join(builds.store.physicalPath(top.out), 'usr/share')).length, 24);
  } finally {
    await builds.close();
    await server.close();
  }
});
