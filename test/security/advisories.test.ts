/**
 * One attack for each vulnerability that implementations of Nix have had: by the advisory's id, here
 * or at the place that the list below names. That each named test exists is a test too.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync,
} from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { concatBytes, hashOf, type UserError } from '#base';
import { makeTextPath, maximumNarDepth, printDerivation, type Derivation, type StorePath } from '#formats';
import { realise, type Substituter } from '#build';
import { addIndirectRoot, collectGarbage, deleteTree, LocalStore } from '#store';
import { freshBuilds } from '../build/derivations.ts';
import { freshSandbox, needsSandbox } from '../sandbox/builds.ts';
import { needs } from '../support/foreign.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-security-'));
after(() => { deleteTree(scratch); });
let count = 0;
const freshFolder = (): string => join(scratch, `folder${count++}`);

/** Attacks that stand with the tests of what they attack. */
const elsewhere: readonly (readonly [id: string, file: string, title: string])[] = [
  ['CVE-2024-27297, Nix PR 44017ca497: a descriptor over an abstract socket', 'sandbox/syscall-filter.test.ts',
    'a builder reaches no abstract socket of others, with network or without'],
  ['CVE-2024-27297: a process that outlives its build', 'sandbox/isolation.test.ts',
    'a process that a builder leaves behind dies with it and changes nothing'],
  ['Nix, June 2025 (CVE-2025-46415 and on): downloads in the network of other processes', 'sandbox/network.test.ts',
    'downloads reach no other: each has its own devices and sockets'],
  ['CVE-2024-38531: the build folder within reach of others', 'sandbox/isolation.test.ts',
    'the build folder is private while a build runs'],
  ['CVE-2024-38531: a setuid program left in it', 'sandbox/syscall-filter.test.ts',
    'a file cannot be made with a set-id bit'],
  ['CVE-2025-53819: builds as root', 'sandbox/isolation.test.ts',
    'an ordinary user, without capabilities, new privileges or files of ours'],
  ['CVE-2026-39860: a link in the place of an output', 'sandbox/isolation.test.ts',
    'an output that is a link is taken as a link'],
  ['GHSA-gr92-w2r5-qw5p: archives that lead out of their folder', 'build/unpack-deb.test.ts',
    'entries that would write elsewhere are refused, and nothing is written'],
  ['Lix unsigned-overflow-vuln: lengths that overflow', 'formats/nar.test.ts',
    'lengths that overflow are refused before anything is allocated'],
  ['Nix PR 16256: outputs that a cache names without a signature', 'cache/upload.test.ts', 'realisations are kept by derivation and output'],
  ['recursive-nix: references to paths that a builder was not given', 'sandbox/nested.test.ts',
    'what is added refers to nothing that the builder does not see'],
  ['databases that name a file elsewhere', 'store/database.test.ts',
    'what is registered and is no store path is never taken for a file'],
  ['paths longer than PATH_MAX, of builders', 'sandbox/isolation.test.ts', 'a tree deeper than a path can name is removed'],
  ['paths longer than PATH_MAX, in the store', 'store/collect.test.ts', 'trees that are deeper than a path can name are deleted'],
];

for (const [id, file, title] of elsewhere) {
  test(`${id}: is tried in ${file}`, () => {
    const text = readFileSync(join(import.meta.dirname, '..', file), 'utf8');
    assert.ok(text.includes(`test('${title}'`), `there is no test '${title}'`);
  });
}

/** Texts as they stand in a NAR. */
function nar(...texts: readonly string[]): Uint8Array {
  return concatBytes(['nix-archive-1', ...texts].map((text) => {
    const bytes = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8);
    bytes.writeUInt32LE(text.length);
    bytes.write(text, 8, 'latin1');
    return bytes;
  }));
}
const file = (text: string): string[] => ['(', 'type', 'regular', 'contents', text, ')'];
const link = (target: string): string[] => ['(', 'type', 'symlink', 'target', target, ')'];
const directory = (...entries: readonly (readonly [string, readonly string[]])[]): string[] =>
  ['(', 'type', 'directory', ...entries.flatMap(([name, node]) => ['entry', '(', 'name', name, 'node', ...node, ')']), ')'];

