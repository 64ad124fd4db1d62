/** Our client and our daemon, on a socket: every operation, and errors that leave the connection in order. */

import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { noProgress, parseHash, type Activity } from '#base';
import { makeOutputPath, type Derivation, type StorePath } from '#formats';
import { copyPaths, LocalPeer, type LocalStore } from '#store';
import type { CommandContext } from '../../src/cli/context.ts';
import { parseFlags } from '../../src/cli/nix/flags.ts';
import { Peers } from '../../src/cli/nix/peers.ts';
import { connectTo, freshStore, gather, once, sampleService, scratch, startDaemon } from './support.ts';

const path = (name: string) => `/nix/store/00000000000000000000000000000000-${name}` as StorePath;

function sampleDerivation(name: string, env: Readonly<Record<string, string>>, inputSources: StorePath[] = []): Derivation {
  const out = makeOutputPath('out', '1'.repeat(64), name);
  return {
    name, outputs: new Map([['out', { kind: 'input-addressed', path: out }]]), inputDerivations: new Map(), inputSources,
    system: 'sample', builder: '/bin/sh', args: ['-c', 'x'], env: new Map(Object.entries(env)),
  };
}

async function pair(options: { trusted?: boolean } = {}) {
  const store = freshStore();
  const peer = connectTo(await startDaemon(sampleService(store), options));
  return { store, peer };
}

/** A tree with a reference, in a store. */
function addTree(store: LocalStore): { tree: StorePath; text: StorePath } {
  const text = store.addTextToStore('text', 'hello', []);
  const folder = join(scratch, `tree${Math.random()}`);
  mkdirSync(join(folder, 'sub'), { recursive: true });
  writeFileSync(join(folder, 'sub/program'), '#!/bin/sh\n', { mode: 0o755 });
  symlinkSync('sub/program', join(folder, 'link'));
  writeFileSync(join(folder, 'large'), 'x'.repeat(300_000));
  return { tree: store.addTree('tree', folder, { method: 'recursive', algorithm: 'sha256', references: [text] }), text };
}

test('questions are answered as the store would answer', async () => {
  const { store, peer } = await pair();
  const { tree, text } = addTree(store);
  assert.equal(await peer.isValidPath(tree), true);
  assert.equal(await peer.isValidPath(path('none')), false);
  assert.deepEqual(await peer.queryValidPaths([tree, path('none')]), new Set([tree]));
  assert.deepEqual((await peer.queryAllValidPaths()).sort(), [tree, text].sort());
  assert.deepEqual(await peer.queryPathInfo(tree), store.queryPathInfo(tree));
  assert.equal(await peer.queryPathInfo(path('none')), undefined);
  assert.deepEqual(await peer.queryReferrers(text), [tree]);
  assert.deepEqual(await peer.queryDerivers(text), []);
  assert.equal(await peer.queryPathFromHashPart(tree.slice(11, 43)), tree);
  assert.equal(await peer.queryPathFromHashPart('0'.repeat(32)), undefined);
  assert.deepEqual(await gather(peer.narOf(tree)), await gather(store.narOf(tree)));
  assert.equal(peer.daemonVersion, '2.99');
  assert.equal(peer.trustsUs, true);
});

test('contents are added by every method, and get the paths that they get here', async () => {
  const { store, peer } = await pair();
  const here = freshStore();
  const text = await peer.addToStore('t', { method: 'text', algorithm: 'sha256' }, [], once('he', 'llo'));
  assert.equal(text.path, here.addTextToStore('t', 'hello', []));
  const file = join(scratch, 'plain');
  writeFileSync(file, 'plain');
  for (const algorithm of ['sha256', 'sha1', 'sha512'] as const) {
    const flat = await peer.addToStore('f', { method: 'flat', algorithm }, [], once('plain'));
    assert.equal(flat.path, here.addTree('f', file, { method: 'flat', algorithm }));
  }
  const { tree } = addTree(here);
  const recursive = await peer.addToStore('r', { method: 'recursive', algorithm: 'sha256' }, [], here.narOf(tree));
  assert.deepEqual(await gather(store.narOf(recursive.path)), await gather(here.narOf(tree)));
  await assert.rejects(peer.addToStore('r', { method: 'recursive', algorithm: 'sha256' }, [], once('no archive at all')),
    { code: 'REMOTE_ERROR', message: /bad archive/ });
  // What was wrong with one operation does not reach the next.
  assert.equal(await peer.isValidPath(text.path), true);
});

