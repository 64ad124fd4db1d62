/**
 * Texts and files to values of the flat heap. Parsing, names and access are the evaluator's; here is
 * what stands in the place of its compiler.
 */

import { NixError, type Position } from '#diagnostics';
import type { Expr, Resolution } from '#lang';
import type { FileIdentity } from '#runtime';
import { encode, encodeKept, NODE_IMPORT, type Globals } from './encode.ts';
import {
  addString, alloc, heap, KEPT_TOP, MANNER, newThunk, PLAIN, textAt, type Index, type Word,
} from './heap.ts';
import type { ImageReader, ImageWriter } from './image-parts.ts';
import { inputOf, type InputLoader } from './input-files.ts';
import { noteInput } from './inputs.ts';
import { evaluate, forceWord } from './machine.ts';
import type { LazyImage, ProgramImage } from './program-image.ts';
import { suspend } from './suspend.ts';

const H = heap;

export interface FlatLoader extends InputLoader {
  /** The path that a file really has. */
  resolveFile(path: string): string;
  /** A file's tree. */
  readFile(file: string): ReadTree;
  /** The same, unless the file is the known one; undefined for files that are not kept. */
  readProgram(file: string, known: FileIdentity | undefined): ReadProgram;
  /** The text of a file that is the known one still; throws if it is not. */
  readText(file: string, known: FileIdentity): string;
  /** The text of a file that is the one that an image knows. */
  readUnchanged(file: string): string;
}

export interface ReadTree {
  readonly tree: Expr;
  readonly base: Position;
  readonly resolution: Resolution;
  readonly text: string;
  /** Whether somebody was warned of something in it. */
  readonly hasWarned: boolean;
  /** Whether files may be imported by it: an image of programs may be opened before it is encoded. */
  readonly mayImport?: boolean;
  /** Of what is no file: texts of the same key have the same tree, wherever its positions are. */
  readonly key?: string | undefined;
}

/** A file that is the known one has no tree; one whose program may not be kept no identity. */
export interface ReadProgram {
  readonly read?: ReadTree;
  readonly identity?: FileIdentity | undefined;
}

let loader: FlatLoader;
let globals: Globals;
let lazyImage: LazyImage | undefined;
/** Thunks of files' values. */
const values = new Map<string, Word>();
/** Programs of files, which may be wanted again where evaluating one has failed. */
const programs = new Map<string, Index>();
/** Programs of texts by their keys, where texts are met again. */
const textPrograms = new Map<string, Index>();
/** The frame of all files: none has variables of its own outside. */
const fileFrame = alloc(2);

export function setLoader(given: FlatLoader, image: LazyImage | undefined): void {
  loader = given;
  lazyImage = image;
  for (const map of [values, programs, textPrograms]) map.clear();
}

export function setGlobals(given: Globals): void {
  globals = given;
}

/** Opens the image of programs, if there is one and it may still be opened. */
export function openPrograms(): void {
  lazyImage?.open();
}

/** Keeps what was encoded for other runs. */
export function savePrograms(): void {
  lazyImage?.opened?.save();
}

/** Nothing is to be kept any more. */
export function forgetPrograms(): void {
  lazyImage = undefined;
}

/** Where programs stand that are kept, ascending: where each begins and how many words it has. */
export function keptExtents(): readonly (readonly [start: Index, words: number])[] {
  return lazyImage?.opened?.extents() ?? [];
}

/** The value of a file, evaluated once. */
export function importFlat(path: string): Word {
  return forceWord(thunkOfFile(loader.resolveFile(path)));
}

/** The thunk of a file's value, or of the value of the text that is an input of that name. */
export function thunkOfFile(file: string): Word {
  let thunk = values.get(file);
  if (thunk === undefined) values.set(file, thunk = newThunk(NODE_IMPORT, addString(file) >>> 3));
  return thunk;
}

/** Evaluates the file whose path is the string of that number. */
export function importRun(path: number): Word {
  const file = textAt(path);
  try {
    return evaluateFile(file);
  } catch (error) {
    if (error instanceof NixError) error.addTrace(0, `while evaluating the file '${file}':`);
    throw error;
  }
}

/** Evaluates a file, whether or not it has been. */
export function evaluateFile(file: string): Word {
  const input = H[MANNER] === PLAIN ? undefined : inputOf(file);
  if (input === undefined) return evaluate(programOf(file), fileFrame);
  noteInput(input.cell);
  return evaluate(input.root, fileFrame);
}

function programOf(file: string): Index {
  let program = programs.get(file);
  if (program === undefined) {
    const image = lazyImage?.open();
    program = image === undefined ? encodeTree(loader.readFile(file)) : keptOrNew(image, file);
    programs.set(file, program);
  }
  return program;
}

function keptOrNew(image: ProgramImage, file: string): Index {
  const known = image.find(file);
  const { read, identity } = loader.readProgram(file, known?.identity);
  if (read === undefined) {
    const program = image.take(known!, identity!, () => loader.readText(file, identity!));
    return program ?? encodeNew(image, file, loader.readProgram(file, undefined));
  }
  return encodeNew(image, file, { read, identity });
}

function encodeNew(image: ProgramImage, file: string, { read, identity }: ReadProgram): Index {
  const { tree, base, resolution, text: { length } } = read!;
  if (identity === undefined || !image.hasRoom(length)) return encodeTree(read!);
  const start = H[KEPT_TOP]!;
  try {
    const { root, marks } = encodeKept(tree, { base, resolution, globals });
    image.add(file, identity, { base, length }, { start, root, marks });
    return root;
  } catch (error) {
    // A text whose program is larger than such texts' ever are.
    if (!(error instanceof RangeError)) throw error;
    H.fill(0, start, H[KEPT_TOP]);
    H[KEPT_TOP] = start;
    return encodeTree(read!);
  }
}

export function encodeTree({ tree, base, resolution }: ReadTree): Index {
  return encode(tree, { base, resolution, globals });
}

/** The value of a text. */
export function evaluateText(read: ReadTree): Word {
  if (read.key === undefined || H[MANNER] === PLAIN) return evaluate(encodeTree(read), fileFrame);
  return evaluate(textProgram(read, read.key), fileFrame);
}

/** The value of a text, suspended. */
export function suspendText(read: ReadTree): Word {
  return suspend(textProgram(read, read.key!), fileFrame);
}

function textProgram(read: ReadTree, key: string): Index {
  let program = textPrograms.get(key);
  if (program === undefined) textPrograms.set(key, program = encodeTree(read));
  return program;
}

export function saveFiles(image: ImageWriter): void {
  image.strings('values', [...values.keys()]);
  image.numbers('value-words', [...values.values()]);
  image.strings('programs', [...programs.keys()]);
  image.numbers('program-nodes', [...programs.values()]);
  image.strings('texts', [...textPrograms.keys()]);
  image.numbers('text-nodes', [...textPrograms.values()]);
}

export function restoreFiles(image: ImageReader): void {
  restoreMap(image, 'values', 'value-words', values);
  restoreMap(image, 'programs', 'program-nodes', programs);
  restoreMap(image, 'texts', 'text-nodes', textPrograms);
}

function restoreMap(image: ImageReader, names: string, numbers: string, map: Map<string, number>): void {
  const words = image.numbers(numbers);
  image.strings(names).all().forEach((name, i) => map.set(name, words[i]!));
}

/** A frame of the names that `scopedImport` adds. */
export function rootFrame(words: readonly Word[]): Index {
  const frame = alloc(1 + words.length);
  for (let i = 0; i < words.length; i++) H[frame + 1 + i] = words[i]!;
  return frame;
}
