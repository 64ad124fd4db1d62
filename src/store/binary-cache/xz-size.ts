/**
 * How many bytes an xz file unpacks to, told without unpacking it.
 *
 * The decoder that we have unpacks a whole file at once, and a hostile one of a few kilobytes may
 * unpack to more than the machine holds. An xz block is a row of LZMA2 chunks, each of which says
 * how long it is before and after; a decoder obeys these numbers. So walking over them gives the
 * exact length, or at least what a decoder can write before it notices a fault. Specification:
 * "The .xz File Format", 2 to 5.
 */

/** The length, or the reason why it cannot be told. */
export function unpackedXzSize(file: Uint8Array): number | string {
  const reader = new Walker(file);
  try {
    return reader.streams();
  } catch (error) {
    if (error instanceof Malformed) return error.message;
    throw error;
  }
}

class Malformed extends Error {}

const magic = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
const checkLengths = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];
/** Of xz's strongest preset. */
const maximumDictionaryBytes = 2 ** 26;
const lzma2Filter = 0x21;

class Walker {
  readonly #file: Uint8Array;
  #at = 0;

  constructor(file: Uint8Array) {
    this.#file = file;
  }

  streams(): number {
    let total = 0;
    if (this.#file.length === 0) throw new Malformed('it is empty');
    while (this.#at < this.#file.length) {
      total += this.#stream();
      // Streams may be followed by zeros, four at a time.
      while (this.#at < this.#file.length && this.#file[this.#at] === 0) this.#skip(4);
    }
    return total;
  }

  #stream(): number {
    for (const byte of magic) if (this.#byte() !== byte) throw new Malformed('it is no xz file');
    this.#byte();
    const checkLength = checkLengths[this.#byte() & 15] as number;
    this.#skip(4);
    let total = 0;
    for (let headerSize = this.#byte(); headerSize !== 0; headerSize = this.#byte()) {
      const start = this.#at - 1;
      this.#blockHeader();
      this.#at = start + (headerSize + 1) * 4;
      const dataStart = this.#at;
      total += this.#chunks();
      this.#skip((4 - ((this.#at - dataStart) % 4)) % 4);
      this.#skip(checkLength);
    }
    const indexStart = this.#at - 1;
    const records = this.#variable();
    for (let i = 0; i < records; i++) {
      this.#variable();
      this.#variable();
    }
    this.#skip((4 - ((this.#at - indexStart) % 4)) % 4);
    this.#skip(4 + 12);
    return total;
  }

  #blockHeader(): void {
    const flags = this.#byte();
    if ((flags & 0x40) !== 0) this.#variable();
    if ((flags & 0x80) !== 0) this.#variable();
    const filters = (flags & 3) + 1;
    for (let i = 1; i <= filters; i++) {
      const id = this.#variable();
      const length = this.#variable();
      if (length > 1024) throw new Malformed('a filter has too many properties');
      if ((id === lzma2Filter) !== (i === filters)) throw new Malformed('its filters are not known');
      if (id === lzma2Filter) checkDictionary(this.#file[this.#at] ?? 255);
      this.#skip(length);
    }
  }

  #chunks(): number {
    let total = 0;
    for (;;) {
      const control = this.#byte();
      if (control === 0) return total;
      if (control > 2 && control < 0x80) throw new Malformed('a chunk is of no known kind');
      const low = (this.#byte() << 8) | this.#byte();
      if (control <= 2) {
        total += low + 1;
        this.#skip(low + 1);
      } else {
        total += (((control & 31) << 16) | low) + 1;
        const packed = ((this.#byte() << 8) | this.#byte()) + 1;
        this.#skip(packed + (control >= 0xc0 ? 1 : 0));
      }
    }
  }

  #variable(): number {
    let value = 0;
    for (let i = 0; i < 7; i++) {
      const byte = this.#byte();
      value += (byte & 127) * 2 ** (7 * i);
      if (byte < 128) return value;
    }
    throw new Malformed('a number is out of range');
  }

  #byte(): number {
    const byte = this.#file[this.#at++];
    if (byte === undefined) throw new Malformed('it ends too early');
    return byte;
  }

  #skip(count: number): void {
    this.#at += count;
    if (this.#at > this.#file.length) throw new Malformed('it ends too early');
  }
}

function checkDictionary(code: number): void {
  const size = code > 40 ? Infinity : (2 | (code & 1)) * 2 ** (Math.floor(code / 2) + 11);
  if (size > maximumDictionaryBytes) throw new Malformed('it needs too much memory');
}
