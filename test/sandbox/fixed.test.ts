/** Fixed outputs that turn out to be something else. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hashOf, UserError } from '#base';
import { SandboxBuilder, realise } from '#build';
import { hostSystem } from '#host';
import { withBuildStatus } from '../../src/cli/nix/build-status.ts';
import { freshSandbox, needsSandbox } from './builds.ts';

test('one whose content is what another is to make, and is making, fails and waits for nobody', needsSandbox, async () => {
  const builds = freshSandbox();
  try {
    const fixed = (text: string) => ({ method: 'flat' as const, hash: hashOf('sha256', text) });
    const slow = builds.add('fixed', { script: 'while true; do sleep 1; done', fixed: fixed('fixed') });
    const bad = builds.add('fixed', { script: 'printf fixed > $out', fixed: fixed('wrong') });
    const sandbox = new SandboxBuilder({ systems: [hostSystem()], environment: { PATH: process.env['PATH'] } });
    const building = realise(builds.store, [{ drvPath: slow.drvPath }, { drvPath: bad.drvPath }], { builders: [sandbox], jobs: 2 });
    await assert.rejects(building, (error: UserError) => /hash mismatch in fixed-output derivation/.test(error.message));
    assert.equal(builds.store.isValidPath(slow.out), false);
  } finally {
    builds.close();
  }
});

test('what it turned out to be is kept under the path of that', needsSandbox, async () => {
  const builds = freshSandbox();
  try {
    const wrong = builds.add('kept', { script: 'printf found > $out', fixed: { method: 'flat', hash: hashOf('sha256', 'promised') } });
    await assert.rejects(builds.build(wrong), /hash mismatch/);
    const right = builds.add('kept', { script: 'exit 1', fixed: { method: 'flat', hash: hashOf('sha256', 'found') } });
    await builds.build(right);
  } finally {
    builds.close();
  }
});

test('a builder that failed with the network may succeed another time: the exit status says so', needsSandbox, async () => {
  const builds = freshSandbox();
  try {
    const fixed = builds.add('fetched', { script: 'exit 3', fixed: { method: 'flat', hash: hashOf('sha256', 'x') } });
    const plain = builds.add('plain', { script: 'exit 3' });
    const statusOf = (wanted: typeof fixed) => withBuildStatus(() => builds.build(wanted)).then(
      () => 0, (error: Error & { exitStatus?: number }) => {
        assert.match(error.message, /builder failed with exit code 3/);
        return error.exitStatus;
      });
    assert.deepEqual([await statusOf(plain), await statusOf(fixed)], [100, undefined]);
  } finally {
    builds.close();
  }
});

test('downloads find the certificates that are trusted here, other builds do not', needsSandbox, async () => {
  const builds = freshSandbox();
  try {
    const certificatesFile = join(builds.root, 'authorities.pem');
    writeFileSync(certificatesFile, 'ours\n');
    const script = 'if [ -e /etc/ssl ]; then cat /etc/ssl/certs/ca-certificates.crt; else echo none; fi > $out';
    const fixed = builds.add('fixed', { script, fixed: { method: 'flat', hash: hashOf('sha256', 'ours\n') } });
    await builds.build(fixed, { certificatesFile });
    const plain = builds.add('plain', { script });
    assert.equal(readFileSync((await builds.build(plain, { certificatesFile })).get('out')!, 'utf8'), 'none\n');
    const without = builds.add('without', { script, fixed: { method: 'flat', hash: hashOf('sha256', 'none\n') } });
    await builds.build(without, { certificatesFile: join(builds.root, 'no-such-file') });
  } finally {
    builds.close();
  }
});

test('a hash that a cache got wrong is no failure of a builder', async () => {
  const fetched = withBuildStatus(() => Promise.reject(new UserError('HASH_MISMATCH', 'hash mismatch importing path')));
  await assert.rejects(fetched, (error: Error & { exitStatus?: number }) => error.exitStatus === undefined);
  const promised = new UserError('HASH_MISMATCH', 'hash mismatch in fixed-output derivation');
  const built = withBuildStatus(() => Promise.reject(new UserError('BUILD_FAILED', 'Cannot build', { cause: promised })));
  await assert.rejects(built, { exitStatus: 102 });
});
