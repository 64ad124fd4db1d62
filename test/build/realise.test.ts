/** Realising: downloads from bad servers, failures and what depends on them, stopping, resuming. */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, afterEach, before, test } from 'node:test';
import { join } from 'node:path';
import { UserError } from '#base';
import { BuiltinRunner, realise, type Substituter } from '#build';
import { chooseMirrors, type Mirrors } from '#debian';
import { outputPlaceholder, type StorePath } from '#formats';
import { LocalStore } from '#store';
import { deadUrl, startServer, truncated, type TestServer } from '../support/http-server.ts';
import { freshBuilds, type Builds, type BuildsOptions } from './derivations.ts';

/** Root in a namespace that may mount: elsewhere a disk is not easily filled. */
const canMount = {
  skip: process.getuid?.() === 0 && spawnSync('sh', ['-c', 'd=$(mktemp -d) && mount -t tmpfs tmpfs $d && umount $d && rmdir $d']).status === 0
    ? false : 'file systems cannot be mounted here',
};

let server: TestServer;
let dead: string;
const open: Builds[] = [];
before(async () => {
  server = await startServer();
  dead = await deadUrl();
});
after(() => server.close());
afterEach(async () => {
  server.files.clear();
  server.requests.length = 0;
  for (const builds of open.splice(0)) await builds.close();
});

function fresh(options: BuildsOptions = {}): Builds {
  const builds = freshBuilds(options);
  open.push(builds);
  return builds;
}

function mirrors(base = `${server.url}/debian`): Mirrors {
  return chooseMirrors({ mirror: base, snapshot: `${server.url}/snapshot` });
}

const text = (builds: Builds, name: string): ReturnType<Builds['add']> =>
  builds.add(name, 'builtin:write-file', { text: name });
/** A build that always fails. */
const broken = (builds: Builds, name: string): ReturnType<Builds['add']> =>
  builds.add(name, 'builtin:write-file', { text: 7 });

test('a file of the archive comes from the mirror', async () => {
  const builds = fresh({ mirrors: mirrors() });
  server.files.set('/debian/pool/main/a/a_1~x+b_all.deb', 'package');
  const fetch = builds.fetch('a.deb', 'mirror://debian/pool/main/a/a_1~x+b_all.deb', 'package', { size: '7' });
  const [path] = await builds.realise([fetch]);
  assert.equal(readFileSync(path as string, 'utf8'), 'package');
  assert.equal(builds.store.queryPathInfo(fetch.out)?.contentAddress?.method, 'flat');
  server.requests.length = 0;
  await builds.realise([fetch]);
  assert.deepEqual(server.requests, []);
});

test('a file that the mirror dropped comes from the snapshot archive, by its index of files', async () => {
  const builds = fresh({ mirrors: mirrors() });
  const hash = '0123456789012345678901234567890123456789';
  server.files.set('/snapshot/mr/binary/a/1%3A2-1/binfiles?fileinfo=1', JSON.stringify({
    result: [{ architecture: 'amd64', hash }],
    fileinfo: { [hash]: [{ name: 'a_2-1_amd64.deb', path: '/pool/main/a/a' }], ['f'.repeat(40)]: [{ name: 'a_2-1_arm64.deb' }] },
  }));
  server.files.set(`/snapshot/file/${hash}`, 'package');
  const fetch = builds.fetch('a.deb', 'mirror://debian/pool/main/a/a_2-1_amd64.deb', 'package', { debianVersion: '1:2-1' });
  await builds.realise([fetch]);
});

test('a file that the mirror dropped comes from the snapshot archive, by the lock\'s dates', async () => {
  const builds = fresh({ mirrors: mirrors(), snapshotDates: ['2026-11-21T02:10:46Z'] });
  server.files.set('/snapshot/archive/debian/20261121T021046Z/pool/main/a/a_2-1_amd64.deb', 'package');
  await builds.realise([builds.fetch('a.deb', 'mirror://debian/pool/main/a/a_2-1_amd64.deb', 'package')]);
});

