/**
 * The tree that goes into an image: one flat list of entries with everything an image can say of
 * a file, independent of any file system on the host.
 *
 * Paths are byte strings, relative, `/` between names, without `.`, `..` or empty names; the root
 * directory is the empty path. `orderTree` brings any list into the one canonical form that all
 * planners start from: every directory present, children after parents, siblings in byte order.
 * Invariant: what a planner sees depends on the set of entries alone, not on their order.
 */
import type { ByteSource } from './byte-sink.ts';
import { compareByteStrings } from './bytes.ts';
import {
  conflictingEntries,
  invalidEntry,
  invalidTreePath,
  parentIsNoDirectory,
} from './errors.ts';

export type EntryType = 'file' | 'directory' | 'link' | 'char' | 'block' | 'fifo' | 'socket';

export interface TreeEntry {
  readonly path: string;
  readonly type: EntryType;
  /** Permission bits (07777). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** A file's bytes. */
  readonly content?: ByteSource;
  /** A symbolic link's target, a byte string. */
  readonly target?: string;
  /** A device node's number. */
  readonly device?: { readonly major: number; readonly minor: number };
  /** Files with the same key are names of one file. */
  readonly hardLinkKey?: string;
  /**
   * A hint that files with the same identity have equal bytes (on a host: device and inode number).
   * It saves reading a file twice and never changes the image.
   */
  readonly identity?: string;
}

/** An entry in its place. */
export interface TreeNode {
  readonly entry: TreeEntry;
  /** The last name of the path; empty for the root. */
  readonly name: string;
  readonly parent: TreeNode | null;
  /** In byte order of their names. Empty but for directories. */
  readonly children: TreeNode[];
}

export interface OrderOptions {
  /** For directories that no entry names. Default: 0755, root, `mtime`. */
  readonly directoryMode?: number;
  readonly mtime?: number;
}

/**
 * The root of the tree that the entries make. Missing directories are added.
 * Throws on a malformed path, on two entries at one path, and below something not a directory.
 */
export function orderTree(entries: Iterable<TreeEntry>, options: OrderOptions = {}): TreeNode {
  const byPath = new Map<string, TreeEntry>();
  for (const entry of entries) {
    checkPath(entry.path);
    checkEntry(entry);
    if (byPath.has(entry.path)) throw conflictingEntries(entry.path);
    byPath.set(entry.path, entry);
  }
  const nodes = new Map<string, TreeNode>();
  const implied = (path: string): TreeEntry => ({
    path,
    type: 'directory',
    mode: options.directoryMode ?? 0o755,
    uid: 0,
    gid: 0,
    mtime: options.mtime ?? 0,
  });
  const nodeAt = (path: string): TreeNode => {
    const known = nodes.get(path);
    if (known !== undefined) return known;
    const slash = path.lastIndexOf('/');
    const parent = path === '' ? null : nodeAt(path.slice(0, Math.max(slash, 0)));
    const entry = byPath.get(path) ?? implied(path);
    if (parent !== null && parent.entry.type !== 'directory') {
      throw parentIsNoDirectory(path, parent.entry.path);
    }
    const node: TreeNode = { entry, name: path.slice(slash + 1), parent, children: [] };
    nodes.set(path, node);
    parent?.children.push(node);
    return node;
  };
  const root = nodeAt('');
  if (root.entry.type !== 'directory') throw invalidEntry('', 'the root must be a directory');
  for (const path of byPath.keys()) nodeAt(path);
  for (const node of nodes.values()) {
    node.children.sort((a, b) => compareByteStrings(a.name, b.name));
  }
  return root;
}

/** The nodes in canonical order: a directory, then everything below it, sibling by sibling. */
export function* walkTree(root: TreeNode): Generator<TreeNode> {
  yield root;
  for (const child of root.children) yield* walkTree(child);
}

/** The `st_mode` bits of a type. */
export const typeBits: Readonly<Record<EntryType, number>> = {
  fifo: 0o010000,
  char: 0o020000,
  directory: 0o040000,
  block: 0o060000,
  file: 0o100000,
  link: 0o120000,
  socket: 0o140000,
};

/** The type that `st_mode` bits name, or undefined. */
export function typeOfMode(mode: number): EntryType | undefined {
  const bits = mode & 0o170000;
  return (Object.keys(typeBits) as EntryType[]).find((type) => typeBits[type] === bits);
}

function checkPath(path: string): void {
  if (path === '') return;
  for (const name of path.split('/')) {
    if (name === '' || name === '.' || name === '..' || name.includes('\0')) {
      throw invalidTreePath(path);
    }
  }
}

function checkEntry(entry: TreeEntry): void {
  if (entry.type === 'file' && entry.content === undefined) {
    throw invalidEntry(entry.path, 'a file needs a content');
  }
  if (entry.type === 'link' && (entry.target === undefined || entry.target === '')) {
    throw invalidEntry(entry.path, 'a symbolic link needs a target');
  }
  if ((entry.type === 'char' || entry.type === 'block') && entry.device === undefined) {
    throw invalidEntry(entry.path, 'a device node needs its number');
  }
}
