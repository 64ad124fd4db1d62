/**
 * The words that Nix's protocols are made of: 64-bit numbers, little-endian, and byte strings with
 * their length before them and zeros behind, up to a multiple of eight.
 *
 * Nothing that arrives is trusted: every length is checked against a limit, and memory grows only
 * with what has really come. Whatever is wrong ends in the error that `fail` makes, which names the
 * store at the other end. Archives are recognised by their own form; frames are pieces with their
 * length before them, ended by one of no length.
 */

import { byteString, bytesOf, concatBytes } from '#base';
import { NarReader, type NarVisitor } from '#formats';

/** Gathers words; `take` gives their bytes. */
export class WireWriter {
  #parts: Uint8Array[] = [];

  number(value: number | bigint): this {
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    if (typeof value === 'bigint') {
      view.setBigUint64(0, value, true);
    } else {
      view.setUint32(0, value % 0x1_0000_0000, true);
      view.setUint32(4, Math.floor(value / 0x1_0000_0000), true);
    }
    this.#parts.push(bytes);
    return this;
  }

  flag(value: boolean): this {
    return this.number(value ? 1 : 0);
  }

  /** A byte string. */
  text(value: string): this {
    this.number(value.length);
    this.#parts.push(bytesOf(value));
    const padding = (8 - (value.length % 8)) % 8;
    if (padding > 0) this.#parts.push(zeros.subarray(0, padding));
    return this;
  }

  texts(values: Iterable<string>): this {
    const list = [...values];
    this.number(list.length);
    for (const value of list) this.text(value);
    return this;
  }

  /** What was written since the last time. */
  take(): Uint8Array {
    const bytes = concatBytes(this.#parts);
    this.#parts = [];
    return bytes;
  }
}

/** Makes the error for what is wrong with what arrives. */
export type WireFailure = (reason: string, cause?: unknown) => Error;

const zeros = new Uint8Array(8);
const maximumTextBytes = 1 << 26;
const maximumListLength = 1 << 24;
const maximumFrameBytes = 1 << 26;

/** Takes words off a stream. */
export class WireReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #fail: WireFailure;
  #buffer: Uint8Array = new Uint8Array(0);
  #start: Uint8Array = new Uint8Array(0);
  #ahead: Promise<IteratorResult<Uint8Array>> | undefined;

  constructor(source: AsyncIterable<Uint8Array>, fail: WireFailure) {
    this.#pieces = source[Symbol.asyncIterator]();
    this.#fail = fail;
  }

