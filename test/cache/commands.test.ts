/**
 * The commands around binary caches, and C++ Nix on the other side: each reads what the other
 * wrote and serves.
 */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { LocalStore } from '#store';
import { needs } from '../support/foreign.ts';
import { startServer } from '../support/http-server.ts';
import { keys, scratch, serveFolder } from './paths.ts';

const main = new URL('../../src/cli/main.ts', import.meta.url).pathname;
const secretFile = join(scratch, 'secret');
const publicKey = keys.public;

mkdirSync(join(scratch, 'conf'), { recursive: true });
mkdirSync(join(scratch, 'tree/sub'), { recursive: true });
writeFileSync(secretFile, keys.secret);
writeFileSync(join(scratch, 'conf/nix.conf'), 'substituters =\nsandbox = false\nbuild-users-group =\nexperimental-features = nix-command\n');
writeFileSync(join(scratch, 'tree/sub/file'), 'content\n'.repeat(20_000));
writeFileSync(join(scratch, 'tree/program'), '#!/bin/sh\n', { mode: 0o755 });
symlinkSync('sub/file', join(scratch, 'tree/link'));
writeFileSync(join(scratch, 'ours.nix'), `derivation {
  name = "ours"; system = "builtin"; builder = "builtin:write-file"; __structuredAttrs = true; text = "made of \${./tree}";
}`);

const environment = {
  PATH: process.env['PATH'], HOME: scratch, XDG_CACHE_HOME: join(scratch, 'xdg'), NIX_CONF_DIR: join(scratch, 'conf'),
};

function run(program: string, args: readonly string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: scratch, env: { ...environment, ...env }, encoding: 'utf8', timeout: 120_000,
  });
  return { status, stdout: stdout.trim(), stderr };
}

const node = ['--disable-warning=ExperimentalWarning', main];
const firn = (store: string, ...args: string[]) =>
  run(process.execPath, [...node, ...args], { FIRN_ROOT: join(scratch, store) });

function succeed(outcome: ReturnType<typeof run>): string {
  assert.equal(outcome.status, 0, outcome.stderr);
  return outcome.stdout;
}

const theirs = (store: string, ...args: string[]) =>
  succeed(run('nix', ['--store', join(scratch, store), '--option', 'trusted-public-keys', publicKey, ...args]));

const trusting = ['--option', 'trusted-public-keys', publicKey];

/** Both paths and their contents are what they were, by C++ Nix's own check. */
function assertTheyVerify(store: string): void {
  const outcome = run('nix-store', ['--store', join(scratch, store), '--verify', '--check-contents']);
  assert.equal(outcome.status, 0, outcome.stderr);
  assert.doesNotMatch(outcome.stderr, /modified|disappeared/);
}

test('a cache is written, signed, and read back; a wrong key is refused', () => {
  const path = succeed(firn('a', 'nix-build', '--no-out-link', 'ours.nix'));
  succeed(firn('a', 'nix', 'copy', '--to', `file://${scratch}/written`, '--option', 'secret-key-files', secretFile, path));
  const files = readdirSync(join(scratch, 'written'), { recursive: true }).map(String);
  assert.equal(files.filter((name) => name.endsWith('.narinfo')).length, 2);
  assert.equal(files.filter((name) => name.endsWith('.nar.zst')).length, 2);
  assert.deepEqual(files.filter((name) => name.endsWith('.tmp')), []);
  assert.equal(succeed(firn('b', 'nix-store', '-r', path, '--substituters', `file://${scratch}/written`, ...trusting)), path);
  assert.match(readFileSync(join(scratch, 'b', path), 'utf8'), /^made of \/nix\/store/);
  const refused = firn('c', 'nix', 'copy', '--from', `file://${scratch}/written`, path);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /lacks a signature by a trusted key\n {2}hint: /);
  succeed(firn('c', 'nix', 'copy', '--no-check-sigs', '--from', `file://${scratch}/written`, path));
  // With what is substituted nothing is built.
  const planned = ['--dry-run', '--substituters', `file://${scratch}/written`, ...trusting];
  assert.match(firn('f', 'nix-store', '-r', path, ...planned).stderr,
    /^these 2 paths will be fetched \(0\.00 MiB download, 0\.15 MiB unpacked\):\n( {2}\/nix.*\n){2}$/m);
  const { stderr } = firn('d', 'nix-build', 'ours.nix', ...planned);
  assert.match(stderr, /^this path will be fetched \(0\.00 MiB download, 0\.00 MiB unpacked\):\n {2}\/nix.*-ours$/m);
  assert.doesNotMatch(stderr, /will be built/);
  const built = firn('d', 'nix-build', '--no-out-link', 'ours.nix', '--option', 'substituters', `file://${scratch}/written`, ...trusting);
  assert.equal(succeed(built), path);
  assert.match(built.stderr, /copying path '.*-ours' from 'file:/);
  assert.deepEqual(new LocalStore({ root: join(scratch, 'd') }).queryPathInfo(path as never)?.ultimate, false);
});

