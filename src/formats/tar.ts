/**
 * Reading tar archives that lie in memory: ustar, GNU long names, pax records.
 *
 * File contents are views of the archive, so nothing is copied. Names are byte strings. Every number
 * is checked before it is used: a size reaches as far as the archive does, a checksum must hold.
 * Sparse files, multi-volume archives and the like are refused rather than misread.
 */
import { malformedArchive } from './debian-errors.ts';

export type TarType = 'file' | 'hardlink' | 'symlink' | 'char' | 'block' | 'directory' | 'fifo';

export interface TarEntry {
  /** As stored, for example `./usr/bin/` . */
  readonly path: string;
  readonly type: TarType;
  /** Permission bits, 07777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970. */
  readonly modified: number;
  /** Target of a symbolic or hard link; else empty. */
  readonly target: string;
  /** A file's content; else empty. */
  readonly data: Uint8Array;
}

const blockBytes = 512;
const types: Readonly<Record<string, TarType>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
};

/** What a pax record or a GNU long name says of the entry that follows. */
interface Overrides {
  path?: string;
  target?: string;
  size?: number;
  modified?: number;
}

/** The entries of `archive` in order; `what` names it in messages. */
export function* readTar(archive: Uint8Array, what: string): Generator<TarEntry> {
  let position = 0;
  let overrides: Overrides = {};
  let global: Overrides = {};
  while (position + blockBytes <= archive.length) {
    const header = archive.subarray(position, position + blockBytes);
    if (isZero(header)) return;
    verifyChecksum(header, what, position);
    const flag = String.fromCharCode(header[156] as number);
    const ownSize = readNumber(header, 124, 12, what);
    const effective = { ...global, ...overrides };
    const isRecord = flag === 'x' || flag === 'g' || flag === 'L' || flag === 'K';
    const size = isRecord ? ownSize : (effective.size ?? ownSize);
    const start = position + blockBytes;
    if (start + size > archive.length) {
      throw malformedArchive(what, `it ends after ${archive.length} bytes, within an entry`);
    }
    const data = archive.subarray(start, start + size);
    position = start + Math.ceil(size / blockBytes) * blockBytes;
    if (flag === 'x') {
      overrides = { ...overrides, ...readPax(data, what) };
    } else if (flag === 'g') {
      global = { ...global, ...readPax(data, what) };
    } else if (flag === 'L') {
      overrides.path = cString(data, 0, data.length);
    } else if (flag === 'K') {
      overrides.target = cString(data, 0, data.length);
    } else {
      const type = types[flag];
      if (type === undefined) {
        throw malformedArchive(what, `it has an entry of the unknown type ${JSON.stringify(flag)}`);
      }
      yield {
        path: effective.path ?? headerPath(header),
        type: type === 'file' && headerPath(header).endsWith('/') ? 'directory' : type,
        mode: readNumber(header, 100, 8, what) & 0o7777,
        uid: readNumber(header, 108, 8, what),
        gid: readNumber(header, 116, 8, what),
        modified: effective.modified ?? readNumber(header, 136, 12, what),
        target:
          type === 'symlink' || type === 'hardlink'
            ? (effective.target ?? cString(header, 157, 100))
            : '',
        data: type === 'file' ? data : data.subarray(0, 0),
      };
      overrides = {};
    }
  }
  // A good archive ends with zeros; some writers leave them out, none leaves half a block.
  if (position < archive.length && !isZero(archive.subarray(position))) {
    throw malformedArchive(what, 'it ends within a header');
  }
}

function headerPath(header: Uint8Array): string {
  const name = cString(header, 0, 100);
  // Only POSIX ustar has a prefix; GNU's header has times there.
  if (cString(header, 257, 8) !== 'ustar' || header[263] !== 0x30) return name;
  const prefix = cString(header, 345, 155);
  return prefix === '' ? name : `${prefix}/${name}`;
}

function verifyChecksum(header: Uint8Array, what: string, position: number): void {
  let sum = 8 * 0x20;
  for (let i = 0; i < blockBytes; i++) {
    if (i < 148 || i >= 156) sum += header[i] as number;
  }
  if (sum !== readNumber(header, 148, 8, what)) {
    throw malformedArchive(what, `the checksum of the header at byte ${position} is wrong`);
  }
}

/** An octal number, or GNU's base-256 form for large ones. */
function readNumber(header: Uint8Array, start: number, length: number, what: string): number {
  const first = header[start] as number;
  if (first & 0x80) {
    let value = first & 0x7f;
    for (let i = start + 1; i < start + length; i++) value = value * 256 + (header[i] as number);
    if (!Number.isSafeInteger(value)) throw malformedArchive(what, 'a number in it is too large');
    return value;
  }
  const text = cString(header, start, length).trim();
  if (text === '') return 0;
  if (!/^[0-7]+$/.test(text)) throw malformedArchive(what, `the number ${text} in it is not octal`);
  return Number.parseInt(text, 8);
}

function readPax(data: Uint8Array, what: string): Overrides {
  const overrides: Overrides = {};
  let position = 0;
  while (position < data.length) {
    const space = data.indexOf(0x20, position);
    const length = space < 0 ? Number.NaN : Number(cString(data, position, space - position));
    const end = position + length;
    if (!Number.isSafeInteger(length) || end > data.length || end <= space + 1) {
      throw malformedArchive(what, 'a pax record in it cannot be read');
    }
    const record = latin1(data, space + 1, end - 1);
    const equals = record.indexOf('=');
    const key = record.slice(0, equals);
    const value = record.slice(equals + 1);
    if (key === 'path') overrides.path = value;
    else if (key === 'linkpath') overrides.target = value;
    else if (key === 'size') {
      const size = Number(value);
      if (!Number.isSafeInteger(size) || size < 0) {
        throw malformedArchive(what, `the size ${value} in it cannot be read`);
      }
      overrides.size = size;
    } else if (key === 'mtime' && /^[0-9.]+$/.test(value)) overrides.modified = Math.floor(Number(value));
    else if (key.startsWith('GNU.sparse')) {
      throw malformedArchive(what, 'it has a sparse file');
    }
    position = end;
  }
  return overrides;
}

function cString(bytes: Uint8Array, start: number, length: number): string {
  let end = start;
  while (end < start + length && bytes[end] !== 0) end++;
  return latin1(bytes, start, end);
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i] as number);
  return text;
}

function isZero(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}
