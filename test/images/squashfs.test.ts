import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { BlockCompressor, SquashfsOptions, TreeEntry } from '#images';
import {
  bytesSource,
  parseSquashfsCompression,
  planSquashfs,
  readSquashfs,
  writeSquashfs,
} from '#images';
import { UserError } from '#base';
import {
  blockCompressor,
  blockDecompressor,
  type CachePlace,
} from '../../src/build/io/block-compressors.ts';
import { hostTree } from '../../src/build/io/host-tree.ts';
import { createWorkerPool } from '../../src/build/worker-pool.ts';
import { needs } from '../support/foreign.ts';
import {
  bytesOfImage,
  checkTree,
  directory,
  file,
  sampleBytes,
  sampleTree,
  shuffled,
} from './sample-tree.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-squashfs-'));
const pool = createWorkerPool(2);
after(async () => {
  await pool.close();
  rmSync(scratch, { recursive: true, force: true });
});

interface Made {
  compression?: string;
  parallelBlocks?: number;
  wrap?: (compressor: BlockCompressor) => BlockCompressor;
  /** Blocks are kept there; only the pool's threads do. */
  cache?: CachePlace;
  options?: Partial<SquashfsOptions>;
}

async function make(entries: readonly TreeEntry[], made: Made = {}): Promise<Uint8Array> {
  const blockSizeBytes = made.options?.blockSizeBytes ?? 131072;
  const compression = parseSquashfsCompression(
    made.compression ?? 'zstd -Xcompression-level 3',
    blockSizeBytes,
  );
  const plan = planSquashfs(entries, { compression, blockSizeBytes, ...made.options });
  const compressor = blockCompressor(
    compression,
    made.parallelBlocks === undefined && made.cache === undefined ? undefined : pool,
    made.cache,
  );
  const wrapped =
    compressor === undefined ? undefined : (made.wrap ?? ((same) => same))(compressor);
  return bytesOfImage((sink) =>
    writeSquashfs(plan, sink, wrapped, { parallelBlocks: made.parallelBlocks ?? 1 }),
  );
}

const read = (image: Uint8Array) => readSquashfs(bytesSource(image), blockDecompressor);

const compressions = [
  'zstd -Xcompression-level 1',
  'zstd',
  'gzip -Xcompression-level 4',
  'lz4',
  'lz4 -Xhc',
  'xz -Xdict-size 100%',
  'none',
];

for (const compression of compressions) {
  for (const blockSizeBytes of [4096, 131072, 1048576]) {
    test(`squashfs ${compression}, blocks of ${blockSizeBytes}: our reader gives the tree back`, async () => {
      const entries = sampleTree(Math.min(blockSizeBytes, 131072));
      const options = { blockSizeBytes, tailFragments: blockSizeBytes === 4096 };
      await checkTree((await read(await make(entries, { compression, options }))).entries, entries);
    });
  }
}

for (const compression of compressions) {
  test(`unsquashfs unpacks ${compression}`, needs('unsquashfs'), async () => {
    const entries = sampleTree().filter(
      ({ path, type }) => type !== 'char' && type !== 'block' && path !== 'owned',
    );
    const image = join(scratch, 'judged.squashfs');
    const out = join(scratch, 'judged');
    writeFileSync(image, await make(entries, { compression }));
    execFileSync('unsquashfs', ['-q', '-n', '-no-xattrs', '-d', out, image], { stdio: 'pipe' });
    const unpacked = hostTree(out, '', { mtime: 0 });
    await checkTree(unpacked, entries, { fields: [] });
    rmSync(out, { recursive: true });
  });
}

