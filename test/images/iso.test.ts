import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { ByteSource, IsoOptions, IsoPlan, TreeEntry } from '#images';
import {
  bytesSource,
  decodeGpt,
  decodeMbr,
  partitionTypes,
  planFat,
  planIso,
  readBootCatalog,
  readFat,
  readIsoTree,
  readIsoVolumes,
  writeFat,
  writeIso,
} from '#images';
import { hostTree } from '../../src/build/io/host-tree.ts';
import { needs } from '../support/foreign.ts';
import {
  bytesOfImage,
  checkTree,
  file,
  link,
  sampleBytes,
  sampleMtime,
  sampleTree,
  shuffled,
} from './sample-tree.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-iso-'));
after(() => {
  rmSync(scratch, { recursive: true, force: true });
});

const biosImage = sampleBytes(20_001, 77);

async function efiImage(): Promise<Uint8Array> {
  const plan = planFat([file('EFI/BOOT/BOOTX64.EFI', sampleBytes(200_000, 3))], { label: 'ESP' });
  return bytesOfImage((sink) => writeFat(plan, sink));
}

const plain: IsoOptions = { volumeId: 'FIRN_TEST', mtime: sampleMtime, seed: 'test' };

async function bootable(): Promise<IsoOptions> {
  return {
    ...plain,
    biosImage: 'isolinux/isolinux.bin',
    hybridBootCode: sampleBytes(432, 1),
    efiImage: { content: bytesSource(await efiImage()), path: 'boot/efi.img' },
  };
}

const bootFiles = [
  file('isolinux/isolinux.bin', biosImage),
  file('isolinux/isolinux.cfg', 'DEFAULT linux\n'),
  file('boot/kernel', sampleBytes(3_000_000, 8)),
];

const make = (entries: readonly TreeEntry[], options: IsoOptions): Promise<Uint8Array> =>
  bytesOfImage((sink) => writeIso(planIso(entries, options), sink));

/** Reads a plan as if it had been written, without writing it. */
function planSource(plan: IsoPlan): ByteSource {
  return {
    sizeBytes: plan.sizeBytes,
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      for (const { sector, content } of plan.sections) {
        const start = sector * 2048;
        const from = Math.max(offset, start);
        const to = Math.min(offset + length, start + content.sizeBytes);
        if (from < to) bytes.set(await content.read(from - start, to - from), from - offset);
      }
      return bytes;
    },
  };
}

const own = (path: string): boolean =>
  path === 'isolinux/boot.cat' || path === 'boot/efi.img' || path === 'boot.cat';

test('our reader gives the tree back by Rock Ridge', async () => {
  const entries = sampleTree(4096);
  const source = bytesSource(await make(entries, plain));
  const [primary] = await readIsoVolumes(source);
  assert.equal(primary!.volumeId, 'FIRN_TEST');
  assert.equal(primary!.sectorCount * 2048, source.sizeBytes);
  await checkTree(
    await readIsoTree(source, primary!),
    entries.filter(({ path }) => path !== ''),
  );
});

test('the Joliet tree has every file and directory by its name', async () => {
  const entries = sampleTree(4096).filter(({ type }) => type === 'file' || type === 'directory');
  const source = bytesSource(await make(entries, plain));
  const joliet = (await readIsoVolumes(source)).find(({ kind }) => kind === 'joliet')!;
  const expected = entries
    .filter(({ path }) => path !== '')
    // 103 characters are allowed.
    .map((entry) =>
      entry.path.length > 200 ? { ...entry, path: entry.path.slice(0, 103) } : entry,
    );
  await checkTree(await readIsoTree(source, joliet), expected, { fields: [] });
});

test('the volume that begins with the partition has the same files', async () => {
  const entries = [...sampleTree(4096), ...bootFiles];
  const source = bytesSource(await make(entries, await bootable()));
  const volumes = await readIsoVolumes(source, { origin: 16 });
  assert.deepEqual(
    volumes.map(({ kind }) => kind),
    ['primary', 'joliet'],
  );
  const tree = await readIsoTree(source, volumes[0]!, { origin: 16 });
  assert.ok(
    !tree.some(({ path }) => path === 'boot/efi.img'),
    'it would lie outside of the partition',
  );
  const expected = entries.filter(({ path }) => path !== '' && path !== 'isolinux/isolinux.bin');
  await checkTree(tree, expected, {
    ignore: (path) => own(path) || path === 'isolinux/isolinux.bin',
  });
});

