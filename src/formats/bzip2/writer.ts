/**
 * Compresses to bzip2, in a stream: what C++ Nix keeps build logs in, and what old binary caches are
 * made of.
 *
 * Runs of a byte are shortened first; what then fits into a block is transformed so that like
 * contexts meet (Burrows-Wheeler), turned into ranks of recency, whose runs of zeros are numbers, and
 * coded by up to six Huffman tables, of which each fifty symbols take the one that suits them best.
 * Same input, same bytes.
 */

import { BitWriter } from './bit-writer.ts';
import { burrowsWheeler } from './burrows-wheeler.ts';
import { canonicalCodes, codeLengths } from './huffman.ts';

export class Bzip2Writer {
  readonly #bits = new BitWriter();
  readonly #block: Uint8Array;
  readonly #limit: number;
  #length = 0;
  #checksum = 0xffffffff;
  #streamChecksum = 0;
  #runByte = -1;
  #runLength = 0;

  /** Blocks of `level` times 100 000 bytes, 1 to 9. */
  constructor(level = 9) {
    this.#block = new Uint8Array(level * 100_000);
    // The last run may take five bytes, and nobody has more than bzip2 itself writes.
    this.#limit = level * 100_000 - 19;
    for (const byte of [0x42, 0x5a, 0x68, 0x30 + level]) this.#bits.write(byte, 8);
  }

