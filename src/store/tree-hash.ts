/**
 * Hashes of trees on disk, by each of the ways in which content gets its address, and the files
 * that such an address may be of.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { byteString, decodeUtf8, Hasher, type Hash, type HashAlgorithm } from '#base';
import { NarWriter, type IngestionMethod, type StorePath } from '#formats';
import { unsupportedFileType } from './errors.ts';
import { dumpTree, listNames, narPieces, readLinkBytes, readRegularFile, statusOf } from './file-tree.ts';
import { ReferenceScanner } from './reference-scanner.ts';
import type { TreeFilter } from './store.ts';

/** NAR hash and size of a tree. */
export interface NarMeasure {
  readonly narHash: Hash;
  readonly narSizeBytes: number;
}

/** Hashes the NAR of a tree (path as byte string), blocking until it is done. */
export function measureNar(path: string, algorithm: HashAlgorithm = 'sha256', filter?: TreeFilter): NarMeasure {
  const hasher = new Hasher(algorithm);
  let narSizeBytes = 0;
  const writer = new NarWriter((bytes) => {
    hasher.update(bytes);
    narSizeBytes += bytes.length;
  });
  dumpTree(path, writer, filter);
  writer.finish();
  return { narHash: hasher.digest(), narSizeBytes };
}

/** Hashes a tree's NAR and finds its references in one reading, letting other work go on. */
export async function scanTree(
  path: string, candidates: Iterable<StorePath>, advance: (bytes: number) => void = () => {},
): Promise<NarMeasure & { references: StorePath[] }> {
  const hasher = new Hasher('sha256');
  const scanner = new ReferenceScanner(candidates);
  let narSizeBytes = 0;
  let sinceTurn = 0;
  for (const piece of narPieces(path)) {
    hasher.update(piece);
    scanner.update(piece);
    narSizeBytes += piece.length;
    sinceTurn += piece.length;
    if (sinceTurn >= turnBytes) {
      advance(sinceTurn);
      sinceTurn = 0;
      await nextTurn();
    }
  }
  advance(sinceTurn);
  return { narHash: hasher.digest(), narSizeBytes, references: scanner.found() };
}

/** The hash of a tree by an ingestion method, blocking until it is done. */
export function hashTreeNow(
  path: string, method: IngestionMethod, algorithm: HashAlgorithm, filter?: TreeFilter,
): Hash {
  switch (method) {
    case 'recursive': return measureNar(path, algorithm, filter).narHash;
    case 'git': return hashGitObject(path, algorithm, filter);
    case 'flat':
    case 'text': return hashFile(path, algorithm);
  }
}

/** The hash of a regular file's bytes; a link is not followed. */
export function hashFile(path: string, algorithm: HashAlgorithm): Hash {
  if (!statusOf(path).isFile()) throw unsupportedFileType(decodeUtf8(path));
  const hasher = new Hasher(algorithm);
  readRegularFile(path, () => {}, (bytes) => hasher.update(bytes));
  return hasher.digest();
}

/** Git's object id of a file (blob) or folder (tree). */
function hashGitObject(path: string, algorithm: HashAlgorithm, filter: TreeFilter | undefined): Hash {
  return gitNode(path, '', algorithm, filter).hash;
}

function gitNode(
  path: string, inner: string, algorithm: HashAlgorithm, filter: TreeFilter | undefined,
): { mode: string; hash: Hash } {
  const status = statusOf(path);
  const hasher = new Hasher(algorithm);
  if (status.isSymbolicLink()) {
    const target = readLinkBytes(path);
    return { mode: '120000', hash: hasher.update(`blob ${target.length}\0${target}`).digest() };
  }
  if (status.isFile()) {
    let mode = '';
    readRegularFile(path, (sizeBytes, executable) => {
      hasher.update(`blob ${sizeBytes}\0`);
      mode = executable ? '100755' : '100644';
    }, (bytes) => hasher.update(bytes));
    return { mode, hash: hasher.digest() };
  }
  if (!status.isDirectory()) throw unsupportedFileType(decodeUtf8(path));
  const entries: { key: string; line: string }[] = [];
  for (const name of listNames(path)) {
    const child = `${path}/${name}`;
    const childStatus = statusOf(child);
    const type = childStatus.isDirectory() ? 'directory' : childStatus.isSymbolicLink() ? 'symlink' : 'regular';
    if (filter !== undefined && !filter(`${inner}/${name}`, type)) continue;
    const node = gitNode(child, `${inner}/${name}`, algorithm, filter);
    // Git sorts folders as if their names ended in a slash.
    const key = node.mode === '40000' ? `${name}/` : name;
    entries.push({ key, line: `${node.mode} ${name}\0${byteString(node.hash.bytes)}` });
  }
  entries.sort((a, b) => (a.key < b.key ? -1 : 1));
  const body = entries.map((entry) => entry.line).join('');
  return { mode: '40000', hash: hasher.update(`tree ${body.length}\0${body}`).digest() };
}

/** How much is hashed before other work gets its turn. */
const turnBytes = 1 << 23;
