/**
 * The compressors of squashfs blocks, by the runtime's own zlib and zstd, and our LZ4.
 *
 * A block is compressed by one synchronous call that gets all of it, and room for the whole result.
 * zstd then knows the size beforehand and writes a frame of a single segment, with a window no
 * larger than the block. This matters: a frame without its size asks for the level's full window,
 * and the kernel's decoder, which has memory for one block only, refuses it. Threads of the pool
 * compress side by side; a result does not depend on how many there are.
 */
import zlib from 'node:zlib';
import { xz } from '@napi-rs/lzma';
import type {
  BlockCompressor,
  BlockDecompressor,
  SquashfsCompression,
} from '#images';
import { compressLz4, decompressLz4, xzContentLength } from '#formats';
import type { RunOptions, WorkerPool } from '../worker-pool.ts';
import type { CompressAnswer } from './compress-task.ts';
import { compressNatively, type BlockCachePlace } from './compress-task.ts';
import { compressXzBlock } from './xz-writer.ts';

/** Where compressed blocks are kept from one image to the next. */
export type CachePlace = Omit<BlockCachePlace, 'identity'>;

/**
 * Undefined for "none". Without a pool, blocks are compressed one after another; its threads ask the
 * cache first, but for the fastest compressor, which is as fast as the cache.
 */
export function blockCompressor(
  compression: SquashfsCompression,
  pool?: WorkerPool,
  cachePlace?: CachePlace,
  options?: Pick<RunOptions, 'whenIdle'>,
): BlockCompressor | undefined {
  if (compression.kind === 'none') return undefined;
  const compressNow = compressorHere(compression);
  const identity = identityOf(compression);
  const cache = cachePlace === undefined || compression.kind === 'lz4' ? undefined
    : { ...cachePlace, identity };
  const task = new URL('./compress-task.ts', import.meta.url);
  return {
    identity,
    compressNow,
    compress:
      pool === undefined
        ? async (block) => compressNow(block)
        : async (block) => {
            const result = await pool.run<CompressAnswer>(task, { compression, block, cache }, options);
            return typeof result === 'number' ? block.subarray(0, result) : result;
          },
  };
}

function compressorHere(
  compression: SquashfsCompression,
): (block: Uint8Array) => Uint8Array | undefined {
  switch (compression.kind) {
    case 'lz4':
      return (block) => compressLz4(block, compression);
    case 'xz':
      return (block) => compressXzBlock(block, compression.dictionaryBytes);
    default:
      return (block) => compressNatively(compression, block);
  }
}

/** By the number in the superblock; undefined where there is no decompressor. */
export function blockDecompressor(compressorId: number): BlockDecompressor | undefined {
  switch (compressorId) {
    case 1:
      return { decompress: (block, limit) => zlib.inflateSync(block, { maxOutputLength: limit }) };
    case 4:
      return { decompress: decompressXz };
    case 5:
      return { decompress: decompressLz4 };
    case 6:
      return {
        decompress: (block, limit) => zlib.zstdDecompressSync(block, { maxOutputLength: limit }),
      };
    default:
      return undefined;
  }
}

/** A block says how long it is before anything is unpacked. */
function decompressXz(block: Uint8Array, limitBytes: number): Uint8Array {
  const length = xzContentLength(block, 'a squashfs block');
  if (length > limitBytes) throw new RangeError(`an xz block unpacks to ${length} bytes`);
  return xz.decompressSync(Buffer.from(block));
}

function identityOf(compression: SquashfsCompression): string {
  const { zstd, zlib: deflate } = process.versions;
  switch (compression.kind) {
    case 'zstd':
      return `zstd ${compression.level} ${zstd} single segment`;
    case 'gzip':
      return `gzip ${compression.level} ${deflate}`;
    case 'xz':
      return `xz 6 ${compression.dictionaryBytes} lzma-rust2`;
    case 'lz4':
      return `lz4 ${compression.high ? 'high' : 'fast'} 1`;
    default:
      return compression.kind;
  }
}
