/** Programs of the user's around a build: the one that is asked before it, and external builders. */

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildResolved, realise, sandboxFromSettings } from '#build';
import type { UserError } from '#base';
import { hostSystem, readSettings } from '#host';
import { freshSandbox, needsSandbox, type Made, type SandboxedBuilds } from './builds.ts';

function program(builds: SandboxedBuilds, name: string, text: string): string {
  const path = join(builds.root, '..', name);
  writeFileSync(path, `#!/bin/sh\n${text}`);
  chmodSync(path, 0o755);
  return path;
}

async function build(builds: SandboxedBuilds, made: Made, overrides: [string, string][]): Promise<string> {
  const environment = { PATH: process.env['PATH'], HOME: '/none', NIX_CONF_DIR: '/none' };
  const builder = sandboxFromSettings(readSettings({ environment, overrides }), {
    system: hostSystem(), environment, keptDirectory: join(builds.root, '../kept'),
  });
  await realise(builds.store, [{ drvPath: made.drvPath }], { builders: [builder] });
  return readFileSync(builds.store.physicalPath(made.out), 'utf8');
}

test('pre-build-hook shows a builder more paths', needsSandbox, async () => {
  const builds = freshSandbox();
  try {
    const folder = join(builds.root, '../shown');
    mkdirSync(folder);
    writeFileSync(join(folder, 'file'), 'shown');
    const hook = program(builds, 'hook', `test -d "$2" && case $1 in *-asks.drv) echo extra-sandbox-paths; echo /seen=${folder}; echo;; esac`);
    const asks = builds.add('asks', { script: 'cat /seen/file > $out' });
    assert.equal(await build(builds, asks, [['pre-build-hook', hook]]), 'shown');
    const other = builds.add('other', { script: '[ -e /seen ] || echo nothing > $out' });
    assert.equal(await build(builds, other, [['pre-build-hook', hook]]), 'nothing\n');
    const refused = builds.add('refused', { script: 'echo > $out' });
    await assert.rejects(build(builds, refused, [['pre-build-hook', program(builds, 'bad', 'echo nonsense')]]),
      (error: UserError) => /unknown pre-build hook command 'nonsense'/.test(error.message));
    await assert.rejects(build(builds, refused, [['pre-build-hook', program(builds, 'fails', 'exit 3')]]), /program '.*fails' failed/);
  } finally {
    builds.close();
  }
});

test('what is built for another machine is told to the hook too, after room was made', needsSandbox, async () => {
  const builds = freshSandbox();
  try {
    const made = builds.add('for-others', { script: 'echo built > $out' });
    const environment = { PATH: process.env['PATH'], HOME: '/none', NIX_CONF_DIR: '/none' };
    const builder = sandboxFromSettings(readSettings({ environment, overrides: [] }), {
      system: hostSystem(), environment, keptDirectory: join(builds.root, '../kept'),
    });
    const done: string[] = [];
    await buildResolved(builds.store, made.drvPath, builds.store.readDerivation(made.drvPath), {
      builders: [builder],
      makeRoom: { everySeconds: 1, collect: async () => { done.push('room'); } },
      whenBuilt: (drvPath, outputs) => { done.push(drvPath, ...outputs.values()); },
    });
    assert.deepEqual(done, ['room', made.drvPath, made.out]);
  } finally {
    builds.close();
  }
});

test('an external builder builds for the systems that it names', needsSandbox, async () => {
  const builds = freshSandbox();
  try {
    const made = builds.add('foreign', { script: 'echo never', system: 'strange-machine' });
    const external = program(builds, 'external', `
      [ "$1" = first ] || exit 1
      grep -q '"system":"strange-machine"' "$2" || exit 1
      out=$(sed 's/.*"realStoreDir":"\\([^"]*\\)".*/\\1/' "$2")/${made.out.slice('/nix/store/'.length)}
      echo "made elsewhere" > "$out"`);
    const setting = (text: string): [string, string][] => [['external-builders', text]];
    await assert.rejects(build(builds, made, []), /needs a machine of the system strange-machine/);
    await assert.rejects(build(builds, made, setting('{}')), /external-builders cannot be read/);
    const list = JSON.stringify([{ systems: ['strange-machine'], program: external, args: ['first'] }]);
    assert.equal(await build(builds, made, setting(list)), 'made elsewhere\n');
  } finally {
    builds.close();
  }
});
