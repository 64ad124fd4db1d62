/** Packages become trees; what is not a package, or tries to write elsewhere, becomes an error. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { formatHash, sameHash } from '#base';
import { startServer, type TestServer } from '../support/http-server.ts';
import { needs } from '../support/foreign.ts';
import { freshBuilds, type Builds } from './derivations.ts';
import { makeAr, makeDeb, makeTar, type Compression, type TarItem } from './packages.ts';

let server: TestServer;
let builds: Builds;
let count = 0;
before(async () => {
  server = await startServer();
  builds = freshBuilds();
});
after(async () => {
  await builds.close();
  await server.close();
});

/** The tree that the package unpacks to. */
async function unpack(deb: Buffer): Promise<string> {
  const name = `package${count++}`;
  server.files.set(`/${name}`, deb);
  const source = builds.fetch(`${name}.deb`, `${server.url}/${name}`, deb);
  const tree = builds.add(name, 'builtin:unpack-deb', { src: source.out }, [source]);
  const [path] = await builds.realise([tree]);
  const info = builds.store.queryPathInfo(tree.out);
  const hash = await builds.store.hashTree(path as string, 'recursive', 'sha256');
  assert.ok(info && sameHash(info.narHash, hash), `NAR hash ${formatHash(hash, 'sri')}`);
  return path as string;
}

const program: TarItem[] = [
  { name: './', type: 'directory' },
  { name: './usr/', type: 'directory' },
  { name: './usr/bin/', type: 'directory', mode: 0o755 },
  { name: './usr/bin/tool', mode: 0o4755, content: 'program' },
  { name: './usr/bin/same', type: 'link', linkname: './usr/bin/tool' },
  { name: './usr/bin/alias', type: 'symlink', linkname: 'tool' },
  { name: './usr/share/doc/long/', type: 'directory' },
  { name: `./usr/share/doc/long/${'n'.repeat(180)}`, content: 'x', mode: 0o640 },
  { name: './etc/tool.conf', content: 'a=b\n', mode: 0o600 },
];

test('files, links, modes and the links to usr, with every compression', async () => {
  for (const compression of ['xz', 'zst', 'gz', ''] as Compression[]) {
    const tree = await unpack(await makeDeb(program, compression));
    assert.deepEqual(readdirSync(tree).sort(), ['bin', 'etc', 'share', 'usr']);
    assert.equal(readlinkSync(join(tree, 'bin')), 'usr/bin');
    assert.equal(readFileSync(join(tree, 'bin/same'), 'utf8'), 'program');
    assert.equal(readlinkSync(join(tree, 'usr/bin/alias')), 'tool');
    const mode = (path: string): number => lstatSync(join(tree, path)).mode & 0o7777;
    assert.deepEqual([mode('usr/bin/tool'), mode('etc/tool.conf'), mode('usr')], [0o555, 0o444, 0o555]);
    assert.equal(lstatSync(join(tree, 'usr/bin/tool')).mtimeMs, 1000);
    assert.equal(readFileSync(join(tree, 'usr/share/doc/long', 'n'.repeat(180)), 'utf8'), 'x');
  }
});

test('the same files as dpkg-deb unpacks', needs('dpkg-deb'), async () => {
  const deb = await makeDeb(program);
  const ours = await unpack(deb);
  const folder = mkdtempSync(join(tmpdir(), 'firn-dpkg-'));
  try {
    writeFileSync(join(folder, 'x.deb'), deb);
    execFileSync('dpkg-deb', ['-x', join(folder, 'x.deb'), join(folder, 'tree')]);
    for (const name of ['usr', 'etc']) execFileSync('diff', ['-r', '--no-dereference', join(folder, 'tree', name), join(ours, name)]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('entries that would write elsewhere are refused, and nothing is written', async () => {
  const file = (name: string): TarItem => ({ name, content: 'evil' });
  const deep = `./${'d/'.repeat(70)}x`;
  const cases: [string, TarItem[], RegExp][] = [
    ['traversal', [file('./../evil')], /does not lead straight down/],
    ['traversal inside', [file('./usr/../../evil')], /does not lead straight down/],
    ['absolute', [file('/tmp/evil')], /absolute path/],
    ['through a link', [{ name: './a', type: 'symlink', linkname: '/tmp' }, file('./a/evil')], /below something that is no folder/],
    ['through a file', [file('./a'), file('./a/b')], /below something that is no folder/],
    ['twice', [file('./a'), file('./a')], /comes twice/],
    ['file over a link', [{ name: './a', type: 'symlink', linkname: '/tmp/x' }, file('./a')], /comes twice/],
    ['folder over a link', [{ name: './a', type: 'symlink', linkname: '/tmp' }, { name: './a/', type: 'directory' }], /comes twice/],
    ['hard link outside', [{ name: './a', type: 'link', linkname: '/etc/passwd' }], /absolute path/],
    ['hard link to nothing', [{ name: './a', type: 'link', linkname: './b' }], /no file before it/],
    ['hard link to a link', [{ name: './b', type: 'symlink', linkname: '/etc/passwd' }, { name: './a', type: 'link', linkname: './b' }], /no file before it/],
    ['device', [{ name: './a', type: 'character-device', devmajor: 1, devminor: 3 }], /neither file, folder nor link/],
    ['pipe', [{ name: './a', type: 'fifo' }], /neither file, folder nor link/],
    ['long name', [file(`./${'n'.repeat(300)}`)], /too long a name/],
    ['deep', [file(deep)], /too deep/],
    ['long target', [{ name: './a', type: 'symlink', linkname: 'x'.repeat(5000) }], /target that cannot be/],
  ];
  for (const [name, items, message] of cases) {
    await assert.rejects(unpack(await makeDeb(items)), (error: Error & { cause: { code: string } }) => {
      assert.match(error.message, message, name);
      assert.equal(error.cause.code, 'UNSAFE_ARCHIVE', name);
      return true;
    });
  }
  const left = readdirSync(builds.store.physicalStoreDirectory).filter((name) => name.includes('package') && !/\.(drv|deb)$/.test(name));
  assert.deepEqual(left.filter((name) => !builds.store.isValidPath(`/nix/store/${name}` as never)), []);
});

test('damaged packages say so', async () => {
  const good = await makeDeb(program);
  const data = await makeTar(program);
  const wrongSum = Buffer.from(data);
  wrongSum[0] = 0x41;
  const cases: [string, Buffer, RegExp][] = [
    ['no archive', Buffer.from('hello'), /does not begin as an ar archive/],
    ['cut off', good.subarray(0, good.length - 40), /ends after \d+ bytes, within a member/],
    ['no data', makeAr([['debian-binary', Buffer.from('2.0\n')], ['control.tar', data]]), /no member data\.tar/],
    ['other format', makeAr([['debian-binary', Buffer.from('3.0\n')]]), /not a Debian package of format 2/],
    ['bad xz', makeAr([['debian-binary', Buffer.from('2.0\n')], ['control.tar', data], ['data.tar.xz', Buffer.from('not xz at all, not at all')]]), /xz stream has no readable index/],
    ['bad checksum', makeAr([['debian-binary', Buffer.from('2.0\n')], ['control.tar', data], ['data.tar', wrongSum]]), /checksum of the header at byte 0/],
    ['cut tar', makeAr([['debian-binary', Buffer.from('2.0\n')], ['control.tar', data], ['data.tar', data.subarray(0, 4 * 512 + 3)]]), /ends after \d+ bytes, within an entry/],
  ];
  for (const [name, deb, message] of cases) await assert.rejects(unpack(deb), { message }, name);
});
