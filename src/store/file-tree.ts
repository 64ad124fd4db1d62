/**
 * File trees on disk: walking them into a NAR, writing them from one, making their metadata
 * canonical, deleting them.
 *
 * Paths in here are byte strings, since names in a tree may be any bytes; `systemPath` turns one
 * into what Node takes. Nothing here follows a symbolic link or writes over what exists: files are
 * made with O_EXCL and O_NOFOLLOW in folders that this process has just made.
 *
 * Canonical metadata: modified at second 1, mode 444, or 555 for folders and executables.
 */

import {
  chmodSync, closeSync, constants, fstatSync, futimesSync, lstatSync, lutimesSync, mkdirSync, openSync,
  readdirSync, readlinkSync, readSync, renameSync, rmdirSync, symlinkSync, unlinkSync, utimesSync, writeSync,
  fchmodSync, chownSync, lchownSync, type PathLike, type Stats,
} from 'node:fs';
import { assert } from '#base';
import { maximumNarDepth, NarWriter, type NarVisitor } from '#formats';
import { withoutCaseHack } from './case-hack.ts';
import { fileChanged, fileFailed, treeTooDeep, unsupportedFileType } from './errors.ts';
import type { TreeFilter } from './store.ts';

/** Whether anything stands at the path, a link that leads nowhere included. */
export function treeStands(path: string): boolean {
  return lstatSync(systemPath(path), { throwIfNoEntry: false }) !== undefined;
}

/** What Node's file functions take for a byte string. */
export function systemPath(path: string): PathLike {
  return /[^\x00-\x7f]/.test(path) ? Buffer.from(path, 'latin1') : path;
}

/** A physical path (an ordinary string) as a byte string. */
export function bytePath(path: string): string {
  return /[^\x00-\x7f]/.test(path) ? Buffer.from(path, 'utf8').toString('latin1') : path;
}

/** What is told a tree node by node, as `NarWriter` is. */
export type TreeWriter = Pick<NarWriter,
  'beginFile' | 'contents' | 'endFile' | 'symlink' | 'beginDirectory' | 'beginEntry' | 'endEntry' | 'endDirectory'>;

/** Tells the tree at `path` (a byte string) to `writer`. A link at the root is not followed either. */
export function dumpTree(path: string, writer: TreeWriter, filter?: TreeFilter): void {
  dumpNode(path, '', writer, filter, 0);
}

/** Writes a tree to disk and its NAR to `nar` at the same time. */
export class CopyingWriter implements TreeWriter {
  readonly #nar: NarWriter;
  readonly #restorer: TreeRestorer;
  #name: string | undefined;

  constructor(nar: NarWriter, restorer: TreeRestorer) {
    this.#nar = nar;
    this.#restorer = restorer;
  }

  beginFile(sizeBytes: number, executable: boolean): void {
    this.#nar.beginFile(sizeBytes, executable);
    this.#restorer.beginFile(this.#name, sizeBytes, executable);
  }

  contents(bytes: Uint8Array): void {
    this.#nar.contents(bytes);
    this.#restorer.contents(bytes);
  }

  endFile(sizeBytes: number): void {
    this.#nar.endFile(sizeBytes);
    this.#restorer.endFile();
  }

  symlink(target: string): void {
    this.#nar.symlink(target);
    this.#restorer.symlink(this.#name, target);
  }

  beginDirectory(): void {
    this.#nar.beginDirectory();
    this.#restorer.beginDirectory(this.#name);
  }

  beginEntry(name: string): void {
    this.#nar.beginEntry(name);
    this.#name = name;
  }

  endEntry(): void {
    this.#nar.endEntry();
  }

  endDirectory(): void {
    this.#nar.endDirectory();
    this.#restorer.endDirectory();
  }
}

/**
 * As `dumpTree`, handing control back between pieces; pieces are valid until the next is asked for.
 * With `caseHack` names on disk may have its ends.
 */
export function* narPieces(path: string, { caseHack = false } = {}): Generator<Uint8Array, void, void> {
  const pieces: Uint8Array[] = [];
  const writer = new NarWriter((bytes) => { pieces.push(bytes.slice()); });
  const namesIn = (folder: string): readonly (readonly [inNar: string, onDisk: string])[] =>
    (caseHack ? withoutCaseHack(folder, listNames(folder)) : listNames(folder).map((name) => [name, name]));
  for (const _ of walkSteps(path, writer, namesIn, 0)) {
    while (pieces.length > 0) yield pieces.shift() as Uint8Array;
  }
  writer.finish();
  yield* pieces;
}

