/** C++ Nix and Firn build the same derivations: same paths, NAR hashes and references. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatPrefixedHash } from '#base';
import type { StorePath } from '#formats';
import { LocalStore, deleteTree } from '#store';
import { firn } from '../support/firn.ts';
import { needs } from '../support/foreign.ts';
import { freshSandbox, needsNetwork, needsSandbox } from './builds.ts';

const skip = needsSandbox.skip || needs('nix-build', 'nix-store').skip
  || (process.getuid?.() === 0 ? false : 'C++ Nix builds in a store of its own only as root');

test('the same derivations give the same outputs as built by C++ Nix', { skip }, (context) => {
  const builds = freshSandbox();
  const scratch = mkdtempSync(join(tmpdir(), 'firn-agreement-'));
  chmodSync(scratch, 0o755);
  const theirs = ['--store', `local?root=${join(scratch, 'theirs')}`];
  const ours = join(scratch, 'ours');
  const expression = [join(import.meta.dirname, 'agreement.nix'), '--arg', 'tools', builds.store.physicalPath(builds.tools)];
  try {
    const built = spawnSync('nix-build', [
      ...theirs, '--option', 'build-users-group', '', '--option', 'sandbox', 'true', '--option', 'substituters', '', '--option', 'sandbox-paths', '',
      '--cores', '2', '--no-out-link', ...expression,
    ], { encoding: 'utf8' });
    if (built.status !== 0 && /sandbox|namespace|chroot/.test(built.stderr)) {
      context.skip(`C++ Nix cannot make its sandbox here: ${built.stderr.trim().split('\n').at(-1)}`);
      return;
    }
    assert.equal(built.status, 0, built.stderr);
    const made = firn(['nix-build', '--store', ours, '--cores', '2', '--no-out-link', '--option', 'sandbox-paths', '',
      ...(needsNetwork.skip === false ? [] : ['--option', 'fixed-output-network', 'host']), ...expression]);
    assert.equal(made.status, 0, made.stderr);
    assert.deepEqual(made.stdout.trim().split('\n').sort(), built.stdout.trim().split('\n').sort());
    const store = new LocalStore({ root: ours, readOnly: true });
    const different: string[] = [];
    for (const path of allOutputs(store, made.stdout.trim().split('\n') as StorePath[])) {
      const query = (what: string): string =>
        spawnSync('nix-store', [...theirs, '--query', what, path], { encoding: 'utf8' }).stdout.trim();
      const info = store.queryPathInfo(path);
      assert.ok(info !== undefined, path);
      if (query('--hash') !== formatPrefixedHash(info.narHash, 'nix32')) different.push(path);
      else assert.deepEqual([...info.references].sort().join('\n'), query('--references').split('\n').sort().join('\n'), path);
    }
    store.close();
    if (process.env['FIRN_KEEP_DIFFERENCES'] !== undefined) console.log(scratch, different);
    assert.deepEqual(different, []);
  } finally {
    if (process.env['FIRN_KEEP_DIFFERENCES'] === undefined) deleteTree(scratch);
    builds.close();
  }
});

/** The outputs of the derivations that made the paths. */
function allOutputs(store: LocalStore, paths: readonly StorePath[]): StorePath[] {
  const all = paths.flatMap((path) => {
    const deriver = store.queryPathInfo(path)?.deriver;
    return deriver === undefined ? [path] : [...store.queryDerivationOutputs(deriver).values()];
  });
  return [...new Set(all)].filter((path) => store.isValidPath(path));
}
