/** The list of machines that build for us, and which of them a derivation may go to. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseMachines } from '#build';
import { isSuitable } from '../../src/build/remote/machines.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-machines-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const parse = (text: string) => parseMachines(text, 'x86_64-linux');

test('a line has eight words, and all but the first may be left out', () => {
  const [machine] = parse('ssh://me@host?compress=true aarch64-linux,x86_64-linux /key 4 2.5 kvm,big only a2V5');
  assert.ok(machine);
  assert.equal(machine.name, 'ssh://me@host?compress=true');
  assert.equal(machine.store, 'ssh://me@host?compress=true&ssh-key=%2Fkey&base64-ssh-public-host-key=a2V5');
  assert.deepEqual([...machine.systems], ['aarch64-linux', 'x86_64-linux']);
  assert.deepEqual([machine.maximumJobs, machine.speedFactor], [4, 2.5]);
  assert.deepEqual([...machine.supportedFeatures, ...machine.mandatoryFeatures], ['kvm', 'big', 'only']);
  const [plain] = parse('host - - - 0');
  assert.deepEqual([plain?.store, plain?.maximumJobs, plain?.speedFactor], ['ssh://host', 1, 1]);
  assert.deepEqual([...plain?.systems ?? []], ['x86_64-linux']);
});

test('lines, semicolons, comments and files', () => {
  const file = join(scratch, 'machines');
  writeFileSync(file, 'from-file # the first\n\n  # nothing here\n');
  const names = parse(`a ; ssh-ng://b x\n@${file}\n# c\n@${join(scratch, 'missing')}\nd`).map((machine) => machine.name);
  assert.deepEqual(names, ['a', 'ssh-ng://b', 'from-file', 'd']);
  assert.deepEqual(parse(''), []);
  writeFileSync(file, `@${file}`);
  assert.throws(() => parse(`@${file}`), { code: 'MACHINES_UNREADABLE' });
});

test('lines that are none', () => {
  for (const bad of ['- x86_64-linux', 'host x /key many', 'host x /key 1 quick', 'host x /key 1 -1', 'host x - 1 1 - - ***']) {
    assert.throws(() => parse(bad), { code: 'BAD_MACHINE', message: /bad machine specification/ }, bad);
  }
});

test('a machine must have the system and all features, and require no others', () => {
  const [machine] = parse('host x86_64-linux - 1 1 kvm,big benchmark');
  assert.ok(machine);
  assert.equal(isSuitable(machine, 'x86_64-linux', ['benchmark']), true);
  assert.equal(isSuitable(machine, 'x86_64-linux', ['benchmark', 'kvm']), true);
  assert.equal(isSuitable(machine, 'x86_64-linux', ['kvm']), false);
  assert.equal(isSuitable(machine, 'x86_64-linux', ['benchmark', 'other']), false);
  assert.equal(isSuitable(machine, 'aarch64-linux', ['benchmark']), false);
  assert.equal(isSuitable(machine, 'builtin', ['benchmark']), true);
});
