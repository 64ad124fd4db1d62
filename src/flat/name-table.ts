/**
 * Many byte strings as words and one text, so that they are there as soon as these are read, and
 * none costs anything until it is looked for: an open hash table.
 */

export interface NameTableParts {
  /** Places of names plus one, by hash; 0 where none is. A power of two of them, at most half used. */
  readonly slots: Int32Array;
  /** Where each name ends in the text. */
  readonly ends: Int32Array;
  readonly text: string;
}

export class NameTable {
  readonly #slots: Int32Array;
  readonly #ends: Int32Array;
  readonly #text: string;

  constructor({ slots, ends, text }: NameTableParts) {
    this.#slots = slots;
    this.#ends = ends;
    this.#text = text;
  }

  /** The place of a name, or -1. */
  find(name: string): number {
    const slots = this.#slots;
    const ends = this.#ends;
    const mask = slots.length - 1;
    for (let slot = hashOfName(name) & mask; ; slot = (slot + 1) & mask) {
      const place = slots[slot]! - 1;
      if (place < 0) return -1;
      const start = place === 0 ? 0 : ends[place - 1]!;
      if (ends[place]! - start === name.length && this.#text.startsWith(name, start)) return place;
    }
  }

  nameAt(place: number): string {
    return this.#text.slice(place === 0 ? 0 : this.#ends[place - 1]!, this.#ends[place]!);
  }
}

/** The parts of a table of distinct names. */
export function packNames(names: readonly string[]): NameTableParts {
  let size = 2;
  while (size < 2 * names.length) size *= 2;
  const slots = new Int32Array(size);
  const ends = new Int32Array(names.length);
  let end = 0;
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    ends[i] = end += name.length;
    let slot = hashOfName(name) & (size - 1);
    while (slots[slot] !== 0) slot = (slot + 1) & (size - 1);
    slots[slot] = i + 1;
  }
  return { slots, ends, text: names.join('') };
}

function hashOfName(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash ^ (hash >>> 15);
}
