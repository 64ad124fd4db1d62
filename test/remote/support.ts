/** Stores, scripted peers, and a daemon of ours in this process, for the tests of remote stores. */

import { mkdtempSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after } from 'node:test';
import { knownOutputPath, type StorePath } from '#formats';
import { deleteTree, LocalStore, plainResult, serveDaemon, streamChannel, type ByteChannel, type StoreService } from '#store';
import { openSocket } from '../../src/store/remote/channel.ts';
import { DaemonPeer } from '../../src/store/remote/daemon-peer.ts';

export const scratch = mkdtempSync(join(tmpdir(), 'firn-remote-'));
after(() => { deleteTree(scratch); });

let count = 0;

export function freshFolder(): string {
  return join(scratch, `folder${count++}`);
}

export function freshStore(): LocalStore {
  const store = new LocalStore({ root: freshFolder() });
  after(() => store.close());
  return store;
}

/** A channel on which `bytes` have arrived; it stays open unless `ended`. */
export function scripted(bytes: Uint8Array, ended = true): ByteChannel {
  const input = new PassThrough();
  const output = new PassThrough();
  output.resume();
  input.write(bytes);
  if (ended) input.end();
  return streamChannel('unix:///scripted', input, output);
}

/** A service whose builder copies each derivation's variable `text` into its outputs. */
export function sampleService(store: LocalStore, more: Partial<StoreService> = {}): StoreService {
  const build: StoreService['buildDerivation'] = async (drvPath, derivation, request) => {
    const text = derivation.env.get('text');
    const activity = request.progress.start('build', drvPath, { subject: { kind: 'derivation', drvPath } });
    activity.log?.(`building ${derivation.name}`);
    activity.finish();
    if (text === undefined) return plainResult('permanent-failure', `builder for '${drvPath}' failed`);
    const outputs = new Map<string, StorePath>();
    for (const [name, output] of derivation.outputs) {
      const path = knownOutputPath(output) as StorePath;
      const place = store.prepareOutput(path);
      const { writeFileSync } = await import('node:fs');
      writeFileSync(place, text);
      await store.commitOutputs([{ path, physical: place }], { deriver: drvPath, candidates: derivation.inputSources });
      outputs.set(name, path);
    }
    return { ...plainResult('built'), outputs, timesBuilt: 1, startTime: 1000, stopTime: 1001 };
  };
  return {
    store, local: store, version: '2.99',
    buildPaths: (wanted, request) => Promise.all(wanted.map((one) => ('path' in one
      ? Promise.resolve(plainResult(store.isValidPath(one.path) ? 'already-valid' : 'no-substituters', 'no substitute'))
      : build(one.drvPath, store.readDerivation(one.drvPath), request)))),
    buildDerivation: build,
    substitute: async () => {},
    queryMissing: async (wanted) => ({
      willBuild: wanted.flatMap((one) => ('drvPath' in one ? [one.drvPath] : [])), willSubstitute: [],
      unknown: [], downloadBytes: 1, narBytes: 2,
    }),
    believes: () => false,
    addBuildLog: async () => {},
    ...more,
  };
}

/** A daemon of ours on a socket, and its name. */
export async function startDaemon(service: StoreService, options: { trusted?: boolean } = {}): Promise<string> {
  return listen((socket) => {
    serveDaemon(streamChannel('client', socket, socket), service, options)
      .catch(() => {}).finally(() => socket.destroySoon());
  });
}

/** A socket that treats its clients as `answer` says; gives its path. */
export async function listen(answer: (socket: Socket) => void): Promise<string> {
  const path = join(scratch, `socket${count++}`);
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    answer(socket);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return path;
}

export function connectTo(socket: string, more: Partial<ConstructorParameters<typeof DaemonPeer>[0]> = {}): DaemonPeer {
  const name = `unix://${socket}`;
  const peer = new DaemonPeer({ name, storeDirectory: '/nix/store', connect: () => openSocket(name, socket), ...more });
  after(() => peer.close());
  return peer;
}

export async function* once(...pieces: readonly (Uint8Array | string)[]): AsyncGenerator<Uint8Array, void, void> {
  for (const piece of pieces) yield typeof piece === 'string' ? Buffer.from(piece) : piece;
}

export async function gather(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source) pieces.push(piece.slice());
  return Buffer.concat(pieces);
}
