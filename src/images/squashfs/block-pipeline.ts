/**
 * Compresses blocks side by side and writes them in the order in which they were given.
 *
 * What is written depends on that order alone: the number of blocks under way bounds memory and
 * speed, nothing else.
 */
import type { ByteSink } from '../byte-sink.ts';
import type { BlockCompressor } from './compression.ts';
import { storedBlockBit } from './format.ts';

/** A block's place and size word, told once it is written. */
export type BlockWritten = (startBytes: number, sizeWord: number) => void;

interface PendingBlock {
  readonly block: Uint8Array;
  readonly result: Promise<Uint8Array | undefined>;
  readonly written: BlockWritten;
}

export class BlockPipeline {
  readonly #sink: ByteSink;
  readonly #start: number;
  readonly #compressor: BlockCompressor | undefined;
  readonly #limit: number;
  readonly #pending: PendingBlock[] = [];

  /** Positions are counted from where the sink stands now less `headerBytes`. */
  constructor(
    sink: ByteSink,
    headerBytes: number,
    compressor: BlockCompressor | undefined,
    parallelBlocks: number,
  ) {
    this.#sink = sink;
    this.#start = sink.positionBytes - headerBytes;
    this.#compressor = compressor;
    this.#limit = Math.max(1, parallelBlocks);
  }

  /** Takes a block, which must not be changed afterwards; waits while too many are under way. */
  async push(block: Uint8Array, written: BlockWritten): Promise<void> {
    const result = this.#compressor?.compress(block) ?? Promise.resolve(undefined);
    // The failure is met when the block's turn comes.
    result.catch(() => {});
    this.#pending.push({ block, result, written });
    while (this.#pending.length >= this.#limit) await this.#writeNext();
  }

  /** Writes all that is under way. */
  async drain(): Promise<void> {
    while (this.#pending.length > 0) await this.#writeNext();
  }

  async #writeNext(): Promise<void> {
    const { block, result, written } = this.#pending.shift()!;
    const compressed = await result;
    const start = this.#sink.positionBytes - this.#start;
    if (compressed !== undefined && compressed.length < block.length) {
      await this.#sink.write(compressed);
      written(start, compressed.length);
    } else {
      await this.#sink.write(block);
      written(start, block.length | storedBlockBit);
    }
  }
}
