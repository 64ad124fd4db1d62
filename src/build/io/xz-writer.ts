/**
 * .xz streams that a kernel can unpack, written in one pass; see src/formats/xz-frame.ts.
 */
import { crc32 } from 'node:zlib';
import { Lzma2Compressor, lzma2 } from '@napi-rs/lzma';
import { xzHead, xzTail } from '#formats';

/** The whole of `block` at once; it must not be longer than the dictionary. */
export function compressXzBlock(block: Uint8Array, dictionaryBytes: number): Uint8Array {
  return framed(block, lzma2.compressSync(asBuffer(block)), dictionaryBytes);
}

/** Compresses pieces as they come. `preset` is xz's, 0 to 9. */
export class XzWriter {
  readonly #compressor: Lzma2Compressor;
  #compressedBytes = 0;
  #contentBytes = 0;
  #contentCrc32 = 0;
  readonly #dictionaryBytes: number;
  #isBegun = false;

  constructor(preset: number) {
    this.#dictionaryBytes = presetDictionaryBytes[preset] as number;
    this.#compressor = new Lzma2Compressor({ preset, dictSize: this.#dictionaryBytes });
  }

  /** What can be written so far. */
  write(bytes: Uint8Array): Uint8Array {
    this.#contentBytes += bytes.length;
    this.#contentCrc32 = crc32(bytes, this.#contentCrc32);
    return this.#take(this.#compressor.update(asBuffer(bytes)));
  }

  async end(): Promise<Uint8Array> {
    const last = this.#take(await this.#compressor.finish());
    const content = {
      compressedBytes: this.#compressedBytes,
      contentBytes: this.#contentBytes,
      contentCrc32: this.#contentCrc32,
    };
    return Buffer.concat([last, xzTail(content, crc32)]);
  }

  #take(data: Uint8Array): Uint8Array {
    this.#compressedBytes += data.length;
    if (this.#isBegun) return data;
    this.#isBegun = true;
    return Buffer.concat([xzHead(this.#dictionaryBytes, crc32), data]);
  }
}

/** Of xz's presets 0 to 9. */
const presetDictionaryBytes = [18, 20, 21, 22, 22, 23, 23, 24, 25, 26].map((power) => 2 ** power);

function framed(content: Uint8Array, data: Uint8Array, dictionaryBytes: number): Uint8Array {
  const facts = {
    compressedBytes: data.length,
    contentBytes: content.length,
    contentCrc32: crc32(content),
  };
  return Buffer.concat([xzHead(dictionaryBytes, crc32), data, xzTail(facts, crc32)]);
}

/** The library takes Node's buffers; nothing is copied unless the memory is shared with threads. */
function asBuffer(bytes: Uint8Array): Buffer {
  if (bytes.buffer instanceof SharedArrayBuffer) return Buffer.from(bytes);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
