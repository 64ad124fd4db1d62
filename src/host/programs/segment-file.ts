/**
 * A segment of an image of programs as a file: its head, its pieces one after another, a directory
 * of them, and the index.
 *
 * Each part has a checksum, and a file is there as a whole or not at all, so whatever damages one is
 * noticed before anything of it is believed. The head names the segment before it, whose numbers
 * this one goes on from.
 */

import { closeSync, fstatSync, linkSync, openSync, readSync, rmSync, writevSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Block, StoredSegment } from '#flat';

/** What the first segment names as the one before it. */
export const noSegment = '0'.repeat(32);

/** Magic, own name, name of the one before; then the numbers of pieces, and where and how long things are. */
const magic = 'Firn programs 1\n';
const ownName = magic.length;
const otherName = ownName + noSegment.length;
const numbers = otherName + noSegment.length;
const headLength = numbers + 5 * 4;
/** Of a piece: where it is, its words, the length of its text, its checksum. */
const pieceWords = 4;

class ForeignSegment extends Error {}

export class SegmentFile implements StoredSegment {
  readonly name: string;
  readonly index: Block;
  readonly #file: number;
  readonly #directory: Int32Array;
  /** What was read last, and where it begins in the file. */
  #read = Buffer.alloc(0);
  #readLength = 0;
  #readAt = 0;

  private constructor(file: number, previous: string) {
    const { size } = fstatSync(file);
    const head = readBytes(file, 0, headLength);
    const [pieces, directory, words, text, checksum] = wordsOf(head.subarray(numbers)) as unknown as
      [number, number, number, number, number];
    const directoryBytes = 4 * pieceWords * pieces;
    const isMeant = head.toString('latin1', 0, ownName) === magic
      && head.toString('latin1', otherName, numbers) === previous
      && size === directory + directoryBytes + 4 * words + text;
    if (!isMeant) throw new Error('not such a segment');
    const tail = readBytes(file, directory, size - directory);
    if ((crc32(tail, crc32(head.subarray(0, headLength - 4))) | 0) !== checksum) throw new Error('damaged');
    this.#file = file;
    this.name = head.toString('latin1', ownName, otherName);
    this.#directory = wordsOf(tail.subarray(0, directoryBytes));
    this.index = blockOf(tail.subarray(directoryBytes), words);
  }

  /**
   * Opens the segment that follows the one named; undefined if it is not that, or damaged. Throws if
   * there is none, or it is another user's: his programs could be anything.
   */
  static open(place: string, previous: string): SegmentFile | undefined {
    const file = openSync(place, 'r');
    try {
      if (fstatSync(file).uid !== process.getuid?.()) throw new ForeignSegment();
      return new SegmentFile(file, previous);
    } catch (error) {
      closeSync(file);
      if (error instanceof ForeignSegment) throw error;
      return undefined;
    }
  }

  piece(number: number): Block | undefined {
    const [at, words, text, checksum] =
      this.#directory.subarray(number * pieceWords) as unknown as [number, number, number, number];
    try {
      const bytes = this.#bytesAt(at, 4 * words + text);
      return (crc32(bytes) | 0) === checksum ? blockOf(bytes, words) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Bytes of the file, which stay until others are asked for. What follows is likely to be next. */
  #bytesAt(at: number, length: number): Buffer {
    if (at < this.#readAt || at + length > this.#readAt + this.#readLength) {
      this.#readLength = 0;
      if (length > this.#read.length) {
        this.#read = Buffer.from(new ArrayBuffer(Math.max(readAhead, 2 * length)));
      }
      this.#readLength = readInto(this.#file, this.#read, at, length);
      this.#readAt = at;
    }
    return this.#read.subarray(at - this.#readAt, at - this.#readAt + length);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/**
 * Writes the segment that follows the one named, unless there is one already. It appears as a whole.
 * Throws where it cannot be written.
 */
export function writeSegment(place: string, previous: string, index: Block, pieces: Iterable<Block>): void {
  const temporary = `${place}.${process.pid}-${Date.now()}`;
  const file = openSync(temporary, 'wx', 0o600);
  try {
    const output = new Output(file, headLength);
    const directory: number[] = [];
    for (const { words, text } of pieces) {
      const parts = [bytesOfWords(words), Buffer.from(text, 'latin1')];
      directory.push(output.at, words.length, text.length, parts.reduce((sum, part) => crc32(part, sum), 0));
      // The next one begins where words can.
      output.write([...parts, padding.subarray(0, -text.length & 3)]);
    }
    const head = Buffer.alloc(headLength);
    head.write(magic + randomBytes(noSegment.length / 2).toString('hex') + previous, 'latin1');
    const counts = [directory.length / pieceWords, output.at, index.words.length, index.text.length];
    head.set(bytesOfWords(Int32Array.from(counts)), numbers);
    const tail = [bytesOfWords(Int32Array.from(directory)), bytesOfWords(index.words), Buffer.from(index.text, 'latin1')];
    const checksum = [head.subarray(0, headLength - 4), ...tail].reduce((sum, part) => crc32(part, sum), 0);
    head.set(bytesOfWords(Int32Array.of(checksum)), headLength - 4);
    output.write(tail);
    output.flush();
    new Output(file, 0).writeNow([head]);
    linkSync(temporary, place);
  } finally {
    closeSync(file);
    rmSync(temporary, { force: true });
  }
}

/** Writes to a file in large pieces. */
class Output {
  at: number;
  readonly #file: number;
  #waiting: Uint8Array[] = [];
  #start: number;

  constructor(file: number, at: number) {
    this.#file = file;
    this.at = this.#start = at;
  }

  write(parts: readonly Uint8Array[]): void {
    for (const part of parts) this.at += part.length;
    this.#waiting.push(...parts);
    if (this.at - this.#start >= outputChunk || this.#waiting.length > 500) this.flush();
  }

  flush(): void {
    let rest = this.#waiting;
    this.#waiting = [];
    while (rest.length > 0) {
      let written = writevSync(this.#file, rest, this.#start);
      this.#start += written;
      // A disk that is nearly full takes a part.
      while (rest.length > 0 && written >= rest[0]!.length) written -= rest.shift()!.length;
      if (rest.length > 0) rest = [rest[0]!.subarray(written), ...rest.slice(1)];
    }
  }

  writeNow(parts: readonly Uint8Array[]): void {
    this.write(parts);
    this.flush();
  }
}

const outputChunk = 1 << 20;
const readAhead = 1 << 18;
const padding = new Uint8Array(3);

/** Reads at least so many bytes, and more if the file has them; tells how many. */
function readInto(file: number, bytes: Buffer, at: number, least: number): number {
  let done = 0;
  while (done < least) {
    const read = readSync(file, bytes, done, bytes.length - done, at + done);
    if (read === 0) throw new Error('too short');
    done += read;
  }
  return done;
}

function readBytes(file: number, at: number, length: number): Buffer {
  const bytes = Buffer.from(new ArrayBuffer(length));
  readInto(file, bytes, at, length);
  return bytes;
}

/** What begins with words and ends with a text. */
function blockOf(bytes: Buffer, words: number): Block {
  return { words: wordsOf(bytes.subarray(0, 4 * words)), text: bytes.toString('latin1', 4 * words) };
}

/** The words that bytes are, in place if they stand where words can. */
function wordsOf(bytes: Buffer): Int32Array {
  if (bytes.byteOffset % 4 === 0) return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  return new Int32Array(Uint8Array.from(bytes).buffer);
}

function bytesOfWords({ buffer, byteOffset, byteLength }: Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
