/** Git inputs: the trees that C++ Nix makes, and what a hostile repository cannot do. */

import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { needs } from '../support/foreign.ts';
import { gitEnvironment, oracle, startFetching, TestRepository } from './fetching.ts';

const local = { type: 'git', exportIgnore: true } as const;

test('commits and work trees, as C++ Nix', needs('git', 'nix-instantiate'), async () => {
  const { fetch, folder, warnings } = startFetching();
  const repository = new TestRepository(join(folder, 'repo'));
  repository.write({ 'run.sh': '#!/bin/sh\n', 'a/b/c.txt': 'x', 'a.txt': 'y', 'a-b': 'z', 'größe': 'w' });
  chmodSync(join(repository.folder, 'run.sh'), 0o755);
  symlinkSync('a/b', join(repository.folder, 'link'));
  repository.commit({ '.gitattributes': 'secret export-ignore\nout/ export-ignore\n', secret: 's', 'out/x': 'x' });
  const head = repository.commit({ 'a.txt': 'changed' });
  const url = `file://${repository.folder}`;
  const check = async (program: string, attributes: Record<string, string | boolean>) => {
    const { storePath, attributes: found } = await fetch('fetchTree', { ...local, url, ...attributes });
    const theirs = oracle(folder, `let t = builtins.fetchGit ${program}; in [ t.outPath t.narHash t.rev ]`);
    assert.deepEqual([storePath, found.get('narHash'), found.get('rev') ?? '0'.repeat(40)], theirs);
  };
  await check(`{ url = "${url}"; ref = "main"; }`, { ref: 'main' });
  await check(`{ url = "${url}"; rev = "${head}"; }`, { rev: head });
  await check(`{ url = "${url}"; name = "other"; rev = "${head}"; }`, { rev: head, name: 'other' });
  // What is not committed is taken if Git knows of the file; export-ignore holds there too.
  repository.write({ 'a.txt': 'dirty', new: 'n', unknown: 'u' });
  repository.git('add', 'new');
  rmSync(join(repository.folder, 'a-b'));
  rmSync(join(repository.folder, '.gitattributes'));
  repository.git('rm', '--quiet', '--cached', '.gitattributes');
  await check(`{ url = "${url}"; }`, {});
  assert.ok(warnings.includes(`Git tree '${repository.folder}' is dirty`));
});

test('a bare repository is copied into the cache, and asked again when it is time', needs('git'), async () => {
  const { fetch, folder, place } = startFetching({
    values: { 'tarball-ttl': '3600' }, environment: { ...gitEnvironment('/nonexistent'), _NIX_FORCE_HTTP: '1' },
  });
  const source = new TestRepository(join(folder, 'source'));
  const first = source.commit({ file: 'one' });
  const bare = join(folder, 'bare.git');
  source.git('clone', '--quiet', '--bare', source.folder, bare);
  const url = `file://${bare}`;
  const { storePath, attributes } = await fetch('fetchTree', { type: 'git', url });
  assert.equal(attributes.get('rev'), first);
  assert.equal(attributes.get('ref'), 'refs/heads/main');
  assert.equal(attributes.get('lastModified'), 1700000000);
  assert.equal(readFileSync(place(storePath, 'file'), 'utf8'), 'one');
  const second = source.commit({ file: 'two' });
  source.git('push', '--quiet', bare, 'main');
  assert.equal((await fetch('fetchTree', { type: 'git', url })).attributes.get('rev'), first, 'within tarball-ttl');
  // A revision is looked for at once.
  assert.equal((await fetch('fetchTree', { type: 'git', url, rev: second })).attributes.get('rev'), second);
  const counted = await fetch('revCount', { directory: String(attributes.get('revCountIn')), rev: second });
  assert.equal(counted.attributes.get('revCount'), 2);
  rmSync(bare, { recursive: true });
  assert.equal((await fetch('fetchTree', { type: 'git', url, rev: second })).attributes.get('rev'), second, 'from the cache');
  await assert.rejects(
    fetch('fetchTree', { type: 'git', url, rev: '1'.repeat(40), ref: 'other' }), /Failed to fetch git repository/);
});

test('shallow repositories have no count, and say so only when asked', needs('git'), async () => {
  const { fetch, folder } = startFetching();
  const source = new TestRepository(join(folder, 'source'));
  source.commit({ file: 'one' });
  source.commit({ file: 'two' });
  const shallow = join(folder, 'shallow');
  source.git('clone', '--quiet', '--depth', '1', `file://${source.folder}`, shallow);
  const { attributes } = await fetch('fetchTree', { type: 'git', url: `file://${shallow}` });
  await assert.rejects(
    fetch('revCount', { directory: String(attributes.get('revCountIn')), rev: String(attributes.get('rev')) }),
    /is a shallow Git repository, so 'revCount' is not available/);
  const asked = await fetch('fetchTree', { type: 'git', url: `file://${shallow}`, shallow: true });
  assert.equal(asked.attributes.has('revCountIn'), false);
});

