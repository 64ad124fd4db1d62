/**
 * Case hack: how a tree with names that differ in case only stands on a file system that takes them
 * for the same. All but the first of such names in a folder get the end `~nix~case~hack~N`, which is
 * taken off again when the tree is read.
 *
 * The format is C++ Nix's (`use-case-hack`). Names are byte strings; only ASCII letters have a case.
 */

import { badNar, type NarVisitor } from '#formats';
import { namesCollide } from './errors.ts';

const suffix = '~nix~case~hack~';

/** Passes a NAR on with names that no other name of their folder equals in all but case. */
export class CaseHackVisitor implements NarVisitor {
  readonly #next: NarVisitor;
  /** Of each open folder: names without case, with the name that came first and how many followed. */
  readonly #folders: Map<string, { readonly first: string; count: number }>[] = [];

  constructor(next: NarVisitor) {
    this.#next = next;
  }

  beginDirectory(name: string | undefined): void {
    this.#next.beginDirectory(this.#renamed(name));
    this.#folders.push(new Map());
  }

  endDirectory(): void {
    this.#folders.pop();
    this.#next.endDirectory();
  }

  beginFile(name: string | undefined, sizeBytes: number, executable: boolean): void {
    this.#next.beginFile(this.#renamed(name), sizeBytes, executable);
  }

  contents(bytes: Uint8Array): void {
    this.#next.contents(bytes);
  }

  endFile(): void {
    this.#next.endFile();
  }

  symlink(name: string | undefined, target: string): void {
    this.#next.symlink(this.#renamed(name), target);
  }

  #renamed(name: string | undefined): string | undefined {
    const folder = this.#folders.at(-1);
    if (name === undefined || folder === undefined) return name;
    const known = folder.get(caseless(name));
    if (known === undefined) {
      folder.set(caseless(name), { first: name, count: 0 });
      return name;
    }
    known.count += 1;
    const hacked = `${name}${suffix}${known.count}`;
    const other = folder.get(caseless(hacked));
    if (other !== undefined) {
      throw badNar(`NAR contains file name '${name}' that collides with case-hacked file name '${other.first}'`);
    }
    return hacked;
  }
}

/** Names as a NAR has them, sorted, each with the name that it has on disk. */
export function withoutCaseHack(folder: string, names: readonly string[]): [inNar: string, onDisk: string][] {
  const found = new Map<string, string>();
  for (const name of names) {
    const at = name.indexOf(suffix);
    const plain = at < 0 ? name : name.slice(0, at);
    const other = found.get(plain);
    if (other !== undefined) throw namesCollide(`${folder}/${other}`, `${folder}/${name}`);
    found.set(plain, name);
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
}

function caseless(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
