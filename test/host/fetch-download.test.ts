/** Downloads: files and archives by URL, what is remembered of them, forges, Mercurial, closures. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { xz } from '@napi-rs/lzma';
import { needs } from '../support/foreign.ts';
import { startServer, type TestServer } from '../support/http-server.ts';
import { gitEnvironment, oracle, scratchFolder, startFetching, writeFiles } from './fetching.ts';

async function serve(): Promise<TestServer> {
  const server = await startServer();
  after(() => server.close());
  return server;
}

/** A tar archive of files below one folder. */
function tarOf(files: Readonly<Record<string, string>>, top = 'top'): Buffer {
  const folder = scratchFolder();
  writeFiles(join(folder, top), files);
  return execFileSync('tar', ['--mtime=@1600000000', '--sort=name', '-C', folder, '-c', ...readdirSync(folder)]);
}

test('archives in every compression give one tree', needs('tar', 'bzip2'), async () => {
  const server = await serve();
  const tar = tarOf({ 'a/b': 'x', c: 'y' });
  server.files.set('/plain', tar);
  server.files.set('/gz', gzipSync(tar));
  server.files.set('/xz', xz.compressSync(tar));
  server.files.set('/zst', zstdCompressSync(tar));
  server.files.set('/bz2', execFileSync('bzip2', { input: tar }));
  const { fetch, place } = startFetching();
  const paths = new Set<string>();
  for (const name of server.files.keys()) {
    const { storePath, attributes } = await fetch('fetchTree', { type: 'tarball', url: server.url + name });
    assert.equal(attributes.get('lastModified'), 1600000000);
    paths.add(storePath);
  }
  assert.equal(paths.size, 1);
  assert.equal(readFileSync(place([...paths][0] as string, 'a/b'), 'utf8'), 'x');
});

test('in an archive that was appended to, a later file takes the place of an earlier one', needs('tar'), async () => {
  const folder = scratchFolder();
  const archive = join(folder, 'a.tar');
  writeFiles(join(folder, 'top'), { 'a/b': 'old', c: 'c' });
  execFileSync('tar', ['-C', folder, '-cf', archive, 'top']);
  writeFiles(join(folder, 'top'), { 'a/b': 'new', 'a/d': 'd' });
  execFileSync('tar', ['-C', folder, '-rf', archive, 'top/a']);
  const { fetch, place } = startFetching();
  const { storePath } = await fetch('fetchTree', { type: 'tarball', url: `file://${archive}` });
  assert.deepEqual(['a/b', 'a/d', 'c'].map((name) => readFileSync(place(storePath, name), 'utf8')), ['new', 'd', 'c']);
  writeFileSync(join(folder, 'empty'), '');
  await assert.rejects(fetch('fetchTree', { type: 'tarball', url: `file://${folder}/empty` }), /archive .* is empty/);
});

test('of several that want one archive at once, one downloads it', needs('tar', 'flock'), async () => {
  const server = await serve();
  const tar = tarOf({ a: 'x' });
  server.files.set('/a.tar', (_request, response) => { setTimeout(() => response.end(tar), 300); });
  const one = startFetching();
  const other = startFetching({ cacheDirectory: join(one.folder, 'cache'), store: one.store });
  const found = await Promise.all([one, other].map(({ fetch }) =>
    fetch('fetchTree', { type: 'tarball', url: `${server.url}/a.tar` })));
  assert.equal(found[0]!.storePath, found[1]!.storePath);
  assert.deepEqual(server.requests, ['/a.tar']);
});

test('zip archives, and archives of many things at the top', needs('python3', 'tar'), async () => {
  const server = await serve();
  const folder = scratchFolder();
  writeFiles(folder, { 'make.py': `
import zipfile, stat
z = zipfile.ZipFile('${folder}/a.zip', 'w', zipfile.ZIP_DEFLATED)
def add(name, mode, text):
    i = zipfile.ZipInfo(name, (2020, 9, 13, 12, 26, 40)); i.create_system = 3; i.external_attr = mode << 16
    i.compress_type = zipfile.ZIP_DEFLATED
    z.writestr(i, text)
add('top/run', stat.S_IFREG | 0o755, 'run ' * 1000)
add('top/dir/file', stat.S_IFREG | 0o644, 'x')
add('top/link', stat.S_IFLNK | 0o777, 'dir/file')
z.close()
` });
  execFileSync('python3', [join(folder, 'make.py')]);
  const zip = readFileSync(join(folder, 'a.zip'));
  server.files.set('/a.zip', zip);
  const { fetch, place } = startFetching();
  const { storePath } = await fetch('fetchTree', { type: 'tarball', url: `${server.url}/a.zip` });
  assert.deepEqual(readdirSync(place(storePath)).sort(), ['dir', 'link', 'run']);
  assert.equal(readFileSync(place(storePath, 'link'), 'utf8'), 'x');
  assert.equal(readFileSync(place(storePath, 'run'), 'utf8'), 'run '.repeat(1000));
  const damaged = Buffer.from(zip);
  damaged[45] = (damaged[45] as number) ^ 0xff;
  server.files.set('/bad.zip', damaged);
  await assert.rejects(fetch('fetchTree', { type: 'tarball', url: `${server.url}/bad.zip` }), /bad\.zip/);
  const two = scratchFolder();
  writeFiles(two, { 'a/x': '1', 'b/x': '2' });
  server.files.set('/two', execFileSync('tar', ['-C', two, '-c', 'a', 'b']));
  const both = await fetch('fetchTree', { type: 'tarball', url: `${server.url}/two` });
  assert.deepEqual(readdirSync(place(both.storePath)).sort(), ['a', 'b']);
});