test('boot catalog, boot info table and partition tables agree', async () => {
  const options = await bootable();
  const image = await make(bootFiles, options);
  const source = bytesSource(image);
  const [primary] = await readIsoVolumes(source);
  const [bios, uefi] = await readBootCatalog(source, primary!.catalogSector!);
  const tree = await readIsoTree(source, primary!);
  const view = new DataView(image.buffer, image.byteOffset);

  assert.equal(bios!.platform, 'bios');
  assert.equal(bios!.loadSectors, 4);
  const at = bios!.sector * 2048;
  assert.deepEqual(
    [8, 12, 16].map((field) => view.getUint32(at + field, true)),
    [16, bios!.sector, biosImage.length],
  );
  let sum = 0;
  for (let i = 64; i < biosImage.length; i += 4) {
    const word = biosImage.slice(i, i + 4);
    sum =
      (sum +
        (word[0]! | ((word[1] ?? 0) << 8) | ((word[2] ?? 0) << 16)) +
        (word[3] ?? 0) * 0x1000000) >>>
      0;
  }
  assert.equal(view.getUint32(at + 20, true), sum);
  assert.equal(
    view.getUint32(432, true),
    bios!.sector * 4,
    'the disk boot code finds the boot image',
  );

  assert.equal(uefi!.platform, 'uefi');
  const gpt = decodeGpt(image)!;
  const [iso, esp] = gpt.partitions;
  assert.equal(esp!.type, partitionTypes.efiSystem);
  assert.equal(esp!.firstSector, uefi!.sector * 4);
  assert.equal(iso!.firstSector, 64);
  assert.equal(iso!.lastSector + 1, esp!.firstSector);
  assert.equal(gpt.diskSectors * 512, image.length);
  assert.equal((esp!.firstSector * 512) % (1 << 20), 0);
  assert.deepEqual(decodeMbr(image)!.partitions, [
    { active: false, type: 0xee, firstSector: 1, sectorCount: gpt.diskSectors - 1 },
  ]);

  const shown = tree.find(({ path }) => path === 'boot/efi.img')!.content!;
  const esps = [bytesSource(image.subarray(uefi!.sector * 2048)), shown];
  for (const content of esps) {
    const { entries } = await readFat(content);
    assert.ok(entries.some(({ path }) => path === 'EFI/BOOT/BOOTX64.EFI'));
  }
});

test('a file of more than 8 GiB is divided into extents and read whole', async () => {
  const sizeBytes = 9 * 2 ** 30 + 5;
  const content: ByteSource = {
    sizeBytes,
    read: (offset, length) =>
      Uint8Array.from({ length }, (_, i) => Math.floor((offset + i) / 2048) & 0xff),
  };
  const entries = [file('big', '', { content }), file('z-after', 'small')];
  const plan = planIso(entries, plain);
  const source = planSource(plan);
  const [primary, joliet] = await readIsoVolumes(source);
  for (const volume of [primary!, joliet!]) {
    const tree = await readIsoTree(source, volume);
    assert.deepEqual(
      tree.map(({ path }) => path),
      ['big', 'z-after'],
    );
    const big = tree[0]!.content!;
    assert.equal(big.sizeBytes, sizeBytes);
    for (const offset of [0, 0xfffff800 - 10, 2 * 0xfffff800 - 10, sizeBytes - 20]) {
      assert.deepEqual(await big.read(offset, 20), content.read(offset, 20));
    }
  }
  assert.equal(
    new TextDecoder().decode(await (await readIsoTree(source, primary!))[1]!.content!.read(0, 5)),
    'small',
  );
});

test('links that need several continuation areas are read back', async () => {
  const target = Array.from({ length: 380 }, (_, i) => `component${i}`).join('/');
  const entries = [
    link('long', '/' + target),
    link('dots', '.././../x'),
    link('wide', 'w'.repeat(255) + '/y'),
  ];
  const source = bytesSource(await make(entries, plain));
  const [primary] = await readIsoVolumes(source);
  await checkTree(await readIsoTree(source, primary!), entries);
});

test('xorriso reads the tree and the boot records', needs('xorriso'), async () => {
  const entries = [...sampleTree(4096), ...bootFiles].filter(
    ({ type }) => type !== 'char' && type !== 'block',
  );
  const path = join(scratch, 'judged.iso');
  writeFileSync(path, await make(entries, await bootable()));
  const report = spawnSync(
    'xorriso',
    ['-indev', path, '-report_el_torito', 'plain', '-report_system_area', 'plain'],
    { encoding: 'utf8' },
  );
  assert.equal(report.status, 0, report.stderr);
  for (const line of [
    /El Torito boot img : +1 +BIOS +y +none .* 4 /,
    /El Torito boot img : +2 +UEFI +y +none/,
    /El Torito img opts : +1 +boot-info-table/,
    /System area summary: MBR .*GPT/,
    /Partition offset +: 16/,
    /GPT partition path : +2 +\/boot\/efi.img/,
  ])
    assert.match(report.stdout, line);
  assert.doesNotMatch(report.stdout + report.stderr, /mismatch|damaged|SORRY|FAILURE/);
  const out = join(scratch, 'extracted');
  execFileSync('xorriso', ['-osirrox', 'on', '-indev', path, '-extract', '/', out], {
    stdio: 'pipe',
  });
  const expected = entries.filter((entry) => entry.path !== 'isolinux/isolinux.bin');
  await checkTree(hostTree(out, '', { mtime: 0 }), expected, {
    fields: [],
    ignore: (name) => own(name) || name === 'isolinux/isolinux.bin',
  });
  const ours = await make(entries, await bootable());
  const parts = (await decodeGpt(ours)!).partitions;
  writeFileSync(
    join(scratch, 'partition.iso'),
    ours.subarray(parts[0]!.firstSector * 512, (parts[0]!.lastSector + 1) * 512),
  );
  const inner = spawnSync(
    'xorriso',
    ['-indev', join(scratch, 'partition.iso'), '-find', '/', '-name', 'kernel'],
    { encoding: 'utf8' },
  );
  assert.match(inner.stdout, /\/boot\/kernel/);
});

