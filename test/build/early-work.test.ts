/** Work before its turn: what a builder does with single inputs while it waits for the others. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError, noProgress, type Progress } from '#base';
import type { Builder } from '#build';
import { chooseMirrors } from '#debian';
import { nameOf } from '#formats';
import { startServer, type TestServer } from '../support/http-server.ts';
import { freshBuilds, type Builds } from './derivations.ts';

let server: TestServer;
let builds: Builds;
before(async () => {
  server = await startServer();
  builds = freshBuilds({ mirrors: chooseMirrors({ mirror: server.url, snapshot: server.url }) });
});
after(async () => {
  await builds.close();
  await server.close();
});

/** Serves `content` when `ready` says so, or nothing. */
function serveWhen(path: string, content: string, ready: () => boolean): void {
  server.files.set(path, (_request, response) => void (async () => {
    for (let tries = 0; tries < 100 && !ready(); tries += 1) await sleep(20);
    response.writeHead(ready() ? 200 : 404).end(ready() ? content : '');
  })());
}

test('a squashfs image begins with what is there; the image is the same', async () => {
  const blocks = join(builds.cacheDirectory, 'squashfs-blocks');
  const kept = (): number => existsSync(blocks)
    ? readdirSync(blocks).reduce((sum, folder) => sum + readdirSync(join(blocks, folder)).length, 0) : 0;
  const lines = Array.from({ length: 200_000 }, (_, n) => `line ${n} of a large file\n`).join('');
  const large = builds.add('large', 'builtin:write-file', { text: lines });
  // The download ends only after all five blocks of the large file are compressed.
  serveWhen('/late', 'late', () => kept() >= 5);
  const late = builds.fetch('late', `${server.url}/late`, 'late');
  const image = (more: Record<string, unknown>) => builds.add('image', 'builtin:squashfs', {
    compression: 'zstd -Xcompression-level 6', storeContents: [large.out, late.out], ...more,
  }, [large, late]);
  const [early] = await builds.realise([image({ compressEarly: [large.out] })]);
  rmSync(blocks, { recursive: true });
  const [plain] = await builds.realise([image({})]);
  assert.deepEqual(readFileSync(early as string), readFileSync(plain as string));
});

test('what is not finished is stopped when the inputs are there, what fails changes nothing', async () => {
  const seen: string[] = [];
  const text = (name: string) => builds.add(name, 'builtin:write-file', { text: name });
  const [first, second, there] = [text('first'), text('second'), text('there')];
  await builds.realise([there]);
  const builder: Builder = {
    name: 'test',
    accepts: (derivation) => derivation.name === 'patient',
    early: {
      inputsOf: () => [first.out, second.out, there.out],
      async prepare(_derivation, path, _store, signal) {
        seen.push(nameOf(path));
        if (path === second.out) throw new UserError('TEST', 'cannot prepare');
        await new Promise((resolve) => { signal.addEventListener('abort', resolve); });
        seen.push('stopped');
      },
    },
    async build(request) {
      seen.push('built');
      writeFileSync(request.outputs.get('out') as string, 'done');
    },
  };
  // The last input ends only when the others are being dealt with.
  serveWhen('/last', 'last', () => seen.length === 2);
  const last = builds.fetch('last', `${server.url}/last`, 'last');
  const patient = builds.add('patient', 'builtin:test', {}, [first, second, there, last]);
  const messages: string[] = [];
  const progress: Progress = { ...noProgress, message: (_level, line) => { messages.push(line); } };
  const [out] = await builds.realise([patient], { builders: [builder, builds.builder], progress });
  assert.equal(readFileSync(out as string, 'utf8'), 'done');
  // What was valid before the build began is not dealt with: its caches may be full already.
  assert.deepEqual(seen.slice(0, 2).sort(), ['first', 'second']);
  assert.deepEqual(seen.slice(2), ['stopped', 'built']);
  assert.match(messages.join('\n'), /nothing could be prepared with .*-second: cannot prepare/);
});

test('wrong attributes are told by the build', async () => {
  const there = builds.add('there', 'builtin:write-file', { text: 'there' });
  const image = builds.add('image', 'builtin:squashfs', { compression: 'none', storeContents: [there.out], compressEarly: 7 }, [there]);
  await assert.rejects(builds.realise([image]), { code: 'BUILD_FAILED', message: /compressEarly/ });
});
