/** Parts of an image by name: words, texts, and many byte strings as both. */

import type { MachineImage, StoredImage } from './machine-image.ts';

export class ImageWriter implements MachineImage {
  readonly words = new Map<string, Int32Array>();
  readonly texts = new Map<string, string>();

  numbers(name: string, numbers: Int32Array | readonly number[]): void {
    this.words.set(name, numbers instanceof Int32Array ? numbers : Int32Array.from(numbers));
  }

  text(name: string, text: string): void {
    this.texts.set(name, text);
  }

  strings(name: string, strings: readonly string[]): void {
    const ends = new Int32Array(strings.length);
    const pieces: number[] = [];
    let end = 0;
    let first = 0;
    for (let i = 0; i < strings.length; i++) {
      ends[i] = end += strings[i]!.length;
      if (end < pieceLength && i < strings.length - 1) continue;
      this.texts.set(`${name}-${pieces.length}`, strings.slice(first, i + 1).join(''));
      pieces.push(first);
      first = i + 1;
      end = 0;
    }
    this.words.set(name, ends);
    this.numbers(`${name}-pieces`, pieces);
  }
}

/** A piece of many strings is one text. */
const pieceLength = 2 ** 17;

/** Byte strings of which each is made when it is wanted, and each piece of their text is read then. */
export class StoredStrings {
  readonly #name: string;
  readonly #stored: StoredImage;
  /** Where in the text of its piece each ends. */
  readonly #ends: Int32Array;
  /** The first string of each piece. */
  readonly #firsts: Int32Array;
  readonly #texts: (string | undefined)[] = [];

  constructor(image: ImageReader, name: string) {
    this.#name = name;
    this.#stored = image.stored;
    this.#ends = image.numbers(name);
    this.#firsts = image.numbers(`${name}-pieces`);
  }

  get length(): number {
    return this.#ends.length;
  }

  at(index: number): string {
    const piece = this.#pieceOf(index);
    const text = this.#texts[piece] ??= this.#stored.text(`${this.#name}-${piece}`);
    return text.slice(index === this.#firsts[piece] ? 0 : this.#ends[index - 1]!, this.#ends[index]!);
  }

  all(): string[] {
    return Array.from(this.#ends, (_, index) => this.at(index));
  }

  #pieceOf(index: number): number {
    let low = 0;
    let high = this.#firsts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#firsts[middle]! <= index) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

export class ImageReader {
  readonly stored: StoredImage;

  constructor(stored: StoredImage) {
    this.stored = stored;
  }

  numbers(name: string): Int32Array {
    const words = new Int32Array(this.stored.wordCount(name));
    this.stored.readWords(name, 0, words);
    return words;
  }

  text(name: string): string {
    return this.stored.text(name);
  }

  strings(name: string): StoredStrings {
    return new StoredStrings(this, name);
  }
}
