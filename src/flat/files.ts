/**
 * Texts and files to values of the flat heap. Parsing, names and access are the evaluator's; here is
 * what stands in the place of its compiler.
 */

import { NixError, type Position } from '#diagnostics';
import type { Expr, Resolution } from '#lang';
import type { FileIdentity } from '#runtime';
import { encodeVersion } from './changed-tree.ts';
import { encode, encodeKept, NODE_IMPORT, type Globals } from './encode.ts';
import { Unkept } from './errors.ts';
import {
  addString, alloc, heap, KEPT_TOP, MANNER, newThunk, PLAIN, textAt, type Index, type Word,
} from './heap.ts';
import {
  addCodeRange, addInput, countVersion, inputNamed, newInputCell, noteInput, type Input,
} from './inputs.ts';
import { evaluate, forceWord } from './machine.ts';
import type { InputNames } from './machine-image.ts';
import { movePositions, watchPositions } from './moved-positions.ts';
import type { LazyImage, ProgramImage } from './program-image.ts';

const H = heap;

export interface FlatLoader {
  /** The path that a file really has. */
  resolveFile(path: string): string;
  /** A file's tree. */
  readFile(file: string): ReadTree;
  /** The same, unless the file is the known one; undefined for files that are not kept. */
  readProgram(file: string, known: FileIdentity | undefined): ReadProgram;
  /** The text of a file that is the known one still; throws if it is not. */
  readText(file: string, known: FileIdentity): string;
  /** Files that may be others in later evaluations: what is read is noted. */
  readonly inputs?: InputNames | undefined;
}

export interface ReadTree {
  readonly tree: Expr;
  readonly base: Position;
  readonly resolution: Resolution;
  /** Of the text. */
  readonly length: number;
  /** Whether somebody was warned of something in it. */
  readonly hasWarned: boolean;
  /** Whether files may be imported by it: an image of programs may be opened before it is encoded. */
  readonly mayImport?: boolean;
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
/** Constants of inputs. */
const constants = new Map<string, Word>();
/** The frame of all files: none has variables of its own outside. */
const fileFrame = alloc(2);

export function setLoader(given: FlatLoader, image: LazyImage | undefined): void {
  loader = given;
  lazyImage = image;
  for (const map of [values, programs, constants]) map.clear();
}

export function setGlobals(given: Globals): void {
  globals = given;
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
    const input = H[MANNER] === PLAIN ? undefined : inputOf(file);
    if (input === undefined) return evaluate(programOf(file), fileFrame);
    noteInput(input.cell);
    return evaluate(input.root, fileFrame);
  } catch (error) {
    if (error instanceof NixError) error.addTrace(0, `while evaluating the file '${file}':`);
    throw error;
  }
}

function inputOf(file: string): Input | undefined {
  const known = inputNamed(file);
  if (known !== undefined || loader.inputs?.has(file) !== true) return known;
  return newVersion(file, loader.readFile(file));
}

/** A file that may change has changed, if it was read at all. */
export function readChanged(file: string): void {
  if (inputNamed(file) !== undefined) newVersion(file, loader.readFile(file));
}

/** Takes the tree of an input for its newest version. */
export function newVersion(name: string, read: ReadTree): Input {
  if (read.hasWarned) throw new Unkept('a warning of a text that may change');
  const input = inputNamed(name);
  const cell = input?.cell ?? newInputCell();
  const low = alloc(2);
  const { root, known, moved } = encodeVersion(read, input?.known, globals, constants);
  addCodeRange(low, alloc(2), cell);
  movePositions(moved);
  watchPositions(read.base, read.length, cell);
  if (input === undefined) {
    const made = { cell, version: 1, root, known };
    addInput(name, made);
    return made;
  }
  input.root = root;
  input.known = known;
  countVersion(input);
  return input;
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
  const { tree, base, resolution, length } = read!;
  if (identity === undefined || !image.hasRoom(length)) return encodeTree(read!);
  const start = H[KEPT_TOP]!;
  const { root, marks } = encodeKept(tree, { base, resolution, globals });
  image.add(file, identity, { base, length }, { start, root, marks });
  return root;
}

export function encodeTree({ tree, base, resolution }: ReadTree): Index {
  return encode(tree, { base, resolution, globals });
}

/** A frame of the names that `scopedImport` adds. */
export function rootFrame(words: readonly Word[]): Index {
  const frame = alloc(1 + words.length);
  for (let i = 0; i < words.length; i++) H[frame + 1 + i] = words[i]!;
  return frame;
}