test('hashes are checked, and a known one needs no server', needs('tar'), async () => {
  const server = await serve();
  server.files.set('/a.tar', tarOf({ file: 'x' }));
  server.files.set('/file', 'content');
  const { fetch } = startFetching();
  const { attributes } = await fetch('fetchTree', { type: 'tarball', url: `${server.url}/a.tar` });
  const narHash = String(attributes.get('narHash'));
  const wrong = 'sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=';
  const other = startFetching();
  await assert.rejects(
    other.fetch('fetchTree', { type: 'tarball', url: `${server.url}/a.tar`, narHash: wrong }), { code: 'HASH_MISMATCH' });
  await assert.rejects(
    other.fetch('fetchTarball', { url: `${server.url}/a.tar`, name: 'source', sha256: '0'.repeat(64) }),
    (error: Error) => error.message.includes(narHash));
  await assert.rejects(
    other.fetch('fetchurl', { url: `${server.url}/file`, name: 'file', sha256: '0'.repeat(64) }), { code: 'HASH_MISMATCH' });
  const asked = server.requests.length;
  await fetch('fetchTree', { type: 'tarball', url: 'http://127.0.0.1:1/gone.tar', narHash, __final: true });
  assert.equal(server.requests.length, asked);
  await assert.rejects(
    fetch('fetchTree', { type: 'tarball', url: `${server.url}/a.tar`, narHash, lastModified: 5, __final: true, rev: '1'.repeat(40) })
      .then(({ attributes: found }) => { assert.equal(found.get('lastModified'), 5); throw new Error('as given'); }), /as given/);
});

test('what was downloaded is asked for again by its entity tag', needs('tar'), async () => {
  const server = await serve();
  const tar = tarOf({ file: 'x' });
  let sent = 0;
  const withTag = (bytes: Buffer | string) => (request: IncomingMessage, response: ServerResponse) => {
    if (request.headers['if-none-match'] === '"tag"') {
      response.writeHead(304, { etag: '"tag"' }).end();
      return;
    }
    sent++;
    response.writeHead(200, { etag: '"tag"' }).end(bytes);
  };
  server.files.set('/a.tar', withTag(tar));
  server.files.set('/file', withTag('content'));
  const { fetch, warnings } = startFetching({ values: { 'tarball-ttl': '0' } });
  for (let i = 0; i < 2; i++) {
    await fetch('fetchTree', { type: 'tarball', url: `${server.url}/a.tar` });
    await fetch('fetchurl', { url: `${server.url}/file`, name: 'file' });
  }
  assert.equal(sent, 2);
  assert.equal(server.requests.length, 4);
  server.files.delete('/file');
  await fetch('fetchurl', { url: `${server.url}/file`, name: 'file' });
  assert.match(warnings.join('\n'), /using cached version/);
  const patient = startFetching();
  await patient.fetch('fetchurl', { url: `${server.url}/file`, name: 'file' }).catch(() => {});
});

test('a server may name the address where an archive stays', needs('tar'), async () => {
  const server = await serve();
  const tar = tarOf({ file: 'x' });
  const immutable = `${server.url}/v1.tar.gz?rev=${'3'.repeat(40)}&revCount=7`;
  server.files.set('/latest.tar.gz', (_request, response) => {
    response.writeHead(200, { link: `<${immutable}>; rel="immutable"` }).end(gzipSync(tar));
  });
  server.files.set('/moved.tar.gz', (_request, response) => {
    response.writeHead(302, { location: '/latest.tar.gz' }).end();
  });
  const { fetch } = startFetching();
  const { attributes } = await fetch('fetchTree', { type: 'tarball', url: `${server.url}/moved.tar.gz` });
  assert.equal(attributes.get('url'), `${server.url}/v1.tar.gz`);
  assert.equal(attributes.get('rev'), '3'.repeat(40));
  assert.equal(attributes.get('revCount'), 7);
});

