/**
 * The world at fault: a mirror that does not answer, a lock that is no lock, a disk that is full.
 * Each ends with status 1, says what and where, and the remedy; nothing is left half-written.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { firn, folderWith } from '../support/firn.ts';

test('a mirror that does not answer', () => {
  const folder = folderWith({});
  const { status, stderr } = firn(['build', '--mirror', 'http://127.0.0.1:9/debian'], {
    cwd: folder,
    env: { XDG_CACHE_HOME: join(folder, 'cache') },
  });
  assert.equal(status, 1, stderr);
  assert.match(stderr, /127\.0\.0\.1:9/);
  assert.match(stderr, /hint: .*mirror/);
  assert.ok(!existsSync(join(folder, 'firn.lock')), 'a lock was left behind');
});

test('a lock file that is none', () => {
  const folder = folderWith({ 'firn.lock': '{ "version": 1, ' });
  const { status, stderr } = firn(['build'], { cwd: folder });
  assert.equal(status, 1, stderr);
  assert.match(stderr, /firn\.lock/);
  assert.match(stderr, /hint: /);
});

const disk = mkdtempSync(join(tmpdir(), 'firn-full-disk-'));
const canMount =
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk], { stdio: 'ignore' }).status === 0;
after(() => {
  if (canMount) spawnSync('umount', [disk], { stdio: 'ignore' });
  rmSync(disk, { recursive: true, force: true });
});


test('a full disk', { skip: canMount ? false : 'no right to mount a small file system' }, () => {
  const folder = folderWith({ 'big.nix': `builtins.toFile "big" (builtins.concatStringsSep "" (builtins.genList (n: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef") 65536))\n` });
  const root = join(disk, 'root');
  mkdirSync(root);
  const { status, stderr } = firn(
    ['nix-instantiate', '--eval', '--read-write-mode', '--store', root, 'big.nix'],
    { cwd: folder },
  );
  assert.equal(status, 1, stderr);
  assert.match(stderr, /[Nn]o space left/);
  assert.match(stderr, /hint: /);
  const store = join(root, 'nix/store');
  const left = existsSync(store) ? readdirSync(store).filter((name) => /-big$/.test(name)) : [];
  assert.deepEqual(left, [], 'a file was left half-written');
});