test('closures are copied both ways, each path once', async () => {
  const { store, peer } = await pair();
  const here = freshStore();
  const { tree, text } = addTree(here);
  const copied = await copyPaths(new LocalPeer(here), peer, [tree], { withoutSignatures: true });
  assert.deepEqual(copied.map((info) => info.path), [text, tree]);
  assert.deepEqual(store.queryPathInfo(tree)?.references, [text]);
  assert.deepEqual(await copyPaths(new LocalPeer(here), peer, [tree], { withoutSignatures: true }), []);
  const back = freshStore();
  await copyPaths(peer, new LocalPeer(back), [tree]);
  assert.deepEqual(await gather(back.narOf(tree)), await gather(here.narOf(tree)));
  await assert.rejects(copyPaths(peer, new LocalPeer(back), [path('none')]), { code: 'PATH_NOT_VALID' });
});

test('a daemon that does not trust wants signatures, and says so', async () => {
  const { store, peer } = await pair({ trusted: false });
  const here = freshStore();
  const { tree } = addTree(here);
  await assert.rejects(copyPaths(new LocalPeer(here), peer, [tree], { withoutSignatures: true }),
    { code: 'REMOTE_ERROR', message: /lacks a signature by a trusted key\n\(said by store 'unix:/ });
  assert.deepEqual(store.allValidPaths(), []);
  assert.equal(peer.trustsUs, false);
  const derivation = sampleDerivation('d', { text: 'x' });
  await assert.rejects(peer.buildDerivation(path('d.drv'), derivation), /not privileged to build input-addressed/);
});

test('derivations are built, with their log; failures come back as results', async () => {
  const { store, peer } = await pair();
  const lines: string[] = [];
  const source = store.addTextToStore('source', 'a source', []);
  const derivation = sampleDerivation('good', { text: 'made', quoted: 'a\n"b\\' }, [source]);
  const result = await peer.buildDerivation(path('good.drv'), derivation, { log: (line) => lines.push(line) });
  assert.equal(result.status, 'built');
  assert.deepEqual([result.timesBuilt, result.startTime, result.stopTime], [1, 1000, 1001]);
  assert.deepEqual([...result.outputs.keys()], ['out']);
  assert.deepEqual(lines, ['building good']);
  const drvPath = store.addDerivation(sampleDerivation('bad', {}));
  const [failed] = await peer.buildPaths([{ drvPath }]);
  assert.equal(failed?.status, 'permanent-failure');
  assert.match(failed?.message ?? '', /builder for .* failed/);
  assert.deepEqual(await peer.queryDerivationOutputs(drvPath), new Map([['out', makeOutputPath('out', '1'.repeat(64), 'bad')]]));
  assert.deepEqual((await peer.queryMissing([{ drvPath, outputs: ['out'] }])).willBuild, [drvPath]);
});

test('roots, collection, signatures and checks', async () => {
  const { store, peer } = await pair();
  const { tree, text } = addTree(store);
  const link = join(scratch, 'root-link');
  symlinkSync(store.physicalPath(text), link);
  await peer.addIndirectRoot(link);
  await peer.addTemporaryRoot(text);
  assert.equal((await peer.findRoots()).get(link), text);
  await peer.addSignatures(tree, ['key:AAAA']);
  assert.deepEqual(store.queryPathInfo(tree)?.signatures, ['key:AAAA']);
  assert.equal(await peer.verify({ checkContents: true }), true);
  await assert.rejects(peer.ensurePath(path('none')), /does not exist and cannot be created/);
  await assert.rejects(peer.collectGarbage({ action: 'delete-dead', ignoreLiveness: true }), /not privileged to ignore liveness/);
  assert.ok((await peer.collectGarbage({ action: 'live' })).paths.includes(text));
});

test('what a daemon tells becomes progress', async () => {
  const store = freshStore();
  const service = sampleService(store, {
    substitute: async (_paths, { progress }) => {
      progress.message('warning', 'a cache is down');
      progress.message('debug', 'not wanted');
      const activity = progress.start('copy', 'something', { unit: 'bytes', total: 10 });
      activity.advance(7);
      activity.finish();
    },
  });
  const heard: string[] = [];
  const activity = (name: string): Activity => ({
    advance: (amount) => { heard.push(`${name} +${amount}`); }, detail() {}, finish: () => { heard.push(`${name} done`); },
  });
  const peer = connectTo(await startDaemon(service), {
    progress: {
      ...noProgress, message: (level, text) => { heard.push(`${level}: ${text}`); },
      start: (kind, label) => { heard.push(`${kind} ${label}`); return activity(kind); },
    },
  });
  await peer.queryValidPaths([path('none')], { substitute: true });
  assert.deepEqual(heard, ['warning: a cache is down', 'copy something', 'copy +7', 'copy done']);
});

test('several operations at once take connections of their own', async () => {
  const { store, peer } = await pair();
  const paths = Array.from({ length: 20 }, (_, index) => store.addTextToStore(`t${index}`, `${index}`, []));
  const infos = await Promise.all(paths.map((one) => peer.queryPathInfo(one)));
  assert.deepEqual(infos.map((info) => info?.path), paths);
  // One that is read half and left is not used again.
  for await (const _ of peer.narOf(paths[0] as StorePath)) break;
  assert.equal(await peer.isValidPath(paths[1] as StorePath), true);
});

test('realisations go both ways', async () => {
  const { store, peer } = await pair();
  const drvPath = store.addDerivation({
    ...sampleDerivation('ca', {}), outputs: new Map([['out', { kind: 'floating', method: 'recursive', algorithm: 'sha256' }]]),
  });
  const { tree } = addTree(store);
  assert.equal(await peer.queryRealisation(drvPath, 'out'), undefined);
  await peer.registerRealisation({ drvPath, output: 'out', path: tree, signatures: ['key:sig'] });
  assert.deepEqual(await peer.queryRealisation(drvPath, 'out'), { drvPath, output: 'out', path: tree, signatures: ['key:sig'] });
  assert.deepEqual(await peer.queryDerivationOutputs(drvPath), new Map([['out', tree]]));
  await peer.optimise();
});

test('a fixed output keeps its address on the wire', async () => {
  const { store, peer } = await pair();
  const hash = parseHash('0'.repeat(64), 'sha256');
  const { makeContentAddressedPath } = await import('#formats');
  const out = makeContentAddressedPath('fixed', { method: 'flat', hash });
  const derivation: Derivation = {
    ...sampleDerivation('fixed', { text: 'x' }), outputs: new Map([['out', { kind: 'fixed', path: out, method: 'flat', hash }]]),
  };
  const result = await peer.buildDerivation(path('fixed.drv'), derivation);
  assert.deepEqual(result.outputs, new Map([['out', out]]));
  assert.equal(store.isValidPath(out), true);
});

test('a daemon works by the settings that we have chosen; who is behind ssh by their own', () => {
  const flags = parseFlags('nix', [], ['--timeout', '7', '--no-sandbox', '--extra-substituters', 'https://a.test', '--pure-eval'], {
    env: {}, stderr: { write() {} },
  });
  const context = { env: { NIX_CONFIG: 'log-lines = 3', NIX_CONF_DIR: '/none', HOME: '/none' }, cwd: '/' } as unknown as CommandContext;
  const peers = new Peers(flags, context, noProgress);
  assert.deepEqual(peers.request('daemon').options?.settings, new Map([['log-lines', '3'], ['sandbox', 'false'], ['timeout', '7']]));
  assert.equal(peers.request('ssh-ng://host').options?.settings, undefined);
});