/** Adds an archive of which all is true but its form; it must leave nothing. */
async function checkRefused(archive: Uint8Array, message: RegExp): Promise<void> {
  const store = new LocalStore({ root: freshFolder() });
  const path = makeTextPath('evil', String(count), []);
  const info = { path, narHash: hashOf('sha256', archive), narSizeBytes: archive.length, references: [], signatures: [] };
  await assert.rejects(store.addNar(info, (async function* pieces() { yield archive; })()), message);
  assert.deepEqual(readdirSync(store.physicalStoreDirectory).filter((name) => name !== '.links'), []);
  store.close();
}

test('CVE-2024-45593: a link, then a file below its name, writes nowhere else', async () => {
  const target = freshFolder();
  mkdirSync(target);
  await checkRefused(nar(...directory(['a', link(target)], ['a', directory(['evil', file('x')])])), /not sorted/);
  await checkRefused(nar(...directory(['b', file('x')], ['a', link(target)])), /not sorted/);
  await checkRefused(nar(...directory(['../evil', file('x')])), /invalid file name/);
  assert.deepEqual(readdirSync(target), []);
});

test('CVE-2026-44028: folders nested without end', async () => {
  let deep = file('x');
  for (let depth = 0; depth <= maximumNarDepth + 1; depth++) deep = directory(['d', deep]);
  await checkRefused(nar(...deep), /nesting exceeds maximum depth/);
  const begins = Array.from({ length: 5_000 }, () => ['(', 'type', 'directory', 'entry', '(', 'name', 'd', 'node']).flat();
  await checkRefused(nar(...begins), /nesting exceeds maximum depth/);
});

