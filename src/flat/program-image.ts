/**
 * Programs of files, kept from run to run.
 *
 * What another run with the same settings made of a file's text stands in an image: reading, parsing,
 * resolving and encoding it again gives the same. Programs stand in a range of the heap of their own,
 * each at the same place in each run, their positions and symbols are the same numbers; so a block
 * that is read needs only its strings, paths and builtins put in. Each file's is read when the file
 * is imported. A run adds what it encoded itself, as a segment behind those that are there.
 *
 * Symbols that were made before the image was opened would have other numbers: it is opened before
 * the first program that can import anything is encoded, or not at all.
 */

import { sha256Hex } from '#base';
import {
  firstKeptPosition, keptPositionsEnd, registerKnownSource, reserveKeptPositions,
} from '#diagnostics';
import type { FileIdentity } from '#runtime';
import type { Globals } from './encode.ts';
import {
  adoptNames, heap, KEPT_TOP, keptEnd, keptStart, symbolCount, symbolName, type Index,
} from './heap.ts';
import { packProgram, placeProgram, type Block } from './kept-program.ts';
import { packIndex, SegmentIndex, type Extent, type KeptFile } from './program-segment.ts';
import { emptySet, noNames } from './sets.ts';

const H = heap;

/** A segment as it is kept. */
export interface StoredSegment {
  readonly index: Block;
  /** Undefined if it is damaged. */
  piece(number: number): Block | undefined;
}

/** Keeps images. Nothing here fails: what cannot be kept or read is not there. */
export interface ProgramKeeper {
  /** The segments of an image in their order; none may be there. */
  open(key: string): readonly StoredSegment[];
  /** Adds a segment behind those that were opened. */
  add(index: Block, pieces: Iterable<Block>): void;
  /** The image is damaged or full: the next one begins anew. */
  discard(): void;
}

/** What was encoded in this run. */
interface NewFile extends KeptFile {
  readonly marks: Int32Array;
}

/** Of what is new, at least such a part of all must be worth a segment. */
const worthwhile = 1 / 16;
const mostSegments = 48;

export class ProgramImage {
  readonly #keeper: ProgramKeeper;
  readonly #globals: Globals;
  readonly #stored: readonly StoredSegment[];
  readonly #segments: readonly SegmentIndex[];
  readonly #end: Extent;
  readonly #new: NewFile[] = [];
  readonly #changed: KeptFile[] = [];
  readonly #taken: KeptFile[] = [];
  #symbolsEnd: number;
  #isDamaged = false;

