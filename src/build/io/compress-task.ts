/** Compresses one block of a squashfs image in a thread of the pool. */
import type { SquashfsCompression } from '#images';
import { compressBlock } from './block-compressors.ts';

export interface CompressRequest {
  readonly compression: SquashfsCompression;
  readonly block: Uint8Array;
}

export function run({ compression, block }: CompressRequest): Uint8Array | undefined {
  const result = compressBlock(compression, block);
  // The runtime's result is a view of a longer buffer, all of which would be sent.
  return result === undefined || result.length >= block.length ? undefined : result.slice();
}
