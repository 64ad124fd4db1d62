/**
 * Firn's image writers beside the tools that are usual for the job, on the same input and at the
 * same compression: squashfs against mksquashfs, ISO 9660 against xorriso.
 *
 *   node bench/images/compare.ts FOLDER [--rounds N] [--only squashfs|iso] [--compression CHOICE]
 *
 * FOLDER is any tree of files, for example an unpacked system. Each round runs both sides one after
 * the other, in turn first and second; printed is the median of the rounds' ratios, ours by theirs:
 * below 1 is faster or smaller. Needs squashfs-tools and xorriso.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseSquashfsCompression, planIso, planSquashfs, writeIso, writeSquashfs } from '#images';
import { blockCompressor } from '../../src/build/io/block-compressors.ts';
import { FileSink } from '../../src/build/io/file-sink.ts';
import { hostTree } from '../../src/build/io/host-tree.ts';
import { createWorkerPool } from '../../src/build/worker-pool.ts';

interface Side {
  readonly seconds: number;
  readonly sizeBytes: number;
}

type Run = (out: string) => Promise<void> | void;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    compression: { type: 'string', multiple: true },
  },
});
const folder = resolve(positionals[0] ?? '.');
const rounds = Number(values.rounds);
const cores = availableParallelism();
const scratch = mkdtempSync(join(tmpdir(), 'firn-bench-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

const mtime = 1;
const blockBytes = 1 << 20;
const choices = values.compression ?? [
  'zstd -Xcompression-level 3',
  'zstd -Xcompression-level 6',
  'zstd -Xcompression-level 19',
  'gzip',
  'lz4',
];

console.log(`${folder}, ${cores} cores, ${rounds} rounds; ratios are Firn by the other`);
if (values.only !== 'iso') {
  for (const choice of choices) {
    await compare(`squashfs ${choice}`, 'mksquashfs', ourSquashfs(choice), mksquashfs(choice));
  }
}
if (values.only !== 'squashfs') await compare('iso', 'xorriso', ourIso, xorriso);

async function compare(what: string, other: string, ours: Run, theirs: Run): Promise<void> {
  const times: number[] = [];
  const sizes: number[] = [];
  const seconds: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
  for (let round = 0; round < rounds; round++) {
    const first = round % 2 === 0;
    const early = await measure(first ? ours : theirs);
    const late = await measure(first ? theirs : ours);
    const [left, right] = first ? [early, late] : [late, early];
    times.push(left.seconds / right.seconds);
    sizes.push(left.sizeBytes / right.sizeBytes);
    seconds.ours.push(left.seconds);
    seconds.theirs.push(right.seconds);
  }
  const shown = (list: number[], digits: number): string => median(list).toFixed(digits);
  console.log(
    `${what.padEnd(34)} time ${shown(times, 2)}  size ${shown(sizes, 4)}` +
      `  (Firn ${shown(seconds.ours, 2)} s, ${other} ${shown(seconds.theirs, 2)} s)`,
  );
}

async function measure(run: Run): Promise<Side> {
  const out = join(scratch, 'image');
  rmSync(out, { force: true });
  const start = performance.now();
  await run(out);
  return { seconds: (performance.now() - start) / 1000, sizeBytes: statSync(out).size };
}

/** With a pool of its own, started within the measurement as theirs is. */
function ourSquashfs(choice: string): Run {
  return async (out) => {
    const pool = createWorkerPool(cores);
    const compression = parseSquashfsCompression(choice, blockBytes);
    const plan = planSquashfs(hostTree(folder, '', { mtime }), {
      compression,
      blockSizeBytes: blockBytes,
    });
    const sink = new FileSink(out);
    await writeSquashfs(plan, sink, blockCompressor(compression, pool), {
      parallelBlocks: cores * 3 + 1,
    });
    sink.close();
    await pool.close();
  };
}

function mksquashfs(choice: string): Run {
  const fixed = [
    '-b',
    String(blockBytes),
    '-all-root',
    '-mkfs-time',
    '0',
    '-all-time',
    '0',
    '-no-xattrs',
  ];
  return (out) => {
    run('mksquashfs', [
      folder,
      out,
      '-comp',
      ...choice.split(' '),
      ...fixed,
      '-no-progress',
      '-quiet',
    ]);
  };
}

async function ourIso(out: string): Promise<void> {
  const plan = planIso(hostTree(folder, '', { mtime }), {
    volumeId: 'BENCH',
    mtime,
    seed: 'bench',
  });
  const sink = new FileSink(out);
  await writeIso(plan, sink);
  sink.close();
}

function xorriso(out: string): void {
  run('xorriso', [
    '-as',
    'mkisofs',
    '-quiet',
    '-r',
    '-J',
    '-joliet-long',
    '-iso-level',
    '3',
    '-V',
    'BENCH',
    '-o',
    out,
    folder,
  ]);
}

function run(program: string, args: string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} failed: ${stderr}`);
}

function median(list: readonly number[]): number {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
