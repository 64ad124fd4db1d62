/**
 * Texts and files to values of the flat heap. Parsing, names and access are the evaluator's; here is
 * what stands in the place of its compiler.
 */

import { NixError, type Position } from '#diagnostics';
import type { Expr, Resolution } from '#lang';
import { infiniteRecursion } from '#runtime';
import { encode } from './encode.ts';
import { alloc, heap, type Index, type Word } from './heap.ts';
import { evaluate } from './machine.ts';

const H = heap;

export interface FlatLoader {
  /** The path that a file really has. */
  resolveFile(path: string): string;
  /** A file's tree. */
  readFile(file: string): ReadTree;
}

export interface ReadTree {
  readonly tree: Expr;
  readonly base: Position;
  readonly resolution: Resolution;
}

let loader: FlatLoader;
let globals: ReadonlyMap<string, Word>;
const values = new Map<string, Word | 'running'>();

export function setLoader(given: FlatLoader): void {
  loader = given;
  values.clear();
}

export function setGlobals(given: ReadonlyMap<string, Word>): void {
  globals = given;
}

/** The value of a file, evaluated once. */
export function importFlat(path: string, position: Position): Word {
  const file = loader.resolveFile(path);
  const known = values.get(file);
  if (known === 'running') throw infiniteRecursion(position);
  if (known !== undefined) return known;
  const node = encodeTree(loader.readFile(file));
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

export function encodeTree({ tree, base, resolution }: ReadTree): Index {
  return encode(tree, { base, resolution, globals });
}

/** A frame of the names that `scopedImport` adds. */
export function rootFrame(words: readonly Word[]): Index {
  const frame = alloc(1 + words.length);
  for (let i = 0; i < words.length; i++) H[frame + 1 + i] = words[i]!;
  return frame;
}