  /** Takes the next bytes; gives what they complete. */
  *write(piece: Uint8Array): Generator<Uint8Array, void, void> {
    for (const byte of piece) {
      if (byte === this.#runByte && this.#runLength < longestRun) {
        this.#runLength++;
        continue;
      }
      this.#endRun();
      if (this.#length >= this.#limit) yield this.#endBlock();
      this.#runByte = byte;
      this.#runLength = 1;
    }
  }

  /** Ends the file. */
  *finish(): Generator<Uint8Array, void, void> {
    this.#endRun();
    if (this.#length > 0) yield this.#endBlock();
    this.#bits.write(0x177245, 24);
    this.#bits.write(0x385090, 24);
    this.#bits.word(this.#streamChecksum);
    this.#bits.align();
    yield this.#bits.take();
  }

  /** Four bytes and how many more there are; less than four stand as they are. */
  #endRun(): void {
    const [byte, length] = [this.#runByte, this.#runLength];
    for (let i = 0; i < length; i++) {
      this.#checksum = (this.#checksum << 8) ^ (checksums[(this.#checksum >>> 24) ^ byte] as number);
    }
    for (let i = 0; i < Math.min(length, 4); i++) this.#block[this.#length++] = byte;
    if (length >= 4) this.#block[this.#length++] = length - 4;
    this.#runLength = 0;
    this.#runByte = -1;
  }

  #endBlock(): Uint8Array {
    const checksum = ~this.#checksum >>> 0;
    this.#streamChecksum = (((this.#streamChecksum << 1) | (this.#streamChecksum >>> 31)) ^ checksum) >>> 0;
    writeBlock(this.#bits, this.#block.subarray(0, this.#length), checksum);
    this.#length = 0;
    this.#checksum = 0xffffffff;
    return this.#bits.take();
  }
}

const longestRun = 255;
const symbolsOfGroup = 50;
const longestCode = 17;
const refinements = 4;

function writeBlock(bits: BitWriter, block: Uint8Array, checksum: number): void {
  bits.write(0x314159, 24);
  bits.write(0x265359, 24);
  bits.word(checksum);
  // Not randomised: nobody has done that for decades.
  bits.write(0, 1);
  const { last, origin } = burrowsWheeler(block);
  bits.write(origin, 24);
  const used = usedBytes(last);
  writeUsed(bits, used);
  const { symbols, alphabetSize } = rankSymbols(last, used);
  const { tables, choices } = chooseTables(symbols, alphabetSize);
  writeTables(bits, tables, choices);
  const codes = tables.map(canonicalCodes);
  for (let at = 0; at < symbols.length; at++) {
    const table = choices[Math.floor(at / symbolsOfGroup)] as number;
    const symbol = symbols[at] as number;
    bits.write((codes[table] as Uint32Array)[symbol] as number, (tables[table] as Uint8Array)[symbol] as number);
  }
}

function usedBytes(bytes: Uint8Array): number[] {
  const seen = new Uint8Array(256);
  for (const byte of bytes) seen[byte] = 1;
  return [...seen.keys()].filter((byte) => seen[byte] === 1);
}

/** Which sixteens of bytes occur, then which bytes of those. */
function writeUsed(bits: BitWriter, used: readonly number[]): void {
  const sixteens = new Uint16Array(16);
  for (const byte of used) sixteens[byte >>> 4]! |= 0x8000 >>> (byte & 15);
  bits.write(sixteens.reduce((map, sixteen, at) => (sixteen === 0 ? map : map | (0x8000 >>> at)), 0), 16);
  for (const sixteen of sixteens) if (sixteen !== 0) bits.write(sixteen, 16);
}

/**
 * Each byte as its rank of recency. A run of zeros is its length in a system with the digits 1
 * (symbol 0) and 2 (symbol 1), the lowest first; other ranks are one higher; the last symbol ends.
 */
function rankSymbols(bytes: Uint8Array, used: readonly number[]): { symbols: Uint16Array; alphabetSize: number } {
  const recent = Uint8Array.from(used);
  const symbols = new Uint16Array(bytes.length + 1);
  let count = 0;
  let zeros = 0;
  const endZeros = (): void => {
    for (; zeros > 0; zeros = (zeros - 1) >>> 1) symbols[count++] = zeros & 1 ? 0 : 1;
  };
  for (const byte of bytes) {
    if (recent[0] === byte) {
      zeros++;
      continue;
    }
    endZeros();
    const rank = recent.indexOf(byte);
    recent.copyWithin(1, 0, rank);
    recent[0] = byte;
    symbols[count++] = rank + 1;
  }
  endZeros();
  const end = used.length + 1;
  symbols[count++] = end;
  return { symbols: symbols.subarray(0, count), alphabetSize: end + 1 };
}

interface ChosenTables {
  /** Code lengths. */
  readonly tables: Uint8Array[];
  /** The table of each group. */
  readonly choices: Uint8Array;
}

/** Begins with tables that each favour a range of symbols, and fits them to the groups that choose them. */
function chooseTables(symbols: Uint16Array, alphabetSize: number): ChosenTables {
  const groups = Math.ceil(symbols.length / symbolsOfGroup);
  const tableCount = [200, 600, 1200, 2400].filter((bound) => symbols.length >= bound).length + 2;
  let tables = firstTables(symbols, alphabetSize, tableCount);
  const choices = new Uint8Array(groups);
  for (let round = 0; round < refinements; round++) {
    const frequencies = tables.map(() => new Uint32Array(alphabetSize));
    for (let group = 0; group < groups; group++) {
      const part = symbols.subarray(group * symbolsOfGroup, (group + 1) * symbolsOfGroup);
      let [best, bestCost] = [0, Infinity];
      for (const [at, lengths] of tables.entries()) {
        let cost = 0;
        for (const symbol of part) cost += lengths[symbol] as number;
        if (cost < bestCost) [best, bestCost] = [at, cost];
      }
      choices[group] = best;
      const frequency = frequencies[best] as Uint32Array;
      for (const symbol of part) frequency[symbol]!++;
    }
    tables = frequencies.map((frequency) => codeLengths(frequency, longestCode));
  }
  return { tables, choices };
}

function firstTables(symbols: Uint16Array, alphabetSize: number, tableCount: number): Uint8Array[] {
  const frequency = new Uint32Array(alphabetSize);
  for (const symbol of symbols) frequency[symbol]!++;
  const tables: Uint8Array[] = [];
  let [from, left] = [0, symbols.length];
  for (let at = 0; at < tableCount; at++) {
    const share = left / (tableCount - at);
    let to = from;
    let sum = 0;
    while (to < alphabetSize && (sum < share || to === from)) sum += frequency[to++] as number;
    tables.push(Uint8Array.from(frequency, (_, symbol) => (symbol >= from && symbol < to ? 0 : 15)));
    left -= sum;
    from = to;
  }
  return tables;
}

/** How many there are, which group takes which, as ranks of recency in ones, and each by its differences. */
function writeTables(bits: BitWriter, tables: readonly Uint8Array[], choices: Uint8Array): void {
  bits.write(tables.length, 3);
  bits.write(choices.length, 15);
  const recent = [...tables.keys()];
  for (const choice of choices) {
    const rank = recent.indexOf(choice);
    recent.splice(rank, 1);
    recent.unshift(choice);
    for (let i = 0; i < rank; i++) bits.write(1, 1);
    bits.write(0, 1);
  }
  for (const lengths of tables) {
    let length = lengths[0] as number;
    bits.write(length, 5);
    for (const wanted of lengths) {
      for (; length < wanted; length++) bits.write(0b10, 2);
      for (; length > wanted; length--) bits.write(0b11, 2);
      bits.write(0, 1);
    }
  }
}

/** Of the CRC that has its highest bit first. */
const checksums = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit++) value = value & 0x80000000 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value;
});
