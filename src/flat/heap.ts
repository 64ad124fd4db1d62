/**
 * The flat heap: all Nix values, frames and the program itself in one array of 32-bit words.
 *
 * A word is a value with its kind in the three lowest bits. Thunks, sets, lists and functions are
 * cells of the heap: such a word is the cell's index times four, so that `word >>> 2` is the index
 * (cells begin at even indices). Strings and rare kinds are numbers of entries in tables on V8's
 * side; integers of 29 bits and constants are the word itself.
 *
 * Memory is taken from the top and never given back; pages are touched only when used.
 *
 * Invariants: word 0 is no value (an empty place); what is new at the top is all zeros.
 */

import { checkListLength, ContextString, heapMemory, NixFloat, NixPath, type Context } from '#runtime';

export type Word = number;
/** Index of a cell, frame or node. */
export type Index = number;

export const Tag = { thunk: 0, attrs: 1, list: 2, func: 3, string: 4, box: 5, int: 6, constant: 7 } as const;

/** Constants. */
export const NULL = (0 << 3) | 7;
export const FALSE = (1 << 3) | 7;
export const TRUE = (2 << 3) | 7;
/** What searches give that find nothing: no value. */
export const MISSING = 0;

/** First words of a thunk's cell that are no code. */
export const FORWARD = 1;
export const BLACK = 2;
/** It has failed, with the error in a box. */
export const FAILED = 3;
/** It has a value, and a record of what it read to find it: [NOTED, record] (see notes.ts). */
export const NOTED = 4;

/** First words of a function's cell that are no lambda's node. */
export const PARTIAL = -1;
export const PRIMOP = -2;
/** A primitive operation of V8's side: [FOREIGN, box]. */
export const FOREIGN = -3;

/** Words whose index stands for the machine's registers. */
export const TOP = 4;
export const TRAIL = 6;
/** How deep calls are nested, and how deep they may be. */
export const DEPTH = 7;
export const LIMIT = 8;
/** Where the heap ends, and the trail. */
const ROOF = 9;
export const TRAIL_LIMIT = 10;
/** Up to where the range of kept programs is taken. */
export const KEPT_TOP = 11;
/** How the machine runs. */
export const MANNER = 5;
/** In noting: the revision, the thunk that runs and how many have run, tops of the stacks of edges and logs. */
export const REVISION = 1;
export const READER = 12;
export const READERS = 13;
export const EDGES = 14;
export const LOG = 15;
/** Between which nodes those stand of files that may change. */
export const LOW = 2;
export const HIGH = 3;

/** Manners: values only; also what was read and made is noted; also what was made before is met again. */
export const PLAIN = 0;
export const NOTING = 1;
export const AGAIN = 2;

const trailWords = 1 << 25;
export const trailStart = 16;
export const trailEnd = trailStart + trailWords;
/** Programs that are kept between runs stand at the same places in each (see program-image.ts). */
export const keptStart = trailEnd;
export const keptEnd = keptStart + 2 ** 26;
/** Stacks of what thunks that run have read and made, where that is noted. */
export const edgeStart = keptEnd;
export const edgeEnd = edgeStart + 2 ** 24;
export const logStart = edgeEnd;
export const logEnd = logStart + 2 ** 26;
export const heapStart = logEnd;

/** 4 GB less the stacks, what an index of 30 bits reaches; a large NixOS medium takes a tenth. */
const heapWords = 2 ** 30;
export const heap: Int32Array = heapMemory.given === undefined ? new Int32Array(heapWords) : new Int32Array(heapMemory.given);
const H = heap;
H[TOP] = heapStart;
H[TRAIL] = trailStart;
H[TRAIL_LIMIT] = trailEnd;
H[KEPT_TOP] = keptStart;
H[EDGES] = edgeStart;
H[LOG] = logStart;

/** Has `alloc` fail where more than this would be used. */
export function limitHeap(megabytes: number): void {
  H[ROOF] = Math.min(heapStart + megabytes * (2 ** 20 / 4), heapWords - 2);
}
limitHeap(Infinity);