test('path inputs, as C++ Nix', needs('nix-instantiate'), async () => {
  const { fetch, folder } = startFetching();
  writeFiles(folder, { 'tree/a': 'x', 'tree/b/c': 'y' });
  const { storePath, attributes } = await fetch('fetchTree', { type: 'path', path: join(folder, 'tree') });
  const theirs = oracle(folder, `let t = builtins.fetchTree { type = "path"; path = "${folder}/tree"; }; in [ t.outPath t.narHash ]`);
  assert.deepEqual([storePath, attributes.get('narHash')], theirs);
  await assert.rejects(fetch('fetchTree', { type: 'path', path: 'relative' }), /uses a relative path/);
  await assert.rejects(fetch('fetchTree', { type: 'path', path: '/nonexistent' }), /does not exist/);
  await assert.rejects(fetch('fetchTree', { type: 'indirect', id: 'x' }), /cannot be fetched directly/);
});

test('registries: the user\'s, then the global one; inputs of flakes see the global one only', async () => {
  const { fetch, folder } = startFetching();
  const registry = (entries: readonly object[]) => JSON.stringify({ version: 2, flakes: entries });
  const to = (path: string) => ({ type: 'path', path });
  writeFiles(folder, {
    '.config/nix/registry.json': registry([{ from: { type: 'indirect', id: 'a' }, to: to('/user') }]),
    'global.json': registry([
      { from: { type: 'indirect', id: 'a' }, to: to('/global') },
      { from: { type: 'indirect', id: 'b' }, to: { type: 'indirect', id: 'c' } },
      { from: { type: 'indirect', id: 'c' }, to: { type: 'git', url: 'https://example.org/c', ref: 'main', dir: 'sub' } },
      { from: { type: 'indirect', id: 'loop' }, to: { type: 'indirect', id: 'loop' } },
    ]),
  });
  const withGlobal = startFetching({
    values: { 'experimental-features': 'flakes', 'flake-registry': join(folder, 'global.json') },
    environment: gitEnvironment(folder),
  });
  const resolve = async (input: Record<string, string>, registries = 'all', from = withGlobal.fetch) =>
    Object.fromEntries((await from('resolveInput', { type: 'indirect', ...input, registries })).attributes);
  assert.deepEqual(await resolve({ id: 'a' }), to('/user'));
  assert.deepEqual(await resolve({ id: 'a' }, 'limited'), to('/global'));
  assert.deepEqual(await resolve({ id: 'b', ref: 'other' }), { type: 'git', url: 'https://example.org/c', ref: 'other', dir: 'sub' });
  await assert.rejects(resolve({ id: 'loop' }), /cycle detected in flake registry/);
  await assert.rejects(resolve({ id: 'b' }, 'all', fetch), /cannot find flake 'flake:b' in the flake registries/);
});

test('Mercurial repositories', needs('hg'), async () => {
  const { fetch, folder, place } = startFetching();
  const repository = join(folder, 'repo');
  const hg = (...args: string[]) => execFileSync('hg', args, { cwd: repository, env: gitEnvironment(folder), encoding: 'utf8' }).trim();
  writeFiles(repository, { 'a/b': 'x', c: 'y' });
  hg('init');
  hg('add', '--quiet');
  hg('commit', '-m', 'one', '-d', '0 0');
  const rev = hg('log', '-r', 'tip', '--template', '{node}');
  const url = `file://${repository}`;
  const { storePath, attributes } = await fetch('fetchTree', { type: 'hg', url });
  assert.deepEqual([attributes.get('rev'), attributes.get('revCount'), attributes.get('ref')], [rev, 0, 'default']);
  assert.equal(readFileSync(place(storePath, 'a/b'), 'utf8'), 'x');
  assert.deepEqual(readdirSync(place(storePath)).sort(), ['a', 'c']);
  writeFileSync(join(repository, 'c'), 'dirty');
  writeFileSync(join(repository, 'unknown'), '');
  const dirty = await fetch('fetchTree', { type: 'hg', url });
  assert.equal(dirty.attributes.has('rev'), false);
  assert.equal(readFileSync(place(dirty.storePath, 'c'), 'utf8'), 'dirty');
  assert.deepEqual(readdirSync(place(dirty.storePath)).sort(), ['a', 'c']);
  rmSync(repository, { recursive: true });
  assert.equal((await fetch('fetchTree', { type: 'hg', url, rev })).storePath, storePath);
});
