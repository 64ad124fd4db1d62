/** Servers that are busy, away, or not who they say; and processes that want the same at once. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hashPartOf } from '#formats';
import { LocalStore, LookupMemory } from '#store';
import { pauseBefore, retryAfterOf } from '../../src/store/binary-cache/retry-pause.ts';
import { needs } from '../support/foreign.ts';
import { startServer, type TestServer } from '../support/http-server.ts';
import { fileNar, freshStore, listener, outputInfo, scratch, servePath, substituter } from './paths.ts';

const nar = fileNar('x'.repeat(10_000));
const info = outputInfo('wanted', nar);
const narPlace = `/nar/${hashPartOf(info.path)}.nar`;

async function server(): Promise<TestServer> {
  const started = await startServer();
  after(() => started.close());
  servePath(started, info, nar);
  return started;
}

test('pauses grow, have a bound, and are as long as the server asks', () => {
  const plain = { jitter: false, retryDelayMilliseconds: 100, busyDelayMilliseconds: 5000, maximumDelayMilliseconds: 8000 };
  assert.deepEqual([1, 2, 3, 9].map((failures) => pauseBefore(failures, {}, plain)), [100, 200, 400, 8000]);
  assert.deepEqual([1, 2].map((failures) => pauseBefore(failures, { busy: true }, plain)), [5000, 8000]);
  assert.equal(pauseBefore(1, { busy: true, retryAfterMilliseconds: 30_000 }, plain), 30_000);
  // Nobody waits for a day.
  assert.equal(pauseBefore(1, { busy: true, retryAfterMilliseconds: 86_400_000 }, plain), undefined);
  for (let i = 0; i < 50; i++) {
    const pause = pauseBefore(2, { retryAfterMilliseconds: 1000 }, { ...plain, jitter: true }) as number;
    assert.ok(pause >= 1050 && pause <= 1200, String(pause));
  }
  const now = Date.UTC(2026, 0, 1);
  assert.equal(retryAfterOf('120', now), 120_000);
  assert.equal(retryAfterOf('Thu, 01 Jan 2026 00:00:07 GMT', now), 7000);
  assert.equal(retryAfterOf('Wed, 31 Dec 2025 00:00:00 GMT', now), 0);
  assert.deepEqual([retryAfterOf('soon', now), retryAfterOf(undefined, now)], [undefined, undefined]);
});

test('a busy server is asked again, later, and it is said', async () => {
  const http = await server();
  let tries = 0;
  let first = 0;
  http.files.set(narPlace, (_, response) => {
    tries += 1;
    if (tries === 1) {
      first = Date.now();
      response.writeHead(429, { 'retry-after': '1' }).end();
    } else if (tries === 2) {
      response.writeHead(503).end();
    } else {
      response.end(nar);
    }
  });
  const { progress, messages } = listener();
  const transport = { retryDelayMilliseconds: 1, busyDelayMilliseconds: 1 };
  assert.equal(await substituter([http.url], { transport }).substitute(info.path, freshStore(), { progress }), true);
  assert.ok(Date.now() - first >= 1000);
  assert.match(messages.join('\n'), /HTTP error 429; retrying in \d+ ms \(attempt 1\/5\)[^]*HTTP error 503; retrying/);
});

test('a server that wants us back in a day is as good as none', async () => {
  const http = await server();
  http.files.set(narPlace, (_, response) => response.writeHead(503, { 'retry-after': '86400' }).end());
  await assert.rejects(substituter([http.url]).substitute(info.path, freshStore()), /HTTP error 503/);
  assert.equal(http.requests.filter((path) => path === narPlace).length, 1);
});

test('what a cache says of itself is remembered; one that is gone meanwhile is left out', async () => {
  const http = await server();
  const file = join(scratch, 'infos.sqlite');
  const ask = async (infoSeconds?: number) => {
    const memory = new LookupMemory(file, { positiveSeconds: 0, ...(infoSeconds === undefined ? {} : { infoSeconds }) });
    const caches = substituter([http.url], { memory });
    const { progress, messages } = listener();
    http.requests.length = 0;
    const found = await caches.substitute(info.path, freshStore(), { progress });
    // Nothing is asked of a cache that is gone.
    await caches.substitute(outputInfo('other', nar).path, freshStore(), { progress });
    caches.close();
    return { found, messages: messages.filter((text) => !text.startsWith('debug')), asked: http.requests.filter((path) => path === '/nix-cache-info').length };
  };
  assert.deepEqual(await ask(), { found: true, messages: [], asked: 1 });
  assert.equal((await ask()).asked, 0);
  assert.equal((await ask(0)).asked, 1);
  await http.close();
  const { found, messages } = await ask();
  assert.equal(found, false);
  assert.equal(messages.length, 1);
  assert.match(messages[0]!, /nothing listens there; this cache is not used any more/);
});

test('two processes that want the same path fetch it once', async () => {
  const http = await server();
  const root = join(scratch, 'shared');
  const stores = [new LocalStore({ root }), new LocalStore({ root })];
  after(() => { for (const store of stores) store.close(); });
  let begun: () => void = () => {};
  const asked = new Promise<void>((resolve) => { begun = resolve; });
  http.files.set(narPlace, (_, response) => {
    response.write(nar.subarray(0, 100));
    begun();
    setTimeout(() => response.end(nar.subarray(100)), 200);
  });
  const fetches = [substituter([http.url]).substitute(info.path, stores[0]!)];
  await asked;
  fetches.push(substituter([http.url]).substitute(info.path, stores[1]!));
  assert.deepEqual(await Promise.all(fetches), [true, true]);
  assert.equal(http.requests.filter((path) => path === narPlace).length, 1);
});

test('waiting for another process ends with Ctrl-C', async () => {
  const http = await server();
  const store = freshStore();
  const lock = await store.lockPaths([info.path]);
  const signal = AbortSignal.timeout(100);
  await assert.rejects(substituter([http.url]).substitute(info.path, store, { signal }), { name: 'TimeoutError' });
  lock.release();
  assert.equal(await substituter([http.url]).substitute(info.path, store), true);
});

test('TLS: an authority of our own is believed if it is named, and no other', needs('openssl'), async () => {
  const [key, certificate] = [join(scratch, 'key.pem'), join(scratch, 'certificate.pem')];
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', certificate], { stdio: 'ignore' });
  const http = await server();
  const requests: string[] = [];
  const https = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (request, response) => {
    requests.push(request.url ?? '');
    const found = http.files.get(request.url ?? '') as string | Uint8Array | undefined;
    response.writeHead(found === undefined ? 404 : 200).end(found);
  });
  await new Promise<void>((resolve) => https.listen(0, resolve));
  after(() => https.close());
  const url = `https://localhost:${(https.address() as AddressInfo).port}`;
  const { progress, messages } = listener();
  assert.equal(await substituter([url]).substitute(info.path, freshStore(), { progress }), false);
  assert.match(messages.join('\n'), /self-signed certificate/);
  assert.deepEqual(requests, []);
  const transport = { certificatesFile: certificate };
  assert.equal(await substituter([url], { transport }).substitute(info.path, freshStore()), true);
  const none = substituter([url], { transport: { certificatesFile: join(scratch, 'none.pem') } });
  assert.equal(await none.substitute(info.path, freshStore(), { progress }), false);
  assert.match(messages.join('\n'), /reading the certificates in .*none\.pem/);
});

test('a cache that takes connections and keeps silent is left out in time', async () => {
  const http = await server();
  const silent = await startServer();
  after(() => silent.close());
  silent.files.set('/nix-cache-info', () => {});
  const { progress, messages } = listener();
  const transport = { stallTimeoutMilliseconds: 50, attempts: 2, retryDelayMilliseconds: 1 };
  assert.equal(await substituter([silent.url, http.url], { transport }).substitute(info.path, freshStore(), { progress }), true);
  assert.match(messages.join('\n'), /no answer in time; retrying in \d+ ms[^]*no answer in time; this cache is not used/);
});

test('a proxy of the environment is used, but not where it says so', async () => {
  const http = await server();
  const tunnels: string[] = [];
  const proxy = createHttpServer((request, response) => {
    tunnels.push(request.url ?? '');
    response.writeHead(502).end();
  });
  proxy.on('connect', (request, client) => {
    tunnels.push(request.url ?? '');
    const { hostname, port } = new URL(`http://${request.url}`);
    const far = connect(Number(port), hostname, () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      far.pipe(client).pipe(far);
    });
    for (const end of [far, client]) end.on('error', () => { far.destroy(); client.destroy(); });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  after(() => { proxy.close(); proxy.closeAllConnections(); });
  const kept = { http_proxy: process.env['http_proxy'], no_proxy: process.env['no_proxy'] };
  try {
    process.env['http_proxy'] = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    delete process.env['no_proxy'];
    assert.equal(await substituter([http.url]).substitute(info.path, freshStore()), true);
    assert.ok(tunnels.length > 0 && tunnels.every((url) => url.includes(new URL(http.url).host)), String(tunnels));
    tunnels.length = 0;
    process.env['no_proxy'] = '127.0.0.1';
    assert.equal(await substituter([http.url]).substitute(info.path, freshStore()), true);
    assert.deepEqual(tunnels, []);
  } finally {
    for (const [name, value] of Object.entries(kept)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
});

test('more than a server announces is not read, and less is asked for again', async () => {
  const http = await server();
  const lies = createHttpServer((request, response) => {
    const file = Buffer.from(http.files.get(request.url ?? '') as Uint8Array | string);
    if (request.url !== narPlace) {
      response.end(file);
      return;
    }
    // Past the end of the answer, on the same connection.
    response.socket?.write(`HTTP/1.1 200 OK\r\nContent-Length: ${file.length}\r\n\r\n`);
    response.socket?.end(Buffer.concat([file, Buffer.alloc(100_000)]));
  });
  await new Promise<void>((resolve) => lies.listen(0, '127.0.0.1', resolve));
  after(() => lies.close());
  const store = freshStore();
  const url = `http://127.0.0.1:${(lies.address() as AddressInfo).port}`;
  assert.equal(await substituter([url]).substitute(info.path, store), true);
  assert.equal(readFileSync(store.physicalPath(info.path), 'utf8'), 'x'.repeat(10_000));
});
