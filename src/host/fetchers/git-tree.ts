/**
 * Trees of Git objects as NARs: contents as they are committed, through no filter.
 *
 * A submodule's tree can be hung into the tree of its parent; then objects come out of several
 * repositories. *Invariant:* objects are asked for in the order in which the NAR wants them, ahead
 * of being read, so that Git works while we write.
 */

import { createReadStream } from 'node:fs';
import { concatBytes } from '#base';
import type { NarWriter } from '#formats';
import { GitObjects } from './git-objects.ts';
import type { GitRepository } from './git-repository.ts';

export type GitNode = GitDirectory | GitLeaf | StoredFile;

export interface GitDirectory {
  readonly type: 'directory';
  readonly children: Map<string, GitNode>;
}

export interface GitLeaf {
  readonly type: 'file' | 'executable' | 'symlink';
  readonly repository: GitRepository;
  readonly object: string;
}

/** A file whose content is not in the repository, but on disk. */
export interface StoredFile {
  readonly type: 'file' | 'executable';
  readonly stored: string;
  readonly sizeBytes: number;
}

export interface TreeEntry {
  /** Octal, as Git shows it. */
  readonly mode: string;
  readonly object: string;
  /** A byte string. */
  readonly path: string;
}

export const submoduleMode = '160000';

/** The tree of a repository's entries; a submodule is an empty folder. */
export function treeOfEntries(repository: GitRepository, entries: Iterable<TreeEntry>): GitDirectory {
  const root: GitDirectory = { type: 'directory', children: new Map() };
  for (const { mode, object, path } of entries) {
    if (mode === '040000' || mode === submoduleMode) folderAt(root, path.split('/'));
    else hangInto(root, path, { type: leafType(mode), repository, object });
  }
  return root;
}

/** Puts a node where `path` is, in place of what is there. */
export function hangInto(root: GitDirectory, path: string, node: GitNode): void {
  const parts = path.split('/');
  const name = parts.pop() as string;
  folderAt(root, parts).children.set(name, node);
}

/** Writes a tree as a NAR. */
export async function writeGitTree(root: GitDirectory, writer: NarWriter): Promise<void> {
  const readers = new Map<GitRepository, GitObjects>();
  const readerOf = (repository: GitRepository): GitObjects => {
    let reader = readers.get(repository);
    if (reader === undefined) {
      reader = repository.openObjects();
      readers.set(repository, reader);
    }
    return reader;
  };
  try {
    const leaves = leavesOf(root);
    const ahead = leavesOf(root);
    let asked = 0;
    let read = 0;
    const askAhead = () => {
      for (; asked < read + askedAhead; asked++) {
        const next = ahead.next();
        if (next.done === true) return;
        readerOf(next.value.repository).ask(next.value.object);
      }
    };
    const writeNode = async (node: GitNode): Promise<void> => {
      if (node.type === 'directory') return writeDirectory(node);
      if ('stored' in node) return writeStored(writer, node);
      askAhead();
      leaves.next();
      await writeLeaf(writer, node, readerOf(node.repository));
      read++;
    };
    const writeDirectory = async (node: GitDirectory): Promise<void> => {
      writer.beginDirectory();
      for (const [name, child] of sortedChildren(node)) {
        writer.beginEntry(name);
        await writeNode(child);
        writer.endEntry();
      }
      writer.endDirectory();
    };
    await writeNode(root);
  } finally {
    for (const reader of readers.values()) await reader.close();
  }
}

async function writeLeaf(writer: NarWriter, leaf: GitLeaf, reader: GitObjects): Promise<void> {
  if (leaf.type === 'symlink') {
    const pieces: Uint8Array[] = [];
    await reader.read(() => {}, (piece) => { pieces.push(piece.slice()); });
    writer.symlink(Buffer.from(concatBytes(pieces)).toString('latin1'));
    return;
  }
  let size = 0;
  await reader.read((sizeBytes) => {
    size = sizeBytes;
    writer.beginFile(sizeBytes, leaf.type === 'executable');
  }, (piece) => writer.contents(piece));
  writer.endFile(size);
}

async function writeStored(writer: NarWriter, { type, stored, sizeBytes }: StoredFile): Promise<void> {
  writer.beginFile(sizeBytes, type === 'executable');
  for await (const piece of createReadStream(stored)) writer.contents(piece as Uint8Array);
  writer.endFile(sizeBytes);
}

function* leavesOf(node: GitNode): Generator<GitLeaf, void, void> {
  if ('stored' in node) return;
  if (node.type !== 'directory') {
    yield node;
    return;
  }
  for (const [, child] of sortedChildren(node)) yield* leavesOf(child);
}

function sortedChildren(node: GitDirectory): [string, GitNode][] {
  return [...node.children].sort(([a], [b]) => (a < b ? -1 : 1));
}

function folderAt(root: GitDirectory, parts: readonly string[]): GitDirectory {
  let folder = root;
  for (const part of parts) {
    let next = folder.children.get(part);
    if (next?.type !== 'directory') {
      next = { type: 'directory', children: new Map() };
      folder.children.set(part, next);
    }
    folder = next;
  }
  return folder;
}

export function leafType(mode: string): GitLeaf['type'] {
  return mode === '120000' ? 'symlink' : mode === '100755' ? 'executable' : 'file';
}

/** Few enough that the questions fit into a pipe. */
const askedAhead = 256;