  constructor(keeper: ProgramKeeper, key: string, globals: Globals) {
    this.#keeper = keeper;
    this.#globals = globals;
    this.#stored = keeper.open(key);
    this.#segments = this.#stored.map(({ index }) => new SegmentIndex(index));
    this.#end = this.#segments.at(-1)?.to ?? extentNow();
    this.#symbolsEnd = this.#end.symbols;
    adoptNames({
      find: (name) => this.#symbolOf(name),
      nameOf: (symbol) => this.#segments.find(({ to }) => symbol < to.symbols)!.nameOf(symbol),
    }, this.#end.symbols);
    H[KEPT_TOP] = this.#end.programs;
    reserveKeptPositions(this.#end.positions);
  }

  #symbolOf(name: string): number {
    for (const segment of this.#segments) {
      const symbol = segment.symbolOf(name);
      if (symbol >= 0) return symbol;
    }
    return -1;
  }

  /** What is known of a file; whether it is that still is for others to say. */
  find(path: string): KeptFile | undefined {
    for (let i = this.#segments.length - 1; i >= 0; i--) {
      const found = this.#segments[i]!.file(path);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /**
   * The program of a file that is the known one, as it is identified now; undefined if it cannot be
   * had. `text` reads the file when a position in it is to be shown.
   */
  take(file: KeptFile, identity: FileIdentity, text: () => string): Index | undefined {
    const block = this.#stored[file.segment]?.piece(file.piece);
    if (block === undefined) {
      this.#isDamaged = true;
      return undefined;
    }
    this.#taken.push(file);
    placeProgram(block, file.start, file.size, this.#globals);
    registerKnownSource({ kind: 'file', path: file.path }, file.base, text);
    if (identity.state !== file.identity.state) this.#changed.push({ ...file, identity });
    return file.root;
  }

  /** Where programs stand that this run has, ascending. */
  extents(): readonly (readonly [start: Index, words: number])[] {
    const files = [...this.#taken, ...this.#new];
    return files.map(({ start, size }) => [start, size] as const).sort(([a], [b]) => a - b);
  }

  /** Whether there is room for the program of a text, unless it is a very strange one. */
  hasRoom(length: number): boolean {
    return H[KEPT_TOP]! + usualWordsPerByte * length < keptEnd - keptReserve;
  }

  /** Notes what was encoded at the end of the range, from `start` on. */
  add(path: string, identity: FileIdentity, source: { base: number; length: number }, program: {
    readonly start: Index; readonly root: Index; readonly marks: Int32Array;
  }): void {
    const { start } = program;
    this.#new.push({
      path, identity, ...source, ...program, size: H[KEPT_TOP]! - start, segment: this.#segments.length,
      piece: this.#new.length,
    });
    this.#symbolsEnd = symbolCount();
  }

  /** Keeps what is new, if it is worth while. */
  save(): void {
    if (this.#isDamaged || this.#segments.length >= mostSegments || H[KEPT_TOP]! > keptEnd - keptReserve) {
      return this.#keeper.discard();
    }
    const files = [...this.#new, ...this.#changed];
    const words = files.reduce((sum, { size }) => sum + size, 0);
    if (words <= (this.#end.programs - keptStart) * worthwhile) return;
    const names: string[] = [];
    for (let i = this.#end.symbols; i < this.#symbolsEnd; i++) names.push(symbolName(i));
    const to = { ...extentNow(), symbols: this.#symbolsEnd };
    this.#keeper.add(packIndex(this.#end, to, names, files), this.#pieces());
  }

  * #pieces(): Generator<Block, void, void> {
    for (const { start, size, marks } of this.#new) yield packProgram(start, size, marks);
  }
}

/** An image that is opened when it is first wanted, if it still may be. */
export class LazyImage {
  readonly #keeper: ProgramKeeper;
  readonly #reading: string;
  readonly #globals: Globals;
  readonly #symbols = symbolCount();
  #isAsked = false;
  #opened: ProgramImage | undefined;

  /** `reading` is all that decides beside a file's text and place what its tree is. */
  constructor(keeper: ProgramKeeper, reading: string, globals: Globals) {
    this.#keeper = keeper;
    this.#reading = reading;
    this.#globals = globals;
  }

  get opened(): ProgramImage | undefined {
    return this.#opened;
  }

  open(): ProgramImage | undefined {
    if (this.#isAsked) return this.#opened;
    this.#isAsked = true;
    const isUntouched = symbolCount() === this.#symbols && H[KEPT_TOP] === keptStart
      && keptPositionsEnd() === firstKeptPosition;
    return this.#opened = isUntouched ? this.#image() : undefined;
  }

  #image(): ProgramImage {
    const names = [...this.#globals.numbers.keys()];
    const symbols = Array.from({ length: this.#symbols }, (_, symbol) => symbolName(symbol));
    const key = sha256Hex(JSON.stringify([this.#reading, names, symbols, keptStart, emptySet, noNames]));
    return new ProgramImage(this.#keeper, key, this.#globals);
  }
}

function extentNow(): Extent {
  return { symbols: symbolCount(), programs: H[KEPT_TOP]!, positions: keptPositionsEnd() };
}

/** Of texts that people write it is a fifth; most, 16, take those like `a:b:…`. */
const usualWordsPerByte = 1;
const keptReserve = 2 ** 23;
