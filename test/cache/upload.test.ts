/** Caches that are written over HTTP and S3, with listings, single files and realisations; and their signing. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hashPartOf, type StorePath } from '#formats';
import { CachePeer, copyPaths, copyToCache, fileOf, findInListing, LocalPeer, treeOf, type LocalStore } from '#store';
import { findAwsCredentials } from '../../src/store/binary-cache/aws-credentials.ts';
import { awsSignature, emptyBodyHash } from '../../src/store/binary-cache/aws-signature.ts';
import { parseCacheUrl } from '../../src/store/binary-cache/cache-url.ts';
import { parseListing } from '../../src/store/binary-cache/nar-listing.ts';
import { freshFolder, freshStore, scratch, secretKey, substituter } from './paths.ts';

const credentials = { accessKey: 'AKIAIOSFODNN7EXAMPLE', secretKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };

/** A store with a tree in it that has everything. */
function sampleTree(store: LocalStore): StorePath {
  const folder = join(scratch, `tree${Math.random()}`);
  mkdirSync(join(folder, 'bin'), { recursive: true });
  writeFileSync(join(folder, 'bin/tool'), '#!/bin/sh\necho tool\n', { mode: 0o755 });
  writeFileSync(join(folder, 'täxt'), 'some text');
  writeFileSync(join(folder, 'empty'), '');
  writeFileSync(join(folder, 'large'), 'line\n'.repeat(50_000));
  symlinkSync('bin/tool', join(folder, 'link'));
  return store.addTree('tree', folder, { method: 'recursive', algorithm: 'sha256' });
}

interface Bucket {
  readonly url: string;
  readonly port: number;
  readonly files: Map<string, Buffer>;
  readonly requests: string[];
  /** Answers the next requests so, before it behaves. */
  readonly failures: number[];
}

/** A server that keeps what is put to it, if `allows` does. */
async function startBucket(allows: (request: IncomingMessage, body: Buffer) => boolean): Promise<Bucket> {
  const files = new Map<string, Buffer>();
  const requests: string[] = [];
  const failures: number[] = [];
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces);
    const path = request.url ?? '';
    requests.push(`${request.method} ${path}`);
    const failure = failures.shift();
    if (failure !== undefined) return void response.writeHead(failure).end();
    if (!allows(request, body)) return void response.writeHead(401).end();
    if (request.method === 'PUT') {
      files.set(path, body);
      return void response.writeHead(200).end();
    }
    const file = files.get(path);
    response.writeHead(file === undefined ? 404 : 200, { 'content-length': file?.length ?? 0 });
    response.end(request.method === 'HEAD' ? undefined : file);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, files, requests, failures };
}

/** Whether the request carries the signature that follows from what it is. */
function isSigned(request: IncomingMessage, body: Buffer, port: number): boolean {
  const time = String(request.headers['x-amz-date'] ?? '');
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time);
  if (parts === null) return false;
  const [, year, month, day, hour, minute, second] = parts;
  const hash = request.headers['x-amz-content-sha256'];
  const expected = awsSignature({
    method: request.method ?? '', url: new URL(request.url ?? '', `http://127.0.0.1:${port}`), bodyHash: bodyHash(body),
  }, 'eu-test-1', credentials, new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`));
  return hash === expected['x-amz-content-sha256'] && request.headers.authorization === expected['authorization'];
}

function bodyHash(body: Buffer): string {
  return body.length === 0 ? emptyBodyHash : createHash('sha256').update(body).digest('hex');
}

test("signatures are those of Amazon's examples", () => {
  const now = new Date('2013-05-24T00:00:00Z');
  const sign = (query: string) => awsSignature({
    method: 'GET', url: new URL(`https://examplebucket.s3.amazonaws.com/${query}`), bodyHash: emptyBodyHash,
  }, 'us-east-1', credentials, now)['authorization'];
  assert.match(sign('?lifecycle') ?? '', /Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543$/);
  assert.match(sign('?prefix=J&max-keys=2') ?? '', /Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7$/);
});

test('keys come from the environment, or from a profile', () => {
  const home = join(scratch, 'aws-home');
  mkdirSync(join(home, '.aws'), { recursive: true });
  writeFileSync(join(home, '.aws/credentials'), [
    '# mine', '[default]', 'aws_access_key_id = A', 'aws_secret_access_key = B=', '[other]', 'aws_access_key_id=C',
    'aws_secret_access_key=D', 'aws_session_token = T', '[half]', 'aws_access_key_id=E',
  ].join('\n'));
  const inEnvironment = { HOME: home, AWS_ACCESS_KEY_ID: 'X', AWS_SECRET_ACCESS_KEY: 'Y' };
  assert.deepEqual(findAwsCredentials(inEnvironment, undefined), { accessKey: 'X', secretKey: 'Y' });
  assert.deepEqual(findAwsCredentials(inEnvironment, 'other'), { accessKey: 'C', secretKey: 'D', sessionToken: 'T' });
  assert.deepEqual(findAwsCredentials({ HOME: home }, undefined), { accessKey: 'A', secretKey: 'B=' });
  assert.deepEqual(findAwsCredentials({ HOME: home, AWS_PROFILE: 'other' }, undefined)?.sessionToken, 'T');
  assert.equal(findAwsCredentials({ HOME: home }, 'half'), undefined);
  assert.equal(findAwsCredentials({ HOME: join(scratch, 'nowhere') }, undefined), undefined);
});

