/** Forges behind an imitation of their servers, and closures out of a binary cache. */

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { concatBytes, hashOf } from '#base';
import { NarWriter, type StorePath } from '#formats';
import { CacheServer } from '#store';
import { root } from '../support/firn.ts';
import { needs } from '../support/foreign.ts';
import { gitEnvironment, scratchFolder, startFetching, writeFiles } from './fetching.ts';

const revision = '0123456789abcdef0123456789abcdef01234567';

interface Forges {
  readonly folder: string;
  /** `HOST/PATH` of each request, with its token after a space. */
  readonly requests: string[];
  /** What `nix eval --json --expr` prints for the tree of a reference. */
  tree(reference: string, ...flags: string[]): Promise<Record<string, unknown>>;
}

/** Servers with the names of the forges, which a proxy leads to. */
async function startForges(answers: ReadonlyMap<string, string | Buffer>): Promise<Forges> {
  const folder = scratchFolder();
  const names = ['github.com', 'api.github.com', 'gitlab.com', 'git.sr.ht', 'example.org'];
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=forges',
    '-addext', `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`,
    '-keyout', join(folder, 'key'), '-out', join(folder, 'cert'),
  ], { stdio: 'ignore' });
  const requests: string[] = [];
  const server = createHttpsServer({ key: readFileSync(join(folder, 'key')), cert: readFileSync(join(folder, 'cert')) },
    (request, response) => {
      const { headers } = request;
      const token = headers.authorization ?? headers['private-token'];
      const place = `${headers.host}${request.url}`;
      requests.push(token === undefined ? place : `${place} ${String(token)}`);
      const answer = answers.get(place);
      if (answer === undefined) response.writeHead(404).end();
      else response.end(answer);
    });
  const proxy = createHttpServer();
  proxy.on('connect', (_request, client) => {
    const inner = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.write('HTTP/1.1 200 OK\r\n\r\n');
    inner.pipe(client).pipe(inner);
    for (const socket of [inner, client]) socket.on('error', () => { inner.destroy(); client.destroy(); });
  });
  for (const one of [server, proxy]) await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve));
  after(() => { server.closeAllConnections(); server.close(); proxy.closeAllConnections(); proxy.close(); });
  const env = {
    ...gitEnvironment(folder), XDG_CACHE_HOME: join(folder, 'cache'), FIRN_ROOT: join(folder, 'root'), NIX_CONF_DIR: folder,
    https_proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, NODE_EXTRA_CA_CERTS: join(folder, 'cert'),
  };
  const tree = (reference: string, ...flags: string[]) => new Promise<Record<string, unknown>>((resolve, reject) => {
    const child = spawn(join(root, 'firn'), [
      'nix', 'eval', '--impure', '--json', '--extra-experimental-features', 'nix-command flakes fetch-tree', ...flags,
      '--expr', `builtins.removeAttrs (builtins.fetchTree "${reference}") [ "outPath" "narHash" "lastModifiedDate" ]`,
    ], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let [output, messages] = ['', ''];
    child.stdout.on('data', (piece) => { output += String(piece); });
    child.stderr.on('data', (piece) => { messages += String(piece); });
    child.on('close', (status) => {
      if (status === 0) resolve(JSON.parse(output) as Record<string, unknown>);
      else reject(new Error(messages));
    });
  });
  return { folder, requests, tree };
}

function archive(): Buffer {
  const folder = scratchFolder();
  writeFiles(folder, { 'repo-x/file': 'x' });
  return gzipSync(execFileSync('tar', ['--mtime=@1600000000', '-C', folder, '-c', 'repo-x']));
}

