import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { FatOptions, TreeEntry } from '#images';
import { bytesSource, planFat, readFat, writeFat } from '#images';
import { needs } from '../support/foreign.ts';
import {
  bytesOfImage,
  checkTree,
  directory,
  file,
  link,
  sampleBytes,
  shuffled,
} from './sample-tree.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-fat-'));
after(() => {
  rmSync(scratch, { recursive: true, force: true });
});

const make = (
  entries: readonly TreeEntry[],
  options: Partial<FatOptions> = {},
): Promise<Uint8Array> =>
  bytesOfImage((sink) => writeFat(planFat(entries, { label: 'esp', ...options }), sink));

const entries = [
  directory('empty'),
  file('EFI/BOOT/BOOTX64.EFI', sampleBytes(300_001, 1)),
  file('EFI/BOOT/grubx64.efi', sampleBytes(10_000, 2)),
  file('EFI/BOOT/grubx64-second.efi', sampleBytes(10, 3)),
  file('EFI/BOOT/grubx64-third.efi', sampleBytes(512, 4)),
  file('a name with spaces.configuration', 'text'),
  file('Na\xc3\xafve \xe6\x97\xa5\xe6\x9c\xac.txt', 'not ASCII'),
  file('.hidden', 'dot'),
  file('x'.repeat(255), 'long'),
  file('nothing', ''),
  ...Array.from({ length: 150 }, (_, i) => file(`many/file number ${i}.text`, `${i}`)),
];

const MiB = 1 << 20;
const shapes: [string, Partial<FatOptions>, number][] = [
  ['the smallest', {}, 12],
  ['with room to spare', { freeBytes: 5 * MiB }, 12],
  ['4 MB', { sizeBytes: 4_000_000 }, 12],
  ['32 MiB', { sizeBytes: 32 * MiB }, 16],
  ['FAT16', { kind: 16 }, 16],
  ['FAT32', { kind: 32 }, 32],
  ['FAT32 of 64 MiB', { kind: 32, sizeBytes: 64 * MiB }, 32],
  ['100 MB and a bit', { sizeBytes: 100_000_123 }, 16],
];

for (const [name, options, kind] of shapes) {
  test(`${name}: our reader gives the tree back`, async () => {
    const image = await make(entries, options);
    const { geometry, entries: back } = await readFat(bytesSource(image));
    assert.equal(geometry.kind, kind);
    assert.equal(geometry.label, 'ESP');
    if (options.sizeBytes !== undefined)
      assert.equal(image.length, Math.floor(options.sizeBytes / 512) * 512);
    // Dates have steps of two seconds.
    await checkTree(back, entries, { fields: ['mtime'] });
  });

  test(
    `${name}: fsck.fat finds no fault and mtools reads it`,
    needs('fsck.fat', 'mcopy'),
    async () => {
      const path = join(scratch, 'judged.img');
      writeFileSync(path, await make(entries, options));
      const verdict = spawnSync('fsck.fat', ['-vn', path], { encoding: 'utf8' });
      assert.equal(verdict.status, 0, verdict.stdout + verdict.stderr);
      for (const { path: name, content, type } of entries) {
        if (type !== 'file' || /[^\x20-\x7e]/.test(name)) continue;
        const bytes = execFileSync('mcopy', ['-n', '-i', path, `::${name}`, '-'], {
          maxBuffer: 1 << 24,
        });
        assert.ok(
          Buffer.compare(bytes, (await content!.read(0, content!.sizeBytes)) as Uint8Array) === 0,
          name,
        );
      }
    },
  );
}

test('order of entries leaves no trace', async () => {
  assert.ok(Buffer.compare(await make(entries), await make(shuffled(entries, 5))) === 0);
});

const refused: [string, TreeEntry[], Partial<FatOptions>, string][] = [
  [
    'names that differ in case alone',
    [file('a/Readme', '1'), file('a/README', '2')],
    {},
    'FAT_NAME_TWICE',
  ],
  ['a name with a colon', [file('a:b', '1')], {}, 'FAT_NAME'],
  ['a name that ends in a dot', [file('a.', '1')], {}, 'FAT_NAME'],
  ['a symbolic link', [link('a', 'b')], {}, 'IMAGE_ENTRY_INVALID'],
  [
    'more than fits',
    [file('a', sampleBytes(600_000, 1))],
    { sizeBytes: 500_000 },
    'IMAGE_TOO_LARGE',
  ],
  ['a label of twelve characters', [], { label: 'abcdefghijkl' }, 'FAT_LABEL'],
];
for (const [name, given, options, code] of refused) {
  test(`refused: ${name}`, async () => {
    await assert.rejects(async () => make(given, options), { code });
  });
}

test('a chain that turns in a circle is refused', async () => {
  const image = await make([file('A', sampleBytes(2000, 1))]);
  // Cluster 2 of FAT12 is its own successor.
  image[512 + 3] = 2;
  image[512 + 4] = image[512 + 4]! & 0xf0;
  await assert.rejects(readFat(bytesSource(image)), { code: 'IMAGE_MALFORMED' });
});