/** Writes the nodes of a NAR below `root` (a byte string), where nothing may stand yet. */
export class TreeRestorer implements NarVisitor {
  readonly #root: string;
  readonly #directories: string[] = [];
  readonly #canonical: boolean;
  #file = -1;
  #path = '';

  /** `ordinary` trees get the modes and times that the user's own files would. */
  constructor(root: string, metadata: 'canonical' | 'ordinary' = 'canonical') {
    this.#root = root;
    this.#canonical = metadata === 'canonical';
  }

  beginDirectory(name: string | undefined): void {
    const path = this.#place(name);
    attempt('making directory', path, () => mkdirSync(systemPath(path), this.#canonical ? 0o755 : 0o777));
    this.#directories.push(path);
  }

  endDirectory(): void {
    const path = this.#directories.pop();
    assert(path !== undefined, 'a directory ends only after it has begun');
    if (!this.#canonical) return;
    attempt('finishing directory', path, () => {
      chmodSync(systemPath(path), 0o555);
      utimesSync(systemPath(path), 1, 1);
    });
  }

  beginFile(name: string | undefined, _sizeBytes: number, executable: boolean): void {
    this.#path = this.#place(name);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
    const mode = this.#canonical ? (executable ? 0o555 : 0o444) : (executable ? 0o777 : 0o666);
    this.#file = attempt('creating file', this.#path, () => openSync(systemPath(this.#path), flags, mode));
    if (umaskHides && this.#canonical) attempt('changing mode of', this.#path, () => fchmodSync(this.#file, mode));
  }

  contents(bytes: Uint8Array): void {
    attempt('writing', this.#path, () => { writeAll(this.#file, bytes); });
  }

  endFile(): void {
    attempt('finishing file', this.#path, () => {
      if (this.#canonical) futimesSync(this.#file, 1, 1);
      closeSync(this.#file);
    });
    this.#file = -1;
  }

  symlink(name: string | undefined, target: string): void {
    const path = this.#place(name);
    attempt('making link', path, () => {
      symlinkSync(systemPath(target), systemPath(path));
      if (this.#canonical) lutimesSync(systemPath(path), 1, 1);
    });
  }

  /** Closes an open file after a failure; what has been written stays. */
  abandon(): void {
    if (this.#file >= 0) closeSync(this.#file);
    this.#file = -1;
  }

  #place(name: string | undefined): string {
    const parent = this.#directories.at(-1);
    assert((name === undefined) === (parent === undefined), 'exactly the root has no name');
    return name === undefined ? this.#root : `${parent}/${name}`;
  }
}

/** Gives a finished tree canonical metadata. As root, its files become root's too. */
export function canonicaliseTree(path: string): void {
  const status = statusOf(path);
  const asRoot = process.getuid?.() === 0;
  attempt('canonicalising', path, () => {
    if (status.isSymbolicLink()) {
      if (asRoot && (status.uid !== 0 || status.gid !== 0)) lchownSync(systemPath(path), 0, 0);
      lutimesSync(systemPath(path), 1, 1);
      return;
    }
    if (!status.isFile() && !status.isDirectory()) throw unsupportedFileType(shown(path));
    // Ownership first: changing it afterwards could bring back or clear mode bits.
    if (asRoot && (status.uid !== 0 || status.gid !== 0)) chownSync(systemPath(path), 0, 0);
    if (status.isDirectory()) {
      // Unreadable folders are opened up before their children are listed.
      if ((status.mode & 0o700) !== 0o700) chmodSync(systemPath(path), 0o700);
      for (const name of listNames(path)) canonicaliseTree(`${path}/${name}`);
    }
    const executable = status.isDirectory() || (status.mode & 0o100) !== 0;
    const mode = executable ? 0o555 : 0o444;
    if ((status.mode & 0o7777) !== mode || status.isDirectory()) chmodSync(systemPath(path), mode);
    if (status.mtimeMs !== 1000 || status.isDirectory()) utimesSync(systemPath(path), 1, 1);
  });
}

/**
 * Deletes a tree; does nothing if it is not there. Returns how many bytes its files took. Folders
 * nested deeper than a path can name are moved up first: else nobody could delete them.
 */
export function deleteTree(path: string): number {
  const trees = [path];
  let freed = 0;
  for (let tree = trees.pop(); tree !== undefined; tree = trees.pop()) {
    freed += deleteShallow(tree, (deep) => {
      const higher = `${path}.deep-${process.pid}-${deepCount++}`;
      renameSync(systemPath(deep), systemPath(higher));
      trees.push(higher);
    });
  }
  return freed;
}

let deepCount = 0;
/** Well below PATH_MAX, with room for one more name. */
const longestPath = 3000;

function deleteShallow(path: string, moveUp: (deep: string) => void): number {
  let status: Stats;
  try {
    status = lstatSync(systemPath(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw fileFailed('reading status of', path, error);
  }
  return attempt('deleting', path, () => {
    if (!status.isDirectory()) {
      unlinkSync(systemPath(path));
      // A file with other names frees nothing.
      return status.nlink > 1 ? 0 : (status.blocks ?? 0) * 512;
    }
    // Moving a folder writes to it, too.
    if ((status.mode & 0o700) !== 0o700) chmodSync(systemPath(path), 0o700);
    if (path.length > longestPath) {
      moveUp(path);
      return 0;
    }
    let freed = 0;
    for (const name of listNames(path)) freed += deleteShallow(`${path}/${name}`, moveUp);
    rmdirSync(systemPath(path));
    return freed;
  });
}

/**
 * Tells all entries of a tree that the filter lets through, a folder before what is in it, by name.
 */
export function visitTree(path: string, visit: (inner: string, status: Stats) => void, filter?: TreeFilter): void {
  const walk = (place: string, inner: string, status: Stats) => {
    visit(inner, status);
    if (!status.isDirectory()) return;
    for (const name of listNames(place)) {
      const child = `${place}/${name}`;
      const innerChild = `${inner}/${name}`;
      const childStatus = statusOf(child);
      if (filter === undefined || filter(innerChild, typeOf(childStatus))) walk(child, innerChild, childStatus);
    }
  };
  walk(path, '', statusOf(path));
}

function typeOf(status: Stats): 'regular' | 'directory' | 'symlink' | 'unknown' {
  return status.isFile() ? 'regular' : status.isDirectory() ? 'directory'
    : status.isSymbolicLink() ? 'symlink' : 'unknown';
}

/** Names in a folder as byte strings, in byte order. */
export function listNames(path: string): string[] {
  return attempt('reading directory', path, () => readdirSync(systemPath(path), 'latin1').sort());
}

/** Writes all the bytes, however few the system takes at a time. */
export function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
}

/**
 * Reads the regular file at `path` (a byte string), which nothing keeps from being written, replaced
 * or cut short meanwhile: `begin` is told its size, and then `take` gets so many bytes, or it fails.
 */
export function readRegularFile(
  path: string, begin: (sizeBytes: number, executable: boolean) => void, take: (bytes: Uint8Array) => void,
): void {
  const { file, status } = openRegularFile(path);
  try {
    begin(status.size, (status.mode & 0o100) !== 0);
    for (let left = status.size; left > 0;) {
      const count = readPiece(path, file, readBuffer, left);
      take(count === readBuffer.length ? readBuffer : readBuffer.subarray(0, count));
      left -= count;
    }
  } finally {
    closeSync(file);
  }
}

/** Opens what was a regular file when its folder was listed; a pipe in its place is not waited for. */
function openRegularFile(path: string): { readonly file: number; readonly status: Stats } {
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  const file = attempt('opening file', path, () => openSync(systemPath(path), flags));
  const status = fstatSync(file);
  if (status.isFile()) return { file, status };
  closeSync(file);
  throw fileChanged(shown(path));
}

/** Reads up to `left` bytes of an open file, and at least one. */
function readPiece(path: string, file: number, buffer: Uint8Array, left: number): number {
  const count = attempt('reading file', path, () => readSync(file, buffer, 0, Math.min(left, buffer.length), null));
  if (count === 0) throw fileChanged(shown(path));
  return count;
}

function dumpFile(path: string, writer: TreeWriter): void {
  let size = 0;
  const begin = (sizeBytes: number, executable: boolean) => writer.beginFile(size = sizeBytes, executable);
  readRegularFile(path, begin, (bytes) => writer.contents(bytes));
  writer.endFile(size);
}

function dumpNode(
  path: string, inner: string, writer: TreeWriter, filter: TreeFilter | undefined, depth: number,
): void {
  const status = statusOf(path);
  if (status.isFile()) dumpFile(path, writer);
  else if (status.isSymbolicLink()) writer.symlink(readLinkBytes(path));
  else if (status.isDirectory()) dumpDirectory(path, inner, writer, filter, depth);
  else throw unsupportedFileType(shown(path));
}

function dumpDirectory(
  path: string, inner: string, writer: TreeWriter, filter: TreeFilter | undefined, depth: number,
): void {
  if (depth >= maximumNarDepth) throw treeTooDeep(shown(path), maximumNarDepth);
  const entries = attempt('reading directory', path,
    () => readdirSync(systemPath(path), { withFileTypes: true, encoding: 'latin1' }));
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  writer.beginDirectory();
  for (const entry of entries) {
    const type = entry.isFile() ? 'regular' : entry.isDirectory() ? 'directory'
      : entry.isSymbolicLink() ? 'symlink' : 'unknown';
    const innerPath = `${inner}/${entry.name}`;
    if (filter !== undefined && !filter(innerPath, type)) continue;
    const child = `${path}/${entry.name}`;
    writer.beginEntry(entry.name);
    if (type === 'regular') dumpFile(child, writer);
    else if (type === 'directory') dumpDirectory(child, innerPath, writer, filter, depth + 1);
    else if (type === 'symlink') writer.symlink(readLinkBytes(child));
    // Some file systems do not tell types in listings.
    else dumpNode(child, innerPath, writer, filter, depth + 1);
    writer.endEntry();
  }
  writer.endDirectory();
}

/** The walk of `dumpTree` without a filter, pausing after each node and each piece of a file. */
function* walkSteps(
  path: string, writer: NarWriter, namesIn: (folder: string) => readonly (readonly [inNar: string, onDisk: string])[],
  depth: number,
): Generator<void, void, void> {
  const status = statusOf(path);
  if (status.isSymbolicLink()) {
    writer.symlink(readLinkBytes(path));
  } else if (status.isDirectory()) {
    if (depth >= maximumNarDepth) throw treeTooDeep(shown(path), maximumNarDepth);
    writer.beginDirectory();
    for (const [name, onDisk] of namesIn(path)) {
      writer.beginEntry(name);
      yield* walkSteps(`${path}/${onDisk}`, writer, namesIn, depth + 1);
      writer.endEntry();
    }
    writer.endDirectory();
  } else if (status.isFile()) {
    const { file, status: opened } = openRegularFile(path);
    try {
      const buffer = new Uint8Array(Math.min(readBuffer.length, Math.max(1, opened.size)));
      writer.beginFile(opened.size, (opened.mode & 0o100) !== 0);
      for (let left = opened.size; left > 0;) {
        const count = readPiece(path, file, buffer, left);
        writer.contents(buffer.subarray(0, count));
        left -= count;
        yield;
      }
      writer.endFile(opened.size);
    } finally {
      closeSync(file);
    }
  } else {
    throw unsupportedFileType(shown(path));
  }
  yield;
}

export function readLinkBytes(path: string): string {
  return attempt('reading link', path, () => readlinkSync(systemPath(path), 'latin1'));
}

/** What `lstat` tells of what stands at `path` (a byte string). */
export function statusOf(path: string): Stats {
  return attempt('reading status of', path, () => lstatSync(systemPath(path)));
}

/** A byte string for the eye. */
function shown(path: string): string {
  return Buffer.from(path, 'latin1').toString('utf8');
}

function attempt<T>(action: string, path: string, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw fileFailed(action, shown(path), error);
  }
}

/** Shared: everything here runs to its end before the next file is read. */
const readBuffer = new Uint8Array(1 << 20);
/** Whether the process's umask would take away bits that canonical modes have. */
const umaskHides = (currentUmask() & 0o555) !== 0;

function currentUmask(): number {
  try {
    return process.umask();
  } catch {
    // Worker threads may not ask: set every mode explicitly.
    return 0o777;
  }
}