test('a file that is nowhere: the error says how to update the lock', async () => {
  const builds = fresh({ mirrors: mirrors(), snapshotDates: ['2026-11-21T02:10:46Z'] });
  const fetch = builds.fetch('a.deb', 'mirror://debian/pool/main/a/a_2-1_amd64.deb', 'package', { debianVersion: '2-1' });
  await assert.rejects(builds.realise([fetch]), (error: UserError) => {
    assert.equal(error.code, 'BUILD_FAILED');
    assert.match(error.message, /Cannot find a\.deb on any server; tried http.*\/debian\/pool\/main\/a\/a_2-1_amd64\.deb/);
    assert.equal(error.hint, 'the mirror has dropped it: run firn update to pin the present state of the archive');
    return true;
  });
});

test('a dead mirror, a wrong file, a file cut off', async () => {
  const url = 'mirror://debian/pool/a.deb';
  const deadMirror = fresh({ mirrors: { ...mirrors(`${dead}/debian`), snapshot: dead } });
  await assert.rejects(deadMirror.realise([deadMirror.fetch('a.deb', url, 'package')]), {
    message: new RegExp(`Cannot download ${dead}/debian/pool/a.deb: nothing listens there`), hint: /--mirror URL/,
  });
  const builds = fresh({ mirrors: mirrors() });
  server.files.set('/debian/pool/a.deb', 'wrong!!');
  await assert.rejects(builds.realise([builds.fetch('a.deb', url, 'package')]), {
    message: /The file at .*\/debian\/pool\/a\.deb is not the one wanted: SHA-256 is [0-9a-f]{64}, wanted/,
  });
  const content = 'x'.repeat(100_000);
  server.ranges = false;
  server.files.set('/debian/pool/b.deb', truncated(Buffer.from(content), 60_000));
  const cut = builds.fetch('b.deb', 'mirror://debian/pool/b.deb', content, { size: '100000' });
  await assert.rejects(builds.realise([cut]), { message: /ended after 60000 of 100000 bytes|closed the connection/ });
  server.ranges = true;
  server.files.set('/debian/pool/b.deb', content);
  server.requests.length = 0;
  await builds.realise([cut]);
  assert.deepEqual(server.requests, ['/debian/pool/b.deb bytes=60000-']);
});

test('a second mirror serves what the first does not, and a dead one is not asked again', async () => {
  const both = { debian: [`${dead}/debian`, `${server.url}/debian`], 'debian-security': [], snapshot: undefined };
  const builds = fresh({ mirrors: both });
  for (const name of ['a', 'b', 'c']) server.files.set(`/debian/pool/${name}.deb`, name);
  await builds.realise(['a', 'b', 'c'].map((name) => builds.fetch(`${name}.deb`, `mirror://debian/pool/${name}.deb`, name)));
});

test('another content than a recursive or executable download promises is refused', async () => {
  const builds = fresh();
  server.files.set('/x', 'content');
  const fetch = builds.fetch('x', `${server.url}/x`, 'content', { executable: '1' });
  // The file's own hash is right, but a flat address says nothing of the bit: C++ Nix refuses it too.
  await assert.rejects(builds.realise([fetch]), { message: /must be a regular file that is not executable/ });
  const wrong = builds.fetch('y', `${server.url}/x`, 'other', { executable: '1' });
  await assert.rejects(builds.realise([wrong]), { message: /hash mismatch in fixed-output derivation[^]*specified: sha256-[^]*got: {4}sha256-/ });
});

test('after a failure everything stops; what is finished stays', async () => {
  const builds = fresh();
  const good = text(builds, 'good');
  const bad = broken(builds, 'bad');
  const top = builds.add('top', 'builtin:concat-files', { files: [good.out, bad.out] }, [good, bad]);
  await assert.rejects(builds.realise([top]), {
    code: 'DEPENDENCIES_FAILED', message: `Cannot build '${top.drvPath}'.\nReason: 1 dependency failed.\nOutput paths:\n  ${top.out}`,
  });
  const reason = `Cannot build '${bad.drvPath}'.\nReason: builtin:write-file needs a string as text, but was given 7.`;
  assert.deepEqual(builds.told, [['error', reason]]);
  await assert.rejects(builds.realise([top, bad]), { code: 'BUILD_FAILED', message: reason });
  await assert.rejects(builds.realise([bad]), { code: 'BUILD_FAILED', message: reason });
  assert.equal(builds.store.isValidPath(bad.out), false);
  assert.equal(builds.store.isValidPath(top.out), false);
});

