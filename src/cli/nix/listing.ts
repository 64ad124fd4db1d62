/**
 * Trees as `nix store ls` and `nix nar ls` show them: of files on disk, or inside a NAR.
 *
 * Names and targets are byte strings. Of a NAR the contents are not kept, only where they begin.
 */

import { closeSync, lstatSync, openSync, readSync } from 'node:fs';
import { NarReader } from '#formats';
import { listNames, readLinkBytes, systemPath } from '#store';

export type ListedNode =
  | { readonly type: 'regular'; readonly sizeBytes: number; readonly executable: boolean; readonly narOffset?: number }
  | { readonly type: 'symlink'; readonly target: string }
  | { readonly type: 'directory'; readonly names: () => string[]; readonly child: (name: string) => ListedNode | undefined };

/** What stands on disk at `place`, a byte string; read as far as it is looked at. */
export function diskListing(place: string): ListedNode | undefined {
  const status = lstatSync(systemPath(place), { throwIfNoEntry: false });
  if (status === undefined) return undefined;
  if (status.isSymbolicLink()) return { type: 'symlink', target: readLinkBytes(place) };
  if (status.isFile()) return { type: 'regular', sizeBytes: status.size, executable: (status.mode & 0o100) !== 0 };
  return {
    type: 'directory', names: () => listNames(place).sort(), child: (name) => diskListing(`${place}/${name}`),
  };
}

/** The tree in the NAR in `file`. */
export function narListing(file: string): ListedNode {
  const builder = new ListingBuilder();
  for (const piece of filePieces(file)) builder.take(piece);
  return builder.finish();
}

/** What is at `path` below `root`; undefined if nothing is. Links are not followed. */
export function nodeAt(root: ListedNode, path: string): ListedNode | undefined {
  let node: ListedNode | undefined = root;
  for (const name of path.split('/').filter(Boolean)) {
    node = node?.type === 'directory' ? node.child(name) : undefined;
  }
  return node;
}

/** C++ Nix's JSON of a tree: the node with its children's names, or with `deep` all below it. */
export function listingJson(node: ListedNode, deep: boolean): object {
  switch (node.type) {
    case 'symlink': return { type: 'symlink', target: node.target };
    case 'regular': return {
      type: 'regular', size: node.sizeBytes, executable: node.executable,
      ...(node.narOffset === undefined ? {} : { narOffset: node.narOffset }),
    };
    case 'directory': {
      return { type: 'directory', entries: Object.fromEntries(
        node.names().map((name) => [name, deep ? listingJson(node.child(name) as ListedNode, true) : {}])) };
    }
  }
}

class ListingBuilder {
  readonly #stack: Map<string, ListedNode>[] = [];
  #root: ListedNode | undefined;
  readonly #reader: NarReader = new NarReader({
    beginDirectory: (name) => {
      const entries = new Map<string, ListedNode>();
      this.#place(name, { type: 'directory', names: () => [...entries.keys()], child: (one) => entries.get(one) });
      this.#stack.push(entries);
    },
    endDirectory: () => { this.#stack.pop(); },
    beginFile: (name, sizeBytes, executable) => {
      this.#place(name, { type: 'regular', sizeBytes, executable, narOffset: this.#reader.position });
    },
    contents() {},
    endFile() {},
    symlink: (name, target) => { this.#place(name, { type: 'symlink', target }); },
  });

  take(piece: Uint8Array): void {
    this.#reader.write(piece);
  }

  finish(): ListedNode {
    this.#reader.end();
    return this.#root as ListedNode;
  }

  #place(name: string | undefined, node: ListedNode): void {
    if (name === undefined) this.#root = node;
    else this.#stack.at(-1)?.set(name, node);
  }
}

/** The bytes of a file in pieces, each valid until the next. */
export function* filePieces(file: string): Generator<Uint8Array> {
  const descriptor = openSync(file, 'r');
  try {
    const buffer = new Uint8Array(1 << 16);
    for (;;) {
      const length = readSync(descriptor, buffer);
      if (length === 0) return;
      yield buffer.subarray(0, length);
    }
  } finally {
    closeSync(descriptor);
  }
}
