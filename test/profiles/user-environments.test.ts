/**
 * User environments: which files win, and that C++ Nix makes the same of the same packages, to the
 * byte, and goes on with a profile where we stopped.
 */

import assert from 'node:assert/strict';
import { readdirSync, readlinkSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { needs } from '../support/foreign.ts';
import { Bench } from './bench.ts';

const bench = new Bench();
after(() => bench.remove());

bench.files({
  'p/a/bin/a': 'a', 'p/a/bin/both': 'of a', 'p/a/share/man/man1/a.1': 'a', 'p/a/nix-support/x': 'hidden',
  'p/a/log/x': 'hidden', 'p/a/info/dir': 'hidden', 'p/a/.hidden': 'hidden', 'p/a/only/of/a': 'a',
  'p/b/bin/b': 'b', 'p/b/bin/both': 'of b', 'p/b/share/man/man1/b.1': 'b', 'p/b/share/doc/b': 'b',
  'p/c/bin/c': 'c', 'p/c/share/man/man5/c.5': 'c', 'p/c/propagated-build-inputs': 'hidden', 'p/c/perllocal.pod': 'hidden',
  'p/file/bin': 'a file where others have a folder',
  'endless.nix': 'let\n  x = { inherit x; };\nin derivation { name = "e-1"; system = "x86_64-linux"; builder = "/b"; } // { meta.bad = x; }\n',
  'packages.nix': `
    let
      package = name: version: meta: extra: let
        outPath = builtins.path { path = ./p + "/\${name}"; name = "\${name}-\${version}"; };
      in { type = "derivation"; name = "\${name}-\${version}"; system = "x86_64-linux"; outputs = [ "out" ]; outputName = "out";
        inherit outPath; out = { inherit outPath; }; meta = { description = "The \${name} \\"q\\" \\\${x}"; } // meta; } // extra;
      licence = { spdxId = "MIT"; };
    in {
      a = package "a" "1.0" { license = licence; list = [ 1 2.5 true "s" { x = -1; } ]; bad = x: x; } { };
      b = package "b" "2.0pre1" { license = licence; priority = 4; } { };
      newer = package "b" "2.0" { priority = 4; } { };
      c = package "c" "3" { priority = "7"; } { };
      file = package "file" "1" { priority = 4; } { };
      wants = package "c" "9" { } { name = "wants-1"; };
      bad = throw "not evaluated";
      asserts = assert false; package "a" "5" { } { };
    }`,
});

const environment = (profile: string) => readlinkSync(join(bench.folder, `${profile}-${latest(profile)}-link`));

function latest(profile: string): number {
  return Math.max(...readdirSync(bench.folder).map((name) => Number(new RegExp(`^${profile}-(\\d+)-link$`).exec(name)?.[1] ?? 0)));
}

/** Links below a folder, as `path -> target` with store paths' names only. */
function links(folder: string, below = ''): string[] {
  return readdirSync(folder).sort().flatMap((name) => {
    const path = join(folder, name);
    if (lstatSync(path).isDirectory()) return links(path, `${below}${name}/`);
    return [`${below}${name} -> ${readlinkSync(path).replace(/^.*\/[0-9a-z]{32}-/, '')}`];
  });
}

async function install(profile: string, ...args: string[]): Promise<void> {
  const said = await bench.ours('nix-env', ['-p', profile, '-f', 'packages.nix', '-i', ...args]);
  assert.equal(said.status, 0, said.stderr);
}

test('folders of several packages become folders of links; of two files the smaller number wins', async () => {
  await install('mine', 'a', 'b', 'c');
  assert.deepEqual(links(environment('mine')), [
    'bin/a -> a-1.0/bin/a', 'bin/b -> b-2.0/bin/b', 'bin/both -> b-2.0/bin/both', 'bin/c -> c-3/bin/c',
    'info -> a-1.0/info', 'manifest.nix -> env-manifest.nix', 'only -> a-1.0/only',
    'share/doc -> b-2.0/share/doc', 'share/man/man1/a.1 -> a-1.0/share/man/man1/a.1',
    'share/man/man1/b.1 -> b-2.0/share/man/man1/b.1', 'share/man/man5 -> c-3/share/man/man5',
  ]);
});

test('files of the same priority, and files in the place of folders, are told', async () => {
  const clash = await bench.ours('nix-env', ['-p', 'clash', '-f', 'packages.nix', '-i', '--priority', '5', 'a', 'b']);
  assert.match(clash.stderr, /There is a conflict for the following files:\n\n  '.*-[ab]-[0-9.]+\/bin\/both'\n  '.*-[ab]-[0-9.]+\/bin\/both'\n/);
  assert.match(clash.stderr, /hint: .*--set-flag priority/);
  assert.notEqual(clash.status, 0);
  const kinds = await bench.ours('nix-env', ['-p', 'clash', '-f', 'packages.nix', '-iA', 'a', 'file']);
  assert.match(kinds.stderr, /collision between '.*-a-1\.0\/bin' and non-directory '.*-file-1\/bin'/);
});

test('C++ Nix makes the same environment of the same packages', needs('nix-env'), async () => {
  await install('ours', 'a', 'b', 'c');
  const made = bench.theirs('nix-env', ['-p', join(bench.folder, 'theirs'), '-f', 'packages.nix', '-i', 'a', 'b', 'c']);
  assert.equal(made.status, 0, made.stderr);
  assert.equal(environment('ours'), environment('theirs'));
  // Made anew by them from our derivation, it has our hash.
  const hash = () => bench.theirs('nix-store', ['-q', '--hash', environment('ours')]).stdout;
  const ours = hash();
  const rebuilt = bench.theirs('nix-store', ['--realise', '--check', '--option', 'run-diff-hook', 'false',
    bench.theirs('nix-store', ['-q', '--deriver', environment('ours')]).stdout.trim()]);
  assert.equal(rebuilt.status, 0, rebuilt.stderr);
  assert.equal(hash(), ours);
});

test('either goes on with a profile where the other stopped', needs('nix-env'), async () => {
  const profile = join(bench.folder, 'shared');
  await install('shared', 'a');
  assert.equal(bench.theirs('nix-env', ['-p', profile, '-q']).stdout, 'a-1.0\n');
  assert.equal(bench.theirs('nix-env', ['-p', profile, '-f', 'packages.nix', '-i', 'c']).status, 0);
  assert.equal((await bench.ours('nix-env', ['-p', profile, '-q'])).stdout, 'a-1.0\nc-3\n');
  assert.equal((await bench.ours('nix-env', ['-p', profile, '--rollback'])).stderr, 'switching profile from version 2 to 1\n');
  assert.equal(bench.theirs('nix-env', ['-p', profile, '-q']).stdout, 'a-1.0\n');
  const ours = await bench.ours('nix-env', ['-p', profile, '--list-generations'], { TZ: '' });
  assert.equal(ours.stdout.replace(/\d{4}-.*:\d\d/g, 'T'), '   1   T   (current)\n   2   T   \n');
  assert.equal(ours.stdout.length, bench.theirs('nix-env', ['-p', profile, '--list-generations']).stdout.length);
});

const listings: readonly (readonly string[])[] = [
  ['-q'], ['-qs', '--no-name', '--system'], ['-q', '--out-path', '--description'], ['-q', '--xml', '--meta', '--out-path'],
  ['-qa'], ['-qaP', 'b'], ['-qas', '--out-path'], ['-qc'], ['-qac'], ['-qa', '-A', 'b', '--description'],
  ['-qa', '--xml', '--description', 'a', 'c.*'], ['-qa', 'b-2.0'],
];

for (const flags of listings) {
  test(`nix-env ${flags.join(' ')} prints what C++ Nix prints`, needs('nix-env'), async () => {
    const args = ['-p', join(bench.folder, 'mine'), '-f', 'packages.nix', ...flags];
    const ours = await bench.ours('nix-env', args);
    assert.equal(ours.status, 0, ours.stderr);
    // The newer releases tell name and version apart in XML.
    const text = ours.stdout.replace(/ (pname|version|outputName)="[^"]*"/g, '');
    assert.equal(text, bench.theirs('nix-env', args).stdout.replace(/ (pname|version|outputName)="[^"]*"/g, ''));
  });
}

test('nix-env --json tells the same as C++ Nix', needs('nix-env'), async () => {
  const args = ['-f', 'packages.nix', '-qa', '--json', '--meta', '--out-path', 'a', 'b'];
  const ours = JSON.parse((await bench.ours('nix-env', args)).stdout);
  const theirs = JSON.parse(bench.theirs('nix-env', args).stdout);
  for (const one of Object.values(theirs) as Record<string, unknown>[]) one['outputName'] ??= 'out';
  assert.deepEqual(ours, theirs);
});

test('a meta without end is an error that says which set holds itself', async () => {
  const { status, stderr } = await bench.ours('nix-env', ['-f', 'endless.nix', '-qa', '--json', '--meta']);
  assert.match(stderr, /stack overflow; max-call-depth exceeded\n +at .*\/endless\.nix:2:7:/);
  assert.equal(status, 1);
});

test('packages are upgraded, kept, replaced, removed; a profile may be one package', async () => {
  const run = async (...args: string[]) => {
    const said = await bench.ours('nix-env', ['-p', 'kept', '-f', 'packages.nix', ...args]);
    assert.equal(said.status, 0, said.stderr);
    return said;
  };
  const installed = async () => (await run('-q')).stdout.split('\n').filter(Boolean);
  await run('-i', 'b-2.0pre1', 'a');
  assert.deepEqual(await installed(), ['a-1.0', 'b-2.0pre1']);
  assert.match((await run('--dry-run', '-u')).stderr, /upgrading 'b-2\.0pre1' to 'b-2\.0'/);
  await run('--set-flag', 'keep', 'true', 'b');
  await run('-u');
  assert.deepEqual(await installed(), ['a-1.0', 'b-2.0pre1']);
  await run('--set-flag', 'keep', 'false', 'b');
  await run('-u', 'b');
  assert.deepEqual(await installed(), ['a-1.0', 'b-2.0']);
  assert.match((await run('-i', 'b-2.0pre1')).stderr, /replacing old 'b-2\.0'\ninstalling 'b-2\.0pre1'/);
  await run('--set-flag', 'active', 'false', 'a');
  assert.deepEqual(readdirSync(join(environment('kept'), 'bin')), ['b', 'both']);
  assert.match((await run('-e', 'a', 'zzz')).stderr, /selector 'zzz' matched no installed derivations/);
  await run('-iE', 'set: set.c');
  await run('-i', '--from-profile', 'mine', 'a');
  assert.deepEqual(await installed(), ['a-1.0', 'b-2.0pre1', 'c-3']);
  await run('-r', '-iA', 'c');
  assert.deepEqual(await installed(), ['c-3']);
  await run('--set', '-A', 'a');
  assert.match(environment('kept'), /-a-1\.0$/);
});

test('what cannot be selected is told, with names that are near', async () => {
  const said = await bench.ours('nix-env', ['-p', 'none', '-f', 'packages.nix', '-i', 'want']);
  assert.match(said.stderr, /selector 'want' matches no derivations, maybe you meant:\n\s*wants/);
  const several = await bench.ours('nix-env', ['-p', 'none', '-f', 'packages.nix', '--set', '*']);
  assert.match(several.stderr, /--set requires exactly one derivation/);
  assert.match((await bench.ours('nix-env', ['-i', '-e', 'x'])).stderr, /only one operation may be specified/);
  assert.match((await bench.ours('nix-env', [])).stderr, /no operation specified/);
});
