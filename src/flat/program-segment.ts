/**
 * What one run added to an image of programs: which files with which programs, the names of the
 * symbols that these use, and which indices, positions and symbols are theirs.
 *
 * Its index is a block too, made so that nothing in it is unpacked before it is wanted.
 */

import type { FileIdentity } from '#runtime';
import type { Block } from './kept-program.ts';
import { NameTable, packNames } from './name-table.ts';

/** Where symbols, indices and positions of an image end. */
export interface Extent {
  readonly symbols: number;
  readonly programs: number;
  readonly positions: number;
}

/** A file with the place of its program's block. */
export interface KeptFile {
  readonly path: string;
  readonly identity: FileIdentity;
  /** Which segment has the block, and which of its pieces it is. */
  readonly segment: number;
  readonly piece: number;
  /** Where the program stands, its size and its first node. */
  readonly start: number;
  readonly size: number;
  readonly root: number;
  /** The file's positions. */
  readonly base: number;
  readonly length: number;
}

const headWords = 9;
const fileWords = 9;

export class SegmentIndex {
  readonly from: Extent;
  readonly to: Extent;
  readonly #symbols: NameTable;
  readonly #paths: NameTable;
  readonly #files: Int32Array;
  readonly #identities: string;

  constructor({ words, text }: Block) {
    const head = words.subarray(0, headWords);
    this.from = { symbols: head[0]!, programs: head[1]!, positions: head[2]! };
    this.to = { symbols: head[3]!, programs: head[4]!, positions: head[5]! };
    const files = head[6]!;
    let at = headWords;
    let from = 0;
    const table = (count: number, slotCount: number): NameTable => {
      const slots = words.subarray(at, at += slotCount);
      const ends = words.subarray(at, at += count);
      const end = from + (count === 0 ? 0 : ends[count - 1]!);
      const names = new NameTable({ slots, ends, text: text.slice(from, end) });
      from = end;
      return names;
    };
    this.#symbols = table(this.to.symbols - this.from.symbols, head[7]!);
    this.#paths = table(files, head[8]!);
    this.#files = words.subarray(at);
    this.#identities = text.slice(from);
  }

  /** The symbol of a name, or -1. */
  symbolOf(name: string): number {
    const place = this.#symbols.find(name);
    return place < 0 ? -1 : this.from.symbols + place;
  }

  nameOf(symbol: number): string {
    return this.#symbols.nameAt(symbol - this.from.symbols);
  }

  file(path: string): KeptFile | undefined {
    const place = this.#paths.find(path);
    if (place < 0) return undefined;
    const [segment, piece, start, size, root, base, length, identity, end] =
      this.#files.subarray(place * fileWords, (place + 1) * fileWords) as unknown as
        [number, number, number, number, number, number, number, number, number];
    const text = this.#identities.slice(identity, end);
    const state = text.slice(hashLength);
    return {
      path, segment, piece, start, size, root, base, length,
      identity: { hash: text.slice(0, hashLength), state: state === '' ? undefined : state },
    };
  }
}

const hashLength = 64;

/** The index of a segment; `names` are those of its symbols in their order. */
export function packIndex(from: Extent, to: Extent, names: readonly string[], files: readonly KeptFile[]): Block {
  const symbols = packNames(names);
  const paths = packNames(files.map(({ path }) => path));
  const identities = files.map(({ identity: { hash, state = '' } }) => hash + state);
  const records = new Int32Array(files.length * fileWords);
  let end = 0;
  files.forEach(({ segment, piece, start, size, root, base, length }, i) => {
    const begin = end;
    end += identities[i]!.length;
    records.set([segment, piece, start, size, root, base, length, begin, end], i * fileWords);
  });
  const parts = [symbols.slots, symbols.ends, paths.slots, paths.ends, records];
  const words = new Int32Array(headWords + parts.reduce((sum, part) => sum + part.length, 0));
  words.set([
    from.symbols, from.programs, from.positions, to.symbols, to.programs, to.positions, files.length,
    symbols.slots.length, paths.slots.length,
  ]);
  let at = headWords;
  for (const part of parts) {
    words.set(part, at);
    at += part.length;
  }
  return { words, text: symbols.text + paths.text + identities.join('') };
}
