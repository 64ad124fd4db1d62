/**
 * Files that may be others in later evaluations: their versions.
 *
 * The first version is read when the file is imported; another one before anything runs again. From an
 * image comes the text of the version that it knows. Its tree is only made to lay another one beside it.
 */

import type { Position } from '#diagnostics';
import { encodeVersion, nodesInOrder, treeWithNodes, type KnownTree } from './changed-tree.ts';
import type { Globals } from './encode.ts';
import { cannotKeep, Unkept } from './errors.ts';
import type { ReadTree } from './files.ts';
import { alloc, type Word } from './heap.ts';
import type { ImageReader, ImageWriter } from './image-parts.ts';
import {
  addCodeRange, addInput, inputsByName, countVersion, inputNamed, newInputCell, type Input,
} from './inputs.ts';
import type { InputNames } from './machine-image.ts';
import { movePositions, watchPositions } from './moved-positions.ts';

export interface InputLoader {
  /** Files that may be others in later evaluations: what is read is noted. */
  readonly inputs?: InputNames | undefined;
  /** The tree of such a file, as it is now or as it was: that text, its positions from `base` on. */
  readInput(file: string, was?: { readonly text: string; readonly base: Position }): ReadTree;
}

let loader: InputLoader;
let globals: Globals;
/** Constants of inputs. */
const constants = new Map<string, Word>();

export function setInputLoader(given: InputLoader, scope: Globals): void {
  loader = given;
  globals = scope;
  constants.clear();
}

/** A file's version, if it may change. */
export function inputOf(file: string): Input | undefined {
  const known = inputNamed(file);
  if (known !== undefined || loader.inputs?.has(file) !== true) return known;
  return newVersion(file, loader.readInput(file));
}

/** Whether a file may be another one in a later evaluation, or is in this one. */
export function mayChange(file: string): boolean {
  return loader.inputs?.has(file) === true || inputNamed(file) !== undefined;
}

/** A file that may change has changed, if it was read at all. */
export function readChanged(file: string): void {
  if (inputNamed(file) !== undefined) newVersion(file, loader.readInput(file));
}

/** Takes the tree of an input for its newest version. */
export function newVersion(name: string, read: ReadTree): Input {
  if (read.hasWarned) cannotKeep('a warning of a text that may change');
  const input = inputNamed(name);
  const cell = input?.cell ?? newInputCell();
  const low = alloc(2);
  const { root, known, moved } = encodeVersion(read, input?.known(), globals, constants);
  addCodeRange(low, alloc(2), cell);
  movePositions(moved);
  watchPositions(read.base, read.text.length, cell);
  if (input === undefined) {
    const made = { cell, version: 1, root, text: read.text, known: () => known };
    addInput(name, made);
    return made;
  }
  input.root = root;
  input.text = read.text;
  input.known = () => known;
  countVersion(input);
  return input;
}

const inputWords = 5;

/** In a first revision each input has one version. */
export function saveInputFiles(image: ImageWriter): void {
  const records: number[] = [];
  const nodes: number[] = [];
  const inputs = [...inputsByName()];
  for (const [, { cell, root, known }] of inputs) {
    const first = nodes.length;
    for (const node of nodesInOrder(known())) nodes.push(node);
    records.push(cell, root, known().base, first, nodes.length);
  }
  image.strings('inputs', inputs.map(([name]) => name));
  image.strings('input-texts', inputs.map(([, { text }]) => text));
  image.numbers('input-records', records);
  image.numbers('input-nodes', nodes);
  image.strings('constants', [...constants.keys()]);
  image.numbers('constant-words', [...constants.values()]);
}

export function restoreInputFiles(image: ImageReader): void {
  const words = image.numbers('constant-words');
  image.strings('constants').all().forEach((key, i) => constants.set(key, words[i]!));
  const names = image.strings('inputs');
  const texts = image.strings('input-texts');
  const records = image.numbers('input-records');
  for (let i = 0; i < names.length; i++) {
    const [cell, root, base, first, end] = records.subarray(i * inputWords) as unknown as
      [number, number, number, number, number];
    const name = names.at(i);
    const text = texts.at(i);
    let tree: KnownTree | undefined;
    const known = (): KnownTree => {
      const nodes = new Int32Array(end - first);
      image.stored.readWords('input-nodes', first, nodes);
      return treeWithNodes(loader.readInput(name, { text, base }), nodes);
    };
    addInput(name, { cell, version: 1, root, text, known: () => (tree ??= known()) });
  }
}

/** Reads the files that have changed. What cannot be read or parsed is left to evaluating anew. */
export function readAllChanged(files: readonly string[]): void {
  for (const file of files) {
    try {
      readChanged(file);
    } catch (error) {
      throw error instanceof Unkept ? error : new Unkept('a file that cannot be read');
    }
  }
}
