/**
 * Every kind of store where a store is wanted: built into, evaluated into, built by, fetched from.
 * Builders run without a sandbox, in a store whose paths are real.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratch } from './support.ts';

const main = new URL('../../src/cli/main.ts', import.meta.url).pathname;
const store = join(scratch, 'kinds/store');
const cache = join(scratch, 'kinds/cache');
const environment = {
  PATH: process.env['PATH'] ?? '', HOME: join(scratch, 'kinds/home'), NO_COLOR: '1',
  NIX_STORE_DIR: store, NIX_STATE_DIR: join(scratch, 'kinds/var'), NIX_LOG_DIR: join(scratch, 'kinds/log'),
  NIX_CONF_DIR: join(scratch, 'kinds/conf'),
};

mkdirSync(environment.NIX_CONF_DIR, { recursive: true });
mkdirSync(environment.HOME);
writeFileSync(join(environment.NIX_CONF_DIR, 'nix.conf'), [
  'sandbox = false', 'build-users-group =', 'experimental-features = nix-command ca-derivations', 'require-sigs = false',
].join('\n'));
writeFileSync(join(scratch, 'kinds/two.nix'), `{ tag, addressed ? false }: let
  build = name: script: derivation ({
    inherit name; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" script ];
  } // (if !addressed then { } else {
    __contentAddressed = true; outputHashMode = "recursive"; outputHashAlgo = "sha256";
  }));
  dep = build "dep" "echo building \${tag}; echo dep \${tag} > $out";
in build "top" "read line < \${dep}; echo hello $line, from $out > $out"`);

function run(program: string, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', main, program, ...args], {
    cwd: join(scratch, 'kinds'), env: environment, encoding: 'utf8', timeout: 120_000,
  });
  return { status, stdout: stdout.trim(), stderr };
}

function succeed(program: string, ...args: readonly string[]): string {
  const outcome = run(program, ...args);
  assert.equal(outcome.status, 0, outcome.stderr);
  return outcome.stdout;
}

const build = (tag: string, ...more: readonly string[]) => ['two.nix', '--argstr', 'tag', tag, '--no-out-link', ...more];

test('a cache is built into by other machines, and by itself when it has everything', () => {
  const url = `file://${cache}`;
  assert.equal(run('nix-build', ...build('one', '--store', url)).status, 1);
  const path = succeed('nix-build', ...build('one', '--store', url, '--builders', 'auto - - 1 1', '--max-jobs', '0'));
  assert.equal(succeed('nix', 'path-info', '--store', url, path), path);
  assert.equal(succeed('nix', 'store', 'cat', '--store', url, path), `hello dep one, from ${path}`);
  assert.equal(succeed('nix-store', '--store', url, '--query', '--references', path), path);
  assert.equal(succeed('nix-build', ...build('one', '--store', url, '--max-jobs', '0')), path);
});

test('what is addressed by its content is built elsewhere, and remembered by whoever gets it', () => {
  const url = `file://${join(scratch, 'kinds/addressed')}`;
  const more = ['--arg', 'addressed', 'true', '--max-jobs', '0', '--store', url];
  const path = succeed('nix-build', ...build('two', ...more, '--builders', 'auto - - 1 1'));
  assert.equal(readFileSync(path, 'utf8'), `hello dep two, from ${path}\n`);
  assert.ok(readdirSync(join(scratch, 'kinds/addressed/build-trace-v2')).some((name) => name.endsWith('-top.drv')));
  assert.equal(succeed('nix-build', ...build('two', ...more)), path);
});

test('derivations stay in the store that evaluations write to', () => {
  const evaluated = join(scratch, 'kinds/evaluated');
  const drvPath = succeed('nix-instantiate', 'two.nix', '--argstr', 'tag', 'three', '--eval-store', evaluated);
  const path = succeed('nix-build', ...build('three', '--eval-store', evaluated));
  assert.equal(readFileSync(path, 'utf8'), `hello dep three, from ${path}\n`);
  assert.equal(existsSync(drvPath), false);
  assert.ok(existsSync(join(evaluated, 'nix/store', drvPath.slice(store.length))));
  assert.equal(run('nix-instantiate', 'two.nix', '--argstr', 'tag', 'three', '--eval-store', 'dummy://').status, 1);
});

test('paths come from a folder as from a cache, and logs go where paths go', () => {
  const folder = join(scratch, 'kinds/folder');
  const path = succeed('nix-build', ...build('four'));
  const [drvPath = ''] = succeed('nix-store', '--query', '--deriver', path).split('\n');
  const [dep = ''] = succeed('nix-store', '--query', '--requisites', drvPath).split('\n').filter((one) => one.endsWith('-dep.drv'));
  succeed('nix', 'copy', '--to', folder, path);
  succeed('nix', 'store', 'copy-log', '--to', `file://${cache}`, dep);
  assert.equal(succeed('nix', 'log', '--store', `file://${cache}`, dep), 'building four');
  succeed('nix-store', '--delete', path);
  assert.equal(existsSync(path), false);
  assert.equal(succeed('nix-store', '--realise', path, '--option', 'substituters', folder), path);
  assert.equal(readFileSync(path, 'utf8'), `hello dep four, from ${path}\n`);
});
