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
    let end = 0;
    for (let i = 0; i < strings.length; i++) ends[i] = end += strings[i]!.length;
    this.words.set(name, ends);
    this.texts.set(name, strings.join(''));
  }
}

/** Byte strings of which each is made when it is wanted. */
export class StoredStrings {
  readonly #ends: Int32Array;
  readonly #text: string;

  constructor(ends: Int32Array, text: string) {
    this.#ends = ends;
    this.#text = text;
  }

  get length(): number {
    return this.#ends.length;
  }

  at(index: number): string {
    return this.#text.slice(index === 0 ? 0 : this.#ends[index - 1]!, this.#ends[index]!);
  }

  all(): string[] {
    return Array.from(this.#ends, (_, index) => this.at(index));
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
    return new StoredStrings(this.numbers(name), this.text(name));
  }
}
