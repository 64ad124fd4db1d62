/** The image builders as derivations call them: attributes in, files out, the same at any core count. */
import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { execFileSync } from 'node:child_process';
import { zstdDecompressSync } from 'node:zlib';
import { readCpio } from '#formats';
import { bytesSource, readIsoTree, readIsoVolumes, readSquashfs } from '#images';
import { fatImageBuilder } from '../../src/build/builtin/fat-image.ts';
import { initrdBuilder } from '../../src/build/builtin/initrd.ts';
import { isoBuilder } from '../../src/build/builtin/iso.ts';
import { squashfsBuilder } from '../../src/build/builtin/squashfs.ts';
import { blockDecompressor } from '../../src/build/io/block-compressors.ts';
import { needs } from '../support/foreign.ts';
import { fakeJob } from './fake-job.ts';
import { sampleBytes } from './sample-tree.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-builders-'));
after(() => {
  rmSync(scratch, { recursive: true, force: true });
});

const store = join(scratch, 'store');
const hash = (letter: string): string => letter.repeat(32);
const packages = ['a', 'b', 'c', 'd'].map((letter, i) => {
  const base = `${hash(letter)}-package-${letter}-1.${i}`;
  const folder = join(store, base);
  mkdirSync(join(folder, 'bin'), { recursive: true });
  writeFileSync(join(folder, 'bin/program'), sampleBytes(700_000 + i * 1000, i), { mode: 0o755 });
  writeFileSync(join(folder, 'shared'), sampleBytes(90_000, 99));
  symlinkSync('bin/program', join(folder, 'link'));
  writeFileSync(join(folder, 'Főtanúsítvány'), 'not ASCII');
  symlinkSync(`/nix/store/${base}/bin/program`, join(folder, 'absolute'));
  return `/nix/store/${base}`;
});

const squashfs = async (cores: number, more: Record<string, unknown> = {}): Promise<Buffer> => {
  const { job, out } = fakeJob({
    store,
    cores,
    attributes: {
      storeContents: packages,
      compression: 'zstd -Xcompression-level 3',
      contents: [{ path: 'nix-path-registration', text: 'registration\n' }],
      ...more,
    },
  });
  await squashfsBuilder.build(job);
  await job.workers.close();
  return readFileSync(out);
};

test('squashfs: the same bytes at one core and at four', async () => {
  assert.ok(Buffer.compare(await squashfs(1), await squashfs(4)) === 0);
});

test('squashfs: store paths stand at the top, as the store has them', async () => {
  const { entries } = await readSquashfs(bytesSource(await squashfs(2)), blockDecompressor);
  const at = (path: string) => entries.find((entry) => entry.path === path)!;
  const base = packages[0]!.slice('/nix/store/'.length);
  assert.equal(at('').mode, 0o755);
  assert.equal(at(`${base}/bin/program`).mode, 0o555);
  assert.equal(at(`${base}/shared`).mode, 0o444);
  assert.equal(at(`${base}/shared`).mtime, 1);
  assert.equal(at(`${base}/link`).target, 'bin/program');
  assert.equal(
    new TextDecoder().decode(await at('nix-path-registration').content!.read(0, 13)),
    'registration\n',
  );
});

test('squashfs: a second image takes unchanged blocks from the cache', async () => {
  const cacheDirectory = join(scratch, 'cache');
  const build = async (): Promise<Buffer> => {
    const { job, out } = fakeJob({
      store,
      cacheDirectory,
      attributes: { storeContents: packages, compression: 'zstd' },
    });
    await squashfsBuilder.build(job);
    await job.workers.close();
    return readFileSync(out);
  };
  assert.ok(Buffer.compare(await build(), await build()) === 0);
});

const foreignUnpackers: [compression: string, command: string[]][] = [
  ['gzip -9', ['gzip', '-dc']],
  ['xz -6', ['xz', '-dc']],
  ['xz -1 --check=crc32', ['xz', '-dc', '--format=xz']],
  ['zstd -3', ['zstd', '-dc']],
];
for (const [compression, [tool, ...options]] of foreignUnpackers) {
  test(`initrd: ${compression} unpacks with ${tool}`, needs(tool as string), async () => {
    const contents = [{ path: '/big', text: 'one line of many\n'.repeat(300_000) }];
    const made = fakeJob({ store, attributes: { compression, contents } });
    await initrdBuilder.build(made.job);
    const plain = fakeJob({ store, attributes: { compression: 'none', contents } });
    await initrdBuilder.build(plain.job);
    const unpacked = execFileSync(tool as string, options, {
      input: readFileSync(join(made.out, 'initrd')),
      maxBuffer: 1 << 27,
    });
    assert.ok(unpacked.equals(readFileSync(join(plain.out, 'initrd'))));
    if (tool !== 'xz') return;
    // The kernel's decoder knows this check and no longer one.
    const facts = execFileSync('xz', ['--robot', '--list', join(made.out, 'initrd')], {
      encoding: 'utf8',
    });
    assert.match(facts, /\tCRC32\t/);
  });
}

