/**
 * Caches are optional: without a folder for them, or on a full disk, commands say and do the same.
 * And results that are kept are told as the evaluation told them.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { deleteTree } from '#store';
import { programDigest } from '../../src/host/results/question.ts';
import { firn, folderWith, type Outcome } from '../support/firn.ts';

const folder = folderWith({ 'value.nix': '{ a = 1; }', 'warns.nix': 'builtins.trace "seen" (import ./value.nix).a' });
after(() => { deleteTree(join(folder, 'root')); });

const derivation = (name: string) =>
  `derivation { name = "${name}"; system = "builtin"; builder = "builtin:write-file"; __structuredAttrs = true;`
  + ' outputs = [ "out" ]; text = "text"; executable = false; }';

function run(args: readonly string[], env: Record<string, string> = {}): Outcome {
  return firn(args, {
    cwd: folder, env: { HOME: folder, XDG_CACHE_HOME: '', XDG_DATA_HOME: '', NODE_COMPILE_CACHE: '', FIRN_ROOT: join(folder, 'root'), ...env },
  });
}

for (const home of ['/proc/nowhere', '/dev/null/x']) {
  test(`HOME=${home}: evaluates and builds, and leaves nothing behind`, () => {
    const temporary = join(folder, 'tmp');
    mkdirSync(temporary, { recursive: true });
    const env = { HOME: home, TMPDIR: temporary };
    assert.equal(run(['nix-instantiate', '--eval', '-E', '1 + 1'], env).stdout, '2\n');
    const built = run(['nix-build', '--no-out-link', '-E', derivation('homeless')], env);
    assert.equal(built.status, 0, built.stderr);
    assert.match(built.stdout, /^\/nix\/store\/.*-homeless\n$/);
    assert.deepEqual(readdirSync(temporary), []);
  });

  test(`HOME=${home}: a store that cannot be made is an error that says so`, () => {
    const store = join(home, 'store');
    const outcome = run(['nix-instantiate', '--store', store, '-E', derivation('d')], { HOME: home });
    assert.notEqual(outcome.status, 0);
    assert.match(outcome.stderr, /error: .*nix\/store' cannot be written/);
  });
}

test('a full disk stops caching, not the work', (context) => {
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]);
  if (mounted.status !== 0) return context.skip('needs the right to mount a small file system');
  try {
    writeFileSync(join(disk, 'filler'), Buffer.alloc(1 << 15));
    const expression = '(import ./value.nix).a + builtins.length (builtins.genList (x: x) 5)';
    for (let round = 0; round < 2; round++) {
      const outcome = run(['nix-instantiate', '--eval', '-E', expression], { XDG_CACHE_HOME: disk });
      assert.equal(outcome.stdout, '6\n', outcome.stderr);
      assert.equal(outcome.stderr, '');
    }
  } finally {
    spawnSync('umount', [disk]);
  }
});

/** Results are kept only of a program that nobody is just changing. */
function keepsResults(context: TestContext): boolean {
  if (programDigest() !== undefined) return true;
  context.skip('the sources were changed a moment ago, or stand on a file system without change times');
  return false;
}

const results = join(folder, '.cache/firn/results');

test('a kept result is shown as it was: value, messages, status', (context) => {
  if (!keepsResults(context)) return;
  const evaluate = (...more: string[]) => run(['nix-instantiate', '--eval', 'warns.nix', ...more]);
  const first = evaluate();
  assert.deepEqual(first, { status: 0, stdout: '1\n', stderr: 'trace: seen\n' });
  const kept = readdirSync(results);
  assert.equal(kept.length, 1);
  const file = join(results, kept[0] as string);
  const { ino } = statSync(file);
  utimesSync(file, 1, 1);
  assert.deepEqual(evaluate(), first);
  // A result that was believed is marked as used; one that was found anew is another file.
  assert.equal(statSync(file).ino, ino);
  assert(statSync(file).mtimeMs > 1000);
  writeFileSync(join(folder, 'value.nix'), '{ a = 2; }');
  assert.equal(evaluate().stdout, '2\n');
  // Another question has another answer.
  assert.equal(evaluate('--xml').stdout.includes('<int value="2" />'), true);
  assert.equal(readdirSync(results).length, 2);
  rmSync(results, { recursive: true });
  assert.equal(evaluate('--option', 'eval-cache', 'false').stdout, '2\n');
  assert(!existsSync(results), 'the setting turns it off');
});

test('no error is kept', (context) => {
  if (!keepsResults(context)) return;
  rmSync(results, { recursive: true, force: true });
  const fails = () => run(['nix-instantiate', '--eval', '-E', 'throw "no"']);
  assert.equal(fails().status, 1);
  assert.equal(fails().status, 1);
  assert(!existsSync(results) || readdirSync(results).length === 0);
});

test('a damaged result is evaluated anew', (context) => {
  if (!keepsResults(context)) return;
  rmSync(results, { recursive: true, force: true });
  const evaluate = () => run(['nix-instantiate', '--eval', '-E', '40 + 2']).stdout;
  assert.equal(evaluate(), '42\n');
  const [name] = readdirSync(results);
  writeFileSync(join(results, name as string), 'not a result');
  assert.equal(evaluate(), '42\n');
});

test('derivations that are gone from the store are written again; nix-build takes what was kept', (context) => {
  if (!keepsResults(context)) return;
  const instantiate = () => run(['nix-instantiate', '-E', derivation('kept')]);
  const drvPath = instantiate().stdout;
  assert.equal(instantiate().stdout, drvPath);
  const place = join(folder, 'root', drvPath.trim());
  assert(existsSync(place));
  const collected = run(['nix-store', '--delete', drvPath.trim()]);
  assert.equal(collected.status, 0, collected.stderr);
  assert(!existsSync(place));
  assert.equal(instantiate().stdout, drvPath);
  assert(existsSync(place));
  const build = () => run(['nix-build', '--no-out-link', '-E', derivation('kept')]).stdout;
  const built = build();
  assert.match(built, /-kept\n$/);
  assert.equal(build(), built);
});
