/**
 * Decompresses bzip2 in a stream: the default of the oldest binary caches.
 *
 * A block holds up to 900 000 bytes, so that it is gathered until a whole one can be read: reading
 * is tried again from the block's start when its end was not there yet. Each block and the whole
 * have checksums, which are compared. *Invariant:* no number of the file is used as an index before
 * it is checked, and what one block unpacks to is handed on in pieces.
 */

export class Bzip2Error extends Error {
  override readonly name = 'Bzip2Error';
}

/** Says that the bytes so far are not enough. */
class NeedsMore extends Error {}

export class Bzip2Reader {
  #bits = new BitReader(new Uint8Array(0));
  #level = 0;
  #streamChecksum = 0;
  #finished = false;
  /** What must be there before another try is worth it. */
  #wanted = 0;

  /** Takes the next bytes; hands out what they complete. */
  *write(piece: Uint8Array): Generator<Uint8Array, void, void> {
    this.#bits.append(piece);
    if (this.#bits.length < this.#wanted) return;
    yield* this.#read(false);
  }

  /** To be called when there are no more bytes; throws if the file is not complete. */
  *finish(): Generator<Uint8Array, void, void> {
    yield* this.#read(true);
    if (!this.#finished) throw new Bzip2Error('it ends too early');
  }

  *#read(last: boolean): Generator<Uint8Array, void, void> {
    for (;;) {
      const start = this.#bits.position;
      let block: Block | undefined;
      try {
        block = this.#step();
      } catch (error) {
        if (!(error instanceof NeedsMore)) throw error;
        this.#bits.position = start;
        this.#bits.forget();
        // Trying at every small piece would cost the square of the block's size.
        this.#wanted = last ? 0 : this.#bits.length + retryBytes;
        return;
      }
      if (block === undefined) {
        if (this.#bits.atEnd) return;
      } else {
        yield* block.pieces();
        const checksum = block.checksum;
        if (checksum !== block.wantedChecksum) throw new Bzip2Error('a checksum is wrong');
        this.#streamChecksum = (((this.#streamChecksum << 1) | (this.#streamChecksum >>> 31)) ^ checksum) >>> 0;
      }
    }
  }

  /** Reads a header, a block, or a trailer. */
  #step(): Block | undefined {
    const bits = this.#bits;
    if (this.#level === 0) {
      const signature = bits.take(24);
      const level = bits.take(8) - 0x30;
      if (signature !== 0x425a68 || level < 1 || level > 9) throw new Bzip2Error('it is no bzip2 file');
      this.#level = level;
      this.#streamChecksum = 0;
      this.#finished = false;
      return undefined;
    }
    const [high, low] = [bits.take(24), bits.take(24)];
    if (high === 0x314159 && low === 0x265359) return readBlock(bits, this.#level * 100_000);
    if (high !== 0x177245 || low !== 0x385090) throw new Bzip2Error('a block does not begin as one');
    if (bits.word() !== this.#streamChecksum) throw new Bzip2Error('a checksum is wrong');
    bits.align();
    this.#level = 0;
    this.#finished = true;
    return undefined;
  }
}

const retryBytes = 1 << 17;

/** Bits of a growing array, the highest of each byte first. */
class BitReader {
  #bytes: Uint8Array;
  #end: number;
  /** In bits. */
  position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  get length(): number {
    return this.#end;
  }

  get atEnd(): boolean {
    return this.position >= this.#end * 8;
  }

  append(piece: Uint8Array): void {
    if (this.#end + piece.length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(1 << 16, 2 * (this.#end + piece.length)));
      larger.set(this.#bytes.subarray(0, this.#end));
      this.#bytes = larger;
    }
    this.#bytes.set(piece, this.#end);
    this.#end += piece.length;
  }

  /** Drops the whole bytes that have been read. */
  forget(): void {
    const read = this.position >>> 3;
    this.#bytes.copyWithin(0, read, this.#end);
    this.#end -= read;
    this.position -= read * 8;
  }

  bit(): number {
    const at = this.position >>> 3;
    if (at >= this.#end) throw new NeedsMore();
    return ((this.#bytes[at] as number) >>> (7 - (this.position++ & 7))) & 1;
  }

  /** Up to 24 bits. */
  take(count: number): number {
    const at = this.position >>> 3;
    if (this.position + count > this.#end * 8) throw new NeedsMore();
    const bytes = this.#bytes;
    const window = (((bytes[at] as number) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8)
      | (bytes[at + 3] ?? 0)) << (this.position & 7);
    this.position += count;
    // Beyond the window lie at most seven bits, of the fifth byte.
    const over = (this.position - count & 7) + count - 32;
    if (over > 0) return (window >>> (32 - count)) | ((bytes[at + 4] ?? 0) >>> (8 - over));
    return count === 0 ? 0 : window >>> (32 - count);
  }

  word(): number {
    return ((this.take(16) << 16) | this.take(16)) >>> 0;
  }

  align(): void {
    this.position = (this.position + 7) & ~7;
  }
}

function readBlock(bits: BitReader, maximumLength: number): Block {
  const wantedChecksum = bits.word();
  if (bits.bit() === 1) throw new Bzip2Error('a block is of the oldest kind, which is not read');
  const origin = bits.take(24);
  const symbols = readSymbols(bits);
  const { tables, selectors } = readTables(bits, symbols.length + 2);
  const { links, length } = readContents(bits, symbols, tables, selectors, maximumLength);
  if (origin >= length) throw new Bzip2Error('a block begins behind its end');
  return new Block(links, length, origin, wantedChecksum);
}

/** The byte values that occur, as a map of a map. */
function readSymbols(bits: BitReader): number[] {
  const used = bits.take(16);
  const symbols: number[] = [];
  for (let group = 0; group < 16; group++) {
    if ((used & (0x8000 >>> group)) === 0) continue;
    const members = bits.take(16);
    for (let i = 0; i < 16; i++) if ((members & (0x8000 >>> i)) !== 0) symbols.push(group * 16 + i);
  }
  if (symbols.length === 0) throw new Bzip2Error('a block has no symbols');
  return symbols;
}

/** A canonical Huffman code: for each length the first code's limit and where its symbols begin. */
interface CodeTable {
  readonly limits: Int32Array;
  readonly offsets: Int32Array;
  readonly symbols: Uint16Array;
  readonly shortest: number;
}

const longestCode = 20;
const groupLength = 50;

function readTables(bits: BitReader, alphabetSize: number): { tables: CodeTable[]; selectors: Uint8Array } {
  const count = bits.take(3);
  const selectorCount = bits.take(15);
  if (count < 2 || count > 6 || selectorCount === 0) throw new Bzip2Error('a block has no code');
  const order = Array.from({ length: count }, (_, i) => i);
  const selectors = new Uint8Array(selectorCount);
  for (let i = 0; i < selectorCount; i++) {
    let place = 0;
    while (bits.bit() === 1) if (++place >= count) throw new Bzip2Error('a block names a code that is not there');
    const [moved] = order.splice(place, 1) as [number];
    order.unshift(moved);
    selectors[i] = moved;
  }
  const tables: CodeTable[] = [];
  for (let i = 0; i < count; i++) {
    const lengths = new Uint8Array(alphabetSize);
    let length = bits.take(5);
    for (let symbol = 0; symbol < alphabetSize; symbol++) {
      for (;;) {
        if (length < 1 || length > longestCode) throw new Bzip2Error('a code is too long');
        if (bits.bit() === 0) break;
        length += bits.bit() === 0 ? 1 : -1;
      }
      lengths[symbol] = length;
    }
    tables.push(codeTable(lengths));
  }
  return { tables, selectors };
}

function codeTable(lengths: Uint8Array): CodeTable {
  const counts = new Int32Array(longestCode + 2);
  for (const length of lengths) counts[length] = (counts[length] as number) + 1;
  const limits = new Int32Array(longestCode + 1).fill(-1);
  const offsets = new Int32Array(longestCode + 1);
  const symbols = new Uint16Array(lengths.length);
  let code = 0;
  let at = 0;
  for (let length = 1; length <= longestCode; length++) {
    offsets[length] = at - code;
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] === length) symbols[at++] = symbol;
    }
    code += counts[length] as number;
    if (counts[length] !== 0) limits[length] = code - 1;
    code *= 2;
  }
  return { limits, offsets, symbols, shortest: Math.min(...lengths) };
}

function readContents(
  bits: BitReader, alphabet: readonly number[], tables: readonly CodeTable[], selectors: Uint8Array, maximumLength: number,
): { links: Uint32Array; length: number } {
  const links = new Uint32Array(maximumLength);
  const counts = new Int32Array(256);
  const recent = Uint8Array.from(alphabet);
  const endSymbol = alphabet.length + 1;
  let length = 0;
  let run = 0;
  let runWeight = 1;
  for (let group = 0; ; group++) {
    const table = tables[selectors[group] ?? -1];
    if (table === undefined) throw new Bzip2Error('a block is longer than it says');
    for (let i = 0; i < groupLength; i++) {
      const symbol = readSymbol(bits, table);
      if (symbol <= 1) {
        // A run's length, in digits one and two of base two.
        run += runWeight << symbol;
        runWeight *= 2;
        if (run > maximumLength) throw new Bzip2Error('a run is too long');
        continue;
      }
      if (run > 0) {
        const byte = recent[0] as number;
        if (length + run > maximumLength) throw new Bzip2Error('a block is too long');
        counts[byte] = (counts[byte] as number) + run;
        links.fill(byte, length, length + run);
        length += run;
        run = 0;
        runWeight = 1;
      }
      if (symbol === endSymbol) return { links: linked(links, counts, length), length };
      if (length >= maximumLength) throw new Bzip2Error('a block is too long');
      const byte = recent[symbol - 1] as number;
      recent.copyWithin(1, 0, symbol - 1);
      recent[0] = byte;
      counts[byte] = (counts[byte] as number) + 1;
      links[length++] = byte;
    }
  }
}

function readSymbol(bits: BitReader, table: CodeTable): number {
  let length = table.shortest;
  let code = bits.take(length);
  for (;;) {
    if (code <= (table.limits[length] as number)) {
      const symbol = table.symbols[code + (table.offsets[length] as number)];
      if (symbol === undefined) throw new Bzip2Error('a code is not known');
      return symbol;
    }
    if (++length > longestCode) throw new Bzip2Error('a code is not known');
    code = code * 2 + bits.bit();
  }
}

/** Undoes the Burrows-Wheeler transform: above its byte, each place holds where the next one is. */
function linked(links: Uint32Array, counts: Int32Array, length: number): Uint32Array {
  let sum = 0;
  const starts = counts.map((count) => (sum += count) - count);
  for (let i = 0; i < length; i++) {
    const byte = (links[i] as number) & 255;
    const place = starts[byte] as number;
    starts[byte] = place + 1;
    links[place] = (links[place] as number) | (i << 8);
  }
  return links;
}

/** A block whose bytes are still to be walked, and its runs of four and more to be written out. */
class Block {
  readonly wantedChecksum: number;
  readonly #links: Uint32Array;
  readonly #length: number;
  #next: number;
  #checksum = 0xffffffff;

  constructor(links: Uint32Array, length: number, origin: number, wantedChecksum: number) {
    this.#links = links;
    this.#length = length;
    this.#next = (links[origin] as number) >>> 8;
    this.wantedChecksum = wantedChecksum;
  }

  /** Of what has been handed out. */
  get checksum(): number {
    return ~this.#checksum >>> 0;
  }

  *pieces(): Generator<Uint8Array, void, void> {
    let out = new Uint8Array(pieceLength);
    let filled = 0;
    let previous = -1;
    let equal = 0;
    for (let i = 0; i < this.#length; i++) {
      const link = this.#links[this.#next] as number;
      this.#next = link >>> 8;
      const byte = link & 255;
      // After four equal bytes stands how often the same follows.
      const isCount = equal === 4;
      const repeats = isCount ? byte : 1;
      const value = isCount ? previous : byte;
      if (isCount) equal = 0;
      else equal = byte === previous ? equal + 1 : 1;
      if (isCount) previous = -1;
      else previous = byte;
      if (filled + repeats > pieceLength) {
        yield out.subarray(0, filled);
        out = new Uint8Array(pieceLength);
        filled = 0;
      }
      for (let n = 0; n < repeats; n++) {
        out[filled++] = value;
        this.#checksum = (this.#checksum << 8) ^ (checksumTable[(this.#checksum >>> 24) ^ value] as number);
      }
    }
    if (filled > 0) yield out.subarray(0, filled);
  }
}

const pieceLength = 1 << 16;

/** CRC-32 with the highest bit first. */
const checksumTable = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let i = 0; i < 8; i++) value = value < 0 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value;
});