test('the kernel mounts and reads the image', async (t) => {
  const entries = sampleTree();
  for (const compression of ['zstd -Xcompression-level 19', 'gzip', 'lz4', 'xz']) {
    const image = join(scratch, 'mounted.squashfs');
    const at = join(scratch, 'mounted');
    writeFileSync(
      image,
      await make(entries, { compression, options: { blockSizeBytes: 1 << 20 } }),
    );
    mkdirSync(at, { recursive: true });
    const mounted = spawnSync('mount', ['-o', 'loop,ro', '-t', 'squashfs', image, at]);
    if (mounted.status !== 0) {
      t.skip('loop mounts are not allowed here');
      return;
    }
    try {
      const files = entries.filter(
        ({ type }) => type === 'file' || type === 'link' || type === 'directory',
      );
      const visible = hostTree(at, '', { mtime: 0, onSpecial: 'skip' });
      await checkTree(visible, files, { fields: [], ignore: (path) => path.startsWith('dev') });
    } finally {
      execFileSync('umount', [at]);
    }
  }
});

test('every zstd block is a single segment that says its size: the kernel refuses others', async () => {
  const entries = [file('a', sampleBytes(300_000, 1)), file('b', sampleBytes(900, 2))];
  const seen: number[] = [];
  await make(entries, {
    parallelBlocks: 2,
    wrap: (compressor) => ({
      ...compressor,
      async compress(block) {
        const result = await compressor.compress(block);
        // Bit 5 of the byte behind the magic number: single segment.
        seen.push(result![4]! & 0x20);
        return result;
      },
    }),
  });
  assert.equal(seen.length, 4);
  assert.ok(seen.every((flag) => flag === 0x20));
});

test('number of threads, order of entries and host inodes leave no trace', async () => {
  const entries = sampleTree();
  const reference = await make(entries);
  const variants: [string, Uint8Array][] = [
    ['two threads', await make(entries, { parallelBlocks: 2 })],
    ['seven blocks under way', await make(entries, { parallelBlocks: 7 })],
    ['shuffled', await make(shuffled(entries, 42))],
    [
      'identities',
      await make(
        entries.map((entry) =>
          entry.path.includes('twin') ? { ...entry, identity: '1:2' } : entry,
        ),
      ),
    ],
  ];
  for (const [name, image] of variants) assert.ok(Buffer.compare(image, reference) === 0, name);
});

test('equal contents are stored once, and are one inode if asked for', async () => {
  const content = sampleBytes(400_000, 7);
  const once = await make([file('a', content)]);
  const twice = await make([file('a', content), file('b/c', content)]);
  assert.ok(twice.length - once.length <= 4096);
  const linked = await make([file('a', content), file('b/c', content)], {
    options: { hardLinks: 'content' },
  });
  const { superblock, entries } = await read(linked);
  assert.equal(superblock.inodeCount, 3);
  const keys = entries.filter(({ type }) => type === 'file').map(({ hardLinkKey }) => hardLinkKey);
  assert.ok(keys[0] !== undefined && keys[0] === keys[1]);
});

test('a directory of 20,000 names is indexed and complete', needs('unsquashfs'), async () => {
  const entries = Array.from({ length: 20_000 }, (_, i) =>
    file(`dir/a-rather-long-file-name-${i}`, ''),
  );
  const image = await make(entries);
  assert.equal((await read(image)).entries.length, 20_002);
  const path = join(scratch, 'many.squashfs');
  writeFileSync(path, image);
  const listing = execFileSync('unsquashfs', ['-ls', path], {
    maxBuffer: 1 << 26,
    encoding: 'utf8',
  });
  assert.equal(listing.split('\n').filter((line) => line.includes('rather-long')).length, 20_000);
});

