/**
 * .deb files (deb(5)): an ar archive of `debian-binary`, `control.tar.*` and `data.tar.*`.
 *
 * The members come out compressed as they are; decompression is the caller's, because it needs
 * libraries, threads and a bound on the result.
 */
import { readAr } from './ar.ts';
import { malformedArchive } from './debian-errors.ts';

export type DebCompression = 'none' | 'gzip' | 'xz' | 'zstd' | 'bzip2' | 'lzma';

export interface DebMember {
  readonly compression: DebCompression;
  readonly data: Uint8Array;
}

export interface DebParts {
  readonly control: DebMember;
  readonly data: DebMember;
}

const compressions: Readonly<Record<string, DebCompression>> = {
  '': 'none',
  '.gz': 'gzip',
  '.xz': 'xz',
  '.zst': 'zstd',
  '.bz2': 'bzip2',
  '.lzma': 'lzma',
};

/** The two archives within the package `deb`; `what` names it in messages. */
export function readDeb(deb: Uint8Array, what: string): DebParts {
  const members = readAr(deb, what);
  const [version] = members;
  if (version?.name !== 'debian-binary' || version.data[0] !== 0x32 || version.data[1] !== 0x2e) {
    throw malformedArchive(what, 'it is not a Debian package of format 2');
  }
  const part = (stem: string): DebMember => {
    for (const member of members) {
      if (!member.name.startsWith(stem)) continue;
      const compression = compressions[member.name.slice(stem.length)];
      if (compression !== undefined) return { compression, data: member.data };
    }
    throw malformedArchive(what, `it has no member ${stem}`);
  };
  return { control: part('control.tar'), data: part('data.tar') };
}

/**
 * The length of what the xz file `data` decompresses to, read from its indexes (the .xz file format,
 * §2.1 and §4), so that memory is bounded before any is taken. Throws if they cannot be read.
 */
export function xzContentLength(data: Uint8Array, what: string): number {
  let end = data.length;
  let total = 0;
  while (end > 0) {
    // Stream padding: multiples of four zero bytes.
    while (end >= 4 && isZeroWord(data, end - 4)) end -= 4;
    if (end === 0) break;
    const footer = end - 12;
    if (footer < 12 || data[end - 2] !== 0x59 || data[end - 1] !== 0x5a) throw badXz(what);
    const indexBytes = (readWord(data, footer + 4) + 1) * 4;
    let position = footer - indexBytes;
    if (position < 12 || data[position] !== 0) throw badXz(what);
    let blocksBytes = 0;
    const number = (): number => {
      let value = 0;
      for (let shift = 0; ; shift += 7) {
        position += 1;
        const byte = data[position] as number;
        if (position >= footer || shift > 49) throw badXz(what);
        value += (byte & 0x7f) * 2 ** shift;
        if ((byte & 0x80) === 0) return value;
      }
    };
    const records = number();
    for (let i = 0; i < records; i++) {
      blocksBytes += Math.ceil(number() / 4) * 4;
      total += number();
    }
    const start = footer - indexBytes - blocksBytes - 12;
    if (start < 0 || !Number.isSafeInteger(total)) throw badXz(what);
    end = start;
  }
  return total;
}

function readWord(data: Uint8Array, at: number): number {
  return new DataView(data.buffer, data.byteOffset + at, 4).getUint32(0, true);
}

function isZeroWord(data: Uint8Array, at: number): boolean {
  return readWord(data, at) === 0;
}

function badXz(what: string): Error {
  return malformedArchive(what, 'its xz stream has no readable index');
}
