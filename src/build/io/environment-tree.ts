/**
 * Trees of links to the files of several packages: user environments, and profiles of `nix profile`.
 *
 * A folder that only one package has is one link; where several meet, it is a folder of links. Of two
 * files at one place that of the smaller priority number wins; equal numbers are an error. What a
 * package wants installed with it (propagated-user-env-packages) comes after all that was asked for,
 * whatever that one's priority.
 */
import { readFileSync } from 'node:fs';
import { bytesOf, compareByteStrings } from '#base';
import { bytePath, listNames, systemPath, TreeRestorer } from '#store';
import { environmentClash, EnvironmentConflict } from '../errors.ts';
import { resolveInput, type LinkedStore, type ResolvedInput } from './resolve-input.ts';

/** Byte strings. */
export interface LinkedPackage {
  readonly path: string;
  readonly priority: number;
}

/** What stands at the top of the tree beside the links: a link, or a file. */
export type TopEntry =
  | { readonly type: 'link'; readonly target: string }
  | { readonly type: 'file'; readonly text: string };

export interface EnvironmentTreeOptions {
  readonly store: LinkedStore;
  /** What the tree is called in messages. */
  readonly out: string;
  readonly signal?: AbortSignal;
  /** What was left out. */
  log(line: string): void;
}

type Folder = Map<string, Entry>;
type Entry =
  | { readonly type: 'folder'; readonly children: Folder }
  | { readonly type: 'link'; readonly target: string; readonly priority: number };

export class EnvironmentTree {
  readonly #options: EnvironmentTreeOptions;
  readonly #root: Folder = new Map();
  readonly #done = new Set<string>();
  #postponed = new Set<string>();

  constructor(options: EnvironmentTreeOptions) {
    this.#options = options;
  }

  /** Links the packages, the smallest priority number first. */
  addAll(packages: readonly LinkedPackage[]): void {
    const inOrder = [...packages].sort((a, b) => a.priority - b.priority || compareByteStrings(a.path, b.path));
    for (const { path, priority } of inOrder) this.#addPackage(path, priority);
    let priority = firstPropagatedPriority;
    while (this.#postponed.size > 0) {
      const paths = [...this.#postponed].sort(compareByteStrings);
      this.#postponed = new Set();
      for (const path of paths) this.#addPackage(path, priority++);
    }
  }

  /** Writes the tree in canonical form at `place`, where nothing stands. */
  write(place: string, top: ReadonlyMap<string, TopEntry>): void {
    const restorer = new TreeRestorer(bytePath(place));
    const tell = (name: string | undefined, entry: Entry | TopEntry): void => {
      if (entry.type === 'link') return restorer.symlink(name, entry.target);
      if (entry.type === 'file') {
        restorer.beginFile(name, entry.text.length, false);
        restorer.contents(bytesOf(entry.text));
        return restorer.endFile();
      }
      tellFolder(name, entry.children);
    };
    const tellFolder = (name: string | undefined, children: ReadonlyMap<string, Entry | TopEntry>): void => {
      restorer.beginDirectory(name);
      for (const child of [...children.keys()].sort(compareByteStrings)) tell(child, children.get(child) as Entry);
      restorer.endDirectory();
    };
    tellFolder(undefined, new Map<string, Entry | TopEntry>([...this.#root, ...top]));
  }

  #resolve(path: string): ResolvedInput {
    return resolveInput(path, this.#options.store);
  }

  #addPackage(path: string, priority: number): void {
    this.#options.signal?.throwIfAborted();
    if (this.#done.has(path)) return;
    this.#done.add(path);
    this.#addFolder(path, this.#root, '', priority);
    const list = this.#resolve(`${path}/nix-support/propagated-user-env-packages`);
    if (list.kind !== 'other') return;
    const text = readFileSync(systemPath(list.physical), 'latin1');
    for (const word of text.split(/[ \n]+/)) if (word !== '' && !this.#done.has(word)) this.#postponed.add(word);
  }

  /** Links what is in the folder `source` into `into`, which stands at `path` in the environment. */
  #addFolder(source: string, into: Folder, path: string, priority: number): void {
    const folder = this.#resolve(source);
    if (folder.kind !== 'directory') {
      this.#options.log(`warning: not including '${source}' in the user environment because it's not a directory`);
      return;
    }
    for (const name of listNames(folder.physical)) {
      // Hidden files and what would only clash are no part of an environment.
      if (name.startsWith('.') || neverLinked.test(`${source}/${name}`)) continue;
      this.#addEntry(`${source}/${name}`, into, name, `${path}/${name}`, priority);
    }
  }

  #addEntry(source: string, into: Folder, name: string, path: string, priority: number): void {
    const { kind } = this.#resolve(source);
    if (kind === 'missing') {
      this.#options.log(`warning: skipping dangling symlink '${this.#options.out}${path}'`);
      return;
    }
    const present = into.get(name);
    if (present !== undefined && kind === 'directory') {
      const children = present.type === 'folder' ? present.children : this.#openUp(present, into, name, source, path);
      this.#addFolder(source, children, path, priority);
      return;
    }
    if (present?.type === 'folder') throw environmentClash(source, this.#options.out + path, 'directory');
    if (present !== undefined) {
      if (present.priority === priority) throw new EnvironmentConflict(present.target, source, priority);
      if (present.priority < priority) return;
    }
    into.set(name, { type: 'link', target: source, priority });
  }

  /** Replaces a link to a folder by a folder of links to what is in it. */
  #openUp(
    link: Extract<Entry, { type: 'link' }>, into: Folder, name: string, source: string, path: string,
  ): Folder {
    const target = this.#resolve(link.target);
    if (target.kind !== 'directory') throw environmentClash(source, target.logical, 'non-directory');
    const children: Folder = new Map();
    into.set(name, { type: 'folder', children });
    this.#addFolder(target.logical, children, path, link.priority);
    return children;
  }
}

/** Above all that people give. */
const firstPropagatedPriority = 1000;
const neverLinked =
  /\/(?:propagated-build-inputs|nix-support|perllocal\.pod|info\/dir|log|manifest\.nix|manifest\.json)$/;
