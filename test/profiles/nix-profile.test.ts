/** `nix profile`: packages by name, from flakes and from the store, with a manifest of its own. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { manifestChanges, nameInUrl, readManifest } from '../../src/cli/nix/profile-manifest.ts';
import { Bench } from './bench.ts';

const bench = new Bench();
after(() => bench.remove());

bench.files({
  'flake/version': '1.0',
  'flake/flake.nix': `{
    outputs = { self }: let
      package = name: text: priority: derivation {
        inherit name; system = "builtin"; builder = "builtin:write-tree"; __structuredAttrs = true;
        entries = [ { path = "bin/program"; type = "file"; mode = "0755"; inherit text; } ];
      } // { meta.priority = priority; };
    in { packages.x86_64-linux = {
      default = package "program-\${builtins.readFile ./version}" "of the default" 5;
      other = package "other-7" "of the other" 5;
      mild = package "mild-1" "of the mild one" 9;
    }; packages.aarch64-linux = self.packages.x86_64-linux; };
  }`,
  'plain.nix': `{ one = derivation {
    name = "one-1"; system = "builtin"; builder = "builtin:write-tree"; __structuredAttrs = true;
    entries = [ { path = "share/one"; type = "file"; text = "1"; } ]; }; }`,
});
const flake = `path:${bench.folder}/flake`;
const profile = join(bench.folder, 'profile');

async function run(...args: string[]) {
  return bench.ours('nix', ['--extra-experimental-features', 'nix-command flakes', 'profile', ...args, '--profile', profile]);
}
async function runWell(...args: string[]) {
  const said = await run(...args);
  assert.equal(said.status, 0, said.stderr);
  return said;
}
const elements = () => JSON.parse(readFileSync(join(profile, 'manifest.json'), 'utf8')) as {
  version: number; elements: Record<string, { storePaths: string[]; priority: number; attrPath?: string; url?: string }>;
};

test('packages come from flakes, files and the store, and are called by where they come from', async () => {
  await runWell('add', flake);
  assert.equal((await run('add', flake)).stderr, "warning: 'flake' is already added\n");
  await runWell('add', '--file', join(bench.folder, 'plain.nix'), 'one');
  assert.equal(elements().version, 3);
  assert.deepEqual(Object.keys(elements().elements), ['flake', 'one']);
  assert.match(elements().elements['flake']?.url ?? '', /narHash=/);
  assert.equal(readFileSync(join(profile, 'bin/program'), 'utf8'), 'of the default');
  const listed = (await runWell('list')).stdout;
  assert.match(listed, /^Name: +flake\nFlake attribute: +packages\.\S+\.default\nOriginal flake URL: path:\S+\nLocked flake URL: +path:\S+\nStore paths: +\S+-program-1\.0\n\nName: +one\n/);
  assert.deepEqual(JSON.parse((await runWell('list', '--json')).stdout), elements());
  // A second one of a name gets a number.
  await runWell('add', elements().elements['one']?.storePaths[0] ?? '', '--priority', '3');
  assert.equal(elements().elements['one-1']?.priority, 3);
  await runWell('remove', 'one-1');
});

test('files at one place are told with what can be done; priorities decide', async () => {
  const clash = await run('add', `${flake}#other`);
  assert.notEqual(clash.status, 0);
  assert.match(clash.stderr, /already provides the following file:\n\n +"\S+program-1\.0\/bin\/program"/);
  assert.match(clash.stderr, /nix profile remove flake\n[\s\S]*nix profile add path:\S+#packages\.\S+\.other --priority 4\n/);
  await runWell('add', `${flake}#mild`);
  assert.equal(readFileSync(join(profile, 'bin/program'), 'utf8'), 'of the default');
  await runWell('add', `${flake}#other`, '--priority', '1');
  assert.equal(readFileSync(join(profile, 'bin/program'), 'utf8'), 'of the other');
  assert.match((await runWell('remove', '--regex', '.*#packages.*(other|mild)')).stderr, /removed 2 packages, kept 2 packages/);
});

test('an upgrade takes what the flake has now; the history says so', async () => {
  writeFileSync(join(bench.folder, 'flake/version'), '2.0');
  const said = await runWell('upgrade', '--all');
  assert.match(said.stderr, /upgrading 'packages\.\S+\.default' from flake/);
  assert.match(said.stderr, /Found package 'one', but it was not added from a flake/);
  assert.match(elements().elements['flake']?.storePaths[0] ?? '', /-program-2\.0$/);
  assert.match((await runWell('history')).stdout, /Version \d+ \(\d{4}-\d\d-\d\d\) <- \d+:\n  path:\S+default: 1\.0 -> 2\.0\n$/);
  assert.match((await runWell('diff-closures')).stdout, /\n  program: 1\.0 → 2\.0\n$/);
  await runWell('rollback');
  assert.match(readlinkSync(join(profile, 'bin')), /-program-1\.0\/bin$/);
  await runWell('wipe-history');
  assert.equal((await runWell('history')).stdout.match(/^Version/gm)?.length, 1);
});

test('what is not there, and what contradicts, is told', async () => {
  const none = await run('remove', 'nothing');
  assert.equal(none.stderr, "warning: Package name 'nothing' does not match any packages in the profile.\n"
    + "warning: No packages to remove. Use 'nix profile list' to see the current profile.\n");
  assert.match((await run('upgrade', '--all', 'x')).stderr, /--all cannot be used with package names/);
  assert.match((await run('remove', '3')).stderr, /no longer supports indices/);
  assert.match((await run('remove')).stderr, /No packages specified/);
});

test('a profile of nix-env is read, and becomes one of nix profile; nix-env then refuses', async () => {
  const own = join(bench.folder, 'from-env');
  await bench.ours('nix-env', ['-p', own, '-f', 'plain.nix', '-i', 'one']);
  const args = ['--extra-experimental-features', 'nix-command flakes', 'profile'];
  assert.match((await bench.ours('nix', [...args, 'list', '--profile', own])).stdout, /^Name: +one\nStore paths: +\S+-one-1\n$/);
  await bench.ours('nix', [...args, 'add', flake, '--profile', own]);
  assert.ok(existsSync(join(own, 'manifest.json')));
  assert.match((await bench.ours('nix-env', ['-p', own, '-q'])).stderr, /is incompatible with 'nix-env'; please use 'nix profile' instead/);
});

test('manifests of the older versions are read', () => {
  const path = `/nix/store/${'0'.repeat(32)}-hello-1`;
  bench.files({
    'v2/manifest.json': JSON.stringify({ version: 2, elements: [
      { active: true, attrPath: 'legacyPackages.x86_64-linux.hello', originalUrl: 'flake:nixpkgs', url: 'github:NixOS/nixpkgs/a',
        outputs: null, priority: 6, storePaths: [path] },
      { active: false, storePaths: [path] },
    ] }),
    'v9/manifest.json': '{ "version": 9 }', 'bad/manifest.json': 'no JSON',
  });
  const place = { storeDirectory: '/nix/store', physicalPath: (stored: string) => stored };
  const found = readManifest(join(bench.folder, 'v2'), place);
  assert.deepEqual([...found?.keys() ?? []], ['hello', 'hello-1']);
  assert.equal(found?.get('hello')?.priority, 6);
  assert.equal(found?.get('hello-1')?.active, false);
  assert.throws(() => readManifest(join(bench.folder, 'v9'), place), /unsupported version 9/);
  assert.throws(() => readManifest(join(bench.folder, 'bad'), place), /cannot be read/);
  assert.equal(readManifest(join(bench.folder, 'none'), place), undefined);
  assert.deepEqual(manifestChanges(found!, new Map()), ['flake:nixpkgs#legacyPackages.x86_64-linux.hello: 1 -> ∅', 'hello: 1 -> ∅']);
});

const names: readonly (readonly [url: string, name: string | undefined])[] = [
  ['path:/home/user/project#packages.x86_64-linux.default', 'project'], ['path:/x/y#packages.x86_64-linux.hello', 'hello'],
  ['github:owner/repo#defaultPackage.x86_64-linux', 'repo'], ['github:owner/repo/branch#default', 'repo'],
  ['git+https://host/a/repo?ref=x#default^out,man', 'repo'], ['git+file:///x/repo?dir=sub#default', 'sub'],
  ['flake:nixpkgs#hello^*', 'hello'], ['flake:nixpkgs#default', undefined],
];
test('packages are named by their flakes', () => {
  for (const [url, name] of names) assert.equal(nameInUrl(url), name, url);
});
