/**
 * Images of the machine: all that an evaluation with notes has come to, so that another process goes
 * on from it (docs/decisions/revisions.md).
 *
 * No word is relocated. What a machine has before it runs anything, the prefix, is the same in each
 * process, and an image is refused where it is not. Behind it all stands where it stood: words of the
 * heap and of kept programs, numbers of strings, boxes, symbols and positions. Builtins, which are
 * closures, are in the prefix. Strings, boxes, names and logs become values when they are first wanted.
 */

import { sha256Hex } from '#base';
import {
  beginNotedSources, nextSourcePosition, restoreSources, sourcesFrom, type NotedSource, type Position, type SourceOrigin,
} from '#diagnostics';
import { primitiveArities, primitiveNames } from './calls.ts';
import { Op } from './operations.ts';
import { Unkept, unkeptBefore } from './errors.ts';
import { keptExtents, restoreFiles, saveFiles } from './files.ts';
import {
  adoptNames, adoptSymbolStrings, adoptTables, boxes, heap, heapStart, HIGH, KEPT_TOP, LOW, MANNER, NOTING, READERS,
  stringTexts, symbolCount, symbolName, symbolStringWords, TOP, type Index,
} from './heap.ts';
import { boxOfText, boxText } from './image-boxes.ts';
import { ImageReader, ImageWriter } from './image-parts.ts';
import { restoreInputFiles, saveInputFiles } from './input-files.ts';
import { inputNamed, restoreCodeRanges, saveCodeRanges } from './inputs.ts';
import { restoreLogs, saveLogs } from './log.ts';
import { restorePositions, savePositions } from './moved-positions.ts';
import { NameTable, packNames } from './name-table.ts';
import { restoreFailed } from './failures.ts';
import { restoreInputThunks, saveInputThunks } from './suspend-noted.ts';

const H = heap;

/** What is kept of a machine: words and byte strings by name. */
export interface MachineImage {
  /** Large ones are views of the heap: they are to be written at once, before anything else runs. */
  readonly words: ReadonlyMap<string, Int32Array>;
  readonly texts: ReadonlyMap<string, string>;
}

/** An image as it is stored. What cannot be read of it, or is damaged, throws `Unkept`. */
export interface StoredImage {
  wordCount(name: string): number;
  /** Reads words from `from` on into a place. */
  readWords(name: string, from: number, into: Int32Array): void;
  text(name: string): string;
}

/** An image to go on from, and the inputs that are others now, by the paths that they really have. */
export interface AgainFrom {
  readonly image: StoredImage;
  readonly changed: readonly string[];
}

/** Files that may be others in later evaluations, by the paths that they really have. */
export type InputNames = Pick<ReadonlySet<string>, 'has'>;

/** How many thunks have run in this evaluation, of how many in one that begins anew. */
export interface RevisionCounts {
  readonly again: number;
  readonly ofAll: number;
}

/** What a machine has before it runs anything. */
export interface Prefix {
  readonly digest: string;
  /** Where its words end. */
  readonly top: Index;
  readonly symbols: number;
  /** The first position of sources that it registers. */
  readonly sources: Position;
}

/** The prefix of a machine that is made just now. */
export function prefixNow(): Prefix {
  const symbols = symbolCount();
  const words = Array.from(H.subarray(heapStart, H[TOP]));
  const names = Array.from({ length: symbols }, (_, symbol) => symbolName(symbol));
  const tables = [
    format, Op, names, stringTexts, boxes.map((box) => typeof box), symbolStringWords(), primitiveNames, primitiveArities,
  ];
  return { digest: sha256Hex(JSON.stringify([words, tables])), top: H[TOP]!, symbols, sources: beginNotedSources() };
}

/** Which parts an image has, and what they mean. */
const format = 1;

/** Registers that mean the same in each process. */
const registers = [TOP, KEPT_TOP, READERS, LOW, HIGH];

/** Of gaps between programs, the least that is not worth being kept with them. */
const leastGap = 2 ** 16;

export function saveMachine(prefix: Prefix): MachineImage | undefined {
  if (H[MANNER] !== NOTING || unkeptBefore() !== undefined || !canFailAgain()) return undefined;
  const image = new ImageWriter();
  image.text('prefix', prefix.digest);
  saveInputFiles(image);
  saveFiles(image);
  saveCodeRanges(image);
  saveInputThunks(image);
  savePositions(image);
  saveSources(image, prefix.sources);
  savePrograms(image);
  saveSymbols(image, prefix.symbols);
  image.strings('strings', stringTexts);
  image.strings('boxes', boxes.map(boxText));
  saveLogs(image);
  image.numbers('prefix-words', H.subarray(heapStart, prefix.top));
  image.numbers('heap', H.subarray(prefix.top, H[TOP]));
  image.numbers('registers', registers.map((register) => H[register]!));
  return image;
}