test('submodules, also at relative addresses, and left-over entries', needs('git'), async () => {
  const { fetch, folder, place } = startFetching();
  const inner = new TestRepository(join(folder, 'inner'));
  inner.commit({ content: 'inner' });
  const outer = new TestRepository(join(folder, 'outer'));
  outer.git('submodule', '--quiet', 'add', '../inner', 'sub');
  const rev = outer.commit({ file: 'outer' });
  const url = `file://${outer.folder}`;
  const without = await fetch('fetchTree', { type: 'git', url, rev });
  assert.deepEqual(readdirSync(place(without.storePath, 'sub')), []);
  const withThem = await fetch('fetchTree', { type: 'git', url, rev, submodules: true });
  assert.equal(readFileSync(place(withThem.storePath, 'sub/content'), 'utf8'), 'inner');
  const dirty = await fetch('fetchTree', { type: 'git', url, submodules: true });
  assert.equal(dirty.storePath, withThem.storePath);
  outer.write({ '.gitmodules': `${readFileSync(join(outer.folder, '.gitmodules'), 'utf8')}[submodule "gone"]\npath = gone\nurl = x\n` });
  const later = outer.commit({});
  await fetch('fetchTree', { type: 'git', url, rev: later, submodules: true });
  await assert.rejects(
    fetch('fetchTree', { type: 'git', url, rev, submodules: true, exportIgnore: true }), /not supported together/);
});

test('neither hooks nor filters nor monitors of a repository run', needs('git'), async () => {
  const { fetch, folder } = startFetching();
  const repository = new TestRepository(join(folder, 'repo'));
  const mark = join(folder, 'ran');
  const trap = join(folder, 'trap');
  writeFileSync(trap, `#!/bin/sh\ntouch ${mark}\ncat\n`, { mode: 0o755 });
  repository.commit({ '.gitattributes': '* filter=trap\n', file: 'x' });
  for (const key of ['filter.trap.clean', 'filter.trap.smudge', 'core.fsmonitor', 'core.pager', 'core.sshCommand']) {
    repository.git('config', key, trap);
  }
  for (const hook of ['post-checkout', 'reference-transaction', 'post-index-change', 'pre-auto-gc']) {
    writeFileSync(join(repository.folder, '.git/hooks', hook), `#!/bin/sh\ntouch ${mark}\n`, { mode: 0o755 });
  }
  rmSync(mark, { force: true });
  repository.write({ file: 'y' });
  const url = `file://${repository.folder}`;
  await fetch('fetchTree', { ...local, url });
  await fetch('fetchTree', { ...local, url, ref: 'main' });
  assert.equal(existsSync(mark), false);
});

test('variables of the caller do not lead to another repository', needs('git'), async () => {
  const scratch = startFetching();
  const wanted = new TestRepository(join(scratch.folder, 'wanted'));
  const rev = wanted.commit({ file: 'wanted' });
  const other = new TestRepository(join(scratch.folder, 'other'));
  other.commit({ file: 'other' });
  const environment = {
    ...gitEnvironment(scratch.folder), GIT_DIR: join(other.folder, '.git'), GIT_WORK_TREE: other.folder,
    GIT_INDEX_FILE: join(other.folder, '.git/index'),
  };
  const { fetch } = startFetching({ environment });
  const { attributes } = await fetch('fetchTree', { ...local, url: `file://${wanted.folder}` });
  assert.equal(attributes.get('rev'), rev);
});

test('a commit must be signed by one of the keys that are named', needs('git', 'ssh-keygen'), async () => {
  const { fetch, folder } = startFetching();
  const repository = new TestRepository(join(folder, 'repo'));
  const { execFileSync } = await import('node:child_process');
  const keyAt = (name: string) => {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
    return readFileSync(join(folder, `${name}.pub`), 'utf8').split(' ')[1] as string;
  };
  const [good, bad] = [keyAt('good'), keyAt('bad')];
  for (const [key, value] of [['gpg.format', 'ssh'], ['user.signingkey', join(folder, 'good')], ['commit.gpgsign', 'true']]) {
    repository.git('config', key as string, value as string);
  }
  const rev = repository.commit({ file: 'signed' });
  const url = `file://${repository.folder}`;
  await fetch('fetchTree', { type: 'git', url, rev, publicKey: good });
  await fetch('fetchTree', { type: 'git', url, rev, publicKeys: JSON.stringify([{ key: bad }, { key: good, type: 'ssh-ed25519' }]) });
  await assert.rejects(fetch('fetchTree', { type: 'git', url, rev, publicKey: bad }), /Commit signature verification on commit/);
  await assert.rejects(
    fetch('fetchTree', { type: 'git', url, rev, publicKey: good, keytype: 'ssh-x' }), /Invalid SSH key type 'ssh-x'/);
  repository.write({ file: 'dirty' });
  await assert.rejects(fetch('fetchTree', { type: 'git', url, publicKey: good }), /but it's dirty/);
});

test('what is missing is named', needs('git'), async () => {
  const { fetch, folder } = startFetching({ environment: { PATH: '/nonexistent' } });
  const repository = new TestRepository(join(folder, 'repo'));
  repository.commit({ file: 'x' });
  await assert.rejects(
    fetch('fetchTree', { type: 'git', url: `file://${repository.folder}` }), { code: 'GIT_MISSING' });
  const working = startFetching();
  await assert.rejects(
    working.fetch('fetchTree', { type: 'git', url: `file://${repository.folder}`, ref: 'nowhere' }), { code: 'NO_GIT_OBJECT' });
  await assert.rejects(
    working.fetch('fetchTree', { type: 'git', url: `file://${repository.folder}`, rev: '2'.repeat(40) }), { code: 'NO_GIT_REVISION' });
});