test('where buckets are', () => {
  const base = (url: string) => parseCacheUrl(url).base?.href;
  assert.equal(base('s3://bucket'), 'https://bucket.s3.us-east-1.amazonaws.com/');
  assert.equal(base('s3://bucket?region=eu-west-1'), 'https://bucket.s3.eu-west-1.amazonaws.com/');
  assert.equal(base('s3://my.bucket/sub'), 'https://s3.us-east-1.amazonaws.com/my.bucket/sub/');
  assert.equal(base('s3://bucket?endpoint=minio.example:9000&scheme=http'), 'http://minio.example:9000/bucket/');
  assert.equal(base('s3://bucket?endpoint=https://minio.example/s3'), 'https://minio.example/s3/bucket/');
  assert.equal(base('s3://bucket?endpoint=minio.example&addressing-style=virtual'), 'https://bucket.minio.example/');
  for (const bad of ['s3://', 's3://UPPER', 's3://x?scheme=ftp', 's3://bucket?region=a/b', 's3://bucket?addressing-style=odd']) {
    assert.throws(() => parseCacheUrl(bad), { code: 'BAD_CACHE_URL' }, bad);
  }
});

test('a bucket is written and read, each request signed', async () => {
  const bucket: Bucket = await startBucket((request, body) => isSigned(request, body, bucket.port));
  const url = `s3://nix-cache?endpoint=${bucket.url}&region=eu-test-1&write-nar-listing=1&compression=gzip`;
  const environment = { AWS_ACCESS_KEY_ID: credentials.accessKey, AWS_SECRET_ACCESS_KEY: credentials.secretKey };
  const transport = { environment, retryDelayMilliseconds: 1 };
  const store = freshStore();
  const path = sampleTree(store);
  const referrer = store.addTextToStore('referrer', `see ${path}`, [path]);
  bucket.failures.push(503, 500);
  assert.equal(await copyToCache(store, [referrer], new CachePeer(url, { transport, secretKeys: [secretKey] })), 2);
  const names = [...bucket.files.keys()];
  assert.ok(names.every((name) => name.startsWith('/nix-cache/')), names.join());
  assert.ok(names.includes(`/nix-cache/${hashPartOf(path)}.ls`));
  // What is referred to is described first.
  const puts = bucket.requests.filter((request) => /^PUT.*narinfo$/.test(request));
  assert.deepEqual(puts.map((put) => put.slice(-40, -8)), [hashPartOf(path), hashPartOf(referrer)]);
  const back = freshStore();
  await copyPaths(new CachePeer(url, { transport }), new LocalPeer(back), [referrer]);
  assert.equal(back.queryPathInfo(referrer)?.signatures.length, 1);
  // With other keys nothing is told, and nothing can be written.
  const wrong = { environment: { ...environment, AWS_SECRET_ACCESS_KEY: 'wrong' }, retryDelayMilliseconds: 1 };
  await assert.rejects(copyToCache(store, [referrer], new CachePeer(url, { transport: wrong })), { code: 'CACHE_STATUS' });
});

test('a cache is put to a web server, with name and password', async () => {
  const wanted = `Basic ${Buffer.from('me:secret').toString('base64')}`;
  const bucket = await startBucket((request) => request.method !== 'PUT' || request.headers.authorization === wanted);
  const netrcFile = join(scratch, 'netrc');
  writeFileSync(netrcFile, 'machine 127.0.0.1 login me password secret\n');
  const store = freshStore();
  const path = sampleTree(store);
  const peer = (more: object = {}) => new CachePeer(`${bucket.url}/sub?compression=none&want-mass-query=1&priority=7`, {
    transport: { retryDelayMilliseconds: 1, ...more },
  });
  await assert.rejects(copyToCache(store, [path], peer()), { code: 'UPLOAD_FAILED', message: /HTTP error 401/ });
  assert.equal(await copyToCache(store, [path], peer({ netrcFile })), 1);
  assert.equal(String(bucket.files.get('/sub/nix-cache-info')), 'StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 7\n');
  assert.equal(await copyToCache(store, [path], peer({ netrcFile })), 0);
  const back = freshStore();
  await copyPaths(peer(), new LocalPeer(back), [path]);
  assert.deepEqual(back.queryPathInfo(path)?.narHash, store.queryPathInfo(path)?.narHash);
});