/** Room for `size` words, all zero. */
export function alloc(size: number): Index {
  const at = H[TOP]!;
  const end = at + ((size + 1) & -2);
  if (end > H[ROOF]!) throw exhausted(size);
  H[TOP] = end;
  return at;
}

/** The same among kept programs; nodes need not begin at even places. */
export function allocKept(size: number): Index {
  const at = H[KEPT_TOP]!;
  if (at + size > keptEnd) throw exhausted(size);
  H[KEPT_TOP] = at + size;
  return at;
}

function exhausted(size: number): Error {
  return new RangeError(`the flat heap has ${H[TOP]} words and no room for ${size} more`);
}

export function usedWords(): number {
  return H[TOP]! - heapStart;
}

// Strings.

/** Those of an image that nobody has wanted are not there: `textAt` has all. */
export const stringTexts: string[] = [];

/** The text of a string by its number. */
export function textAt(index: number): string {
  return stringTexts[index] ?? (stringTexts[index] = storedTables.text(index));
}

/** What an image has of these tables. */
export interface StoredTables {
  text(index: number): string;
  box(index: number): Box;
}

const nothingStored = (): never => {
  throw new Error('no such entry');
};
const emptyTables: StoredTables = { text: nothingStored, box: nothingStored };
let storedTables = emptyTables;

/** Strings and boxes up to these numbers are there, if not yet made; those that are there already stay. */
export function adoptTables(tables: StoredTables, strings: number, boxCount: number): void {
  storedTables = tables;
  stringTexts.length = strings;
  boxes.length = boxCount;
}

export function newString(text: string): Word {
  return H[MANNER] === PLAIN ? addString(text) : notedMakers.string(text);
}

export function addString(text: string): Word {
  return ((stringTexts.push(text) - 1) << 3) | 4;
}

/** What makes these where it is noted what is made; log.ts gives it. */
export const notedMakers = {
  string: addString,
  box: addBox,
  list: (list: Word): Word => list,
};

export const emptyString = newString('');

/** A string with a context, plain if that is empty. */
export function contextString(text: string, context: Context): Word {
  return context.length === 0 ? newString(text) : newBox(new ContextString(text, context));
}

// Everything else that V8 keeps.

export type Box = number | bigint | NixFloat | NixPath | ContextString | object;
/** Those of an image that nobody has wanted are not there: `boxAt` has all. */
export const boxes: Box[] = [];

export function boxAt(index: number): Box {
  return boxes[index] ?? (boxes[index] = storedTables.box(index));
}

export function newBox(box: Box): Word {
  return H[MANNER] === PLAIN ? addBox(box) : notedMakers.box(box);
}

export function addBox(box: Box): Word {
  return ((boxes.push(box) - 1) << 3) | 5;
}

export function boxOf(word: Word): Box {
  return boxAt(word >>> 3);
}

/** An integer: a safe number or a bigint outside of that range. */
export function newInt(value: number | bigint): Word {
  if (typeof value === 'number' && value >= -0x10000000 && value <= 0xfffffff) return (value << 3) | 6;
  return newBox(value);
}

export function newBool(value: boolean): Word {
  return value ? TRUE : FALSE;
}

// Symbols: names of attributes.

/** Names that had their numbers before this run. */
export interface KnownNames {
  /** The number of a name, or -1. */
  find(name: string): number;
  nameOf(id: number): string;
}

const symbolIds = new Map<string, number>();
const symbolNames: (string | undefined)[] = [''];
let symbolStrings: Word[] = [emptyString];
const noNames: KnownNames = { find: () => -1, nameOf: () => '' };
let knownNames = noNames;

export function symbolCount(): number {
  return symbolNames.length;
}

/** Numbers up to `end` have names that are looked up when they are wanted. */
export function adoptNames(names: KnownNames, end: number): void {
  knownNames = names;
  while (symbolNames.length < end) {
    symbolNames.push(undefined);
    symbolStrings.push(0);
  }
}

export function symbolOf(name: string): number {
  let id = symbolIds.get(name);
  if (id === undefined) {
    id = knownNames.find(name);
    if (id < 0) {
      id = symbolNames.push(name) - 1;
      symbolStrings.push(0);
    } else {
      symbolNames[id] = name;
    }
    symbolIds.set(name, id);
  }
  return id;
}

