/**
 * `builtin:squashfs`: a squashfs image of store paths and what they refer to.
 *
 * Attributes: `storeContents` (their closure stands at the top of the image, by base name),
 * `contents` (more entries, as for an initrd), `compression` ("zstd -Xcompression-level 19"),
 * `blockSize`, `compressEarly` (large store paths likely to be in that closure: their blocks go into
 * the cache as soon as they are there, while others are still downloaded). The output is the image
 * file.
 *
 * Each larger store path is a group of its own in the image and smaller ones share groups, the
 * smallest paths first: so blocks depend on few paths, and compressed blocks are found in the cache
 * when a later image has the same path. A merged tree comes after the packages it was merged from,
 * and consists of their files.
 */
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { mkdirSync } from 'node:fs';
import type { StorePath } from '#formats';
import { baseNameOf, nameOf, splitStorePath } from '#formats';
import type { ByteSink, SquashfsCompression, TreeEntry } from '#images';
import { parseSquashfsCompression, planSquashfs, writeSquashfs } from '#images';
import type { BuiltinBuilder, BuiltinJob } from '../builtin-builder.ts';
import { Attributes } from '../io/attributes.ts';
import { DiskBlockCache } from '../io/block-cache.ts';
import { blockCompressor } from '../io/block-compressors.ts';
import { FileSink } from '../io/file-sink.ts';
import { hostTree } from '../io/host-tree.ts';
import { contentEntries } from './initrd.ts';

/** Everything in the image is dated as in the store. */
const mtime = 1;
const cacheLimitBytes = 6 * 2 ** 30;
/** Paths smaller than this share groups, or every small package would begin a block of its own. */
const ownGroupBytes = 4 << 20;
const sharedGroups = 24;

export const squashfsBuilder: BuiltinBuilder = {
  name: 'builtin:squashfs',
  async build(job) {
    const attributes = new Attributes(job.structuredAttrs, 'builtin:squashfs');
    const { compression, blockSizeBytes } = compressionOf(job);
    // Of no use any more, but it is checked.
    attributes.strings('compressEarly');
    const paths = job.inputs.closureOf(attributes.strings('storeContents').map(storePathOf));
    const entries = storeEntries(paths, attributes, job);
    const groups = new Groups(paths, job);
    const plan = planSquashfs(entries, {
      compression,
      mtime,
      blockSizeBytes,
      hardLinks: 'content',
      groupOf: (path) => groups.groupOf(path),
      groupRank: (group) => groups.rankOf(group),
    });
    const out = job.outputs.get('out')!;
    mkdirSync(dirname(out), { recursive: true });
    const usedAt = new Date();
    const cacheDirectory = cacheFolder(job);
    const activity = job.progress.start('compress', 'squashfs image', {
      total: plan.contentBytes,
      unit: 'bytes',
      parent: job.activity,
    });
    const sink = new FileSink(out);
    const summary = await writeSquashfs(
      plan,
      sink,
      blockCompressor(compression, job.workers, { directory: cacheDirectory, usedAtMs: usedAt.getTime() }),
      {
        // Enough that no thread waits for the reader or for the oldest block.
        parallelBlocks: job.cores * 3 + 1,
        onBytes: (length) => {
          job.signal.throwIfAborted();
          activity.advance(length);
        },
      },
    );
    sink.close();
    new DiskBlockCache(cacheDirectory, usedAt).trim(cacheLimitBytes);
    activity.finish();
    job.log(
      `${summary.inodeCount} files of ${plan.contentBytes} bytes in ${summary.sizeBytes} bytes`,
    );
  },
  earlyInputs: (structuredAttrs) =>
    new Attributes(structuredAttrs, 'builtin:squashfs').strings('compressEarly'),
  async prepare(job, path) {
    const { compression, blockSizeBytes } = compressionOf(job);
    // A large path has a group of its own in the image, and so the same blocks but for files that
    // stand in an earlier group too.
    const entries = hostTree(job.inputs.physicalPath(path), baseNameOf(path), { mtime });
    const plan = planSquashfs(entries, { compression, blockSizeBytes, hardLinks: 'content' });
    const cache = { directory: cacheFolder(job), usedAtMs: Date.now() };
    const compressor = blockCompressor(compression, job.workers, cache, { whenIdle: true });
    await writeSquashfs(plan, new NoSink(), compressor, {
      parallelBlocks: job.workers.size + 1,
      onBytes: () => { job.signal.throwIfAborted(); },
    });
  },
};

/** For the sake of the cache alone. */
class NoSink implements ByteSink {
  positionBytes = 0;
  write(bytes: Uint8Array): void { this.positionBytes += bytes.length; }
  patch(): void {}
}

function compressionOf({ structuredAttrs }: Pick<BuiltinJob, 'structuredAttrs'>): {
  compression: SquashfsCompression; blockSizeBytes: number;
} {
  const attributes = new Attributes(structuredAttrs, 'builtin:squashfs');
  const blockSizeBytes = attributes.number('blockSize', 1 << 20);
  const compression = parseSquashfsCompression(attributes.string('compression'), blockSizeBytes);
  return { compression, blockSizeBytes };
}

function cacheFolder({ cacheDirectory }: Pick<BuiltinJob, 'cacheDirectory'>): string {
  return join(cacheDirectory, 'squashfs-blocks');
}

function storePathOf(text: string): StorePath {
  return splitStorePath(text)!.storePath;
}

function storeEntries(
  paths: readonly StorePath[],
  attributes: Attributes,
  job: BuiltinJob,
): TreeEntry[] {
  const root: TreeEntry = { path: '', type: 'directory', mode: 0o755, uid: 0, gid: 0, mtime };
  const entries: TreeEntry[] = [root];
  for (const path of paths) {
    job.signal.throwIfAborted();
    entries.push(...hostTree(job.inputs.physicalPath(path), baseNameOf(path), { mtime }));
  }
  entries.push(
    ...contentEntries(attributes.list('contents'), (path) => job.inputs.physicalPath(path)),
  );
  return entries;
}

/** Which store paths share blocks, and in which order groups are laid down. */
class Groups {
  readonly #groups = new Map<string, string>();
  readonly #sizes = new Map<string, number>();

  constructor(paths: readonly StorePath[], job: BuiltinJob) {
    for (const path of paths) {
      const base = baseNameOf(path);
      const sizeBytes = job.inputs.queryPathInfo(path)?.narSizeBytes ?? 0;
      const group = sizeBytes < ownGroupBytes ? sharedGroupOf(nameOf(path)) : base;
      this.#groups.set(base, group);
      this.#sizes.set(group, sizeBytes < ownGroupBytes ? 0 : sizeBytes);
    }
  }

  groupOf(path: string): string {
    const [top = ''] = path.split('/', 1);
    return this.#groups.get(top) ?? '';
  }

  rankOf(group: string): number {
    return this.#sizes.get(group) ?? -1;
  }
}

/** By the name without its version, so that an update stays where it was. */
function sharedGroupOf(name: string): string {
  const stem = name.replace(/-\d.*$/, '');
  return `shared-${createHash('sha256').update(stem).digest().readUInt32BE(0) % sharedGroups}`;
}