test('CVE-2024-47174: a server that cannot prove its name is not believed, hash or not', needs('openssl'), async () => {
  const folder = freshFolder();
  mkdirSync(folder);
  const [key, certificate] = [join(folder, 'key'), join(folder, 'certificate')];
  const made = spawnSync('openssl', [
    'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, '-days', '2', '-subj', '/CN=localhost',
  ]);
  assert.equal(made.status, 0, String(made.stderr));
  let asked = 0;
  const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (_, response) => {
    asked += 1;
    response.end('content');
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const builds = freshBuilds();
  try {
    const url = `https://localhost:${(server.address() as AddressInfo).port}/file`;
    await assert.rejects(builds.realise([builds.fetch('file', url, 'content')]), { code: 'BUILD_FAILED' });
    assert.equal(asked, 0, 'nothing is sent to such a server, no password either');
  } finally {
    await builds.close();
    server.close();
  }
});

test('CVE-2024-51481: builders in our own process have no network but for a fixed output', async () => {
  const builds = freshBuilds();
  try {
    const made = builds.add('free', 'builtin:fetchurl', { url: 'http://127.0.0.1:1/x' });
    await assert.rejects(builds.realise([made]), (error: UserError) => /has no hash/.test(error.message));
  } finally {
    await builds.close();
  }
});

test('CVE-2025-46415, CVE-2025-46416: what is removed is never what a link leads to', async () => {
  const outside = freshFolder();
  mkdirSync(join(outside, 'kept'), { recursive: true });
  writeFileSync(join(outside, 'kept/file'), 'kept', { mode: 0o600 });
  const store = new LocalStore({ root: freshFolder() });
  const garbage = join(store.physicalStoreDirectory, `${'6'.repeat(32)}-garbage`);
  mkdirSync(join(garbage, 'sub'), { recursive: true });
  symlinkSync(outside, join(garbage, 'link'));
  symlinkSync(join(outside, 'kept'), join(garbage, 'sub/link'));
  chmodSync(join(garbage, 'sub'), 0o000);
  await collectGarbage(store);
  assert.equal(existsSync(garbage), false);
  assert.equal(readFileSync(join(outside, 'kept/file'), 'utf8'), 'kept');
  assert.equal(statSync(join(outside, 'kept')).mode & 0o777, statSync(outside).mode & 0o777);
  store.close();
});

test('CVE-2025-52991 to 52993: the folder of a failed build that is kept is nobody else\'s', needsSandbox, async () => {
  const builds = freshSandbox();
  try {
    const kept = join(builds.root, 'kept');
    const made = builds.add('failing', { script: 'chmod 777 .; echo secret > file; chmod 4755 file; exit 1' });
    await assert.rejects(builds.build(made, { keepFailedIn: kept }));
    const [folder = ''] = readdirSync(kept);
    assert.equal(statSync(join(kept, folder)).mode & 0o077, 0);
    assert.equal(statSync(join(kept, folder, 'build/file')).mode & 0o6000, 0);
  } finally {
    builds.close();
  }
});

test('Nix PR 16256: what a binary cache says of an output, without more, is not believed', needsSandbox, async () => {
  const builds = freshSandbox();
  const forged = builds.store.addTextToStore('forged', 'forged', []);
  let asked = 0;
  // A substituter says by `queryRealisation` what it has checked; one that has nothing to say is only asked for paths.
  const cache: Substituter = {
    name: 'cache',
    substitute: () => {
      asked += 1;
      return Promise.resolve(false);
    },
  };
  try {
    const plain = builds.add('plain', { script: 'echo true > $out' });
    const derivation = builds.store.readDerivation(plain.drvPath);
    const drvPath = builds.store.addDerivation({
      ...derivation, outputs: new Map([['out', { kind: 'floating', method: 'recursive', algorithm: 'sha256' } as const]]),
    });
    await assert.rejects(realise(builds.store, [{ drvPath }], { builders: [], substituters: [cache] }), { code: 'BUILD_FAILED' });
    assert.equal(asked, 0);
    assert.equal(builds.store.queryRealisation(drvPath, 'out'), undefined);
    assert.ok(builds.store.isValidPath(forged));
  } finally {
    builds.close();
  }
});

test('a derivation that names another one\'s output as its own is refused, however it comes', async () => {
  const builds = freshBuilds();
  try {
    const { store } = builds;
    const good = builds.add('good', 'builtin:write-file', { text: 'good' });
    const bad = store.readDerivation(builds.add('bad', 'builtin:write-file', { text: 'bad' }).drvPath);
    const evil: Derivation = { ...bad, outputs: new Map([['out', { kind: 'input-addressed', path: good.out }]]) };
    const text = printDerivation(evil);
    const path = makeTextPath('bad.drv', text, []);
    const archive = nar(...file(text));
    const info = {
      path, narHash: hashOf('sha256', archive), narSizeBytes: archive.length, references: [], signatures: [],
      contentAddress: { method: 'text' as const, hash: hashOf('sha256', text) },
    };
    await assert.rejects(store.addNar(info, (async function* pieces() { yield archive; })()), /has incorrect output/);
    assert.throws(() => store.addTextToStore('bad.drv', text, []), /has incorrect output/);
    const place = freshFolder();
    writeFileSync(place, text);
    assert.throws(() => store.addTree('bad.drv', place, { method: 'flat', algorithm: 'sha256' }), /has incorrect output/);
    assert.equal(store.isValidPath(path), false);
    assert.deepEqual(store.queryDerivers(good.out), [good.drvPath]);
  } finally {
    await builds.close();
  }
});

test('a link in the place of a root does not make anything else a root, nor is it overwritten', () => {
  const store = new LocalStore({ root: freshFolder() });
  const path: StorePath = store.addTextToStore('a', 'a', []);
  const folder = freshFolder();
  mkdirSync(folder);
  symlinkSync('/etc/passwd', join(folder, 'result'));
  assert.throws(() => addIndirectRoot(store, path, join(folder, 'result')), { code: 'ROOT_IN_THE_WAY' });
  store.close();
});
