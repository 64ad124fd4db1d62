/** Peers that do what they should not: each ends in an error that names the store and says what may help. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { UserError } from '#base';
import type { StorePath } from '#formats';
import { parseStoreReference, serveDaemon, serveStore, streamChannel } from '#store';
import { PassThrough } from 'node:stream';
import { openProcess } from '../../src/store/remote/channel.ts';
import { openBuildPeer } from '../../src/store/remote/open-peer.ts';
import { ServePeer } from '../../src/store/remote/serve-peer.ts';
import { shellWords } from '../../src/store/remote/ssh.ts';
import { WireReader, WireWriter } from '../../src/store/remote/wire.ts';
import { stderrMarks } from '../../src/store/remote/remote-messages.ts';
import { workerMagic } from '../../src/store/remote/worker-operations.ts';
import { connectTo, freshStore, listen, once, sampleService, scratch, scripted } from './support.ts';

const path = '/nix/store/00000000000000000000000000000000-x' as StorePath;

/** A daemon that greets as Debian's does, takes our options, and then says `more`. */
function greeting(minor = 34): WireWriter {
  const writer = new WireWriter().number(workerMagic.server).number(256 + minor);
  if (minor >= 38) writer.texts([]);
  if (minor >= 33) writer.text('2.8.0');
  if (minor >= 35) writer.number(0);
  return writer.number(stderrMarks.last).number(stderrMarks.last);
}

