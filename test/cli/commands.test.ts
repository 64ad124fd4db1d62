/** The commands' outer face: help, versions, unknown names and flags, names by links. */

import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { firn, folderWith, root } from '../support/firn.ts';

test('help teaches the main job and each command', () => {
  assert.match(firn(['--help']).stdout, /firn build/);
  const help = firn(['help', 'build']).stdout;
  for (const word of ['--config', '--format', '--mirror', '--lock', 'Examples:']) assert.ok(help.includes(word), word);
  for (const name of ['nix-build', 'nix-instantiate', 'nix-store', 'nix-hash', 'nix', 'repl', 'update']) {
    const { status, stdout } = firn(['help', name]);
    assert.equal(status, 0, name);
    assert.match(stdout, /usage/i, name);
  }
});

test('an unknown command names the nearest', () => {
  const { status, stderr } = firn(['biuld']);
  assert.equal(status, 1);
  assert.match(stderr, /There is no command 'biuld'\n {2}hint: did you mean build\?/);
});

test('an unknown flag says where the flags are listed', () => {
  for (const args of [['build', '--fromat', 'iso'], ['nix-build', '--attribute', 'x']]) {
    const { status, stderr } = firn(args);
    assert.equal(status, 1);
    assert.match(stderr, /--help/);
  }
});

test('a link by the name of a Nix command is that command', () => {
  const folder = folderWith({ 'x.nix': '{ n }: n + 1\n' });
  const program = join(folder, 'nix-instantiate');
  symlinkSync(join(root, 'firn'), program);
  const { stdout, stderr } = firn(['--eval', 'x.nix', '--arg', 'n', '41'], { program, cwd: folder });
  assert.equal(stdout, '42\n', stderr);
});

test('flags of two operands, bundles and settings are read as Nix reads them', () => {
  const { stdout, stderr } = firn([
    'nix-instantiate', '-vv', '--eval', '--strict', '--json', '--option', 'restrict-eval', 'false',
    '--argstr', 'a', 'x y', '-E', '{ a, b ? 2 }: [ a b ]',
  ]);
  assert.equal(stdout, '["x y",2]\n', stderr);
});

test('nix upgrade-nix says what upgrades Firn; flags of chosen features are gone without them', () => {
  const upgrade = firn(['nix', 'upgrade-nix']);
  assert.equal(upgrade.status, 1);
  assert.match(upgrade.stderr, /Firn is upgraded where it was cloned: .*\n {2}hint: 'git -C .* pull'/);
  assert.equal(firn(['nix', '--experimental-features', '', 'upgrade-nix', '--help']).status, 0);
  for (const flag of ['--offline', '--refresh', '--print-build-logs']) {
    assert.match(firn(['nix', '--experimental-features', '', flag, '--help']).stderr, /feature 'nix-command' is disabled/);
    assert.equal(firn(['nix', '--experimental-features', 'nix-command', flag, '--help']).status, 0);
  }
  assert.equal(firn(['nix', '--offline', '--help']).status, 0);
});
