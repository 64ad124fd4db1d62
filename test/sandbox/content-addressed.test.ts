/** Outputs whose paths follow from their content: as C++ Nix makes them, and found by it. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LocalStore, deleteTree } from '#store';
import { firn } from '../support/firn.ts';
import { needs } from '../support/foreign.ts';
import { freshSandbox, needsSandbox } from './builds.ts';

const features = ['--option', 'experimental-features', 'ca-derivations impure-derivations nix-command'];
const settings = [...features, '--option', 'sandbox', 'true', '--option', 'sandbox-paths', '', '--option', 'substituters', ''];
const attributes = ['outputs', 'outputs.dev', 'outputs.lib', 'flat', 'sameFlat', 'user', 'fixed', 'structured']
  .flatMap((attribute) => ['-A', attribute]);

test('the same paths as C++ Nix gives, which builds none of them again', {
  skip: needsSandbox.skip || needs('nix-build', 'nix-store').skip
    || (process.getuid?.() === 0 ? false : 'C++ Nix builds in a store of its own only as root'),
}, (context) => {
  const builds = freshSandbox();
  const scratch = mkdtempSync(join(tmpdir(), 'firn-content-'));
  chmodSync(scratch, 0o755);
  const ours = join(scratch, 'ours');
  const expression = [
    join(import.meta.dirname, 'content-addressed.nix'), '--arg', 'tools', builds.store.physicalPath(builds.tools), ...attributes,
  ];
  const theirs = (root: string, ...more: string[]) => spawnSync('nix-build', [
    '--store', `local?root=${root}`, '--option', 'build-users-group', '', ...settings, '--no-out-link', ...expression, ...more,
  ], { encoding: 'utf8' });
  try {
    const built = theirs(join(scratch, 'theirs'));
    if (built.status !== 0 && /sandbox|namespace|chroot/.test(built.stderr)) {
      context.skip(`C++ Nix cannot make its sandbox here: ${built.stderr.trim().split('\n').at(-1)}`);
      return;
    }
    assert.equal(built.status, 0, built.stderr);
    const made = firn(['nix-build', '--store', ours, '--no-out-link', ...settings, ...expression]);
    assert.equal(made.status, 0, made.stderr);
    assert.equal(made.stdout, built.stdout);
    assert.equal(new Set(made.stdout.trim().split('\n').slice(3, 5)).size, 1, 'the same content has one path');
    const again = theirs(ours);
    assert.equal(again.stdout, built.stdout);
    assert.doesNotMatch(again.stderr, /building/);
    const store = new LocalStore({ root: ours });
    for (const path of made.stdout.trim().split('\n')) {
      const text = spawnSync('nix-store', ['--store', `local?root=${join(scratch, 'theirs')}`, '-q', '--hash', path], { encoding: 'utf8' });
      const mine = firn(['nix-store', '--store', ours, '-q', '--hash', path]);
      assert.equal(mine.stdout, text.stdout, path);
    }
    store.close();
  } finally {
    deleteTree(scratch);
    builds.close();
  }
});

test('an impure derivation is built each time', { skip: needsSandbox.skip }, () => {
  const builds = freshSandbox();
  const scratch = mkdtempSync(join(tmpdir(), 'firn-impure-'));
  const expression = `
    let bb = builtins.path { path = ${builds.store.physicalPath(builds.tools)}; name = "busybox"; };
    in derivation {
      name = "impure"; system = builtins.currentSystem; builder = "\${bb}/bin/sh";
      args = [ "-c" "echo $$ $out > $out; \${bb}/bin/head -c 16 /dev/urandom >> $out" ]; __impure = true;
    }`;
  try {
    const build = (): string => {
      const run = firn(['nix-build', '--store', scratch, '--no-out-link', ...settings, '-E', expression]);
      assert.equal(run.status, 0, run.stderr);
      return run.stdout.trim();
    };
    const paths = [build(), build()];
    assert.notEqual(paths[0], paths[1]);
    for (const path of paths) assert.ok(readFileSync(join(scratch, path)).includes(path), 'it knows its own path');
  } finally {
    deleteTree(scratch);
    builds.close();
  }
});
