/** Random bytes and damaged conversations: the protocols' readers end in errors of ours, and always end. */

import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { UserError } from '#base';
import type { StorePath } from '#formats';
import { serveDaemon, serveStore, streamChannel } from '#store';
import { WireWriter } from '../../src/store/remote/wire.ts';
import { stderrMarks } from '../../src/store/remote/remote-messages.ts';
import { WorkerConnection } from '../../src/store/remote/worker-connection.ts';
import { operations, workerMagic } from '../../src/store/remote/worker-operations.ts';
import { freshStore, sampleService, scripted } from './support.ts';

const path = '/nix/store/00000000000000000000000000000000-x' as StorePath;

/** Numbers from a seed (xorshift). */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed | 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

function damaged(bytes: Uint8Array, random: (limit: number) => number): Uint8Array {
  const copy = Buffer.from(bytes);
  for (let i = random(4); i >= 0; i--) copy[random(copy.length)] = random(256);
  return random(3) === 0 ? copy.subarray(0, random(copy.length)) : copy;
}

async function endsInOurErrors(seed: number, run: () => Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`seed ${seed} hangs`)), 20_000); });
  try {
    await Promise.race([run(), late]);
  } catch (error) {
    // What formats say of paths, hashes and archives is an error of the world too.
    assert.ok(error instanceof UserError || (error as Error).name === 'NixError', `seed ${seed}: ${(error as Error).stack}`);
  } finally {
    clearTimeout(timer);
  }
}

test('a client hears a damaged daemon', async () => {
  const conversation = new WireWriter().number(workerMagic.server).number(256 + 37).text('2.30').number(1)
    .number(stderrMarks.last).number(stderrMarks.last)
    .number(stderrMarks.next).text('a line').number(stderrMarks.startActivity).number(7).number(3).number(105).text('building')
    .number(2).number(1).text(path).number(0).number(9).number(0)
    .number(stderrMarks.result).number(7).number(101).number(1).number(1).text('a line of a log')
    .number(stderrMarks.stopActivity).number(7).number(stderrMarks.last)
    .number(0).text('').number(1).number(0).number(5).number(6).number(0).number(0)
    .number(1).text('sha256:00!out').text('{"outPath":"00000000000000000000000000000000-x"}').take();
  for (let seed = 1; seed <= 300; seed++) {
    const random = randomNumbers(seed * 7919);
    await endsInOurErrors(seed, async () => {
      const connection = await WorkerConnection.open(scripted(damaged(conversation, random)), { storeDirectory: '/nix/store' });
      await connection.run(operations.buildDerivation, (writer) => writer.text(path), (reader) => connection.values.buildResult(reader));
    });
  }
});

test('a daemon and a server hear damaged clients', async () => {
  const service = sampleService(freshStore());
  const requests = new WireWriter().number(workerMagic.client).number(256 + 34).number(0).number(0)
    .number(operations.setOptions).number(0).number(0).number(0).number(3).number(1).number(0).number(1).number(7).number(0)
    .number(0).number(0).number(1).number(1).text('cores').text('1')
    .number(operations.queryValidPaths).texts([path]).number(0)
    .number(operations.addToStore).text('name').text('text:sha256').texts([]).number(0).number(5).take();
  const daemonBytes = Buffer.concat([requests, Buffer.from('hello'), new WireWriter().number(0)
    .number(operations.buildPathsWithResults).texts([`${path}!out`]).number(0).take()]);
  const serveBytes = new WireWriter().number(0x390c9deb).number(2 * 256 + 7).number(1).number(0).number(0).texts([path])
    .number(9).text(path).text('').text('0'.repeat(64)).texts([]).number(0).number(0).number(0).texts([]).text('').take();
  const client = (bytes: Uint8Array) => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    output.resume();
    input.end(bytes);
    return streamChannel('client', input, output);
  };
  const progress = { start: () => ({ advance() {}, detail() {}, finish() {} }), message() {} };
  for (let seed = 1; seed <= 200; seed++) {
    const random = randomNumbers(seed * 104_729);
    await endsInOurErrors(seed, () => serveDaemon(client(damaged(daemonBytes, random)), service));
    await endsInOurErrors(seed, () => serveStore(client(damaged(serveBytes, random)), service, { writable: true, progress }));
  }
});
