/** Firn and C++ Nix at work on one store at the very same time: adding, collecting, linking, building. */

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { deleteTree, LocalStore, verifyStore } from '#store';
import { needs } from '../support/foreign.ts';
import { freshSandbox, needsSandbox } from '../sandbox/builds.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-side-by-side-'));
chmodSync(scratch, 0o755);
after(() => { deleteTree(scratch); });
const project = resolve(import.meta.dirname, '../..');
const main = join(project, 'src/cli/main.ts');

interface Ended { readonly status: number | null; readonly stdout: string; readonly stderr: string }

function run(program: string, args: readonly string[]): Promise<Ended> {
  return new Promise((done) => {
    const child = execFile(program, args, { cwd: project, encoding: 'utf8' }, (_, stdout, stderr) =>
      done({ status: child.exitCode, stdout, stderr }));
  });
}

const node = (...args: string[]) => run(process.execPath, ['--disable-warning=ExperimentalWarning', ...args]);

async function checkWhole(root: string): Promise<void> {
  const store = new LocalStore({ root });
  assert.deepEqual((await verifyStore(store, { checkContents: true })).problems, []);
  store.close();
  const { status, stderr } = await run('nix-store', ['--store', root, '--verify', '--check-contents']);
  assert.equal(status, 0, stderr);
  assert.doesNotMatch(stderr, /modified|disappeared|error/);
}

/** How many paths each adds; all add the same. */
const count = Number(process.env['FIRN_TEST_SIDE_BY_SIDE'] ?? 12);

test('both add the same paths, collect and link them at once; what is there is whole', needs('nix-store', 'nix-instantiate'), async () => {
  const root = join(scratch, 'adding');
  new LocalStore({ root }).close();
  for (let at = 0; at < count; at++) {
    mkdirSync(join(scratch, `tree${at}`, 'folder'), { recursive: true });
    for (let file = 0; file < 5; file++) writeFileSync(join(scratch, `tree${at}/folder/file${file}`), `${at % 3} ${file}`.repeat(100));
  }
  const ours = `import { collectGarbage, LocalStore, optimiseStore } from '#store';
    import { existsSync } from 'node:fs';
    const store = new LocalStore({ root: ${JSON.stringify(root)} });
    for (let at = 0; at < ${count}; at++) {
      const tree = store.addTree('tree' + at, ${JSON.stringify(scratch)} + '/tree' + at, { method: 'recursive', algorithm: 'sha256' });
      const text = store.addTextToStore('text', 'text ' + at, []);
      for (const path of [tree, text]) if (!store.isValidPath(path) || !existsSync(store.physicalPath(path))) throw new Error(path + ' is gone');
      if (at % 4 === 1) await optimiseStore(store);
      if (at % 4 === 3) await collectGarbage(store);
    }
    store.close();`;
  const theirs = `for at in $(seq 0 ${count - 1}); do
    nix-store --store ${root} --add ${scratch}/tree$at > /dev/null || exit 1
    nix-instantiate --store ${root} --eval -E "builtins.toFile \\"text\\" \\"text $at\\"" > /dev/null || exit 2
    if [ $((at % 4)) = 1 ]; then nix-store --store ${root} --optimise || exit 3; fi
    if [ $((at % 4)) = 3 ]; then nix-store --store ${root} --gc > /dev/null || exit 4; fi
  done 2>&1`;
  const ends = await Promise.all([
    ...[1, 2].map(() => node('--input-type=module', '-e', ours)), ...[1, 2].map(() => run('sh', ['-c', theirs])),
  ]);
  for (const { status, stdout, stderr } of ends) assert.equal(status, 0, stdout + stderr);
  await checkWhole(root);
});

test('a path that C++ Nix has locked is waited for', needs('flock'), async () => {
  const root = join(scratch, 'locked');
  const store = new LocalStore({ root });
  const tree = join(scratch, 'locked-tree');
  mkdirSync(join(tree, 'folder'), { recursive: true });
  const path = store.addTree('tree', tree, { method: 'recursive', algorithm: 'sha256' });
  const other = new LocalStore({ root: join(scratch, 'locked-other') });
  const lockPath = `${other.physicalPath(path)}.lock`;
  const holder = spawn('flock', [lockPath, 'sh', '-c', 'echo held; sleep 0.3'], { stdio: ['ignore', 'pipe', 'ignore'] });
  await new Promise((held) => { holder.stdout.once('data', held); });
  const begun = performance.now();
  other.addTree('tree', tree, { method: 'recursive', algorithm: 'sha256' });
  assert.ok(performance.now() - begun > 200);
  assert.equal(existsSync(lockPath), false);
  // What a dead process left is in nobody's way.
  writeFileSync(`${other.physicalPath(other.addTextToStore('text', 'x', [])) }.lock`, '');
  other.addTextToStore('text', 'x', []);
  store.close();
  other.close();
});

test('of one derivation that both are told to build at once, one builds', {
  skip: needsSandbox.skip || needs('nix-store').skip || (process.getuid?.() === 0 ? false : 'C++ Nix builds in a store of its own only as root'),
}, async (context) => {
  const builds = freshSandbox();
  try {
    const made = builds.add('once', { script: 'cat /proc/sys/kernel/random/uuid > $out; sleep 1' });
    const settings = [['build-users-group', ''], ['sandbox', 'true'], ['substituters', ''], ['sandbox-paths', '']]
      .flatMap(([name, value]) => ['--option', name as string, value as string]);
    const results = await Promise.all([
      node(main, 'nix-store', '--store', builds.root, '-r', made.drvPath), run('nix-store', ['--store', builds.root, ...settings, '-r', made.drvPath]),
      node(main, 'nix-store', '--store', builds.root, '-r', made.drvPath), run('nix-store', ['--store', builds.root, ...settings, '-r', made.drvPath]),
    ]);
    if (results.some(({ stderr }) => /cannot (set up|create|pivot).*(namespace|root)|unshar/.test(stderr))) return context.skip('C++ Nix cannot make its sandbox here');
    for (const { status, stderr } of results) assert.equal(status, 0, stderr);
    assert.ok(results.filter(({ stderr }) => /^building '/m.test(stderr)).length <= 1);
    assert.match(readFileSync(join(builds.root, made.out), 'utf8'), /^[0-9a-f-]{36}\n$/);
    await checkWhole(builds.root);
  } finally {
    builds.close();
  }
});
