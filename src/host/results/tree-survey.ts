/**
 * A source tree as one observation: its entries, their states, and the hash that was made of it.
 *
 * A filter is Nix code that saw the type of every entry of the folders it let through, so the list
 * has what it refused too. A folder's state covers the names and types in it; so to find the tree
 * unchanged only the entries that were let through are asked for their states, and the filter is
 * not called again.
 */

import type { Stats } from 'node:fs';
import { encodeHex, Hasher, sha256Hex } from '#base';
import type { FileType } from '#eval';
import type { IngestionMethod } from '#formats';
import { loadStore } from '../lazy-store.ts';
import { isLongAgo, keepsChangeTimes, plainStatusAt } from './file-state.ts';

type Filter = (inner: string, type: FileType) => boolean;

export interface TreeSurvey {
  /** One word an entry, a folder before what is in it: type, depth, name. */
  readonly entries: string;
  readonly count: number;
  /** Hash of the states of what was let through. */
  readonly states: string;
  /** Whether the states tell all later changes. */
  readonly settled: boolean;
}

/** A surveyed tree with what evaluation took from it. */
export interface TreeObservation extends TreeSurvey {
  /** A byte string. */
  readonly place: string;
  readonly method: IngestionMethod;
  /** SHA-256 by the method, in hex. */
  readonly hash: string;
}

/** Larger trees are not read to find out whether content is the same under other states. */
const fewEntries = 2000;
const typeLetters: Readonly<Record<FileType, string>> = { directory: 'd', regular: 'f', symlink: 'l', unknown: 'u' };

/** Is told each entry that is let through, a folder before what is in it, names in byte order. */
export type Companion = (name: string, depth: number, status: Stats) => void;

/** Surveys what a filter lets through; undefined if that cannot be read. `place` is a byte string. */
export function surveyTree(place: string, filter?: Filter, companion?: Companion): TreeSurvey | undefined {
  const states = new StateHasher(place);
  const words: string[] = [];
  const { listNames } = loadStore();
  const walk = (at: string, inner: string, depth: number, status: Stats): boolean => {
    states.add(status);
    if (!status.isDirectory()) return true;
    const names = attempt(() => listNames(at));
    if (names === undefined) return false;
    for (const name of names) {
      const child = `${at}/${name}`;
      const childStatus = attempt(() => plainStatusAt(child));
      if (childStatus === undefined) return false;
      const type = typeOf(childStatus);
      const isTaken = filter === undefined || filter(`${inner}/${name}`, type);
      words.push(wordOf(type, isTaken, depth, name));
      if (!isTaken) continue;
      companion?.(name, depth, childStatus);
      if (!walk(child, `${inner}/${name}`, depth + 1, childStatus)) return false;
    }
    return true;
  };
  const status = attempt(() => plainStatusAt(place));
  if (status === undefined || !walk(place, '', 0, status)) return undefined;
  return { entries: words.join('\0'), count: words.length, ...states.finish() };
}

/** A key that covers all that a survey tells. */
export function surveyKey({ entries, states }: TreeSurvey): string {
  return sha256Hex(`${entries}\0\0${states}`);
}

/** Whether evaluation would take the same from the tree as it is now. */
export function isTreeUnchanged(tree: TreeObservation): boolean {
  if (tree.settled && statesNow(tree) === tree.states) return true;
  return tree.count <= fewEntries && hasSameContent(tree);
}

/** Hash of the states of the entries that were let through; undefined if one is gone. */
function statesNow({ place, entries }: TreeObservation): string | undefined {
  const states = new StateHasher(place);
  const parents = [place];
  const root = plainStatusAt(place);
  if (root === undefined) return undefined;
  states.add(root);
  for (const word of entries === '' ? [] : entries.split('\0')) {
    const { isTaken, depth, name } = readWord(word);
    if (!isTaken) continue;
    const child = `${parents[depth]}/${name}`;
    const status = attempt(() => plainStatusAt(child));
    if (status === undefined) return undefined;
    states.add(status);
    parents[depth + 1] = child;
  }
  return states.finish().states;
}

/** Reads the tree again; an entry that the filter has not seen is a change. */
function hasSameContent({ place, method, entries, hash }: TreeObservation): boolean {
  const known = new Map<string, string>();
  const parents = [''];
  for (const word of entries === '' ? [] : entries.split('\0')) {
    const { depth, name } = readWord(word);
    parents[depth + 1] = `${parents[depth]}/${name}`;
    known.set(parents[depth + 1] as string, word.charAt(0));
  }
  let isKnown = true;
  const filter: Filter = (inner, type) => {
    const letter = known.get(inner);
    if (letter?.toLowerCase() !== typeLetters[type]) isKnown = false;
    return letter === typeLetters[type];
  };
  const found = attempt(() => loadStore().hashTreeNow(place, method, 'sha256', filter));
  return isKnown && found !== undefined && encodeHex(found.bytes) === hash;
}

function wordOf(type: FileType, isTaken: boolean, depth: number, name: string): string {
  const letter = typeLetters[type];
  return `${isTaken ? letter : letter.toUpperCase()}${depth}/${name}`;
}

function readWord(word: string): { isTaken: boolean; depth: number; name: string } {
  const slash = word.indexOf('/');
  return { isTaken: word.charCodeAt(0) >= 0x61, depth: Number(word.slice(1, slash)), name: word.slice(slash + 1) };
}

/** Gathers the numbers of many states, to hash them in large pieces. */
class StateHasher {
  readonly #place: string;
  readonly #hasher = new Hasher('sha256');
  /** Small at first: most trees are a file or a few. */
  #numbers = new Float64Array(6 * 8);
  readonly #devices = new Set<number>();
  #used = 0;
  #newest = 0;

  constructor(place: string) {
    this.#place = place;
  }

  add(status: Stats): void {
    if (this.#used === this.#numbers.length) {
      this.#flush();
      if (this.#numbers.length < longestPiece) this.#numbers = new Float64Array(longestPiece);
    }
    const { dev, ino, mode, size, mtimeMs, ctimeMs } = status;
    const numbers = this.#numbers;
    numbers[this.#used++] = dev;
    numbers[this.#used++] = ino;
    numbers[this.#used++] = mode;
    numbers[this.#used++] = size;
    numbers[this.#used++] = mtimeMs;
    numbers[this.#used++] = ctimeMs;
    this.#newest = Math.max(this.#newest, mtimeMs, ctimeMs);
    this.#devices.add(dev);
  }

  finish(): { states: string; settled: boolean } {
    this.#flush();
    // Of several file systems only the root's place is at hand to ask about: one that has others
    // below it is not trusted.
    const [device, ...others] = this.#devices;
    const settled = device !== undefined && others.length === 0 && isLongAgo(this.#newest)
      && keepsChangeTimes(BigInt(device), this.#place);
    return { states: encodeHex(this.#hasher.digest().bytes), settled };
  }

  #flush(): void {
    this.#hasher.update(new Uint8Array(this.#numbers.buffer, 0, this.#used * 8));
    this.#used = 0;
  }
}

const longestPiece = 6 * 4096;

function typeOf(status: Stats): FileType {
  return status.isFile() ? 'regular' : status.isDirectory() ? 'directory'
    : status.isSymbolicLink() ? 'symlink' : 'unknown';
}

/** What cannot be read is reported by those who need it. */
function attempt<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
