/** Reading binary caches in memory and over loopback HTTP: what works, and what must not. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { xz } from '@napi-rs/lzma';
import { bytesOf, concatBytes, hashOf } from '#base';
import { generateSigningKey, hashPartOf, makeTextPath, type PathInfo, type StorePath } from '#formats';
import { LookupMemory, verifyStore, writeBinaryCache, type LocalStore } from '#store';
import { deadUrl, startServer, truncated, type TestServer } from '../support/http-server.ts';
import {
  addOutput, fileNar, freshFolder, freshStore, listener, outputInfo, scratch, secretKey, serveFolder, servePath, substituter,
} from './paths.ts';

async function server(): Promise<TestServer> {
  const started = await startServer();
  after(() => started.close());
  return started;
}

/** A cache in a folder with `top`, which refers to `base`. */
async function sampleCache(compression = 'zstd'): Promise<{ folder: string; top: StorePath; base: StorePath }> {
  const store = freshStore();
  const base = await addOutput(store, 'base', 'base\n');
  const top = await addOutput(store, 'top', `needs ${base}\n`.repeat(5000), [base]);
  const folder = freshFolder();
  assert.equal(await writeBinaryCache(store, [top], folder, { compression, secretKeys: [secretKey] }), 2);
  return { folder, top, base };
}

async function assertSound(store: LocalStore, ...paths: StorePath[]): Promise<void> {
  const { problems } = await verifyStore(store, { checkContents: true });
  assert.deepEqual(problems, []);
  assert.deepEqual(store.allValidPaths().sort(), paths.sort());
  // Nothing half-made is left.
  assert.equal(readdirSync(store.physicalStoreDirectory).filter((name) => !name.startsWith('.')).length, paths.length);
}

for (const compression of ['none', 'gzip', 'br', 'zstd', 'xz', 'bzip2', 'lzma', 'lz4']) {
  test(`a closure comes from a folder with NARs compressed by ${compression}`, async () => {
    const { folder, top, base } = await sampleCache(compression);
    const store = freshStore();
    assert.equal(await substituter([`file://${folder}`]).substitute(top, store), true);
    assert.equal(readFileSync(store.physicalPath(base), 'utf8'), 'base\n');
    assert.deepEqual(store.queryPathInfo(top)?.references, [base]);
    assert.equal(store.queryPathInfo(top)?.signatures.length, 1);
    await assertSound(store, top, base);
  });
}

test('a closure comes over HTTP; many who want it at once fetch it once', async () => {
  const { folder, top, base } = await sampleCache();
  const http = await server();
  serveFolder(http, folder);
  const store = freshStore();
  const caches = substituter([http.url]);
  const results = await Promise.all([top, base, top].map((path) => caches.substitute(path, store)));
  assert.deepEqual(results, [true, true, true]);
  assert.equal(http.requests.length, 5);
  await assertSound(store, top, base);
});

