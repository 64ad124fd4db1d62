/**
 * Compresses one block of a squashfs image, in a thread of the pool or in this one.
 *
 * A thread loads this module before its first block, so it imports nothing that it may not need.
 */
import zlib from 'node:zlib';
import type { SquashfsCompression } from '#images';

export interface CompressRequest {
  readonly compression: SquashfsCompression;
  readonly block: Uint8Array;
}

/** The compressed block, or its length if it stands in the block's place; undefined if not shorter. */
export type CompressAnswer = Uint8Array | number | undefined;

export async function run({ compression, block }: CompressRequest): Promise<CompressAnswer> {
  const result = await compress(compression, block);
  if (result === undefined || result.length >= block.length) return undefined;
  if (block.buffer instanceof SharedArrayBuffer) {
    block.set(result);
    return result.length;
  }
  // The runtime's result is a view of a longer buffer, all of which would be sent.
  return result.slice();
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
