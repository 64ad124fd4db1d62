/**
 * The program from its pack: the same as from its modules, and never an older one than its sources.
 * A copy of the program is changed; its clock of rest is three seconds.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, truncateSync, utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { setTimeout as rest } from 'node:timers/promises';
import { firn, folderWith, root } from '../support/firn.ts';

const folder = folderWith({ 'cache/x': '' });
const copy = join(folder, 'firn');
const packs = join(copy, 'node_modules/.firn-pack');
const registry = join(copy, 'src/runtime/builtins/registry.ts');

before(async () => {
  mkdirSync(join(copy, 'node_modules'), { recursive: true });
  for (const name of ['firn', 'src', 'package.json', 'package-lock.json']) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (!name.startsWith('.firn-')) symlinkSync(join(root, 'node_modules', name), join(copy, 'node_modules', name));
  }
  // Newer than the lock file: nothing is to be installed.
  writeFileSync(join(copy, 'node_modules/.firn-ready'), '');
  writeFileSync(registry, readFileSync(registry, 'latin1').replace(/(?<=')2\.\d+\.\d+(?=')/, '2.77.1'), 'latin1');
  await rest(3200);
});

function run(...args: string[]): string {
  return runWith({}, ...args);
}

function runWith(env: Record<string, string>, ...args: string[]): string {
  const { status, stdout, stderr } = firn(args, {
    program: join(copy, 'firn'), cwd: folder,
    env: { XDG_CACHE_HOME: join(folder, 'cache'), FIRN_ROOT: join(folder, 'root'), ...env },
  });
  assert.equal(status, 0, stderr);
  return stdout;
}

const tellVersion = [
  'nix-instantiate', '--option', 'eval-cache', 'false', '--eval', '--expr', 'builtins.nixVersion',
];
const codeFiles = (): string[] => readdirSync(packs).filter((name) => /\.cjs\.[a-z-]+$/.test(name));
const states = (): string => readFileSync(join(packs, 'states.json'), 'latin1');

test('the first evaluation makes the pack, the next comes from it', () => {
  assert.equal(existsSync(packs), false);
  assert.equal(runWith({ FIRN_PACK: 'off' }, ...tellVersion), '"2.77.1"\n');
  assert.equal(existsSync(packs), false);
  assert.equal(run(...tellVersion), '"2.77.1"\n');
  assert.match(states(), /runtime\/builtins\/registry\.ts/);
  assert.deepEqual(codeFiles(), []);
  assert.equal(run('nix-instantiate', '--eval', '--expr', '1 + 1'), '2\n');
  assert.deepEqual(codeFiles().map((name) => name.replace(/.*\./, '')), ['evaluator', 'main-nix-instantiate']);
  assert.equal(run('nix-instantiate', '--eval', '--expr', '1 + 2'), '3\n');
});

test('commands run from the pack, also those with modules beside it', () => {
  for (const args of [
    ['build', '--help'], ['nix-channel', '--list'], ['nix', 'eval', '--expr', '{ a = [ 1 ]; }'],
    ['nix-instantiate', '--parse', '--expr', 'a: a'], ['nix-store', '--add', join(copy, 'package.json')],
  ]) {
    assert.equal(run(...args), runWith({ FIRN_PACK: 'off' }, ...args), args.join(' '));
  }
});

test('every module of the pack can be evaluated, and has what it exports', () => {
  const script = `const pack = require('./src/program/use-pack.cjs');
    pack.usePack(pack.findPack(), 'test');
    const running = ['cli/main.ts', 'host/worker/evaluation-thread.ts',
      'store/hash-thread.ts', 'store/staging-thread.ts'];
    const { files } = JSON.parse(require('node:fs').readFileSync(pack.statesFile, 'utf8'));
    const names = files.map(([name]) => name).filter((name) => name.endsWith('.ts') && !running.includes(name));
    for (const name of names) {
      for (const [key, value] of Object.entries(pack.exportsOf(name))) {
        if (value === undefined) console.log(name, key);
      }
    }
    console.log(names.length);
    process.exit();`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath, ['--disable-warning=ExperimentalWarning', '--eval', script], { cwd: copy, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^[3-9]\d\d\n$/);
});

test('a derivation is the same from the pack, and kept results are told', () => {
  const args = ['nix-instantiate', '--no-gc-warning', '--expr',
    'derivation { name = "x"; system = "a"; builder = "b"; text = builtins.toFile "t" "u"; }'];
  const fromModules = runWith({ FIRN_PACK: 'off', XDG_CACHE_HOME: join(folder, 'other-cache') }, ...args);
  assert.match(fromModules, /^\/nix\/store\/.*-x\.drv\n$/);
  assert.equal(run(...args), fromModules);
  const kept = readdirSync(join(folder, 'cache/firn/results')).length;
  assert.equal(run(...args), fromModules);
  assert.equal(readdirSync(join(folder, 'cache/firn/results')).length, kept);
});

test('a changed source is seen at once, also with its old size and modification time', async () => {
  const { atime, mtime, size } = statSync(registry);
  const old = states();
  writeFileSync(registry, readFileSync(registry, 'latin1').replace('2.77.1', '2.77.2'), 'latin1');
  utimesSync(registry, atime, mtime);
  assert.equal(statSync(registry).size, size);
  assert.equal(run(...tellVersion), '"2.77.2"\n');
  assert.equal(states(), old, 'made of a file that has not rested');
  await rest(3200);
  assert.equal(run(...tellVersion), '"2.77.2"\n');
  assert.notEqual(states(), old);
  assert.equal(run(...tellVersion), '"2.77.2"\n');
  assert.equal(readdirSync(packs).filter((name) => name.endsWith('.cjs')).length, 1);
});

test('a damaged pack is not used, and is made anew', () => {
  const pack = (): string => join(packs, readdirSync(packs).find((name) => name.endsWith('.cjs')) ?? '');
  const { size } = statSync(pack());
  truncateSync(pack(), size - 100);
  assert.equal(run(...tellVersion), '"2.77.2"\n');
  assert.equal(run(...tellVersion), '"2.77.2"\n');
  assert.equal(statSync(pack()).size, size);
  run(...tellVersion);
  for (const name of codeFiles()) {
    const code = readFileSync(join(packs, name));
    for (let i = code.length >> 1; i < code.length; i += 97) code[i] = 0xff;
    writeFileSync(join(packs, name), code);
  }
  assert.equal(run(...tellVersion), '"2.77.2"\n');
  writeFileSync(join(packs, 'states.json'), '{');
  assert.equal(run('nix-instantiate', '--eval', '--expr', '3'), '3\n');
  assert.match(states(), /runtime\/builtins\/registry\.ts/);
});
