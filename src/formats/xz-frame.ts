/**
 * The frame that makes LZMA2 data an .xz file of one block: what stands before the data and after.
 *
 * Kernels unpack only what they can check with little memory: a CRC32, where xz itself would write
 * a CRC64, and a dictionary no larger than told at the start of a squashfs image. So the frame is
 * made here, and only the data between by a compressor. Specification: "The .xz File Format", 2 to 4.
 */

const headerMagic = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
const footerMagic = [0x59, 0x5a];
/** Stream flags: the check of the content is a CRC32. */
const checkIsCrc32 = [0x00, 0x01];
const checkBytes = 4;
const lzma2Filter = 0x21;
const smallestDictionaryBytes = 4096;

export type Crc32 = (bytes: Uint8Array) => number;

/** What the frame's end says of the data. */
export interface XzContent {
  readonly compressedBytes: number;
  readonly contentBytes: number;
  readonly contentCrc32: number;
}

/** The stream header and the header of the block; LZMA2 data follows. */
export function xzHead(dictionaryBytes: number, crc32: Crc32): Uint8Array {
  const flags = Uint8Array.from(checkIsCrc32);
  const block = Uint8Array.from([
    // Size in units of four bytes, less one; one filter; its properties; padding to the size.
    0x02, 0x00, lzma2Filter, 0x01, dictionaryCode(dictionaryBytes), 0x00, 0x00, 0x00,
  ]);
  return joined([headerMagic, flags, u32(crc32(flags)), block, u32(crc32(block))]);
}

/** Padding and check of the block, the index, and the stream footer. */
export function xzTail(content: XzContent, crc32: Crc32): Uint8Array {
  const blockHeaderBytes = 12;
  const unpaddedBytes = blockHeaderBytes + content.compressedBytes + checkBytes;
  const records = [0x00, ...varint(1), ...varint(unpaddedBytes), ...varint(content.contentBytes)];
  const index = Uint8Array.from([...records, ...zeros(-records.length & 3)]);
  const indexBytes = index.length + 4;
  const ending = Uint8Array.from([...u32(indexBytes / 4 - 1), ...checkIsCrc32]);
  return joined([
    zeros(-content.compressedBytes & 3),
    u32(content.contentCrc32),
    index,
    u32(crc32(index)),
    u32(crc32(ending)),
    ending,
    footerMagic,
  ]);
}

/** The smallest dictionary of the sizes that can be told, 2^n and 2^n + 2^(n-1), that is enough. */
function dictionaryCode(wantedBytes: number): number {
  for (let code = 0; code < 40; code++) {
    const size = (2 | (code & 1)) * 2 ** ((code >> 1) + 11);
    if (size >= Math.max(wantedBytes, smallestDictionaryBytes)) return code;
  }
  return 40;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}

const zeros = (count: number): number[] => new Array<number>(count).fill(0);

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function joined(parts: readonly ArrayLike<number>[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
