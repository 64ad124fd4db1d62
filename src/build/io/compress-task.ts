/**
 * Compresses one block of a squashfs image, in a thread of the pool or in this one.
 *
 * With a cache, the thread also asks for the block there first and leaves its result: hashing the
 * content is work like compressing it. A thread loads this module before its first block, so it
 * imports nothing that it may not need.
 */
import zlib from 'node:zlib';
import type { SquashfsCompression } from '#images';

export interface CompressRequest {
  readonly compression: SquashfsCompression;
  readonly block: Uint8Array;
  readonly cache?: BlockCachePlace | undefined;
}

/** Where blocks are kept, and by what they were compressed. */
export interface BlockCachePlace {
  readonly directory: string;
  /** Milliseconds since 1970: when entries used from here on are dated. */
  readonly usedAtMs: number;
  /** See `BlockCompressor.identity`. */
  readonly identity: string;
}

/** The compressed block, or its length if it stands in the block's place; undefined if not shorter. */
export type CompressAnswer = Uint8Array | number | undefined;

export async function run({ compression, block, cache }: CompressRequest): Promise<CompressAnswer> {
  const result = cache === undefined
    ? await compress(compression, block)
    : await compressOnce(compression, block, cache);
  if (result === undefined || result.length >= block.length) return undefined;
  if (block.buffer instanceof SharedArrayBuffer) {
    block.set(result);
    return result.length;
  }
  // The runtime's result is a view of a longer buffer, all of which would be sent.
  return result.slice();
}

/** What the cache has for this content and compressor, or else compressed now and kept. */
async function compressOnce(
  compression: SquashfsCompression,
  block: Uint8Array,
  { directory, usedAtMs, identity }: BlockCachePlace,
): Promise<Uint8Array | undefined> {
  const { DiskBlockCache, blockKey } = await import('./block-cache.ts');
  const cache = new DiskBlockCache(directory, new Date(usedAtMs));
  const key = blockKey(identity, block);
  const kept = cache.get(key);
  if (kept !== undefined) return kept === 'stored' ? undefined : kept;
  const result = await compress(compression, block);
  const fits = result !== undefined && result.length < block.length;
  cache.put(key, fits ? result : 'stored');
  return result;
}

async function compress(
  compression: SquashfsCompression,
  block: Uint8Array,
): Promise<Uint8Array | undefined> {
  switch (compression.kind) {
    case 'lz4': {
      const { compressLz4 } = await import('#formats');
      return compressLz4(block, compression);
    }
    case 'xz': {
      const { compressXzBlock } = await import('./xz-writer.ts');
      return compressXzBlock(block, compression.dictionaryBytes);
    }
    default:
      return compressNatively(compression, block);
  }
}

/** By the runtime's own compressors; undefined for those that it does not have. */
export function compressNatively(
  compression: SquashfsCompression,
  block: Uint8Array,
): Uint8Array | undefined {
  switch (compression.kind) {
    case 'zstd':
      return zlib.zstdCompressSync(block, {
        params: { [zlib.constants.ZSTD_c_compressionLevel]: compression.level },
        chunkSize: roomFor(block),
      });
    case 'gzip':
      return zlib.deflateSync(block, { level: compression.level, chunkSize: roomFor(block) });
    default:
      return undefined;
  }
}

/** At least what the worst case of either format needs. */
const roomFor = (block: Uint8Array): number =>
  Math.max(64, block.length + (block.length >> 7) + 512);
