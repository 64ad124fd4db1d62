/**
 * Listings: the tree inside a NAR with where each file's content begins, so that one file of a
 * cache can be looked at without the others. `HASH.ls` beside `HASH.narinfo` holds one as JSON.
 *
 * Names and targets are byte strings here and UTF-8 in JSON.
 */

import { decodeUtf8, encodeUtf8 } from '#base';
import { NarReader, type NarVisitor } from '#formats';
import { badListing } from './errors.ts';

export type ListedTree =
  | { readonly type: 'regular'; readonly sizeBytes: number; readonly executable: boolean; readonly narOffset?: number }
  | { readonly type: 'symlink'; readonly target: string }
  | { readonly type: 'directory'; readonly entries: ReadonlyMap<string, ListedTree> };

const listingVersion = 1;

/** Gathers the tree of a NAR that passes by. */
export class ListingBuilder {
  readonly #visitor = new TreeVisitor();
  readonly #reader = new NarReader(this.#visitor);

  take(piece: Uint8Array): void {
    this.#reader.write(piece);
  }

  finish(): ListedTree {
    this.#reader.end();
    return this.#visitor.root as ListedTree;
  }
}

/** The text of a `.ls` file. */
export function formatListing(root: ListedTree): string {
  return JSON.stringify({ root: toJson(root), version: listingVersion });
}

/** Throws BAD_LISTING for what is none. */
export function parseListing(text: string, source: string): ListedTree {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw badListing(source, (error as Error).message);
  }
  if (!isObject(json) || json['version'] !== listingVersion) throw badListing(source, 'its version is not known');
  return fromJson(json['root'], source, 0);
}

/** What is at `path` below the root; undefined if nothing is. Links are not followed. */
export function findInListing(root: ListedTree, path: string): ListedTree | undefined {
  let node: ListedTree | undefined = root;
  for (const name of path.split('/').filter(Boolean)) {
    node = node?.type === 'directory' ? node.entries.get(name) : undefined;
  }
  return node;
}

/**
 * Files of debug information, by the names that debuggers ask for: the build ID and its ending, as
 * `lib/debug/.build-id/XX/YYYY.debug` spells it. Values are the files' places in the tree.
 */
export function debugFilesOf(root: ListedTree): Map<string, string> {
  const files = new Map<string, string>();
  const folder = 'lib/debug/.build-id';
  const folders = findInListing(root, folder);
  for (const [start, inner] of folders?.type === 'directory' ? folders.entries : []) {
    if (!/^[0-9a-f]{2}$/.test(start) || inner.type !== 'directory') continue;
    for (const [rest, { type }] of inner.entries) {
      if (type === 'regular' && /^[0-9a-f]{38}\.debug$/.test(rest)) files.set(start + rest, `${folder}/${start}/${rest}`);
    }
  }
  return files;
}

function toJson(tree: ListedTree): object {
  switch (tree.type) {
    case 'symlink': return { target: decodeUtf8(tree.target), type: 'symlink' };
    case 'regular': return {
      executable: tree.executable, ...(tree.narOffset === undefined ? {} : { narOffset: tree.narOffset }),
      size: tree.sizeBytes, type: 'regular',
    };
    case 'directory': return {
      entries: Object.fromEntries([...tree.entries].map(([name, child]) => [decodeUtf8(name), toJson(child)])),
      type: 'directory',
    };
  }
}

const deepest = 64;

function fromJson(json: unknown, source: string, depth: number): ListedTree {
  if (!isObject(json) || depth > deepest) throw badListing(source, 'it is no tree');
  const { type, target, size, narOffset, entries } = json;
  if (type === 'symlink' && typeof target === 'string') return { type, target: encodeUtf8(target) };
  if (type === 'regular' && isNatural(size) && (narOffset === undefined || isNatural(narOffset))) {
    return {
      type, sizeBytes: size, executable: json['executable'] === true, ...(narOffset === undefined ? {} : { narOffset }),
    };
  }
  if (type !== 'directory' || !isObject(entries)) throw badListing(source, 'it is no tree');
  return {
    type, entries: new Map(Object.entries(entries).map(([name, child]) =>
      [encodeUtf8(name), fromJson(child, source, depth + 1)])),
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNatural(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Counts the bytes of the archive as its nodes are told. */
class TreeVisitor implements NarVisitor {
  root: ListedTree | undefined;
  readonly #open: Map<string, ListedTree>[] = [];
  #at = stringBytes('nix-archive-1');
  #sizeBytes = 0;

  beginDirectory(name: string | undefined): void {
    this.#enter(name, 'directory');
    const entries = new Map<string, ListedTree>();
    this.#put(name, { type: 'directory', entries });
    this.#open.push(entries);
  }

  endDirectory(): void {
    this.#open.pop();
    this.#leave();
  }

  beginFile(name: string | undefined, sizeBytes: number, executable: boolean): void {
    this.#enter(name, 'regular');
    if (executable) this.#at += stringBytes('executable') + stringBytes('');
    this.#at += stringBytes('contents') + 8;
    this.#put(name, { type: 'regular', sizeBytes, executable, narOffset: this.#at });
    this.#sizeBytes = sizeBytes;
  }

  contents(): void {
    // Their length was told.
  }

  endFile(): void {
    this.#at += padded(this.#sizeBytes);
    this.#leave();
  }

  symlink(name: string | undefined, target: string): void {
    this.#enter(name, 'symlink');
    this.#at += stringBytes('target') + stringBytes(target);
    this.#put(name, { type: 'symlink', target });
    this.#leave();
  }

  #enter(name: string | undefined, type: string): void {
    if (name !== undefined) {
      this.#at += stringBytes('entry') + stringBytes('(') + stringBytes('name') + stringBytes(name) + stringBytes('node');
    }
    this.#at += stringBytes('(') + stringBytes('type') + stringBytes(type);
  }

  /** The end of a node, and of the entry around it. */
  #leave(): void {
    this.#at += stringBytes(')') + (this.#open.length > 0 ? stringBytes(')') : 0);
  }

  #put(name: string | undefined, tree: ListedTree): void {
    if (name === undefined) this.root = tree;
    else this.#open.at(-1)?.set(name, tree);
  }
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

function stringBytes(text: string): number {
  return 8 + padded(text.length);
}