test('branches of forges are resolved, and tokens go to their own host', needs('openssl', 'tar'), async () => {
  const bytes = archive();
  const { requests, tree } = await startForges(new Map<string, string | Buffer>([
    ['api.github.com/repos/o/r/commits/HEAD', JSON.stringify({ sha: revision, commit: { tree: { sha: revision } } })],
    [`github.com/o/r/archive/${revision}.tar.gz`, bytes],
    [`api.github.com/repos/o/secret/tarball/${revision.replace('0', 'f')}`, bytes],
    ['gitlab.com/api/v4/projects/o%2Fr/repository/commits?ref_name=main', JSON.stringify([{ id: revision.replace('0', '1') }])],
    [`gitlab.com/api/v4/projects/o%2Fr/repository/archive.tar.gz?sha=${revision.replace('0', '1')}`, bytes],
    ['gitlab.com/api/v4/projects/o%2Fr/repository/commits?ref_name=none', '[]'],
    ['git.sr.ht/~o/r/HEAD', 'ref: refs/heads/main\n'],
    ['git.sr.ht/~o/r/info/refs', `${'9'.repeat(40)}\trefs/heads/other\n${revision.replace('0', '2')}\trefs/heads/main\n`],
    [`git.sr.ht/~o/r/archive/${revision.replace('0', '2')}.tar.gz`, bytes],
  ]));
  const expected = (rev: string) => ({ lastModified: 1600000000, rev, shortRev: rev.slice(0, 7) });
  assert.deepEqual(await tree('github:o/r'), expected(revision));
  assert.deepEqual(requests, ['api.github.com/repos/o/r/commits/HEAD', `github.com/o/r/archive/${revision}.tar.gz`]);
  const secret = revision.replace('0', 'f');
  const tokens = ['--access-tokens', 'github.com/o/secret=T1 gitlab.com=PAT:T2'];
  assert.deepEqual(await tree(`github:o/secret/${secret}`, ...tokens), expected(secret));
  assert.equal(requests.at(-1), `api.github.com/repos/o/secret/tarball/${secret} token T1`);
  assert.deepEqual(await tree('gitlab:o/r/main', ...tokens), expected(revision.replace('0', '1')));
  assert.deepEqual(requests.slice(-2).map((line) => line.split(' ')[1]), ['T2', 'T2']);
  assert.deepEqual(await tree('sourcehut:~o/r', ...tokens), expected(revision.replace('0', '2')));
  assert.equal(requests.slice(-3).some((line) => line.includes(' ')), false);
  await assert.rejects(tree('gitlab:o/r/none'), /No commits returned by GitLab API/);
  // What is known needs no server.
  const before = requests.length;
  await tree(`github:o/r/${revision}`);
  assert.equal(requests.length, before);
});

test('closures: named by content, signed, or rewritten', async () => {
  const source = startFetching();
  const server = await CacheServer.start(source.store, { host: '127.0.0.1', port: 0 });
  after(() => server.stop());
  const leaf = source.store.addTextToStore('leaf', 'leaf', []);
  // Named by its content; and one that is not, which refers to it and to itself.
  const hashPart = '1'.repeat(32);
  const top = `/nix/store/${hashPart}-top` as StorePath;
  const text = `${leaf} ${top}\n`;
  const pieces: Uint8Array[] = [];
  const writer = new NarWriter((piece) => { pieces.push(piece.slice()); });
  writer.file(Buffer.from(text), false);
  writer.finish();
  const nar = concatBytes(pieces);
  await source.store.addNar({
    path: top, narHash: hashOf('sha256', nar), narSizeBytes: nar.length, references: [leaf, top].sort(), signatures: [],
  }, (async function* once() { yield nar; })());
  const cacheOptions = (urls: readonly string[]) => ({ urls, trustedKeys: [], requireSignatures: true });
  const { fetch, place, store } = startFetching({ cacheOptions });
  const fromStore = server.url;
  assert.equal((await fetch('fetchClosure', { fromStore, fromPath: leaf })).storePath, leaf);
  await assert.rejects(fetch('fetchClosure', { fromStore, fromPath: leaf, inputAddressed: true }), /is not input-addressed/);
  await assert.rejects(fetch('fetchClosure', { fromStore, fromPath: top, inputAddressed: true }), { code: 'LACKS_SIGNATURE' });
  await assert.rejects(fetch('fetchClosure', { fromStore: 'ssh://host', fromPath: top }), /only supports http:\/\/ and https:\/\//);
  await assert.rejects(fetch('fetchClosure', { fromStore: `${fromStore}?a=b`, fromPath: top }), /URL query parameters/);
  const told = await fetch('fetchClosure', { fromStore, fromPath: top, toPath: '' }).catch((error: Error) => error.message);
  const toPath = /yielded '([^']+)'/.exec(String(told))?.[1] as string;
  assert.equal((await fetch('fetchClosure', { fromStore, fromPath: top, toPath })).storePath, toPath);
  const rewritten = readFileSync(place(toPath), 'utf8').trim().split(' ');
  assert.equal(rewritten[1], toPath);
  assert.deepEqual(store.queryPathInfo(toPath as StorePath)?.references, [...new Set(rewritten)].sort());
  assert.equal(store.isValidPath(top), false);
  await assert.rejects(
    fetch('fetchClosure', { fromStore, fromPath: top, toPath: toPath.replace(/[0-9]/, (digit) => (digit === '1' ? '2' : '1')) }),
    /while '.*' was expected/);
});