test('without a trusted signature nothing is taken, and it is said why', async () => {
  const { folder, top } = await sampleCache();
  const { progress, messages } = listener();
  const store = freshStore();
  const stranger = substituter([`file://${folder}`], { trustedKeys: [generateSigningKey('test-1').public] });
  assert.equal(await stranger.substitute(top, store, { progress }), false);
  assert.match(messages.join('\n'), /ignoring substitute for .*-top' from .* not signed by any of the keys/);
  await assert.rejects(stranger.require([top], freshStore()), { code: 'LACKS_SIGNATURE' });
  await assertSound(store);
  assert.equal(await substituter([`file://${folder}`], { trustedKeys: [], requireSignatures: false }).substitute(top, store), true);
  assert.equal(await substituter([`file://${folder}?trusted=1`], { trustedKeys: [] }).substitute(top, freshStore()), true);
});

test('a signature is for one path, hash, size and set of references only', async () => {
  const nar = fileNar('content');
  const info = outputInfo('signed', nar);
  const other = outputInfo('other', nar);
  for (const change of [
    { narHash: hashOf('sha256', 'x') }, { narSizeBytes: nar.length + 8 }, { references: [other.path] }, { signatures: ['test-1:AAAA'] },
  ]) {
    const http = await server();
    servePath(http, info, nar, change);
    assert.equal(await substituter([http.url]).substitute(info.path, freshStore()), false);
  }
});

test('a path named by its content needs no signature, but has that content', async () => {
  const text = 'a text\n';
  const path = makeTextPath('text', text, []);
  const infoOf = (nar: Uint8Array): PathInfo => ({
    path, narHash: hashOf('sha256', nar), narSizeBytes: nar.length, references: [], signatures: [],
    contentAddress: { method: 'text', hash: hashOf('sha256', text) },
  });
  const good = await server();
  servePath(good, infoOf(fileNar(text)), fileNar(text), { signatures: [] });
  const store = freshStore();
  assert.equal(await substituter([good.url], { trustedKeys: [] }).substitute(path, store), true);
  await assertSound(store, path);
  const evil = await server();
  servePath(evil, infoOf(fileNar('another')), fileNar('another'), { signatures: [] });
  const spared = freshStore();
  await assert.rejects(
    substituter([evil.url], { trustedKeys: [] }).substitute(path, spared), { code: 'CONTENT_ADDRESS_MISMATCH' });
  await assertSound(spared);
});

const nar = fileNar('x'.repeat(10_000));
const info = outputInfo('victim', nar);
const evilNar = concatBytes([nar.subarray(0, 16), bytesOf('\xff'.repeat(8)), nar.subarray(24)]);

const faults: readonly (readonly [what: string, code: string, serve: (http: TestServer) => void])[] = [
  ['another content', 'HASH_MISMATCH', (http) => servePath(http, info, fileNar('y'.repeat(10_000)))],
  ['a NAR that ends early', 'BAD_NAR', (http) => servePath(http, info, nar.subarray(0, 5000))],
  ['a connection that always breaks', 'CACHE_UNREACHABLE', (http) => {
    servePath(http, info, nar);
    http.files.set(`/nar/${hashPartOf(info.path)}.nar`, (_, response) => response.destroy());
  }],
  ['a NAR with bytes behind it', 'SIZE_MISMATCH', (http) => servePath(http, info, concatBytes([nar, new Uint8Array(8)]))],
  ['a NAR whose lengths overflow', 'BAD_NAR', (http) => servePath(http, info, evilNar)],
  ['an endless NAR', 'CACHE_FILE_TOO_LARGE', (http) => servePath(http, info, new Uint8Array(200_000))],
  ['a truncated xz file', 'BAD_COMPRESSED_NAR', (http) =>
    servePath(http, info, xz.compressSync(nar).subarray(0, 60), { compression: 'xz' })],
  ['an xz bomb', 'CACHE_FILE_TOO_LARGE', (http) =>
    servePath(http, info, xz.compressSync(new Uint8Array(50_000_000)), { compression: 'xz' })],
  ['a zstd bomb', 'SIZE_MISMATCH', (http) =>
    servePath(http, info, zstdCompressSync(new Uint8Array(50_000_000)), { compression: 'zstd' })],
  ['what is not compressed so', 'BAD_COMPRESSED_NAR', (http) => servePath(http, info, nar, { compression: 'bzip2' })],
  ['an unknown compression', 'UNKNOWN_COMPRESSION', (http) => servePath(http, info, nar, { compression: 'lrzip' })],
  ['a URL out of the cache', 'BAD_NAR_INFO_URL', (http) => servePath(http, info, nar, { url: 'nar/../../secret' })],
  ['a URL of a file', 'BAD_NAR_INFO_URL', (http) => servePath(http, info, nar, { url: 'file:///etc/passwd' })],
];

for (const [what, code, serve] of faults) {
  test(`refused, with the store left valid: ${what}`, async () => {
    const http = await server();
    serve(http);
    const store = freshStore();
    await assert.rejects(substituter([http.url]).substitute(info.path, store), { code });
    await assertSound(store);
  });
}

const badDescriptions: readonly (readonly [what: string, text: string | Uint8Array, message: RegExp])[] = [
  ['a huge one', new Uint8Array(3_000_000).fill(0x61), /longer than the 1048576 bytes/],
  ['one without colons', 'nonsense\n', /corrupt: there is no colon/],
  ['one of another path', '', /describes .* instead of/],
  ['a size that is none', 'NarSize: 1e9\n', /corrupt: 'NarSize' is not a size/],
];

for (const [what, text, message] of badDescriptions) {
  test(`a description is passed over and told of: ${what}`, async () => {
    const http = await server();
    servePath(http, outputInfo('another', nar), nar);
    const place = `/${hashPartOf(info.path)}.narinfo`;
    const own = String(http.files.get(`/${hashPartOf(outputInfo('another', nar).path)}.narinfo`));
    http.files.set(place, text === '' ? own : typeof text === 'string' && text.startsWith('NarSize')
      ? own.replace(/NarSize: .*\n/, text) : text);
    const { progress, messages } = listener();
    const store = freshStore();
    assert.equal(await substituter([http.url]).substitute(info.path, store, { progress }), false);
    assert.match(messages.join('\n'), message);
    await assertSound(store);
    await assert.rejects(substituter([http.url]).require([info.path], store), message);
  });
}

test('references in a circle are refused', async () => {
  const http = await server();
  const [a, b] = [outputInfo('a', nar), outputInfo('b', nar)];
  servePath(http, { ...a, references: [b.path] }, nar);
  servePath(http, { ...b, references: [a.path] }, nar);
  const store = freshStore();
  await assert.rejects(substituter([http.url]).substitute(a.path, store), { code: 'REFERENCE_CYCLE' });
  await assertSound(store);
});

test('what refers to something that no cache has is not taken', async () => {
  const http = await server();
  servePath(http, { ...info, references: [outputInfo('lost', nar).path] }, nar);
  const { progress, messages } = listener();
  const store = freshStore();
  assert.equal(await substituter([http.url]).substitute(info.path, store, { progress }), false);
  assert.match(messages.join('\n'), /no cache has '.*-lost', which it needs/);
  await assertSound(store);
});

test('the cache of the smallest priority is asked first; where it fails, the next', async () => {
  const [far, near] = [await server(), await server()];
  servePath(far, info, nar);
  servePath(near, info, fileNar('y'.repeat(10_000)));
  near.files.set('/nix-cache-info', 'StoreDir: /nix/store\nPriority: 10\n');
  const { progress, messages } = listener();
  const store = freshStore();
  assert.equal(await substituter([far.url, near.url]).substitute(info.path, store, { progress }), true);
  assert.match(messages.join('\n'), /hash mismatch/);
  await assertSound(store, info.path);
  far.requests.length = 0;
  assert.equal(await substituter([`${far.url}?priority=5`, near.url]).substitute(info.path, freshStore()), true);
  assert.deepEqual(far.requests.length, 3);
});

test('a cache that is down, is none, or is for another store is told of and left out', async () => {
  const [none, other, good] = [await server(), await server(), await server()];
  other.files.set('/nix-cache-info', 'StoreDir: /gnu/store\n');
  servePath(good, info, nar);
  const { progress, messages } = listener();
  const urls = [await deadUrl(), none.url, other.url, 'ftp://bucket', good.url];
  assert.equal(await substituter(urls).substitute(info.path, freshStore(), { progress }), true);
  const told = messages.join('\n');
  for (const part of [/nothing listens there/, /does not appear to be a binary cache/, /prefix '\/gnu\/store'/, /ftp:\/\/bucket/]) {
    assert.match(told, part);
  }
});

test('a path whose NAR is gone is left to be built; who must have it fails', async () => {
  const http = await server();
  servePath(http, info, nar);
  http.files.delete(`/nar/${hashPartOf(info.path)}.nar`);
  const { progress, messages } = listener();
  const store = freshStore();
  assert.equal(await substituter([http.url]).substitute(info.path, store, { progress }), false);
  assert.match(messages.join('\n'), /does not exist in binary cache.*is built instead/);
  await assert.rejects(substituter([http.url]).require([info.path], store), { code: 'CACHE_FILE_MISSING' });
  await assertSound(store);
});

test('with fallback a failure is told, and the path left to be built', async () => {
  const http = await server();
  servePath(http, info, nar.subarray(0, 100));
  const { progress, messages } = listener();
  assert.equal(await substituter([http.url], { fallback: true }).substitute(info.path, freshStore(), { progress }), false);
  assert.match(messages.join('\n'), /it ends too early.*is built instead/);
});

test('a server in trouble is asked again; a download goes on where it broke off', async () => {
  const http = await server();
  servePath(http, info, nar);
  const place = `/nar/${hashPartOf(info.path)}.nar`;
  let tries = 0;
  http.files.set(place, (request, response) => {
    tries += 1;
    if (tries === 1) {
      response.writeHead(500).end();
    } else if (tries === 2) {
      truncated(nar, 4000)(request, response);
    } else {
      http.files.set(place, nar);
      response.writeHead(206, { 'content-range': `bytes 4000-${nar.length - 1}/${nar.length}` }).end(nar.subarray(4000));
    }
  });
  const store = freshStore();
  assert.equal(await substituter([http.url]).substitute(info.path, store), true);
  assert.equal(http.requests.at(-1), `${place} bytes=4000-`);
  await assertSound(store, info.path);
});

test('a server that does not resume sends everything again, and it fits', async () => {
  const http = await server();
  http.ranges = false;
  servePath(http, info, nar);
  const place = `/nar/${hashPartOf(info.path)}.nar`;
  http.files.set(place, (request, response) => {
    http.files.set(place, nar);
    truncated(nar, 4000)(request, response);
  });
  const store = freshStore();
  assert.equal(await substituter([http.url]).substitute(info.path, store), true);
  await assertSound(store, info.path);
});

test('a server of HTTP/1.0, which hangs up after each answer', async () => {
  const large = fileNar('z'.repeat(850_000));
  const described = outputInfo('large', large);
  const http = await server();
  servePath(http, described, large);
  const old = createServer((socket) => {
    socket.once('data', (request) => {
      const body = http.files.get(/^GET (\S+)/.exec(String(request))?.[1] ?? '') as Uint8Array | undefined;
      socket.write(`HTTP/1.0 ${body === undefined ? '404 no' : '200 OK'}\r\nContent-Length: ${body?.length ?? 0}\r\n\r\n`);
      socket.end(body ?? new Uint8Array(0));
    });
  });
  await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve));
  after(() => old.close());
  const store = freshStore();
  const url = `http://127.0.0.1:${(old.address() as AddressInfo).port}`;
  assert.equal(await substituter([url]).substitute(described.path, store), true);
  await assertSound(store, described.path);
});

