/**
 * The compressors of squashfs blocks, by the runtime's own zlib and zstd.
 *
 * Asynchronous calls run on the runtime's thread pool, one block per thread and without sharing, so
 * the result does not depend on how many run. One call gets the whole block and room for the whole
 * result: zstd then knows the size and makes one segment with a window no larger than the block,
 * which is what the kernel's decoder has memory for.
 */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import type {
  BlockCompressor,
  BlockDecompressor,
  CompressedBlockCache,
  SquashfsCompression,
} from '#images';
import { unsupportedOption } from '#images';
import { compressLz4, decompressLz4 } from '#formats';

const zstdCompress = promisify(zlib.zstdCompress);
const deflate = promisify(zlib.deflate);

/** Undefined for "none". */
export function blockCompressor(compression: SquashfsCompression): BlockCompressor | undefined {
  switch (compression.kind) {
    case 'none':
      return undefined;
    case 'zstd': {
      const params = { [zlib.constants.ZSTD_c_compressionLevel]: compression.level };
      const options = (block: Uint8Array) => ({ params, chunkSize: roomFor(block) });
      return {
        identity: `zstd ${compression.level} ${process.versions.zstd}`,
        compress: (block) => zstdCompress(block, options(block)),
        compressNow: (block) => zlib.zstdCompressSync(block, options(block)),
      };
    }
    case 'gzip': {
      const options = (block: Uint8Array) => ({ level: compression.level, chunkSize: roomFor(block) });
      return {
        identity: `gzip ${compression.level} ${process.versions.zlib}`,
        compress: (block) => deflate(block, options(block)),
        compressNow: (block) => zlib.deflateSync(block, options(block)),
      };
    }
    case 'lz4':
      return {
        identity: `lz4 ${compression.high ? 'high' : 'fast'} 1`,
        compress: async (block) => compressLz4(block, compression),
        compressNow: (block) => compressLz4(block, compression),
      };
    case 'xz':
      throw unsupportedOption(
        'Squashfs images with xz compression cannot be written',
        'Choose "zstd -Xcompression-level 19": within 5 % of the size, and read several times faster',
      );
  }
}

/** A compressor that asks a cache first. The key is the block's content and the compressor. */
export function cachedCompressor(
  compressor: BlockCompressor,
  cache: CompressedBlockCache,
): BlockCompressor {
  return {
    identity: compressor.identity,
    compressNow: (block) => compressor.compressNow(block),
    async compress(block) {
      const key = createHash('sha256').update(`${compressor.identity}\0`).update(block).digest('hex');
      const kept = cache.get(key);
      if (kept !== undefined) return kept === 'stored' ? undefined : kept;
      const result = await compressor.compress(block);
      const fits = result !== undefined && result.length < block.length;
      cache.put(key, fits ? result : 'stored');
      return result;
    },
  };
}

/** By the number in the superblock; undefined where there is no decompressor. */
export function blockDecompressor(compressorId: number): BlockDecompressor | undefined {
  switch (compressorId) {
    case 1:
      return { decompress: (block, limit) => zlib.inflateSync(block, { maxOutputLength: limit }) };
    case 5:
      return { decompress: decompressLz4 };
    case 6:
      return { decompress: (block, limit) => zlib.zstdDecompressSync(block, { maxOutputLength: limit }) };
    default:
      return undefined;
  }
}

/** At least what the worst case of either format needs. */
const roomFor = (block: Uint8Array): number => Math.max(64, block.length + (block.length >> 7) + 512);
