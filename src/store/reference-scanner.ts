/**
 * Finds references: which of the candidates' hash parts occur in a stream of bytes.
 *
 * A hash part is 32 characters of nix32's alphabet. Looking at the last byte of each window first
 * lets most of ordinary data be skipped 32 bytes at a time; a bitmap of the first four characters
 * of all candidates settles nearly all of what is left.
 */

import { byteString, isNix32Code, nix32Alphabet } from '#base';
import { hashPartLength, hashPartOf, type StorePath } from '#formats';

export class ReferenceScanner {
  readonly #candidates = new Map<string, StorePath>();
  readonly #firstFour = new Uint8Array(1 << 17);
  readonly #found = new Set<StorePath>();
  /** The end of what was seen, in which a hash part may begin, with room for as much again. */
  readonly #seam = new Uint8Array(2 * (hashPartLength - 1));
  #seamLength = 0;

  constructor(candidates: Iterable<StorePath>) {
    for (const path of candidates) {
      const hashPart = hashPartOf(path);
      this.#candidates.set(hashPart, path);
      let key = 0;
      for (let i = 0; i < 4; i++) key = key * 32 + nix32Alphabet.indexOf(hashPart[i] as string);
      this.#firstFour[key >> 3] = (this.#firstFour[key >> 3] as number) | (1 << (key & 7));
    }
  }

  update(bytes: Uint8Array): void {
    const keep = hashPartLength - 1;
    // Across the border: what was kept, followed by the beginning of the new bytes.
    const head = bytes.subarray(0, keep);
    this.#seam.set(head, this.#seamLength);
    this.#scan(this.#seam.subarray(0, this.#seamLength + head.length));
    if (bytes.length >= keep) {
      this.#scan(bytes);
      this.#seam.set(bytes.subarray(bytes.length - keep), 0);
      this.#seamLength = keep;
    } else {
      const length = this.#seamLength + bytes.length;
      const drop = Math.max(0, length - keep);
      this.#seam.copyWithin(0, drop, length);
      this.#seamLength = length - drop;
    }
  }

  /** The candidates that have occurred, sorted. */
  found(): StorePath[] {
    return [...this.#found].sort();
  }

  #scan(bytes: Uint8Array): void {
    const end = bytes.length - hashPartLength;
    let at = 0;
    // The first `known` bytes of the window are of the alphabet, from the window before.
    let known = 0;
    while (at <= end) {
      let i = hashPartLength - 1;
      while (i >= known && digits[bytes[at + i] as number] !== notDigit) i--;
      if (i >= known) {
        at += i + 1;
        known = 0;
        continue;
      }
      this.#test(bytes, at);
      at++;
      known = hashPartLength - 1;
    }
  }

  #test(bytes: Uint8Array, at: number): void {
    let key = 0;
    for (let i = 0; i < 4; i++) key = key * 32 + (digits[bytes[at + i] as number] as number);
    if (((this.#firstFour[key >> 3] as number) & (1 << (key & 7))) === 0) return;
    const path = this.#candidates.get(byteString(bytes.subarray(at, at + hashPartLength)));
    if (path !== undefined) this.#found.add(path);
  }
}

const notDigit = 255;
const digits = Uint8Array.from({ length: 256 }, (_, code) =>
  (isNix32Code(code) ? nix32Alphabet.indexOf(String.fromCharCode(code)) : notDigit));