export function symbolName(id: number): string {
  return symbolNames[id] ?? (symbolNames[id] = knownNames.nameOf(id));
}

/** Of all symbols, the strings that were made of their names; 0 elsewhere. */
export function symbolStringWords(): readonly Word[] {
  return symbolStrings;
}

export function adoptSymbolStrings(words: ArrayLike<Word>): void {
  symbolStrings = Array.from(words);
}

/** The name as a string value. */
export function symbolString(id: number): Word {
  const known = symbolStrings[id]!;
  if (known !== 0) return known;
  const made = newString(symbolName(id));
  noteSymbol(made, id);
  return (symbolStrings[id] = made);
}

/** Symbols of strings by their numbers, where they were asked for; 0 elsewhere. */
let stringSymbols = new Int32Array(1 << 16);

/** The symbol that a plain string names: the same strings name attributes again and again. */
export function symbolOfString(word: Word): number {
  const known = stringSymbols[word >>> 3];
  if (known !== undefined && known !== 0) return known;
  const id = symbolOf(textAt(word >>> 3));
  noteSymbol(word, id);
  return id;
}

function noteSymbol(word: Word, id: number): void {
  const at = word >>> 3;
  if (at >= stringSymbols.length) {
    const larger = new Int32Array(2 ** Math.ceil(Math.log2(at + 1)));
    larger.set(stringSymbols);
    stringSymbols = larger;
  }
  stringSymbols[at] = id;
}

// Lists: [length, elements …].

export const emptyList: Word = (alloc(2) << 2) | 2;

export function newList(length: number): Word {
  if (length === 0) return emptyList;
  if (length > 1024) checkListLength(length, 0);
  const cell = alloc(length + 1);
  H[cell] = length;
  return (cell << 2) | 2;
}

export function listOf(words: readonly Word[]): Word {
  const list = newList(words.length);
  const cell = list >>> 2;
  for (let i = 0; i < words.length; i++) H[cell + 1 + i] = words[i]!;
  return finishedList(list);
}

/** A list that has all its elements: itself, or the same one made before. */
export function finishedList(list: Word): Word {
  return H[MANNER] === PLAIN ? list : notedMakers.list(list);
}

/** A suspended computation of a node in a frame (or with what else the node works on). */
export function newThunk(node: Index, frame: Index): Word {
  const cell = alloc(2);
  H[cell] = node;
  H[cell + 1] = frame;
  return cell << 2;
}

/** The word itself, or the value of a thunk that has run. */
export function settled(word: Word): Word {
  if ((word & 7) !== 0) return word;
  const cell = word >>> 2;
  return H[cell] === FORWARD ? H[cell + 1]! : word;
}

/** What is there before the first machine of a process. */
interface Fresh {
  readonly words: Int32Array;
  readonly strings: number;
  readonly boxes: number;
  readonly symbolStrings: readonly Word[];
}

let fresh: Fresh | undefined;

const forgetting: (() => void)[] = [];

/** Has something forgotten that knows places of the heap, when these get other contents. */
export function whenRenewed(forget: () => void): void {
  forgetting.push(forget);
}

/** To be called before a machine is made. */
export function noteFresh(): void {
  fresh ??= {
    words: H.slice(heapStart, H[TOP]), strings: stringTexts.length, boxes: boxes.length, symbolStrings: symbolStrings.slice(),
  };
}

/** The next machine finds what the first one of a process finds; what others of this thread made is gone. */
export function renewHeap(): void {
  const { words, strings, boxes: boxCount, symbolStrings: symbols } = fresh!;
  H.fill(0, keptStart, H[KEPT_TOP]);
  H.fill(0, heapStart, H[TOP]);
  H.set(words, heapStart);
  H[TOP] = heapStart + words.length;
  H[KEPT_TOP] = keptStart;
  H[TRAIL] = trailStart;
  adoptTables(emptyTables, strings, boxCount);
  for (const name of symbolNames.splice(symbols.length)) if (name !== undefined) symbolIds.delete(name);
  adoptSymbolStrings(symbols);
  knownNames = noNames;
  stringSymbols.fill(0);
  for (const forget of forgetting) forget();
}