function canFailAgain(): boolean {
  try {
    restoreFailed();
    return true;
  } catch (error) {
    if (error instanceof Unkept) return false;
    throw error;
  }
}

/**
 * Puts an image in the place of what a machine with this prefix has; where the log of what ran outside
 * of all thunks is. Throws `Unkept` if the image is one of a machine with another prefix.
 */
export function restoreMachine(prefix: Prefix, { image: stored }: AgainFrom, readFile: (path: string) => string): {
  readonly start: number; readonly count: number;
} {
  const image = new ImageReader(stored);
  if (image.text('prefix') !== prefix.digest) throw new Unkept('the image of another machine');
  const words = image.numbers('registers');
  registers.forEach((register, i) => { H[register] = words[i]!; });
  stored.readWords('prefix-words', 0, H.subarray(heapStart, prefix.top));
  // Behind the prefix the words may be there already, read by another thread.
  stored.readWords('heap', 0, H.subarray(prefix.top, H[TOP]));
  restorePrograms(image);
  restoreTables(image);
  restoreSymbols(image, prefix.symbols);
  restoreCodeRanges(image);
  restoreInputThunks(image);
  restorePositions(image);
  restoreFiles(image);
  restoreInputFiles(image);
  restoreNotedSources(image, readFile);
  return restoreLogs(image);
}

function savePrograms(image: ImageWriter): void {
  const extents: [start: number, end: number][] = [];
  for (const [start, words] of keptExtents()) {
    const last = extents.at(-1);
    if (last !== undefined && start - last[1] < leastGap) last[1] = start + words;
    else extents.push([start, start + words]);
  }
  image.numbers('program-extents', extents.flat());
  extents.forEach(([start, end], i) => image.numbers(`programs-${i}`, H.subarray(start, end)));
}

function restorePrograms(image: ImageReader): void {
  const extents = image.numbers('program-extents');
  for (let i = 0; i < extents.length; i += 2) {
    image.stored.readWords(`programs-${i / 2}`, 0, H.subarray(extents[i], extents[i + 1]));
  }
}

function restoreTables(image: ImageReader): void {
  const texts = image.strings('strings');
  const contents = image.strings('boxes');
  const tables = { text: (index: number) => texts.at(index), box: (index: number) => boxOfText(contents.at(index)) };
  adoptTables(tables, texts.length, contents.length);
}

function saveSymbols(image: ImageWriter, first: number): void {
  const names: string[] = [];
  for (let symbol = first; symbol < symbolCount(); symbol++) names.push(symbolName(symbol));
  const { slots, ends, text } = packNames(names);
  image.numbers('symbol-slots', slots);
  image.numbers('symbol-ends', ends);
  image.text('symbols', text);
  image.numbers('symbol-strings', Int32Array.from(symbolStringWords()));
}

function restoreSymbols(image: ImageReader, first: number): void {
  const ends = image.numbers('symbol-ends');
  const names = new NameTable({ slots: image.numbers('symbol-slots'), ends, text: image.text('symbols') });
  adoptNames({
    find(name) {
      const place = names.find(name);
      return place < 0 ? -1 : first + place;
    },
    nameOf: (symbol) => names.nameAt(symbol - first),
  }, first + ends.length);
  adoptSymbolStrings(image.numbers('symbol-strings'));
}

/** Files are read again for their texts; of those that may change the image has the text that it knows. */
function saveSources(image: ImageWriter, first: Position): void {
  const sources = sourcesFrom(first);
  image.numbers('source-bases', [...sources.map(({ base }) => base), nextSourcePosition()]);
  image.strings('source-origins', sources.map(({ origin }) => JSON.stringify(origin)));
  image.strings('source-texts', sources.map(({ origin, text }) => (origin.kind === 'file' ? '' : text())));
}

function restoreNotedSources(image: ImageReader, readFile: (path: string) => string): void {
  const bases = image.numbers('source-bases');
  const origins = image.strings('source-origins');
  const texts = image.strings('source-texts');
  const sources: NotedSource[] = [];
  for (let i = 0; i < origins.length; i++) {
    const origin = JSON.parse(origins.at(i)) as SourceOrigin;
    const text = textOfSource(origin, () => texts.at(i), readFile);
    sources.push({ base: bases[i]!, origin, text });
  }
  restoreSources(sources, bases[origins.length]!);
}

function textOfSource(origin: SourceOrigin, kept: () => string, readFile: (path: string) => string): () => string {
  if (origin.kind !== 'file') return kept;
  // Now, not when it is wanted: later there may be another version.
  const known = inputNamed(origin.path)?.text;
  return known === undefined ? () => readFile(origin.path) : () => known;
}