test('keep going: all that does not need what failed, and a report of all failures', async () => {
  const builds = fresh();
  const bad = [broken(builds, 'bad1'), broken(builds, 'bad2')];
  const good = ['good1', 'good2'].map((name) => text(builds, name));
  const needy = builds.add('needy', 'builtin:concat-files', { files: [bad[0]!.out] }, [bad[0]!]);
  const needier = builds.add('needier', 'builtin:concat-files', { files: [needy.out] }, [needy]);
  await assert.rejects(builds.realise([needier, bad[1]!, ...good], { keepGoing: true, jobs: 1 }), (error: UserError) => {
    assert.equal(error.code, 'BUILDS_FAILED');
    assert.equal((error as { failures?: readonly unknown[] }).failures?.length, 2);
    assert.equal(error.message, `build of ${[needier, bad[1]!].map(({ drvPath }) => `'${drvPath}^*'`).sort().join(', ')} failed`);
    const told = builds.told.map(([, text]) => text);
    assert.equal(told.filter((text) => /^Cannot build '.*-bad[12]\.drv'\.\nReason: builtin:write-file needs /.test(text)).length, 2);
    assert.equal(told.filter((text) => /^Cannot build '.*-needier\.drv'\.\nReason: 1 dependency failed\./.test(text)).length, 1);
    assert.equal(told.length, 3);
    return true;
  });
  for (const made of good) assert.ok(builds.store.isValidPath(made.out));
});