test('single files are read through the listing, or without', async () => {
  const store = freshStore();
  const path = sampleTree(store);
  for (const parameters of ['?write-nar-listing=1', '', '?compression=compress']) {
    const url = `file://${freshFolder()}${parameters}`;
    if (parameters.includes('=compress')) {
      await assert.rejects(copyToCache(store, [path], new CachePeer(url)), { code: 'CANNOT_COMPRESS' });
      continue;
    }
    await copyToCache(store, [path], new CachePeer(url));
    for (const peer of [new CachePeer(url), new LocalPeer(store)]) {
      assert.equal(String(Buffer.from(await fileOf(peer, path, 'bin/tool'))), '#!/bin/sh\necho tool\n');
      assert.equal((await fileOf(peer, path, 'large')).length, 250_000);
      assert.equal((await fileOf(peer, path, 'empty')).length, 0);
      assert.equal(String(Buffer.from(await fileOf(peer, path, Buffer.from('täxt').toString('latin1')))), 'some text');
      const tree = await treeOf(peer, path);
      assert.deepEqual(findInListing(tree, 'link'), { type: 'symlink', target: 'bin/tool' });
      const tool = findInListing(tree, 'bin/tool');
      assert.ok(tool?.type === 'regular' && tool.executable);
      await assert.rejects(fileOf(peer, path, 'bin'), { code: 'NOT_A_FILE' });
      await assert.rejects(fileOf(peer, path, 'none'), { code: 'NOT_IN_NAR' });
    }
  }
});

test('debug information is indexed by build ID', async () => {
  const store = freshStore();
  const tree = join(scratch, 'debug');
  const file = 'lib/debug/.build-id/02/623eda209c26a59b1a8638ff7752f6b945c26b.debug';
  mkdirSync(join(tree, 'lib/debug/.build-id/02'), { recursive: true });
  mkdirSync(join(tree, 'lib/debug/.build-id/zz'));
  writeFileSync(join(tree, file), 'symbols');
  writeFileSync(join(tree, 'lib/debug/.build-id/02/README'), 'none');
  const path = store.addTree('debug', tree, { method: 'recursive', algorithm: 'sha256' });
  const folder = freshFolder();
  await copyToCache(store, [path], new CachePeer(`file://${folder}?index-debug-info=1&compression=none`));
  assert.deepEqual(readdirSync(join(folder, 'debuginfo')), ['02623eda209c26a59b1a8638ff7752f6b945c26b.debug']);
  const [nar] = readdirSync(join(folder, 'nar'));
  assert.deepEqual(
    JSON.parse(readFileSync(join(folder, 'debuginfo/02623eda209c26a59b1a8638ff7752f6b945c26b.debug'), 'utf8')),
    { archive: `../nar/${nar}`, member: file });
  assert.ok(!existsSync(join(folder, `${hashPartOf(path)}.ls`)));
});

test('what was read one file at a time is kept where the URL says', async () => {
  const store = freshStore();
  const path = sampleTree(store);
  const [folder, kept] = [freshFolder(), freshFolder()];
  await copyToCache(store, [path], new CachePeer(`file://${folder}`));
  const peer = () => new CachePeer(`file://${folder}?local-nar-cache=${kept}`);
  await fileOf(peer(), path, 'large');
  assert.deepEqual(readdirSync(kept).sort(), [`${hashPartOf(path)}.ls`, `${hashPartOf(path)}.nar`]);
  for (const name of readdirSync(join(folder, 'nar'))) writeFileSync(join(folder, 'nar', name), 'gone');
  assert.equal((await fileOf(peer(), path, 'large')).length, 250_000);
});

test('listings that are none', () => {
  for (const bad of ['', '{}', '{"version":2,"root":{"type":"directory","entries":{}}}', '{"version":1,"root":{"type":"regular","size":-1}}',
    `{"version":1,"root":${'{"type":"directory","entries":{"a":'.repeat(100)}{}${'}}'.repeat(100)}}`]) {
    assert.throws(() => parseListing(bad, 'x.ls'), { code: 'BAD_LISTING' }, bad);
  }
});

test('realisations are kept by derivation and output', async () => {
  const store = freshStore();
  const path = sampleTree(store);
  const drvPath = '/nix/store/00000000000000000000000000000000-x.drv' as StorePath;
  const folder = freshFolder();
  await copyToCache(store, [path], new CachePeer(`file://${folder}`));
  const cache = new CachePeer(`file://${folder}`);
  assert.equal(await cache.queryRealisation(drvPath, 'out'), undefined);
  const realisation = { drvPath, output: 'out', path, signatures: ['key:sig'] };
  await cache.registerRealisation(realisation);
  assert.deepEqual(await cache.queryRealisation(drvPath, 'out'), realisation);
  // Only a signature by a trusted key makes it count.
  assert.equal(await substituter([`file://${folder}`]).queryRealisation(drvPath, 'out', store), undefined);
  await new CachePeer(`file://${folder}`, { secretKeys: [secretKey] }).registerRealisation(realisation);
  assert.equal((await substituter([`file://${folder}`]).queryRealisation(drvPath, 'out', store))?.path, path);
  assert.equal(await substituter([`file://${folder}`], { trustedKeys: [] }).queryRealisation(drvPath, 'out', store), undefined);
  const file = join(folder, 'build-trace-v2/00000000000000000000000000000000-x.drv/out.doi');
  assert.ok(existsSync(file));
  writeFileSync(file, readFileSync(file, 'utf8').replace('outPath', 'other'));
  await assert.rejects(cache.queryRealisation(drvPath, 'out'), { code: 'BAD_REALISATION' });
});
