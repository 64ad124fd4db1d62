/**
 * Reading zip archives that lie in memory, as entries of the kind that tar archives have.
 *
 * The central directory at the end says what there is; local headers only say where contents start.
 * Every number is checked before it is used, and a content must have the length and checksum that
 * the directory says. Encrypted archives and those beyond 4 GB are refused.
 */
import { malformedArchive } from './debian-errors.ts';
import type { TarEntry, TarType } from './tar.ts';

/** What a zip archive is made with. */
export interface ZipTools {
  /** Unpacks a deflate stream of a known length. */
  inflate(bytes: Uint8Array, sizeBytes: number): Uint8Array;
  crc32(bytes: Uint8Array): number;
}

export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5);
}

/** The entries of `archive` in the directory's order; `what` names it in messages. */
export function* readZip(archive: Uint8Array, what: string, tools: ZipTools): Generator<TarEntry> {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  const end = findEnd(view, what);
  const count = view.getUint16(end + 10, true);
  let position = view.getUint32(end + 16, true);
  for (let i = 0; i < count; i++) {
    if (position + 46 > archive.length || view.getUint32(position, true) !== entrySignature) {
      throw malformedArchive(what, `its directory is damaged at byte ${position}`);
    }
    const next = position + 46 + view.getUint16(position + 28, true)
      + view.getUint16(position + 30, true) + view.getUint16(position + 32, true);
    if (next > archive.length) throw malformedArchive(what, 'its directory ends too early');
    yield readEntry(archive, view, position, what, tools);
    position = next;
  }
}

function readEntry(
  archive: Uint8Array, view: DataView, at: number, what: string, tools: ZipTools,
): TarEntry {
  const nameLength = view.getUint16(at + 28, true);
  const path = latin1(archive.subarray(at + 46, at + 46 + nameLength));
  const isUnix = view.getUint8(at + 5) === 3;
  const unixMode = isUnix ? view.getUint32(at + 38, true) >>> 16 : 0;
  const type = typeOf(path, unixMode);
  const content = type === 'directory' ? archive.subarray(0, 0) : contentOf(archive, view, at, what, tools);
  return {
    path,
    type,
    mode: unixMode === 0 ? 0o644 : unixMode & 0o7777,
    uid: 0,
    gid: 0,
    modified: modifiedAt(view, at, at + 46 + nameLength),
    target: type === 'symlink' ? latin1(content) : '',
    data: type === 'file' ? content : archive.subarray(0, 0),
  };
}

function typeOf(path: string, unixMode: number): TarType {
  if (path.endsWith('/')) return 'directory';
  switch (unixMode & 0o170000) {
    case 0o120000: return 'symlink';
    case 0o040000: return 'directory';
    case 0:
    case 0o100000: return 'file';
    default: return 'fifo';
  }
}

function contentOf(
  archive: Uint8Array, view: DataView, at: number, what: string, tools: ZipTools,
): Uint8Array {
  const method = view.getUint16(at + 10, true);
  const packedSize = view.getUint32(at + 20, true);
  const size = view.getUint32(at + 24, true);
  const local = view.getUint32(at + 42, true);
  if ((view.getUint16(at + 8, true) & 1) !== 0) throw malformedArchive(what, 'it is encrypted');
  if (packedSize === large || size === large || local === large) throw malformedArchive(what, 'it is too large');
  if (local + 30 > archive.length || view.getUint32(local, true) !== localSignature) {
    throw malformedArchive(what, `no entry starts at byte ${local}`);
  }
  const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  if (start + packedSize > archive.length) throw malformedArchive(what, 'an entry in it ends too late');
  const packed = archive.subarray(start, start + packedSize);
  if (method !== 0 && method !== 8) {
    throw malformedArchive(what, `an entry in it is compressed by the unknown method ${method}`);
  }
  const content = method === 0 ? packed : inflated(packed, size, what, tools);
  if (content.length !== size || tools.crc32(content) !== view.getUint32(at + 16, true)) {
    throw malformedArchive(what, 'an entry in it is damaged');
  }
  return content;
}

function inflated(packed: Uint8Array, size: number, what: string, tools: ZipTools): Uint8Array {
  try {
    return tools.inflate(packed, size);
  } catch {
    throw malformedArchive(what, 'an entry in it is damaged');
  }
}

/** The time in the extra field that Unix programs write, else that of the entry, which has no time zone. */
function modifiedAt(view: DataView, at: number, extra: number): number {
  const end = extra + view.getUint16(at + 30, true);
  for (let field = extra; field + 9 <= end; field += 4 + view.getUint16(field + 2, true)) {
    const hasTime = view.getUint16(field, true) === 0x5455 && (view.getUint8(field + 4) & 1) !== 0;
    if (hasTime) return view.getUint32(field + 5, true);
  }
  const time = view.getUint16(at + 12, true);
  const date = view.getUint16(at + 14, true);
  return Date.UTC(
    1980 + (date >> 9), ((date >> 5) & 15) - 1, date & 31, time >> 11, (time >> 5) & 63, (time & 31) * 2) / 1000;
}

/** The record at the end, before which a comment may stand. */
function findEnd(view: DataView, what: string): number {
  for (let at = view.byteLength - 22; at >= Math.max(0, view.byteLength - 22 - 0xffff); at--) {
    if (view.getUint32(at, true) === endSignature) return at;
  }
  throw malformedArchive(what, 'it has no directory at its end');
}

function latin1(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

const entrySignature = 0x02014b50;
const localSignature = 0x04034b50;
const endSignature = 0x06054b50;
const large = 0xffffffff;
