/** Channels, prefetched files and garbage: the commands around profiles, beside C++ Nix's. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { needs } from '../support/foreign.ts';
import { Bench } from './bench.ts';

const bench = new Bench();
const privately = new Bench({ root: true });
after(() => {
  bench.remove();
  privately.remove();
});

for (const { files, folder } of [bench, privately]) {
  files.call({ folder } as Bench, {
    'nixexprs/default.nix': `{ }: { hello = {
      type = "derivation"; name = "hello-1.0"; system = "x86_64-linux"; outPath = builtins.toFile "hello-1.0" "hello"; }; }`,
    'nixexprs/lib/default.nix': '42',
    'plain/one': '1', 'plain/two': '2',
  });
  spawnSync('mkdir', ['channel'], { cwd: folder });
  for (const [name, flag, content] of [['channel/nixexprs.tar.xz', 'J', 'nixexprs'], ['x-1.5.tar.gz', 'z', 'nixexprs']] as const) {
    spawnSync('tar', [`c${flag}f`, name, content], { cwd: folder });
  }
  spawnSync('tar', ['czf', 'two.tgz', '-C', 'plain', 'one', 'two'], { cwd: folder });
}

test('subscriptions are kept in ~/.nix-channels, or where the XDG setting says', async () => {
  const run = (...args: string[]) => bench.ours('nix-channel', args);
  await run('--add', 'http://example.org/nixos-unstable/');
  await run('--add', 'https://example.org/b', 'named');
  assert.equal((await run('--list')).stdout, 'named https://example.org/b\nnixos http://example.org/nixos-unstable\n');
  assert.equal(readFileSync(join(bench.folder, 'home/.nix-channels'), 'utf8'),
    'https://example.org/b named\nhttp://example.org/nixos-unstable nixos\n');
  for (const name of ['named', 'nixos']) assert.equal((await run('--remove', name)).status, 0);
  assert.equal(readFileSync(join(bench.folder, 'home/.nix-channels'), 'utf8'), '');
  const xdg = ['--option', 'use-xdg-base-directories', 'true'];
  await run(...xdg, '--add', 'http://example.org/b');
  assert.equal(readFileSync(join(bench.folder, 'home/.local/state/nix/channels'), 'utf8'), 'http://example.org/b b\n');
  assert.match((await run('--add', 'ftp://x/y')).stderr, /invalid channel URL/);
  assert.match((await run('--add', 'http://x/y', '-z')).stderr, /unrecognised flag '-z'/);
  assert.match((await run('--remove')).stderr, /'--remove' requires one argument/);
});

test('an update makes the channel C++ Nix makes; both then find it without NIX_PATH', needs('nix-channel', 'tar'), async () => {
  const run = (...args: string[]) => bench.ours('nix-channel', args);
  await run('--add', `file://${bench.folder}/channel`, 'nixpkgs');
  const updated = await run('--update');
  assert.equal(updated.status, 0, updated.stderr);
  const profiles = join(bench.folder, process.geteuid?.() === 0
    ? 'state/profiles/per-user/root' : 'home/.local/state/nix/profiles');
  const channel = readlinkSync(join(profiles, 'channels/nixpkgs'));
  // Their release keeps its channels elsewhere; what it unpacks there is the same store path.
  assert.equal(bench.theirs('nix-channel', ['--update']).status, 0);
  const all = readdirSync(join(bench.folder, 'store')).filter((name) => name.endsWith('-nixpkgs'));
  assert.deepEqual(all.map((name) => join(bench.folder, 'store', name, 'nixpkgs')), [channel]);
  assert.equal((await bench.ours('nix-instantiate', ['--eval', '<nixpkgs/lib>'])).stdout, '42\n');
  assert.equal((await bench.ours('nix-env', ['-qaP'])).stdout, 'nixpkgs.hello  hello-1.0\n');
  await bench.ours('nix-env', ['-iA', 'nixpkgs.hello']);
  assert.equal((await bench.ours('nix-env', ['-q'])).stdout, 'hello-1.0\n');
  assert.ok(existsSync(join(bench.folder, 'home/.nix-profile/manifest.nix')));
});

test('a store below a root of its own keeps channels and profiles to itself', needs('tar'), async () => {
  const run = (command: string, ...args: string[]) => privately.ours(command, args);
  await run('nix-channel', '--add', `file://${privately.folder}/channel`, 'nixpkgs');
  await run('nix-channel', '--add', `file://${privately.folder}/x-1.5.tar.gz`, 'other');
  assert.equal((await run('nix-channel', '--update')).status, 0);
  assert.equal((await run('nix-instantiate', '--eval', '<nixpkgs/lib>')).stdout, '42\n');
  assert.equal((await run('nix-env', '-qaP')).stdout, 'nixpkgs.hello  hello-1.0\nother.hello    hello-1.0\n');
  await run('nix-channel', '--remove', 'other');
  assert.match((await run('nix-channel', '--list-generations')).stdout, /^ +1 .*\n +2 .*\(current\)\n$/);
  await run('nix-channel', '--rollback');
  assert.equal((await run('nix-instantiate', '--eval', '<other/lib>')).stdout, '42\n');
  await run('nix-env', '-i', 'hello');
  assert.deepEqual(readdirSync(join(privately.folder, 'home')), ['.nix-profile']);
  assert.ok(readlinkSync(join(privately.folder, 'home/.nix-profile')).startsWith(join(privately.folder, 'root/')));
});

test('profiles of a store that is named hold inside it, and are read from outside', needs('tar'), async () => {
  const root = join(privately.folder, 'mnt');
  const profile = join(root, 'nix/var/nix/profiles/system');
  const run = (command: string, ...args: string[]) => privately.ours(command, ['--store', root, ...args]);
  await run('nix-channel', '--add', `file://${privately.folder}/channel`, 'nixpkgs');
  assert.equal((await run('nix-channel', '--update')).status, 0);
  await run('nix-channel', '--add', `file://${privately.folder}/x-1.5.tar.gz`, 'other');
  assert.equal((await run('nix-channel', '--update', 'other')).status, 0);
  assert.equal((await run('nix-instantiate', '--eval', '<nixpkgs/lib>')).stdout, '42\n');
  await run('nix-env', '-p', profile, '-i', 'hello', '-f', '<nixpkgs>');
  assert.equal(readlinkSync(profile), 'system-1-link');
  assert.match(readlinkSync(`${profile}-1-link`), /^\/nix\/store\/[^/]+-user-environment$/);
  assert.equal((await run('nix-env', '-p', profile, '-q')).stdout, 'hello-1.0\n');
  await run('nix-store', '--gc');
  assert.ok(existsSync(root + readlinkSync(`${profile}-1-link`)));
});

const prefetches: readonly (readonly string[])[] = [
  [], ['--type', 'sha1'], ['--type', 'md5'], ['--type', 'sha512', '--print-path'], ['--unpack'], ['--executable'],
  ['--name', 'other', '--print-path'],
];

for (const flags of prefetches) {
  test(`nix-prefetch-url ${flags.join(' ')} prints what C++ Nix prints`, needs('nix-prefetch-url', 'tar'), async () => {
    for (const name of flags.includes('--unpack') ? ['x-1.5.tar.gz', 'two.tgz'] : ['x-1.5.tar.gz']) {
      const args = [`file://${bench.folder}/${name}`, ...flags];
      const ours = await bench.ours('nix-prefetch-url', args);
      assert.equal(ours.stdout, bench.theirs('nix-prefetch-url', args).stdout, ours.stderr);
      assert.equal(ours.status, 0);
    }
  });
}

test('nix-prefetch-url compares with a hash, and reads what to fetch out of an expression', async () => {
  const url = `file://${bench.folder}/two.tgz`;
  const first = await bench.ours('nix-prefetch-url', [url, '--print-path']);
  const [hash = '', path = ''] = first.stdout.split('\n');
  assert.equal((await bench.ours('nix-prefetch-url', [url, hash, '--print-path'])).stdout, first.stdout);
  const wrong = await bench.ours('nix-prefetch-url', [url, '0'.repeat(52)]);
  assert.match(wrong.stderr, /hash mismatch/);
  assert.notEqual(wrong.status, 0);
  bench.files({ 'source.nix': `{ src = { urls = [ "${url}" ]; outputHashMode = "recursive"; name = "two"; }; }` });
  const unpacked = await bench.ours('nix-prefetch-url', ['-A', 'src', 'source.nix', '--print-path']);
  assert.match(unpacked.stdout, /-two\n$/);
  assert.notEqual(unpacked.stdout.split('\n')[1], path);
  bench.files({ 'mirrors/pkgs/build-support/fetchurl/mirrors.nix': `{ here = [ "file://${bench.folder}" ]; }` });
  const mirrored = await bench.ours('nix-prefetch-url', ['-I', `nixpkgs=${bench.folder}/mirrors`, 'mirror://here/two.tgz']);
  assert.equal(mirrored.stdout, `${hash}\n`);
});

test('nix store prefetch-file says the hash as SRI', async () => {
  const url = `file://${bench.folder}/two.tgz`;
  const args = ['--extra-experimental-features', 'nix-command', 'store', 'prefetch-file', '--json', url];
  const said = await bench.ours('nix', args);
  const { hash, storePath } = JSON.parse(said.stdout) as { hash: string; storePath: string };
  assert.equal(hash, `sha256-${createHash('sha256').update(readFileSync(join(bench.folder, 'two.tgz'))).digest('base64')}`);
  assert.match(storePath, /-two\.tgz$/);
});

test('nix-collect-garbage -d deletes old generations of all profiles, then what they kept', async () => {
  const run = (command: string, ...args: string[]) => privately.ours(command, args);
  await run('nix-env', '-e', '*');
  assert.match((await run('nix-env', '--list-generations')).stdout, / 2 /);
  const dry = await run('nix-collect-garbage', '-d', '--dry-run');
  assert.match(dry.stderr, /would remove profile version 1/);
  assert.match(dry.stdout, /^\d+ store paths would be deleted\n$/);
  assert.match((await run('nix-collect-garbage', '--delete-older-than', '5')).stderr, /invalid number of days specifier '5'/);
  const collected = await run('nix-collect-garbage', '-d');
  assert.match(collected.stderr, /removing old generations of profile '.*\/profile'\nremoving profile version 1\n/);
  assert.match(collected.stdout, /^\d+ store paths deleted, \d+\.\d KiB freed\n$/);
  assert.match((await run('nix-env', '--list-generations')).stdout, /^ +2 .*\(current\)\n$/);
  assert.equal((await run('nix-store', '--gc', '--print-dead')).stdout, '');
  const roots = (await run('nix-store', '--gc', '--print-roots')).stdout.split('\n').filter(Boolean);
  assert.equal(roots.length, 2, roots.join('\n'));
});
