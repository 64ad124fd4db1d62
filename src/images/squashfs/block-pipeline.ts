/**
 * Compresses blocks side by side and writes them in the order in which they were given.
 *
 * What is written depends on that order alone: the number of blocks under way bounds memory and
 * speed, nothing else. Block buffers are used again and again, and are shared memory, so that
 * threads see them without a copy.
 */
import type { ByteSink } from '../byte-sink.ts';
import type { BlockCompressor } from './compression.ts';
import { storedBlockBit } from './format.ts';

/** A block's place and size word, told once it is written. */
export type BlockWritten = (startBytes: number, sizeWord: number) => void;

interface PendingBlock {
  readonly block: Uint8Array;
  readonly buffer: Uint8Array | undefined;
  readonly result: Promise<Uint8Array | undefined>;
  readonly written: BlockWritten;
}

export class BlockPipeline {
  readonly #sink: ByteSink;
  readonly #start: number;
  readonly #compressor: BlockCompressor | undefined;
  readonly #limit: number;
  readonly #blockBytes: number;
  readonly #pending: PendingBlock[] = [];
  readonly #free: Uint8Array[] = [];

  /** Positions are counted from where the sink stands now less `headerBytes`. */
  constructor(
    sink: ByteSink,
    headerBytes: number,
    compressor: BlockCompressor | undefined,
    options: { readonly parallelBlocks: number; readonly blockBytes: number },
  ) {
    this.#sink = sink;
    this.#start = sink.positionBytes - headerBytes;
    this.#compressor = compressor;
    this.#limit = Math.max(1, options.parallelBlocks);
    this.#blockBytes = options.blockBytes;
  }

  /** A buffer of a block's size, to be filled and pushed, or given back. */
  takeBuffer(): Uint8Array {
    return this.#free.pop() ?? new Uint8Array(new SharedArrayBuffer(this.#blockBytes));
  }

  giveBack(buffer: Uint8Array): void {
    this.#free.push(buffer);
  }

  /**
   * Takes a block, which must not be changed afterwards; waits while too many are under way.
   * `buffer` is the one that the block stands in, if it was taken here.
   */
  async push(
    block: Uint8Array,
    buffer: Uint8Array | undefined,
    written: BlockWritten,
  ): Promise<void> {
    const result = this.#compressor?.compress(block) ?? Promise.resolve(undefined);
    // The failure is met when the block's turn comes.
    result.catch(() => {});
    this.#pending.push({ block, buffer, result, written });
    while (this.#pending.length >= this.#limit) await this.#writeNext();
  }

  /** Writes all that is under way. */
  async drain(): Promise<void> {
    while (this.#pending.length > 0) await this.#writeNext();
  }

  async #writeNext(): Promise<void> {
    const { block, buffer, result, written } = this.#pending.shift()!;
    const compressed = await result;
    const start = this.#sink.positionBytes - this.#start;
    if (compressed !== undefined && compressed.length < block.length) {
      await this.#sink.write(compressed);
      written(start, compressed.length);
    } else {
      await this.#sink.write(block);
      written(start, block.length | storedBlockBit);
    }
    if (buffer !== undefined) this.giveBack(buffer);
  }
}