test('what a cache has and has not is remembered between runs, for a time', async () => {
  const http = await server();
  servePath(http, info, nar);
  const absent = outputInfo('absent', nar).path;
  const file = join(scratch, 'memory.sqlite');
  const ask = async (negativeSeconds: number) => {
    const memory = new LookupMemory(file, { negativeSeconds });
    const caches = substituter([http.url], { memory });
    http.requests.length = 0;
    const found = [await caches.substitute(info.path, freshStore()), await caches.substitute(absent, freshStore())];
    caches.close();
    assert.deepEqual(found, [true, false]);
    return http.requests.filter((path) => path.endsWith('.narinfo')).length;
  };
  assert.equal(await ask(3600), 2);
  assert.equal(await ask(3600), 0);
  assert.equal(await ask(0), 1);
  writeFileSync(file, 'not a database');
  assert.equal(await ask(3600), 2);
});

test('a name and password come from netrc or the URL, and go to their host only', async () => {
  const [http, elsewhere] = [await server(), await server()];
  servePath(http, info, nar);
  const seen: string[] = [];
  http.files.set('/nix-cache-info', (request, response) => {
    seen.push(request.headers.authorization ?? '-');
    response.writeHead(302, { location: `${elsewhere.url.replace('127.0.0.1', 'localhost')}/info` }).end();
  });
  elsewhere.files.set('/info', (request, response) => {
    seen.push(request.headers.authorization ?? '-');
    response.end('StoreDir: /nix/store\n');
  });
  const netrcFile = join(scratch, 'netrc');
  writeFileSync(netrcFile, '# ours\nmachine 127.0.0.1\n  login me password s3cret\n');
  const transport = { netrcFile, retryDelayMilliseconds: 1 };
  assert.equal(await substituter([http.url], { transport }).substitute(info.path, freshStore()), true);
  await substituter([http.url.replace('//', '//you:pa%20ss@')]).substitute(info.path, freshStore());
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
  assert.deepEqual(seen, [basic('me:s3cret'), '-', basic('you:pa ss'), '-']);
});

test('an interrupted fetch leaves the store valid and goes on later', async () => {
  const http = await server();
  servePath(http, info, nar);
  const place = `/nar/${hashPartOf(info.path)}.nar`;
  const stop = new AbortController();
  http.files.set(place, (_, response) => {
    response.writeHead(200, { 'content-length': nar.length });
    response.write(nar.subarray(0, 3000), () => setTimeout(() => stop.abort(new Error('stopped')), 20));
  });
  const store = freshStore();
  const caches = substituter([http.url]);
  await assert.rejects(caches.substitute(info.path, store, { signal: stop.signal }), /stopped|abort/);
  await assertSound(store);
  http.files.set(place, nar);
  assert.equal(await caches.substitute(info.path, store), true);
  assert.ok(existsSync(store.physicalPath(info.path)));
});