  /** The first bytes that came, for a report of what is there instead of the protocol. */
  get beginning(): string {
    return byteString(this.#start);
  }

  /** Whether the stream ends here, between two words. */
  async atEnd(): Promise<boolean> {
    return this.#buffer.length === 0 && !(await this.#fill());
  }

  /**
   * Reads on while nobody waits for words, and calls `gone` if the stream ends meanwhile: whoever
   * asked for a long piece of work may have left. What comes instead is kept.
   */
  watch(gone: () => void): void {
    if (this.#buffer.length > 0) return;
    this.#ahead ??= this.#pieces.next();
    this.#ahead.then((next) => { if (next.done === true) gone(); }, gone);
  }

  async number(): Promise<number> {
    const bytes = await this.#take(8);
    const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
    const high = view.getUint32(4, true);
    if (high >= 0x20_0000) throw this.#fail('a number is out of range');
    return high * 0x1_0000_0000 + view.getUint32(0, true);
  }

  /** A number of 64 bits, for identifiers and "no limit". */
  async wideNumber(): Promise<bigint> {
    const bytes = await this.#take(8);
    return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  }

  async flag(): Promise<boolean> {
    return (await this.#take(8)).some((byte) => byte !== 0);
  }

  async text(limitBytes = maximumTextBytes): Promise<string> {
    const length = await this.number();
    if (length > limitBytes) throw this.#fail(`a string of ${length} bytes is announced`);
    const padded = await this.#take(Math.ceil(length / 8) * 8);
    if (padded.subarray(length).some((byte) => byte !== 0)) throw this.#fail('non-zero padding');
    return byteString(padded.subarray(0, length));
  }

  async texts(): Promise<string[]> {
    return this.list(() => this.text());
  }

  /** A count, and so many of what `read` reads. */
  async list<T>(read: () => Promise<T>): Promise<T[]> {
    const count = await this.number();
    if (count > maximumListLength) throw this.#fail(`a list of ${count} entries is announced`);
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(await read());
    return items;
  }

  /** The bytes of one archive, which ends where its form says so. */
  async *nar(): AsyncGenerator<Uint8Array, void, void> {
    const reader = new NarReader(unseen);
    while (!reader.done) {
      if (this.#buffer.length === 0 && !(await this.#fill())) throw this.#fail(endedEarly);
      const used = reader.write(this.#buffer);
      const piece = this.#buffer.subarray(0, used);
      this.#buffer = this.#buffer.subarray(used);
      if (piece.length > 0) yield piece;
    }
  }

  /** Some bytes that have come; none at the end. */
  async some(): Promise<Uint8Array> {
    if (this.#buffer.length === 0 && !(await this.#fill())) return zeros.subarray(0, 0);
    const piece = this.#buffer;
    this.#buffer = piece.subarray(piece.length);
    return piece;
  }

  /** Exactly so many bytes. */
  async *sized(sizeBytes: number): AsyncGenerator<Uint8Array, void, void> {
    for (let left = sizeBytes; left > 0;) {
      if (this.#buffer.length === 0 && !(await this.#fill())) throw this.#fail(endedEarly);
      const piece = this.#buffer.subarray(0, left);
      this.#buffer = this.#buffer.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  /** The contents of all frames up to the empty one. A reader that stops early must `drain`. */
  async *frames(): AsyncGenerator<Uint8Array, void, void> {
    for (;;) {
      const length = await this.number();
      if (length === 0) return;
      if (length > maximumFrameBytes) throw this.#fail(`a frame of ${length} bytes is announced`);
      yield* this.sized(length);
    }
  }

  async #take(length: number): Promise<Uint8Array> {
    if (this.#buffer.length < length) await this.#gather(length);
    const bytes = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return bytes;
  }

  async #gather(length: number): Promise<void> {
    const pieces = [this.#buffer];
    let size = this.#buffer.length;
    this.#buffer = zeros.subarray(0, 0);
    while (size < length) {
      if (!(await this.#fill())) throw this.#fail(endedEarly);
      pieces.push(this.#buffer);
      size += this.#buffer.length;
    }
    this.#buffer = concatBytes(pieces);
  }

  /** Replaces the buffer, which is used up. */
  async #fill(): Promise<boolean> {
    for (;;) {
      const pending = this.#ahead ?? this.#pieces.next();
      this.#ahead = undefined;
      const next = await pending.catch((error: unknown) => {
        throw error instanceof Error && 'syscall' in error ? this.#fail(endedEarly, error) : error;
      });
      if (next.done === true) return false;
      if (next.value.length === 0) continue;
      this.#buffer = next.value;
      if (this.#start.length < shownBytes) {
        this.#start = concatBytes([this.#start, next.value]).subarray(0, shownBytes);
      }
      return true;
    }
  }
}

/** A reader of what stands inside frames, with the same failures. */
export function framedReader(reader: WireReader, fail: WireFailure): {
  readonly inner: WireReader;
  /** Reads what is left, so that the connection can go on. */
  drain(): Promise<void>;
} {
  const frames = reader.frames();
  let broken = false;
  async function* kept(): AsyncGenerator<Uint8Array, void, void> {
    for (;;) {
      const next = await frames.next().catch((error: unknown) => {
        broken = true;
        throw error;
      });
      if (next.done === true) return;
      yield next.value;
    }
  }
  return {
    inner: new WireReader(kept(), fail),
    async drain() {
      if (!broken) for await (const _ of frames);
    },
  };
}

const endedEarly = 'the connection ended too early';
const shownBytes = 200;

const unseen: NarVisitor = {
  beginDirectory() {}, endDirectory() {}, beginFile() {}, contents() {}, endFile() {}, symlink() {},
};
