/**
 * An image of the machine (src/flat/machine-image.ts) as a file: a head, the words and texts one behind
 * another, and a directory with a checksum for each piece of them.
 *
 * A file appears by a rename and as a whole. Every piece is checked when it is read, so whatever
 * damages one is noticed before anything of it is believed; what is not wanted is not read.
 */

import { closeSync, fstatSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { MachineImage, StoredImage } from '#flat';
import { Unkept } from '#runtime';
import { finishReading, heapSection, type SharedHeap } from './shared-heap.ts';

const magic = 'Firn image 1\n   ';
/** Magic, the image's name, then where the directory begins, how long it is, and its checksum. */
const nameLength = 32;
const numbers = magic.length + nameLength;
const headLength = numbers + 3 * 8;
const pieceBytes = 1 << 18;

/** Words or a text: its bytes begin at `at`; of each piece of them the checksum. */
interface Section {
  readonly at: number;
  readonly bytes: number;
  readonly sums: readonly number[];
  /** Of words, where they stood in which memory. */
  readonly byteOffset: number;
  readonly bufferBytes: number;
}

interface Directory {
  readonly words: Readonly<Record<string, Section>>;
  readonly texts: Readonly<Record<string, Section>>;
}

export class ImageFile implements StoredImage {
  readonly #file: number;
  readonly #directory: Directory;
  /** Pieces of sections of which only parts are read, by section and number. */
  readonly #pieces = new Map<Section, Map<number, Uint8Array>>();
  /** Its heap is read there. */
  shared: SharedHeap | undefined;

  private constructor(file: number, directory: Directory) {
    this.#file = file;
    this.#directory = directory;
  }

  /** Opens an image; undefined if the file is not there, not one's own, damaged, or another image. */
  static open(place: string, name: string): ImageFile | undefined {
    let file: number | undefined;
    try {
      file = openSync(place, 'r');
      const { size, uid } = fstatSync(file);
      // In another's image a program could find anything.
      if (uid !== process.getuid?.()) throw new Error('another user\'s');
      const head = bytesAt(file, 0, headLength);
      if (head.toString('latin1', 0, numbers) !== magic + name) throw new Error('another image');
      const at = head.readDoubleLE(numbers);
      const length = head.readDoubleLE(numbers + 8);
      if (at + length !== size) throw new Error('not whole');
      const text = bytesAt(file, at, length);
      if (crc32(text) !== head.readDoubleLE(numbers + 16)) throw new Error('damaged');
      return new ImageFile(file, JSON.parse(text.toString('latin1')) as Directory);
    } catch {
      if (file !== undefined) closeSync(file);
      return undefined;
    }
  }

  wordCount(name: string): number {
    return (this.#directory.words[name]?.bytes ?? 0) / 4;
  }

  readWords(name: string, from: number, into: Int32Array): void {
    if (name === heapSection && this.shared !== undefined) return finishReading(this, this.shared);
    const section = this.#directory.words[name];
    const start = 4 * from;
    const bytes = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
    if (section === undefined || start + bytes.length > section.bytes) throw damaged();
    if (start === 0 && bytes.length === section.bytes) return this.#readWhole(section, bytes);
    for (let done = 0; done < bytes.length;) {
      const at = start + done;
      const piece = this.#piece(section, Math.floor(at / pieceBytes));
      const inPiece = at % pieceBytes;
      const count = Math.min(piece.length - inPiece, bytes.length - done);
      bytes.set(piece.subarray(inPiece, inPiece + count), done);
      done += count;
    }
  }

  /** How many bytes words take, in which pieces, and where they stood in which memory. */
  place(name: string): { byteOffset: number; bytes: number; bufferBytes: number; pieceBytes: number } {
    const { byteOffset, bytes, bufferBytes } = this.#directory.words[name] ?? { byteOffset: 0, bytes: 0, bufferBytes: 0 };
    return { byteOffset, bytes, bufferBytes, pieceBytes };
  }

  readPiece(name: string, number: number, into: Uint8Array): void {
    this.#readPiece(this.#directory.words[name]!, number, into);
  }

  text(name: string): string {
    const section = this.#directory.texts[name];
    if (section === undefined) throw damaged();
    const bytes = Buffer.allocUnsafeSlow(section.bytes);
    this.#readWhole(section, bytes);
    return bytes.toString('latin1');
  }

  close(): void {
    closeSync(this.#file);
  }

  #readWhole(section: Section, into: Uint8Array): void {
    section.sums.forEach((_, number) => {
      this.#readPiece(section, number, into.subarray(number * pieceBytes, (number + 1) * pieceBytes));
    });
  }

  #piece(section: Section, number: number): Uint8Array {
    let pieces = this.#pieces.get(section);
    if (pieces === undefined) this.#pieces.set(section, pieces = new Map());
    let piece = pieces.get(number);
    if (piece === undefined) {
      piece = new Uint8Array(Math.min(pieceBytes, section.bytes - number * pieceBytes));
      this.#readPiece(section, number, piece);
      pieces.set(number, piece);
    }
    return piece;
  }

  #readPiece({ at, sums }: Section, number: number, into: Uint8Array): void {
    try {
      readInto(this.#file, into, at + number * pieceBytes);
    } catch {
      throw damaged();
    }
    if (crc32(into) !== sums[number]) throw damaged();
  }
}

/** Writes an image. It appears as a whole, in the place of another; throws where it cannot be written. */
export function writeImage(place: string, name: string, { words, texts }: MachineImage): void {
  const temporary = `${place}.${process.pid}-${Date.now()}`;
  const file = openSync(temporary, 'wx', 0o600);
  try {
    const writer = new Writer(file);
    const wordSections: Record<string, Section> = {};
    for (const [section, { buffer, byteOffset, byteLength }] of words) {
      wordSections[section] = writer.section(new Uint8Array(buffer, byteOffset, byteLength));
    }
    const textSections: Record<string, Section> = {};
    for (const [section, text] of texts) textSections[section] = writer.section(Buffer.from(text, 'latin1'));
    const directory = Buffer.from(JSON.stringify({ words: wordSections, texts: textSections } satisfies Directory), 'latin1');
    const head = Buffer.alloc(headLength);
    head.write(magic + name, 'latin1');
    head.writeDoubleLE(writer.at, numbers);
    head.writeDoubleLE(directory.length, numbers + 8);
    head.writeDoubleLE(crc32(directory), numbers + 16);
    writeAll(file, directory, writer.at);
    writeAll(file, head, 0);
    renameSync(temporary, place);
  } finally {
    closeSync(file);
    rmSync(temporary, { force: true });
  }
}

class Writer {
  at = headLength;
  readonly #file: number;

  constructor(file: number) {
    this.#file = file;
  }

  section(bytes: Uint8Array): Section {
    const { at } = this;
    const sums: number[] = [];
    for (let done = 0; done < bytes.length; done += pieceBytes) {
      const piece = bytes.subarray(done, done + pieceBytes);
      sums.push(crc32(piece));
      writeAll(this.#file, piece, at + done);
    }
    this.at += bytes.length;
    const { byteOffset, buffer } = bytes;
    return { at, bytes: bytes.length, sums, byteOffset, bufferBytes: buffer.byteLength };
  }
}

function writeAll(file: number, bytes: Uint8Array, at: number): void {
  // A disk that is nearly full takes a part.
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done, bytes.length - done, at + done);
}

function bytesAt(file: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  readInto(file, bytes, at);
  return bytes;
}

function readInto(file: number, into: Uint8Array, at: number): void {
  for (let done = 0; done < into.length;) {
    const read = readSync(file, into, done, into.length - done, at + done);
    if (read === 0) throw new Error('too short');
    done += read;
  }
}

function damaged(): Unkept {
  return new Unkept('an image that is damaged');
}
