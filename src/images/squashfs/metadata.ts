/**
 * Metadata of squashfs: a byte stream cut into blocks of 8 KiB, each compressed by itself behind a
 * 16-bit header (length; high bit set if stored).
 *
 * A place in the stream is addressed by where its block begins in the compressed table and by its
 * offset in the uncompressed block, so a block must be compressed before the next can be pointed
 * into: this is why metadata is compressed at once and in order.
 */
import { assert } from '#base';
import { Writer } from '../bytes.ts';
import type { BlockCompressor } from './compression.ts';
import type { InodeReference } from './format.ts';
import { metadataBlockBytes, storedMetadataBit } from './format.ts';

/** Compresses one metadata block, header included. */
export function encodeMetadataBlock(
  block: Uint8Array,
  compressor: BlockCompressor | undefined,
): Uint8Array {
  const compressed = compressor?.compressNow(block);
  const fits = compressed !== undefined && compressed.length < block.length;
  return new Writer(block.length + 2)
    .u16(fits ? compressed.length : block.length | storedMetadataBit)
    .bytes(fits ? compressed : block)
    .take();
}

/** A table being written. */
export class MetadataWriter {
  readonly #compressor: BlockCompressor | undefined;
  readonly #table = new Writer(1 << 16);
  readonly #blockStarts: number[] = [0];
  readonly #block = new Uint8Array(metadataBlockBytes);
  #filled = 0;

  /** Without a compressor all blocks are stored. */
  constructor(compressor: BlockCompressor | undefined) {
    this.#compressor = compressor;
  }

  /** Where the next byte will be. */
  get position(): InodeReference {
    return { block: this.#blockStarts.at(-1)!, offset: this.#filled };
  }

  /** The next byte's place in the uncompressed stream. */
  get streamBytes(): number {
    return (this.#blockStarts.length - 1) * metadataBlockBytes + this.#filled;
  }

  /** Where the block begins that holds this place of the uncompressed stream. */
  blockStartAt(streamBytes: number): number {
    const start = this.#blockStarts[Math.floor(streamBytes / metadataBlockBytes)];
    assert(start !== undefined, 'the metadata asked for has not been written');
    return start;
  }

  append(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      const count = Math.min(bytes.length - done, metadataBlockBytes - this.#filled);
      this.#block.set(bytes.subarray(done, done + count), this.#filled);
      this.#filled += count;
      done += count;
      if (this.#filled === metadataBlockBytes) this.#flush();
    }
  }

  /** The whole table. Nothing may be appended afterwards. */
  finish(): { table: Uint8Array; blockStarts: number[] } {
    if (this.#filled > 0) this.#flush();
    return { table: this.#table.take(), blockStarts: this.#blockStarts.slice(0, -1) };
  }

  #flush(): void {
    this.#table.bytes(encodeMetadataBlock(this.#block.subarray(0, this.#filled), this.#compressor));
    this.#blockStarts.push(this.#table.length);
    this.#filled = 0;
  }
}

/**
 * A table with an index of its own: metadata blocks at `start`, then a list of their absolute
 * places, which is what the superblock points at.
 */
export function encodeIndexedTable(
  content: Uint8Array,
  start: number,
  compressor: BlockCompressor | undefined,
): { bytes: Uint8Array; indexAt: number } {
  const metadata = new MetadataWriter(compressor);
  metadata.append(content);
  const { table, blockStarts } = metadata.finish();
  const writer = new Writer(table.length + blockStarts.length * 8).bytes(table);
  for (const blockStart of blockStarts) writer.u64(start + blockStart);
  return { bytes: writer.take(), indexAt: start + table.length };
}