test('a full disk: the error says so, and nothing half-written stays', canMount, async () => {
  const builds = fresh();
  const folder = mkdtempSync(join(tmpdir(), 'firn-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder]);
  const store = new LocalStore({ root: folder });
  try {
    const parts = ['a', 'b', 'c'].map((name) => builds.add(name, 'builtin:write-file', { text: name.repeat(400_000) }));
    const drvPaths = parts.map(({ drvPath }) => store.addDerivation(builds.store.readDerivation(drvPath)));
    const builders = [new BuiltinRunner({ mirrors: mirrors(), cacheDirectory: builds.cacheDirectory, threads: 1 })];
    await assert.rejects(realise(store, drvPaths.map((drvPath) => ({ drvPath })), { builders }), {
      message: /The disk is full|no space is left/, hint: /[Ff]ree (some )?space/,
    });
    const valid = parts.filter(({ out }) => store.isValidPath(out)).map(({ out }) => out.slice('/nix/store/'.length));
    const names = readdirSync(store.physicalStoreDirectory).filter((name) => !/\.(drv|links)$/.test(name));
    assert.deepEqual(names.sort(), valid.sort());
    assert.ok(valid.length < parts.length);
  } finally {
    store.close();
    execFileSync('umount', ['-l', folder]);
    rmdirSync(folder);
  }
});

test('an unknown builder, and a derivation for a machine', async () => {
  const builds = fresh();
  await assert.rejects(builds.realise([builds.add('x', 'builtin:nonsense', {})]), { message: /no builder for builtin:nonsense/ });
  await assert.rejects(builds.realise([builds.add('y', '/bin/sh', {})]), { message: /no builder for \/bin\/sh on the system builtin/ });
});

test('Ctrl-C stops at once, leaves a valid store, and the next run goes on', async () => {
  const builds = fresh();
  const content = 'y'.repeat(200_000);
  let hang = true;
  server.files.set('/slow', (request, response) => {
    const start = Number(/\d+/.exec(request.headers.range ?? '0')?.[0]);
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': content.length - start,
      ...(start > 0 ? { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` } : {}),
    });
    if (hang) response.write(content.slice(start, start + 90_000));
    else response.end(content.slice(start));
  });
  const done = text(builds, 'done');
  const slow = builds.fetch('slow', `${server.url}/slow`, content, { size: `${content.length}` });
  const top = builds.add('top', 'builtin:concat-files', { files: [done.out, slow.out] }, [done, slow]);
  const controller = new AbortController();
  const running = builds.realise([top], { signal: controller.signal });
  setTimeout(() => controller.abort(), 400);
  const started = performance.now();
  await assert.rejects(running, { name: 'AbortError' });
  assert.ok(performance.now() - started < 2500);
  assert.ok(builds.store.isValidPath(done.out));
  assert.equal(builds.store.isValidPath(top.out), false);
  const parts = readdirSync(join(builds.cacheDirectory, 'downloads'));
  assert.equal(parts.length, 1);
  hang = false;
  server.requests.length = 0;
  await builds.realise([top]);
  assert.deepEqual(server.requests, ['/slow bytes=90000-']);
});

test('an aborted build leaves no temporary output and no lock', async () => {
  const builds = fresh();
  const controller = new AbortController();
  controller.abort();
  const made = text(builds, 'never');
  await assert.rejects(builds.realise([made], { signal: controller.signal }), { name: 'AbortError' });
  assert.equal(existsSync(builds.store.physicalPath(made.out)), false);
  await builds.realise([made]);
  const names = readdirSync(builds.store.physicalStoreDirectory).filter((name) => !/\.(drv|links)$/.test(name));
  assert.deepEqual(names, [made.out.slice('/nix/store/'.length)]);
});

test('two realisations of the same thing in one store build it once', async () => {
  const builds = fresh();
  let answers = 0;
  server.files.set('/once', (_request, response) => { answers += 1; setTimeout(() => response.end('once'), 50); });
  const fetch = builds.fetch('once', `${server.url}/once`, 'once');
  await Promise.all([builds.realise([fetch]), builds.realise([fetch])]);
  assert.equal(answers, 1);
});

test('a substituter comes before a build, and a plain path comes from it or not at all', async () => {
  const builds = fresh();
  const made = broken(builds, 'only-substituted');
  const asked: string[] = [];
  const substituter: Substituter = {
    name: 'test',
    async substitute(path, store) {
      asked.push(path);
      if (path !== made.out) return false;
      const [other] = await builds.realise([text(builds, 'stand-in')]);
      const measured = builds.store.queryPathInfo(text(builds, 'stand-in').out)!;
      await store.addNar({ ...measured, path }, (async function* nar() { yield* builds.store.narOf(text(builds, 'stand-in').out); })());
      return other !== undefined;
    },
  };
  await builds.realise([made], { substituters: [substituter] });
  assert.deepEqual(asked, [made.out]);
  const absent = '/nix/store/00000000000000000000000000000000-absent' as typeof made.out;
  await assert.rejects(realise(builds.store, [{ path: absent }], { builders: [], substituters: [substituter] }), { code: 'PATH_NOT_VALID' });
});

test('hundreds of derivations are realised with few open files', { skip: process.platform === 'win32' }, () => {
  const child = join(import.meta.dirname, 'many-child.ts');
  const run = spawnSync('sh', ['-c', 'ulimit -n 96; exec "$@"', 'sh', process.execPath,
    '--disable-warning=ExperimentalWarning', child, '150'], { encoding: 'utf8' });
  assert.equal(run.stderr, '');
  assert.equal(run.stdout, 'made\n');
});

test('an impure download needs no hash, and is made anew each time', async () => {
  const builds = fresh();
  server.files.set('/news', 'today');
  const url = `${server.url}/news`;
  const { store } = builds;
  const plain = store.readDerivation(builds.fetch('news', url, 'whatever').drvPath);
  const drvPath = store.addDerivation({
    ...plain, outputs: new Map([['out', { kind: 'impure', method: 'flat', algorithm: 'sha256' } as const]]),
    env: new Map([['name', 'news'], ['url', url], ['out', outputPlaceholder('out')]]),
  });
  const contents = (): string[] => store.allValidPaths().filter((path) => path.endsWith('-news'))
    .map((path) => readFileSync(store.physicalPath(path), 'utf8')).sort();
  const made = { drvPath, out: '/nix/store/none' as StorePath };
  await builds.realise([made]);
  assert.deepEqual(contents(), ['today']);
  server.files.set('/news', 'tomorrow');
  await builds.realise([made]);
  assert.deepEqual(contents(), ['today', 'tomorrow']);
});