test('with nothing configured nothing is asked, and flags say what is wrong', () => {
  const path = '/nix/store/00000000000000000000000000000000-x';
  const outcome = firn('e', 'nix-store', '-r', path);
  assert.equal(outcome.status, 1);
  assert.doesNotMatch(outcome.stderr, /http|cache/);
  assert.match(firn('e', 'nix', 'copy', path).stderr, /Either --to or --from is required/);
  assert.match(firn('e', 'nix', 'copy', '--to', 's3://x', path).stderr, /not the URL of a binary cache/);
  assert.match(firn('e', 'nix', 'copy', '--to', `file://${scratch}/none`, path).stderr, /required, but there is no substituter that can build it/);
  assert.match(firn('e', 'cache', 'serve', '--listen', 'x').stderr, /HOST:PORT/);
});

for (const compression of ['zstd', 'xz', 'br', 'gzip', 'bzip2', 'lz4', 'none']) {
  test(`C++ Nix reads a cache that we write with ${compression}`, needs('nix', 'nix-store'), () => {
    const path = succeed(firn('a', 'nix-build', '--no-out-link', 'ours.nix'));
    const cache = `file://${scratch}/to-them-${compression}`;
    succeed(firn('a', 'nix', 'copy', '--to', `${cache}?compression=${compression}&secret-key=${secretFile}`, path));
    theirs(`they-${compression}`, 'copy', '--from', cache, path);
    assertTheyVerify(`they-${compression}`);
  });
}

test('we read caches that C++ Nix writes, by every compression, from a folder and over HTTP', needs('nix', 'nix-store'), async () => {
  // C++ Nix opens the store that we built in.
  const path = succeed(firn('a', 'nix-build', '--no-out-link', 'ours.nix'));
  for (const compression of ['xz', 'bzip2', 'br', 'gzip', 'zstd', 'none']) {
    const folder = join(scratch, `from-them-${compression}`);
    theirs('a', 'copy', '--to', `file://${folder}?compression=${compression}&secret-key=${secretFile}`, path);
    succeed(firn(`we-${compression}`, 'nix', 'copy', '--from', `file://${folder}`, path, ...trusting));
    assertTheyVerify(`we-${compression}`);
  }
  const server = await startServer();
  after(() => server.close());
  serveFolder(server, join(scratch, 'from-them-xz'));
  const child = spawn(process.execPath, [...node, 'nix-store', '-r', path, '--substituters', server.url, ...trusting], {
    cwd: scratch, env: { ...environment, FIRN_ROOT: join(scratch, 'we-http') }, stdio: 'ignore',
  });
  assert.equal(await new Promise((resolve) => child.on('exit', resolve)), 0);
  assertTheyVerify('we-http');
  const refused = firn('we-not', 'nix', 'copy', '--from', `file://${join(scratch, 'from-them-xz')}`, path);
  assert.match(refused.stderr, /lacks a signature/);
});

test('firn cache serve: C++ Nix and we substitute from it; Ctrl-C ends it in order', needs('nix', 'nix-store'), async () => {
  const path = succeed(firn('a', 'nix-build', '--no-out-link', 'ours.nix'));
  for (const compression of ['none', 'zstd']) {
    const child = spawn(process.execPath, [
      ...node, 'cache', 'serve', '--listen', '127.0.0.1:0', '--secret-key-file', secretFile, '--compression', compression,
    ], { cwd: scratch, env: { ...environment, FIRN_ROOT: join(scratch, 'a') }, stdio: ['ignore', 'pipe', 'inherit'] });
    after(() => { child.kill('SIGKILL'); });
    const url = (await new Promise<Buffer>((resolve) => child.stdout.once('data', resolve))).toString().trim();
    succeed(run('nix-store', ['--store', join(scratch, `served-${compression}`), '-r', path, '--option', 'substituters', url, ...trusting]));
    assertTheyVerify(`served-${compression}`);
    succeed(firn(`we-served-${compression}`, 'nix', 'copy', '--from', url, path, ...trusting));
    for (const [name, status] of [
      ['../../etc/passwd', 404], ['nar/x', 404], ['00000000000000000000000000000000.narinfo', 404], ['nix-cache-info', 200],
    ] as const) assert.equal((await fetch(`${url}/${name}`)).status, status);
    const listing = await (await fetch(`${url}/${path.slice('/nix/store/'.length).split('-')[0]}.ls`)).json() as Record<string, unknown>;
    const tree = JSON.parse(succeed(firn('a', 'nix', 'store', 'ls', '--json', '-R', path))) as Record<string, unknown>;
    // Behind the words that open the archive.
    assert.deepEqual(listing, { root: { ...tree, narOffset: 96 }, version: 1 });
    assert.equal((await fetch(`${url}/nix-cache-info`, { method: 'PUT', body: 'x' })).status, 405);
    const ended = new Promise((resolve) => child.on('exit', resolve));
    child.kill('SIGINT');
    assert.equal(await ended, 0);
  }
});
