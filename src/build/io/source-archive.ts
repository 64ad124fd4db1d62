/**
 * Source archives: what channels and source releases come in.
 *
 * Compressed or not is told by the first bytes, since names often do not say. The entries go through
 * the one hardened way into a tree in memory; only that tree is ever written.
 */
import { crc32, gunzipSync, inflateRawSync, zstdDecompressSync } from 'node:zlib';
import { xz } from '@napi-rs/lzma';
import { UserError, concatBytes } from '#base';
import {
  isZip, planUnpacking, readTar, readZip, sortedNames, xzContentLength, type TarEntry, type UnpackDirectory,
  type UnpackNode,
} from '#formats';
import { Bzip2Reader, TreeRestorer, bytePath } from '#store';
import { emptySourceArchive, malformedSourceArchive } from '../errors.ts';

export interface SourceArchive {
  readonly root: UnpackDirectory;
  /** Seconds since 1970: the newest entry's. */
  readonly lastModified: number;
}

/** The tree in a tar archive; `what` names it in messages. */
export function unpackArchive(bytes: Uint8Array, what: string): UnpackDirectory {
  return readSourceArchive(bytes, what).root;
}

/** The tree in a tar or zip archive, and how old it is. */
export function readSourceArchive(bytes: Uint8Array, what: string): SourceArchive {
  let lastModified = 0;
  function* watched(entries: Iterable<TarEntry>): Generator<TarEntry> {
    for (const entry of entries) {
      lastModified = Math.max(lastModified, entry.modified);
      yield entry;
    }
  }
  const entries = isZip(bytes) ? readZip(bytes, what, zipTools) : readTar(decompress(bytes, what), what);
  return { root: planUnpacking(watched(entries), what, { mayRepeat: true }), lastModified };
}

const zipTools = {
  inflate: (bytes: Uint8Array, sizeBytes: number) => inflateRawSync(bytes, { maxOutputLength: Math.max(1, sizeBytes) }),
  crc32: (bytes: Uint8Array) => crc32(bytes),
};

/** Writes a tree in canonical form at `place`, where nothing stands. */
export function writeUnpacked(place: string, root: UnpackNode): void {
  const restorer = new TreeRestorer(bytePath(place));
  const tell = (name: string | undefined, node: UnpackNode): void => {
    switch (node.type) {
      case 'file':
        restorer.beginFile(name, node.data.length, node.executable);
        restorer.contents(node.data);
        restorer.endFile();
        break;
      case 'symlink':
        restorer.symlink(name, node.target);
        break;
      case 'directory':
        restorer.beginDirectory(name);
        for (const child of sortedNames(node)) tell(child, node.children.get(child) as UnpackNode);
        restorer.endDirectory();
        break;
    }
  };
  tell(undefined, root);
}

function decompress(bytes: Uint8Array, what: string): Uint8Array {
  if (bytes.length === 0) throw emptySourceArchive(what);
  const starts = (...magic: number[]): boolean => magic.every((byte, index) => bytes[index] === byte);
  const options = { maxOutputLength: limitBytes };
  try {
    if (starts(0x1f, 0x8b)) return gunzipSync(bytes, options);
    if (starts(0x28, 0xb5, 0x2f, 0xfd)) return zstdDecompressSync(bytes, options);
    if (starts(0x42, 0x5a, 0x68)) return bunzip2(bytes);
    if (starts(0xfd, 0x37, 0x7a, 0x58, 0x5a)) {
      if (xzContentLength(bytes, what) > limitBytes) throw new Error('it is too large');
      return xz.decompressSync(bytes);
    }
  } catch (error) {
    throw error instanceof UserError ? error : malformedSourceArchive(what, error);
  }
  const mark = Buffer.from(bytes.subarray(257, 262)).toString('latin1');
  if (mark !== 'ustar') throw malformedSourceArchive(what);
  return bytes;
}

function bunzip2(bytes: Uint8Array): Uint8Array {
  const reader = new Bzip2Reader();
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  const take = (source: Iterable<Uint8Array>): void => {
    for (const piece of source) {
      sizeBytes += piece.length;
      if (sizeBytes > limitBytes) throw new Error('it is too large');
      pieces.push(piece.slice());
    }
  };
  take(reader.write(bytes));
  take(reader.finish());
  return concatBytes(pieces);
}

/** What a decompressed archive may have, far more than any source has. */
const limitBytes = 4 * 2 ** 30;
