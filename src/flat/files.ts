/**
 * Texts and files to values of the flat heap. Parsing, names and access are the evaluator's; here is
 * what stands in the place of its compiler.
 */

import { NixError, type Position } from '#diagnostics';
import type { Expr, Resolution } from '#lang';
import { infiniteRecursion, type FileIdentity } from '#runtime';
import { encode, encodeKept, type Globals } from './encode.ts';
import { alloc, heap, KEPT_TOP, type Index, type Word } from './heap.ts';
import { evaluate } from './machine.ts';
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
}

export interface ReadTree {
  readonly tree: Expr;
  readonly base: Position;
  readonly resolution: Resolution;
  /** Whether files may be imported by it: an image of programs may be opened before it is encoded. */
  readonly mayImport?: boolean;
}

/** A file that is the known one has no tree; one whose program may not be kept no identity. */
export interface ReadProgram {
  readonly read?: ReadTree & { readonly length: number };
  readonly identity?: FileIdentity | undefined;
}

let loader: FlatLoader;
let globals: Globals;
let lazyImage: LazyImage | undefined;
const values = new Map<string, Word | 'running'>();
/** Programs of files, which may be wanted again where evaluating one has failed. */
const programs = new Map<string, Index>();

export function setLoader(given: FlatLoader, image: LazyImage | undefined): void {
  loader = given;
  lazyImage = image;
  values.clear();
  programs.clear();
}

export function setGlobals(given: Globals): void {
  globals = given;
}

/** The value of a file, evaluated once. */
export function importFlat(path: string, position: Position): Word {
  const file = loader.resolveFile(path);
  const known = values.get(file);
  if (known === 'running') throw infiniteRecursion(position);
  if (known !== undefined) return known;
  const node = programOf(file);
  values.set(file, 'running');
  try {
    const value = evaluate(node, rootFrame([]));
    values.set(file, value);
    return value;
  } catch (error) {
    values.delete(file);
    if (error instanceof NixError) error.addTrace(0, `while evaluating the file '${file}':`);
    throw error;
  }
}

function programOf(file: string): Index {
  const image = lazyImage?.open();
  if (image === undefined) return encodeTree(loader.readFile(file));
  let program = programs.get(file);
  if (program === undefined) programs.set(file, program = keptOrNew(image, file));
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