async function failure(bytes: Uint8Array, more: { ended?: boolean; seconds?: number } = {}): Promise<UserError> {
  const socket = await listen((client) => {
    client.on('data', () => {});
    client.write(bytes);
    if (more.ended ?? true) client.end();
  });
  const peer = connectTo(socket, { handshakeSeconds: more.seconds ?? 20 });
  const error = await peer.isValidPath(path).then(() => undefined, (reason: unknown) => reason);
  assert.ok(error instanceof UserError, String(error));
  assert.match(error.message, /unix:\/\//);
  return error;
}

const cases: readonly [string, Uint8Array, string, RegExp][] = [
  ['nothing at all', new Uint8Array(0), 'CONNECTION_BROKEN', /ended too early/],
  ['a greeting cut off', greeting().take().subarray(0, 12), 'CONNECTION_BROKEN', /ended too early/],
  ['another program', Buffer.from('Welcome to this host!\n'), 'PROTOCOL_MISMATCH', /got 'Welcome to this host!'/],
  ['a few words', Buffer.from('no'), 'PROTOCOL_MISMATCH', /got 'no'/],
  ['a wrong mark', new WireWriter().number(1).number(2).take(), 'PROTOCOL_MISMATCH', /nix-daemon/],
  ['a version of long ago', new WireWriter().number(workerMagic.server).number(256 + 21).take(), 'PEER_TOO_OLD', /1\.21/],
  ['a version to come', new WireWriter().number(workerMagic.server).number(512).take(), 'PEER_UNSUPPORTED', /2\.0/],
  ['a huge string', new WireWriter().number(workerMagic.server).number(256 + 34).number(2 ** 40).take(),
    'CONNECTION_BROKEN', /a string of 1099511627776 bytes is announced/],
  ['a number out of range', new WireWriter().number(workerMagic.server).number(256 + 34).number(0xffff_ffff_ffff_ffffn).take(),
    'CONNECTION_BROKEN', /out of range/],
  ['an end in an answer', greeting().number(stderrMarks.last).take().subarray(0, -8), 'CONNECTION_BROKEN', /ended too early/],
  ['an unknown message', greeting().number(0x1234).take(), 'CONNECTION_BROKEN', /unknown type 1234/],
  ['a field of no type', greeting().number(stderrMarks.result).number(1).number(101).number(1).number(7).take(),
    'CONNECTION_BROKEN', /field of the unknown type 7/],
  ['a list without end', greeting().number(stderrMarks.result).number(1).number(101).number(2 ** 50).take(),
    'CONNECTION_BROKEN', /a list of 1125899906842624 entries/],
  ['padding that is not zero', Buffer.concat([
    new WireWriter().number(workerMagic.server).number(256 + 34).number(1).take(), Buffer.from('aXXXXXXX')]),
  'CONNECTION_BROKEN', /non-zero padding/],
];

for (const [name, bytes, code, message] of cases) {
  test(`a daemon that says ${name}`, async () => {
    const error = await failure(bytes);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    assert.ok(error.hint, 'there is no hint');
  });
}

test('a daemon that takes the connection and keeps silent', async () => {
  const error = await failure(new Uint8Array(0), { ended: false, seconds: 0.3 });
  assert.equal(error.code, 'STORE_UNREACHABLE');
  assert.match(error.message, /did not answer within 0\.3 seconds/);
});

test('an error of the daemon, with its trace, without its colours', async () => {
  const bytes = greeting().number(stderrMarks.error).text('Error').number(0).text('Error')
    .text('\x1b[31;1merror:\x1b[0m it broke').number(0).number(1).number(0).text('while \x1b[1mworking\x1b[0m').take();
  const error = await failure(bytes);
  assert.equal(error.code, 'REMOTE_ERROR');
  assert.match(error.message, /^it broke\n… while working\n\(said by store 'unix:/);
});

test('no socket, and a file that is none', async () => {
  for (const socket of [join(scratch, 'missing'), import.meta.filename]) {
    await assert.rejects(connectTo(socket).isValidPath(path), (error: UserError) => {
      assert.equal(error.code, 'STORE_UNREACHABLE');
      assert.match(error.hint ?? '', /daemon running/);
      return true;
    });
  }
});

test('older daemons get the words that they know', async () => {
  const { values } = await greeted(26);
  assert.equal(values.formatBuildable({ drvPath: path }), path);
  assert.equal(values.formatBuildable({ drvPath: path, outputs: ['a', 'b'] }), `${path}!a,b`);
  const newer = (await greeted(38)).values;
  assert.equal(newer.formatBuildable({ drvPath: path }), `${path}!*`);
  assert.equal(newer.version.minor, 38);
});

async function greeted(minor: number) {
  const { WorkerConnection } = await import('../../src/store/remote/worker-connection.ts');
  return WorkerConnection.open(scripted(greeting(minor).take(), false), { storeDirectory: '/nix/store' });
}

const served = (command: readonly string[]): ServePeer => new ServePeer({
  name: 'ssh://there', storeDirectory: '/nix/store', handshakeSeconds: 20,
  connect: async () => openProcess('ssh://there', command, process.env),
});

test('an ssh store whose program is missing, prints instead, fails, or is too old', async () => {
  const expect = async (command: readonly string[], code: string, message: RegExp) => {
    const peer = served(command);
    await assert.rejects(peer.queryPathInfos([path]), (error: UserError) => {
      assert.equal(error.code, code, error.message);
      assert.match(error.message, message);
      assert.match(error.message, /ssh:\/\/there/);
      return true;
    });
    peer.close();
  };
  await expect(['/nonexistent/nix-store'], 'STORE_UNREACHABLE', /there is no program/);
  await expect(['echo', 'Last login: yesterday'], 'PROTOCOL_MISMATCH', /got 'Last login: yesterday'/);
  await expect(['sh', '-c', 'echo Permission denied >&2; exit 255'], 'CONNECTION_BROKEN', /Permission denied/);
  await expect(['printf', '\\313\\356\\122\\124\\0\\0\\0\\0\\4\\2\\0\\0\\0\\0\\0\\0'], 'PEER_TOO_OLD', /2\.4/);
});

test('a client that is none, too old, or leaves in the middle', async () => {
  const service = sampleService(freshStore());
  const client = (bytes: Uint8Array) => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    output.resume();
    input.end(bytes);
    return streamChannel('client', input, output);
  };
  const options = { writable: false, progress: { start: () => ({ advance() {}, detail() {}, finish() {} }), message() {} } };
  const hello = new WireWriter().number(workerMagic.client).number(256 + 34).number(0).number(0).take();
  await assert.rejects(serveDaemon(client(Buffer.from('GET / HTTP/1.1\r\n\r\n')), service), { code: /CONNECTION_BROKEN|PROTOCOL_MISMATCH/ });
  await assert.rejects(serveDaemon(client(new WireWriter().number(workerMagic.client).number(256 + 10).take()), service), { code: 'PEER_TOO_OLD' });
  await assert.rejects(serveDaemon(client(Buffer.concat([hello, new WireWriter().number(1).take()])), service), { code: 'CONNECTION_BROKEN' });
  await assert.rejects(serveDaemon(client(Buffer.concat([hello, new WireWriter().number(999).take()])), service), { code: 'INVALID_OPERATION' });
  await serveDaemon(client(hello), service);
  const served = new WireWriter().number(0x390c9deb).number(2 * 256 + 6).take();
  await assert.rejects(serveStore(client(Buffer.concat([served, new WireWriter().number(6).take()])), service, options),
    { code: 'WRITING_NOT_ALLOWED', message: 'building paths is not allowed' });
  await assert.rejects(serveStore(client(Buffer.concat([served, new WireWriter().number(77).take()])), service, options), { code: 'CONNECTION_BROKEN' });
});

test('names of stores', () => {
  const ssh = parseStoreReference('ssh-ng://me@host.example:2222?compress=true&remote-program=nix-daemon');
  assert.ok(ssh.kind === 'ssh-ng');
  assert.deepEqual(ssh.host, { user: 'me', host: 'host.example', port: 2222, isHere: false });
  assert.equal(ssh.parameters.get('compress'), 'true');
  assert.equal(parseStoreReference('ssh://localhost').kind, 'ssh');
  assert.equal(parseStoreReference('daemon').kind, 'daemon');
  assert.equal(parseStoreReference('/srv/store').kind, 'local');
  assert.equal(parseStoreReference('s3://bucket').kind, 'cache');
  // Nothing that ssh would take for an option.
  for (const bad of ['ssh://-oProxyCommand=x', 'ssh://', 'ssh://-x@host', 'ssh-ng://@host', 'ssh://host:port', 'carrier://pigeon', 'nonsense']) {
    assert.throws(() => parseStoreReference(bad), { code: 'BAD_STORE_URL' }, bad);
  }
  assert.throws(() => openBuildPeer('file:///x', { environment: {} }), { code: 'BAD_STORE_URL' });
  assert.deepEqual(shellWords(`-i 'my key' -o "a b"\\ c  -v`), ['-i', 'my key', '-o', 'a b c', '-v']);
});

test('words that come in pieces of any size are read as they are', async () => {
  const bytes = new WireWriter().number(2 ** 52).text('täglich').texts(['', 'a', '12345678']).flag(true).number(3).take();
  const fail = (reason: string) => new Error(reason);
  for (const size of [1, 3, 8, 1000]) {
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
    const reader = new WireReader(once(...pieces), fail);
    assert.equal(await reader.number(), 2 ** 52);
    assert.equal(await reader.text(), 'täglich');
    assert.deepEqual(await reader.texts(), ['', 'a', '12345678']);
    assert.equal(await reader.flag(), true);
    assert.equal(await reader.wideNumber(), 3n);
    assert.equal(await reader.atEnd(), true);
  }
});