test('blocks of a group depend on that group alone: a cache serves them to another image', async () => {
  const kept = join(scratch, 'kept-blocks');
  const cache = { directory: kept, usedAtMs: 0 };
  const count = (): number =>
    readdirSync(kept).reduce((sum, folder) => sum + readdirSync(join(kept, folder)).length, 0);
  const groupOf = (path: string): string => path.split('/')[0]!;
  const packages = (changed: number) =>
    ['aa', 'bb', 'cc'].flatMap((name, i) => [
      file(`${name}/big`, sampleBytes(300_000, i)),
      file(`${name}/small`, sampleBytes(900, name === 'bb' ? changed : i)),
    ]);
  const made = await make(packages(50), { cache, options: { groupOf } });
  assert.equal(count(), 12);
  const other = await make(packages(51), { cache, options: { groupOf } });
  // Only the fragment block of the changed group.
  assert.equal(count(), 13);
  assert.deepEqual(other, await make(packages(51), { options: { groupOf } }));

  // What a crash has left is no hit, and is made good.
  const [folder = ''] = readdirSync(kept);
  const [name = ''] = readdirSync(join(kept, folder));
  const entry = join(kept, folder, name);
  const whole = readFileSync(entry);
  writeFileSync(entry, whole.subarray(0, -1));
  assert.deepEqual(await make(packages(50), { cache, options: { groupOf } }), made);
  assert.deepEqual(readFileSync(entry), whole);
});

test('compression strings are read as NixOS writes them', () => {
  const parse = (text: string) => parseSquashfsCompression(text, 131072);
  assert.deepEqual(parse('zstd -Xcompression-level 6'), {
    kind: 'zstd',
    level: 6,
  });
  assert.deepEqual(parse('gzip'), { kind: 'gzip', level: 9 });
  assert.deepEqual(parse('xz -Xdict-size 100%'), {
    kind: 'xz',
    dictionaryBytes: 131072,
  });
  for (const wrong of ['', 'lzma', 'zstd -Xcompression-level 99', 'gzip -Xfoo 1', 'zstd 19', 'xz -Xdict-size 8K']) {
    assert.throws(() => parse(wrong), { code: 'IMAGE_OPTION_UNSUPPORTED' });
  }
});

const refused: [string, TreeEntry[], string][] = [
  ['two entries at a path', [file('a', '1'), file('a', '2')], 'IMAGE_ENTRY_TWICE'],
  ['an entry below a file', [file('a', '1'), file('a/b', '2')], 'IMAGE_PARENT_NO_DIRECTORY'],
  ['a path that climbs', [file('../a', '1')], 'IMAGE_PATH_INVALID'],
  ['an absolute path', [file('/a', '1')], 'IMAGE_PATH_INVALID'],
  ['a link without target', [{ ...directory('a'), type: 'link' }], 'IMAGE_ENTRY_INVALID'],
];
for (const [name, entries, code] of refused) {
  test(`refused: ${name}`, async () => {
    await assert.rejects(make(entries), { code });
  });
}

test('a block size that is no power of two is refused', async () => {
  await assert.rejects(make([], { options: { blockSizeBytes: 100_000 } }), {
    code: 'SQUASHFS_BLOCK_SIZE',
  });
});

test('damaged images are refused with an error, never a crash', async () => {
  const image = await make(sampleTree(4096), { options: { blockSizeBytes: 4096 } });
  let state = 7;
  const next = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % below;
  };
  let refusals = 0;
  for (let round = 0; round < 300; round++) {
    const damaged = image.slice();
    // Mostly the superblock and the tables at the end, where the structure is.
    const at =
      round % 3 === 0 ? next(96) : image.length - 1 - next(Math.min(20_000, image.length - 1));
    damaged[at] = next(256);
    try {
      const { entries } = await read(damaged);
      for (const entry of entries) {
        if (entry.content !== undefined && entry.content.sizeBytes < 1 << 22)
          await entry.content.read(0, entry.content.sizeBytes);
      }
    } catch (error) {
      if (!(error instanceof UserError)) {
        // A decompressor's own refusal of damaged data is as good.
        assert.match(
          String((error as { code?: string }).code),
          /^(Z_|ZSTD_|ERR_BUFFER_TOO_LARGE)/,
          String((error as Error).stack),
        );
      }
      refusals++;
    }
  }
  assert.ok(refusals > 20);
});