test('isoinfo lists the Joliet names', needs('isoinfo'), async () => {
  const path = join(scratch, 'joliet.iso');
  writeFileSync(path, await make(sampleTree(4096), plain));
  const listing = execFileSync('isoinfo', ['-J', '-f', '-i', path], { encoding: 'utf8' });
  for (const name of ['/UPPER', '/upper', '/a/b/c/d/e/f/g/h/i/j/k/deep.txt', '/many/file-299']) {
    assert.ok(listing.split('\n').includes(name), name);
  }
});

test('partition tools accept the tables', needs('sgdisk', 'fdisk'), async () => {
  const path = join(scratch, 'partitions.iso');
  writeFileSync(path, await make(bootFiles, await bootable()));
  const verdict = execFileSync('sgdisk', ['-v', path], { encoding: 'utf8' });
  assert.match(verdict, /No problems found/);
  const listing = execFileSync('fdisk', ['-l', path], { encoding: 'utf8' });
  assert.match(listing, /EFI System/);
});

test('order of entries leaves no trace, and the seed tells images apart', async () => {
  const entries = [...sampleTree(4096), ...bootFiles];
  const reference = await make(entries, await bootable());
  assert.ok(Buffer.compare(await make(shuffled(entries, 3), await bootable()), reference) === 0);
  const other = await make(entries, { ...(await bootable()), seed: 'another' });
  const different = decodeGpt(other)!.diskGuid !== decodeGpt(reference)!.diskGuid;
  assert.ok(different && other.length === reference.length);
});

test('UEFI alone: the catalog begins with it, and the disk has a GPT', async () => {
  const { efiImage: efi } = await bootable();
  const image = await make(sampleTree(4096), { ...plain, efiImage: efi! });
  const source = bytesSource(image);
  const [primary] = await readIsoVolumes(source);
  const catalog = await readBootCatalog(source, primary!.catalogSector!);
  assert.deepEqual(
    catalog.map(({ platform }) => platform),
    ['uefi'],
  );
  assert.equal(decodeGpt(image)!.partitions[1]!.firstSector, catalog[0]!.sector * 4);
});

test('BIOS alone: the disk has one active partition', async () => {
  const { biosImage: bios, hybridBootCode } = await bootable();
  const options = { ...plain, biosImage: bios!, hybridBootCode: hybridBootCode! };
  const image = await make(bootFiles, options);
  assert.equal(decodeGpt(image), undefined);
  const [partition, ...others] = decodeMbr(image)!.partitions;
  assert.deepEqual([partition!.active, partition!.firstSector, others.length], [true, 64, 0]);
  const volumes = await readIsoVolumes(bytesSource(image), { origin: 16 });
  assert.equal(volumes[0]!.sectorCount * 4, partition!.sectorCount);
});

test('without boot code and EFI image there are no partition tables', async () => {
  const image = await make(bootFiles, { ...plain, biosImage: 'isolinux/isolinux.bin' });
  assert.ok(image.subarray(0, 32768).every((byte) => byte === 0));
});

const labels: [string, boolean][] = [
  ['FIRN', true],
  ['nixos-minimal-26.11-x86_64', true],
  ['x'.repeat(32), true],
  ['x'.repeat(33), false],
  ['', false],
  ['with space', false],
  ['Ümlaut', false],
];
for (const [label, good] of labels) {
  test(`volume label "${label}" is ${good ? 'taken' : 'refused'}`, () => {
    const plan = () => planIso([], { ...plain, volumeId: label });
    if (good) plan();
    else assert.throws(plan, { code: 'ISO_VOLUME_LABEL' });
  });
}

test('a BIOS image that is not there is refused by name', () => {
  assert.throws(
    () => planIso([], { ...plain, biosImage: 'isolinux/isolinux.bin' }),
    /isolinux\/isolinux\.bin/,
  );
});
