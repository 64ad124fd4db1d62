/** Git LFS: pointers become files from the server that the repository names, if hash and size agree. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { needs } from '../support/foreign.ts';
import { startServer, type TestServer } from '../support/http-server.ts';
import { parsePointer, serverUrl } from '../../src/host/fetchers/git-lfs.ts';
import { gitEnvironment, startFetching, TestRepository, type FetchingOptions } from './fetching.ts';

const content = 'large '.repeat(1000);
const oidOf = (text: string) => createHash('sha256').update(text).digest('hex');
const pointerTo = (text: string) => `version https://git-lfs.github.com/spec/v1\noid sha256:${oidOf(text)}\nsize ${text.length}\n`;

interface LfsServer extends TestServer {
  /** Bodies of what was asked. */
  readonly asked: string[];
  readonly objects: Map<string, string>;
}

/** A server below /repo.git/info/lfs that gives its objects to who shows the token that it handed out. */
async function startLfsServer(): Promise<LfsServer> {
  const server: LfsServer = Object.assign(await startServer(), { asked: [], objects: new Map<string, string>() });
  after(() => server.close());
  server.files.set('/repo.git/info/lfs/objects/batch', (request, response) => {
    let body = '';
    request.on('data', (piece) => { body += piece; }).on('end', () => {
      server.asked.push(`${request.method} ${request.headers['authorization'] ?? ''} ${body}`);
      const { objects } = JSON.parse(body) as { objects: { oid: string }[] };
      response.end(JSON.stringify({ objects: objects.map(({ oid }) => (server.objects.has(oid)
        ? { oid, actions: { download: { href: server.objects.get(oid), header: { Authorization: 'token' } } } }
        : { oid, error: { code: 404, message: 'no such object' } })) }));
    });
  });
  return server;
}

function serve(server: LfsServer, text: string, oid = oidOf(text)): void {
  server.objects.set(oid, `${server.url}/object/${oid}`);
  server.files.set(`/object/${oid}`, (request, response) => {
    response.writeHead(request.headers.authorization === 'token' ? 200 : 403).end(text);
  });
}

function repositoryWith(options: FetchingOptions = {}) {
  const fetching = startFetching(options);
  const repository = new TestRepository(join(fetching.folder, 'repo'));
  const rev = repository.commit({
    '.gitattributes': '*.bin filter=lfs -text\n', 'a.bin': pointerTo(content), 'b/same.bin': pointerTo(content),
    'no-pointer.bin': 'text', 'plain.txt': pointerTo(content),
  });
  const fetch = (lfs: boolean) => fetching.fetch('fetchTree', { type: 'git', url: `file://${repository.folder}`, rev, lfs });
  return { ...fetching, repository, fetch };
}

test('files of Git LFS come from their server, once; others stay what they are', needs('git'), async () => {
  const server = await startLfsServer();
  serve(server, content);
  const { fetch, place, repository, warnings } = repositoryWith();
  repository.git('config', 'lfs.url', `${server.url}/repo`);
  const { storePath } = await fetch(true);
  const read = (name: string) => readFileSync(place(storePath, name), 'utf8');
  assert.deepEqual([read('a.bin'), read('b/same.bin')], [content, content]);
  assert.deepEqual([read('no-pointer.bin'), read('plain.txt')], ['text', pointerTo(content)]);
  assert.equal(statSync(place(storePath, 'a.bin')).mode & 0o111, 0);
  assert.deepEqual(warnings, ["encountered file '/no-pointer.bin' that should have been a git-lfs pointer, but is invalid"]);
  assert.deepEqual(server.asked, [`POST  ${JSON.stringify({
    operation: 'download', transfers: ['basic'], objects: [{ oid: oidOf(content), size: content.length }],
  })}`]);
  assert.equal(server.requests.filter((path) => path.startsWith('/object/')).length, 1);
  const plain = await fetch(false);
  assert.equal(readFileSync(place(plain.storePath, 'a.bin'), 'utf8'), pointerTo(content));
});

test('what a server sends is not believed', needs('git'), async () => {
  const server = await startLfsServer();
  const { fetch, repository } = repositoryWith();
  await assert.rejects(fetch(true), /nothing says which server has the Git LFS files/);
  repository.git('config', 'lfs.url', `${server.url}/repo.git`);
  await assert.rejects(fetch(true), /has no object [0-9a-f]{64}: no such object/);
  serve(server, content.replace('l', 'L'), oidOf(content));
  await assert.rejects(fetch(true), { code: 'HASH_MISMATCH' });
  server.objects.set(oidOf(content), 'file:///etc/passwd');
  await assert.rejects(fetch(true), /offers no download/);
  server.files.set('/repo.git/info/lfs/objects/batch', 'no JSON');
  await assert.rejects(fetch(true), /is no JSON/);
});

test('a host behind ssh says where its server is, and with which token', needs('git'), async () => {
  const server = await startLfsServer();
  serve(server, content);
  const environment = gitEnvironment('/none');
  const { fetch, folder, place, repository } = repositoryWith({ environment });
  writeFileSync(join(folder, 'ssh'), `#!/bin/sh
echo "$*" > ${folder}/arguments
echo '{"href":"${server.url}/repo.git/info/lfs","header":{"Authorization":"given"}}'
`, { mode: 0o755 });
  environment['PATH'] = `${folder}:${environment['PATH']}`;
  repository.git('remote', 'add', 'origin', 'ssh://git@example.org:22/repo');
  const { storePath } = await fetch(true);
  assert.equal(readFileSync(place(storePath, 'a.bin'), 'utf8'), content);
  assert.equal(readFileSync(join(folder, 'arguments'), 'utf8'), '-p 22 -- git@example.org git-lfs-authenticate /repo download\n');
  assert.match(server.asked[0]!, /^POST given /);
});

test('pointers and servers are read as git-lfs reads them', () => {
  assert.deepEqual(parsePointer(pointerTo('x')), { oid: oidOf('x'), size: 1 });
  for (const text of ['', 'version https://git-lfs.github.com/spec/v2\n', pointerTo('x').replace('sha256', 'sha512'),
    pointerTo('x').replace('size 1', 'size -1')]) assert.equal(parsePointer(text), undefined, text);
  assert.equal(serverUrl('https://github.com/NixOS/nix/'), 'https://github.com/NixOS/nix.git/info/lfs');
  assert.equal(serverUrl('https://example.org/a.git'), 'https://example.org/a.git/info/lfs');
});