test('initrd: entries of every kind, later ones over earlier trees', async () => {
  const tree = join(scratch, 'tree');
  mkdirSync(join(tree, 'etc'), { recursive: true });
  writeFileSync(join(tree, 'etc/name'), 'from the tree');
  const { job, out } = fakeJob({
    store,
    attributes: {
      compression: 'zstd -3',
      contents: [
        { path: '/', type: 'tree', source: tree },
        { path: '/etc/name', text: 'r\xc3\xa9placed', mode: '0600' },
        { path: '/init', source: `${packages[1]}/absolute`, mode: '0755' },
        { path: '/name', source: Buffer.from(`${packages[0]}/Főtanúsítvány`).toString('latin1') },
        { path: '/bin/sh', type: 'link', target: 'busybox' },
        { path: '/dev/console', type: 'char', major: 5, minor: 1 },
        { path: '/proc', type: 'directory' },
      ],
    },
  });
  await initrdBuilder.build(job);
  const { entries } = readCpio(zstdDecompressSync(readFileSync(join(out, 'initrd'))));
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  assert.equal(Buffer.from(byName.get('etc/name')!.data).toString(), 'réplaced');
  assert.equal(byName.get('etc/name')!.mode, 0o100600);
  assert.equal(byName.get('init')!.data.length, 701_000, 'links are followed within the store');
  assert.equal(byName.get('dev/console')!.mode & 0o170000, 0o020000);
  assert.deepEqual(
    [...byName.keys()],
    ['bin', 'bin/sh', 'dev', 'dev/console', 'etc', 'etc/name', 'init', 'name', 'proc'],
  );
});

test('initrd: archives that go before it end on a multiple of 512', async () => {
  const first = fakeJob({ attributes: { contents: [{ path: 'a', text: 'first' }] } });
  await initrdBuilder.build(first.job);
  const second = fakeJob({
    attributes: {
      compression: 'none',
      prepend: [join(first.out, 'initrd')],
      contents: [{ path: 'b', text: 'second' }],
    },
  });
  await initrdBuilder.build(second.job);
  const both = readFileSync(join(second.out, 'initrd'));
  const start = Math.ceil(readFileSync(join(first.out, 'initrd')).length / 512) * 512;
  assert.deepEqual(
    readCpio(both.subarray(start)).entries.map(({ name }) => name),
    ['b'],
  );
});

test('iso: boots by what it is told to, and is linked to as cd.iso', async () => {
  const efi = fakeJob({
    store,
    attributes: {
      volumeLabel: 'ESP',
      contents: [{ source: `${packages[0]}/shared`, target: '/EFI/BOOT/BOOTX64.EFI' }],
    },
  });
  await fatImageBuilder.build(efi.job);
  const build = async (cores: number) => {
    const made = fakeJob({
      store,
      cores,
      attributes: {
        isoName: 'firn-test.iso',
        volumeID: 'FIRN',
        bootImage: '/isolinux/isolinux.bin',
        efiBootImage: 'boot/efi.img',
        isohybridMbrImage: `${packages[3]}/shared`,
        contents: [
          { source: `${packages[2]}/shared`, target: '/isolinux/isolinux.bin' },
          { source: packages[1]!, target: '/package' },
          { source: efi.out, target: '/boot/efi.img' },
        ],
      },
    });
    await isoBuilder.build(made.job);
    return made.out;
  };
  const out = await build(1);
  assert.equal(readlinkSync(join(out, 'iso/cd.iso')), 'firn-test.iso');
  const image = readFileSync(join(out, 'iso/firn-test.iso'));
  assert.ok(Buffer.compare(image, readFileSync(join(await build(4), 'iso/firn-test.iso'))) === 0);
  const source = bytesSource(image);
  const [primary] = await readIsoVolumes(source);
  const paths = (await readIsoTree(source, primary!)).map(({ path }) => path);
  for (const path of ['boot/efi.img', 'isolinux/boot.cat', 'package/bin/program', 'package/link']) {
    assert.ok(paths.includes(path), path);
  }
});

const faults: [string, Record<string, unknown>, RegExp][] = [
  [
    'no label',
    { isoName: 'a.iso' },
    /builtin:iso needs a string as volumeID, but was given nothing/,
  ],
  ['a wrong type', { isoName: 'a.iso', volumeID: 'A', contents: 'x' }, /needs a list as contents/],
  [
    'an EFI image that is not there',
    { isoName: 'a.iso', volumeID: 'A', efiBootImage: 'efi.img' },
    /efiBootImage/,
  ],
];
for (const [name, attributes, message] of faults) {
  test(`iso: ${name} is refused`, async () => {
    await assert.rejects(isoBuilder.build(fakeJob({ attributes }).job), {
      code: 'BUILTIN_ATTRIBUTE',
      message,
    });
  });
}

test('a missing source is named', async () => {
  const attributes = { contents: [{ path: 'x', source: `${packages[0]}/no/such/file` }] };
  await assert.rejects(initrdBuilder.build(fakeJob({ store, attributes }).job), {
    code: 'BUILTIN_INPUT_MISSING',
    message: /no\/such\/file/,
  });
});
