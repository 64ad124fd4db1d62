/** Downloads from servers that behave badly. */

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { downloadBytes, downloadFile, type DownloadOptions } from '#debian';
import { deadUrl, startServer, truncated, type TestServer } from '../support/http-server.ts';
import { sha256 } from './archive.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-http-'));
const content = Buffer.from('0123456789'.repeat(20_000));
const quick: DownloadOptions = { retryDelayMs: 1, retries: 2, timeoutMs: 2000 };
let server: TestServer;
let count = 0;
const partial = (): string => join(scratch, `partial${count++}`);

before(async () => { server = await startServer(); });
after(async () => {
  await server.close();
  rmSync(scratch, { recursive: true });
});

test('a file arrives whole, with its hash checked', async () => {
  server.files.set('/good', content);
  const path = partial();
  let bytes = 0;
  const activity = { advance: (amount: number) => { bytes += amount; }, detail() {}, finish() {} };
  await downloadFile(`${server.url}/good`, path, { sha256: sha256(content), sizeBytes: content.length }, { ...quick, activity });
  assert.deepEqual(readFileSync(path), content);
  assert.equal(bytes, content.length);
});

test('what was cut off is asked for from there on', async () => {
  const path = partial();
  let first = true;
  server.files.set('/cut', (request, response) => {
    if (first) {
      first = false;
      truncated(content, 50_000)(request, response);
    } else {
      const start = Number(/\d+/.exec(request.headers.range ?? '')?.[0]);
      response.writeHead(206, { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` });
      response.end(content.subarray(start));
    }
  });
  server.requests.length = 0;
  await downloadFile(`${server.url}/cut`, path, { sha256: sha256(content) }, quick);
  assert.deepEqual(readFileSync(path), content);
  assert.deepEqual(server.requests, ['/cut', '/cut bytes=50000-']);
});

test('a server that always cuts off: an error, and the part stays for the next time', async () => {
  const path = partial();
  server.files.set('/short', truncated(content, 70_000));
  server.ranges = false;
  await assert.rejects(
    downloadFile(`${server.url}/short`, path, { sha256: sha256(content), sizeBytes: content.length }, quick),
    (error: Error & { code: string }) => ['DOWNLOAD_TRUNCATED', 'MIRROR_UNREACHABLE'].includes(error.code) && error.message.includes('/short'),
  );
  assert.ok(existsSync(path));
  server.ranges = true;
  server.files.set('/short', content);
  server.requests.length = 0;
  await downloadFile(`${server.url}/short`, path, { sha256: sha256(content), sizeBytes: content.length }, quick);
  assert.deepEqual(server.requests, ['/short bytes=70000-']);
  assert.deepEqual(readFileSync(path), content);
});

test('a stale part is dropped and the file downloaded anew', async () => {
  const path = partial();
  writeFileSync(path, 'x'.repeat(1000));
  server.files.set('/stale', content);
  await downloadFile(`${server.url}/stale`, path, { sha256: sha256(content), sizeBytes: content.length }, quick);
  assert.deepEqual(readFileSync(path), content);
});

test('a part longer than the file, and a server without ranges', async () => {
  const path = partial();
  writeFileSync(path, Buffer.concat([content, content]));
  await downloadFile(`${server.url}/good`, path, { sha256: sha256(content), sizeBytes: content.length }, quick);
  assert.deepEqual(readFileSync(path), content);
  server.ranges = false;
  writeFileSync(path, content.subarray(0, 10));
  await downloadFile(`${server.url}/good`, path, { sha256: sha256(content) }, quick);
  server.ranges = true;
  assert.deepEqual(readFileSync(path), content);
});

test('a wrong file is refused, named and removed', async () => {
  const path = partial();
  await assert.rejects(
    downloadFile(`${server.url}/good`, path, { sha256: sha256('other') }, quick),
    { code: 'HASH_MISMATCH', message: `The file at ${server.url}/good is not the one wanted: SHA-256 is ${sha256(content)}, wanted ${sha256('other')}` },
  );
  assert.equal(existsSync(path), false);
});

test('a file longer than announced is refused', async () => {
  await assert.rejects(
    downloadFile(`${server.url}/good`, partial(), { sha256: sha256(content), sizeBytes: 10 }, quick),
    { code: 'DOWNLOAD_TOO_LARGE' },
  );
  await assert.rejects(downloadBytes(`${server.url}/good`, 100, quick), { code: 'DOWNLOAD_TOO_LARGE' });
});

test('a dead server and a missing file say what they are', async () => {
  const dead = await deadUrl();
  await assert.rejects(downloadBytes(`${dead}/x`, 10, quick), {
    code: 'MIRROR_UNREACHABLE', message: `Cannot download ${dead}/x: nothing listens there`,
  });
  await assert.rejects(downloadBytes(`${server.url}/none`, 10, quick), {
    code: 'HTTP_STATUS', message: `Cannot download ${server.url}/none: the server answered 404`,
  });
});

test('a server in trouble is asked again, a missing file is not', async () => {
  let answers = 0;
  server.files.set('/busy', (_request, response) => {
    answers += 1;
    if (answers < 3) response.writeHead(503).end();
    else response.end('at last');
  });
  assert.equal(Buffer.from(await downloadBytes(`${server.url}/busy`, 100, quick)).toString(), 'at last');
  server.requests.length = 0;
  await assert.rejects(downloadBytes(`${server.url}/none`, 10, quick));
  assert.deepEqual(server.requests, ['/none']);
});

test('redirects are followed', async () => {
  server.files.set('/moved', (_request, response) => response.writeHead(302, { location: '/good' }).end());
  assert.equal((await downloadBytes(`${server.url}/moved`, 1 << 20, quick)).length, content.length);
});

test('an aborted download stops at once', async () => {
  server.files.set('/slow', (_request, response) => { response.writeHead(200, { 'content-length': 10 }); response.write('1'); });
  const controller = new AbortController();
  const download = downloadFile(`${server.url}/slow`, partial(), {}, { signal: controller.signal });
  setTimeout(() => controller.abort(), 50);
  const started = performance.now();
  await assert.rejects(download, { name: 'AbortError' });
  assert.ok(performance.now() - started < 1500);
});
