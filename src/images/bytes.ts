/**
 * Bytes in and out of the structures that images are made of: little- and big-endian integers and
 * byte strings.
 *
 * `Writer` is a growing buffer with named integer widths, so that an on-disk structure reads as the
 * list of its fields. Sizes and offsets are JavaScript numbers: exact up to 2^53, far above any
 * image; 64-bit fields are written from them in two halves.
 */
import { assert } from '#base';

/** A buffer that grows at its end. */
export class Writer {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacityBytes = 256) {
    this.#bytes = new Uint8Array(capacityBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    this.#reserve(1);
    this.#view.setUint8(this.#length, value);
    this.#length += 1;
    return this;
  }

  u16(value: number): this {
    this.#reserve(2);
    this.#view.setUint16(this.#length, value, true);
    this.#length += 2;
    return this;
  }

  i16(value: number): this {
    this.#reserve(2);
    this.#view.setInt16(this.#length, value, true);
    this.#length += 2;
    return this;
  }

  u32(value: number): this {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
    return this;
  }

  u64(value: number): this {
    assert(value >= 0 && Number.isSafeInteger(value), `${value} is no 64-bit size`);
    return this.u32(value % 0x100000000).u32(Math.floor(value / 0x100000000));
  }

  u16be(value: number): this {
    this.#reserve(2);
    this.#view.setUint16(this.#length, value, false);
    this.#length += 2;
    return this;
  }

  u32be(value: number): this {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, false);
    this.#length += 4;
    return this;
  }

  /** Both byte orders after one another, as ISO 9660 has it. */
  u16both(value: number): this {
    return this.u16(value).u16be(value);
  }

  u32both(value: number): this {
    return this.u32(value).u32be(value);
  }

  bytes(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** A byte string. */
  string(text: string): this {
    this.#reserve(text.length);
    for (let i = 0; i < text.length; i++) this.#bytes[this.#length + i] = text.charCodeAt(i);
    this.#length += text.length;
    return this;
  }

  /** A byte string in a field of fixed width. */
  padded(text: string, widthBytes: number, filler = ' '): this {
    assert(text.length <= widthBytes, `"${text}" is longer than its field of ${widthBytes} bytes`);
    return this.string(text).fill(widthBytes - text.length, filler.charCodeAt(0));
  }

  fill(count: number, value = 0): this {
    this.#reserve(count);
    this.#bytes.fill(value, this.#length, this.#length + count);
    this.#length += count;
    return this;
  }

  zeros(count: number): this {
    return this.fill(count, 0);
  }

  /** Fills with zeros up to a length that is a multiple of `unit`. */
  align(unit: number): this {
    return this.zeros(roundUp(this.#length, unit) - this.#length);
  }

  /** Fills with zeros up to this length. */
  padTo(lengthBytes: number): this {
    assert(lengthBytes >= this.#length, `${this.#length} bytes are already past ${lengthBytes}`);
    return this.zeros(lengthBytes - this.#length);
  }

  /** What was written. A view, good until the next write. */
  take(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(count: number): void {
    const wanted = this.#length + count;
    if (wanted <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(wanted, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function readU64(view: DataView, offset: number): number {
  return view.getUint32(offset, true) + view.getUint32(offset + 4, true) * 0x100000000;
}

export const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

/** Bytewise order of two byte strings. */
export function compareByteStrings(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
