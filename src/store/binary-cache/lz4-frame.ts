/**
 * The LZ4 frame format, in streams: blocks of four megabytes, each by itself, and a checksum of the
 * header. Frames whose blocks lean on those before them are refused; nobody writes them unasked.
 * Specification: "LZ4 Frame Format Description", version 1.6.
 */

import { concatBytes } from '#base';
import { compressLz4, decompressLz4 } from '#formats';
import { badCompressedNar } from './errors.ts';

type Bytes = AsyncIterable<Uint8Array>;

const magic = 0x184d2204;
/** Version 1, blocks independent. */
const flags = 0x60;
/** Blocks of at most four megabytes. */
const blockDescriptor = 0x70;
const blockBytes = 1 << 22;
const isPlain = 0x8000_0000;
const blockSizes: Readonly<Record<number, number>> = { 4: 1 << 16, 5: 1 << 18, 6: 1 << 20, 7: 1 << 22 };

export async function* packLz4(source: Bytes): AsyncGenerator<Uint8Array, void, void> {
  const descriptor = Uint8Array.of(flags, blockDescriptor);
  yield concatBytes([numberBytes(magic), descriptor, Uint8Array.of((xxHash32(descriptor) >>> 8) & 0xff)]);
  const reader = new Reader(source);
  for (let block = await reader.upTo(blockBytes); block.length > 0; block = await reader.upTo(blockBytes)) {
    const packed = compressLz4(block);
    yield numberBytes(packed === undefined ? (block.length | isPlain) >>> 0 : packed.length);
    yield packed ?? block;
  }
  yield numberBytes(0);
}

export async function* unpackLz4(source: Bytes, url: string): AsyncGenerator<Uint8Array, void, void> {
  const reader = new Reader(source);
  const take = async (count: number): Promise<Uint8Array> => {
    const bytes = await reader.upTo(count);
    if (bytes.length < count) throw badCompressedNar(url, 'it ends too early');
    return bytes;
  };
  const number = async (): Promise<number> => {
    const bytes = await take(4);
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  };
  if (await number() !== magic) throw badCompressedNar(url, 'it is no LZ4 frame');
  const [flag = 0, descriptor = 0] = await take(2);
  const largest = blockSizes[(descriptor >> 4) & 7];
  if (flag >> 6 !== 1 || largest === undefined) throw badCompressedNar(url, 'its LZ4 frame is of another version');
  if ((flag & 0x20) === 0) throw badCompressedNar(url, 'its LZ4 blocks are not independent');
  await take((flag & 0x08 ? 8 : 0) + (flag & 0x01 ? 4 : 0) + 1);
  for (let size = await number(); size !== 0; size = await number()) {
    const length = size & 0x7fff_ffff;
    if (length > largest) throw badCompressedNar(url, 'an LZ4 block is longer than its frame says');
    const block = await take(length);
    try {
      yield size >= isPlain ? block : decompressLz4(block, largest);
    } catch (error) {
      throw badCompressedNar(url, (error as Error).message, error);
    }
    if (flag & 0x10) await take(4);
  }
  // The content's checksum adds nothing to the NAR's hash.
  if (flag & 0x04) await take(4);
}

/** Takes bytes in amounts that the reader chooses. */
class Reader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #left: Uint8Array = new Uint8Array(0);

  constructor(source: Bytes) {
    this.#pieces = source[Symbol.asyncIterator]();
  }

  /** So many bytes, or fewer at the end. */
  async upTo(count: number): Promise<Uint8Array> {
    const gathered: Uint8Array[] = [];
    for (let missing = count; missing > 0;) {
      if (this.#left.length === 0) {
        const next = await this.#pieces.next();
        if (next.done === true) break;
        this.#left = next.value.slice();
      }
      const part = this.#left.subarray(0, missing);
      gathered.push(part);
      this.#left = this.#left.subarray(part.length);
      missing -= part.length;
    }
    return concatBytes(gathered);
  }
}

function numberBytes(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24);
}

/** XXH32 of fewer than four bytes, which is all that a header here has. */
function xxHash32(bytes: Uint8Array): number {
  let hash = (374761393 + bytes.length) | 0;
  for (const byte of bytes) {
    hash = (hash + Math.imul(byte, 374761393)) | 0;
    hash = Math.imul((hash << 11) | (hash >>> 21), -1640531535);
  }
  hash = Math.imul(hash ^ (hash >>> 15), -2048144777);
  hash = Math.imul(hash ^ (hash >>> 13), -1028477379);
  return (hash ^ (hash >>> 16)) >>> 0;
}
