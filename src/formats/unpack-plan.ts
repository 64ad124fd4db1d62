/**
 * The one hardened path from an archive's entries to a tree: every name is checked here.
 *
 * Whatever is unpacked (a .deb's data.tar, a source tar) first becomes this tree in memory, from
 * which a fresh private folder is then written. So nothing can be written through a link, over
 * another entry, or outside: a child's parent is a folder of this same tree, never something found
 * on disk. Bounds are those of a NAR: depth 64, names of 255 bytes, link targets of 4095.
 * Permission bits but the executable one are dropped, set-user-ID and its kin among them. Hard links
 * become files of equal content, as in a NAR.
 */
import { unsafeArchive } from './debian-errors.ts';
import type { TarEntry } from './tar.ts';

export type UnpackNode =
  | { readonly type: 'file'; readonly executable: boolean; readonly data: Uint8Array }
  | { readonly type: 'symlink'; readonly target: string }
  | { readonly type: 'directory'; readonly children: Map<string, UnpackNode> };

export type UnpackDirectory = Extract<UnpackNode, { type: 'directory' }>;

const maximumDepth = 64;
const maximumNameBytes = 255;
const maximumTargetBytes = 4095;
const maximumEntries = 2_000_000;

export interface UnpackOptions {
  /**
   * Whether an entry may come again, as in archives that were appended to: a later file then takes
   * the place of an earlier file, in this tree, before anything is written.
   */
  readonly mayRepeat?: boolean;
}

/** The tree that `entries` make; `what` names the archive in messages. Throws UNSAFE_ARCHIVE. */
export function planUnpacking(
  entries: Iterable<TarEntry>, what: string, { mayRepeat = false }: UnpackOptions = {},
): UnpackDirectory {
  const root: UnpackDirectory = { type: 'directory', children: new Map() };
  const explicit = new Set<string>();
  let count = 0;
  for (const entry of entries) {
    if (++count > maximumEntries) throw unsafeArchive(what, entry.path, 'is one of too many');
    const parts = checkPath(entry.path, what, entry.type === 'directory');
    if (parts.length === 0) {
      if (entry.type !== 'directory') throw unsafeArchive(what, entry.path, 'has no name');
      continue;
    }
    const parent = folderFor(root, parts.slice(0, -1), entry.path, what);
    const name = parts.at(-1) as string;
    const present = parent.children.get(name);
    const key = parts.join('/');
    if (entry.type === 'directory') {
      if (present === undefined) parent.children.set(name, newDirectory());
      else if (present.type !== 'directory' || (explicit.has(key) && !mayRepeat)) {
        throw unsafeArchive(what, entry.path, 'comes twice');
      }
      explicit.add(key);
      continue;
    }
    const node = leaf(root, entry, what);
    const isRepeated = mayRepeat && present?.type === 'file' && node.type === 'file';
    if (present !== undefined && !isRepeated) throw unsafeArchive(what, entry.path, 'comes twice');
    parent.children.set(name, node);
  }
  return root;
}

/** The names of a folder in byte order, as a NAR has them: byte strings sort by code unit. */
export function sortedNames(directory: UnpackDirectory): string[] {
  return [...directory.children.keys()].sort();
}

function leaf(root: UnpackDirectory, entry: TarEntry, what: string): UnpackNode {
  switch (entry.type) {
    case 'file':
      return { type: 'file', executable: (entry.mode & 0o111) !== 0, data: entry.data };
    case 'symlink':
      if (entry.target === '' || entry.target.length > maximumTargetBytes || entry.target.includes('\0')) {
        throw unsafeArchive(what, entry.path, 'is a link with a target that cannot be');
      }
      return { type: 'symlink', target: entry.target };
    case 'hardlink': {
      const target = find(root, checkPath(entry.target, what, false));
      if (target?.type !== 'file') {
        throw unsafeArchive(what, entry.path, `is a hard link to ${entry.target}, which is no file before it`);
      }
      return target;
    }
    default:
      throw unsafeArchive(what, entry.path, 'is neither file, folder nor link');
  }
}

function checkPath(path: string, what: string, isDirectory: boolean): string[] {
  if (path.startsWith('/')) throw unsafeArchive(what, path, 'has an absolute path');
  const trimmed = isDirectory ? path.replace(/\/+$/, '') : path;
  const parts = trimmed.split('/');
  if (parts[0] === '.') parts.shift();
  if (parts.length === 1 && parts[0] === '') return [];
  if (parts.length > maximumDepth) throw unsafeArchive(what, path, 'lies too deep');
  for (const part of parts) {
    if (part === '' || part === '.' || part === '..') {
      throw unsafeArchive(what, path, 'has a path that does not lead straight down');
    }
    if (part.length > maximumNameBytes) throw unsafeArchive(what, path, 'has too long a name');
    if (part.includes('\0')) throw unsafeArchive(what, path, 'has a zero byte in its name');
  }
  return parts;
}

function folderFor(
  root: UnpackDirectory,
  parts: readonly string[],
  path: string,
  what: string,
): UnpackDirectory {
  let folder = root;
  for (const part of parts) {
    let next = folder.children.get(part);
    if (next === undefined) {
      next = newDirectory();
      folder.children.set(part, next);
    }
    if (next.type !== 'directory') throw unsafeArchive(what, path, 'lies below something that is no folder');
    folder = next;
  }
  return folder;
}

function find(root: UnpackDirectory, parts: readonly string[]): UnpackNode | undefined {
  let node: UnpackNode | undefined = root;
  for (const part of parts) {
    if (node?.type !== 'directory') return undefined;
    node = node.children.get(part);
  }
  return node;
}

function newDirectory(): UnpackDirectory {
  return { type: 'directory', children: new Map() };
}
