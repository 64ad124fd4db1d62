/**
 * nixpkgs' own tests of its library, with our commands in place of Nix's.
 *
 * The scripts run on a copy of `lib`, alone, as nixpkgs' build of its tests runs them.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { root, type Outcome } from '../support/firn.ts';
import { hasProgram } from '../support/foreign.ts';
import { nixpkgs, own, scratchFolder, withTree } from './support.ts';

const lib = join(nixpkgs, 'lib');

/** Scripts below `lib`, with the programs that they use besides Nix's. */
const scripts: ReadonlyMap<string, readonly string[]> = new Map([
  ['tests/modules.sh', ['jq']],
  ['tests/filesystem.sh', ['jq']],
  ['tests/sources.sh', ['jq']],
  ['tests/debug.sh', ['jq']],
  ['tests/network.sh', ['jq']],
  ['path/tests/prop.sh', ['jq', 'bc']],
  ['fileset/tests.sh', ['jq', 'git', 'inotifywait']],
]);

/** Files that evaluate to the list of cases that failed. */
const expressions = ['misc.nix', 'systems.nix', 'fetchers.nix'];

describe('nixpkgs’ tests of lib', withTree, () => {
  const scratch = scratchFolder();
  const programs = join(scratch, 'bin');
  const environment = {
    PATH: `${programs}:${process.env['PATH']}`,
    NIX_PATH: `nixpkgs=${scratch}`,
    TEST_LIB: join(scratch, 'lib'),
    // The scripts look into store paths: these must be where their names say.
    FIRN_ROOT: '',
    NIX_STORE_DIR: join(scratch, 'store'),
    NIX_STATE_DIR: join(scratch, 'state'),
    NIX_LOG_DIR: join(scratch, 'log'),
    PAGER: 'cat',
  };

  before(() => {
    mkdirSync(programs);
    for (const name of ['nix', 'nix-build', 'nix-instantiate', 'nix-store']) {
      symlinkSync(join(root, 'firn'), join(programs, name));
    }
    cpSync(lib, join(scratch, 'lib'), { recursive: true });
  });

  for (const [script, used] of scripts) {
    const missing = used.filter((name) => !hasProgram(name));
    const skip = missing.length > 0 ? `not installed: ${missing.join(', ')}`
      : existsSync(join(lib, script)) ? false : 'the tree has no such script';
    test(script, { skip }, () => {
      const outcome = runScript(join(scratch, 'lib', script), environment);
      assert.equal(outcome.status, 0, `${outcome.stdout.slice(-3000)}\n${outcome.stderr.slice(-3000)}`);
    });
  }

  for (const name of expressions) {
    const skip = existsSync(join(lib, 'tests', name)) ? false : 'the tree has no such file';
    test(`tests/${name}`, { skip }, () => {
      const outcome = own(['--eval', '--strict', join(scratch, 'lib/tests', name)], environment);
      assert.equal(outcome.status, 0, outcome.stderr);
      assert.equal(outcome.stdout.trim(), '[ ]');
    });
  }

  test('path/tests/unit.nix', () => {
    const outcome = own(['--eval', '--show-trace', '--argstr', 'libpath', join(scratch, 'lib'),
      join(scratch, 'lib/path/tests/unit.nix')], environment);
    assert.equal(outcome.status, 0, outcome.stderr);
  });

  test('lib stands alone', () => {
    const outcome = own(['--eval', '-A', 'version', join(scratch, 'lib')], environment);
    assert.equal(outcome.status, 0, outcome.stderr);
    assert.match(outcome.stdout, /^"\d+\.\d+/);
    assert.ok(readdirSync(join(scratch, 'lib')).length > 20);
  });
});

function runScript(script: string, environment: Readonly<Record<string, string>>): Outcome {
  const { status, stdout, stderr } = spawnSync('bash', [script], {
    encoding: 'utf8', env: { ...process.env, ...environment }, maxBuffer: 1 << 28,
  });
  return { status, stdout, stderr };
}
