/**
 * xz and lzma in streams: written at any level, and lzma read.
 *
 * What a hostile lzma file unpacks to is not known before. So it is fed to the decoder in small
 * pieces, none of which can become more than some tens of megabytes, and given up once it is longer
 * than it may be. A dictionary larger than the strongest preset's is refused.
 */

import { cacheFileTooLarge, badCompressedNar } from './errors.ts';

type Bytes = AsyncIterable<Uint8Array>;

/** Compresses; levels are those of the programs, 0 to 9. */
export async function* packLzma(
  form: 'xz' | 'lzma', source: Bytes, level = usualLevel,
): AsyncGenerator<Uint8Array, void, void> {
  const { LzmaCompressor, XzCompressor } = await import('@napi-rs/lzma');
  const compressor = new (form === 'xz' ? XzCompressor : LzmaCompressor)({ preset: Math.min(9, Math.max(0, level)) });
  for await (const piece of source) {
    const packed = compressor.update(piece);
    if (packed.length > 0) yield packed;
  }
  yield await compressor.finish();
}

/** Unpacks an lzma file of no more than `limitBytes`. */
export async function* unpackLzma(source: Bytes, limitBytes: number, url: string): AsyncGenerator<Uint8Array, void, void> {
  const { LzmaDecompressor } = await import('@napi-rs/lzma');
  const decompressor = new LzmaDecompressor();
  let unpackedBytes = 0;
  const counted = (bytes: Uint8Array): Uint8Array => {
    unpackedBytes += bytes.length;
    if (unpackedBytes > limitBytes) throw cacheFileTooLarge(url, limitBytes);
    return bytes;
  };
  let isFirst = true;
  for await (const piece of source) {
    for (let at = 0; at < piece.length; at += fedBytes) {
      const fed = piece.slice(at, at + fedBytes);
      if (isFirst) checkDictionary(fed, url);
      isFirst = false;
      yield counted(decoded(url, () => decompressor.update(fed)));
    }
  }
  yield counted(await decompressor.finish().catch((error: Error) => {
    throw badCompressedNar(url, error.message, error);
  }));
}

const usualLevel = 6;
const fedBytes = 4096;
/** Of the strongest preset. */
const maximumDictionaryBytes = 2 ** 26;

/** A file begins with a byte of properties and four of the dictionary's size. */
function checkDictionary(bytes: Uint8Array, url: string): void {
  if (bytes.length < 5) throw badCompressedNar(url, 'it is too short');
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1, true);
  if (size > maximumDictionaryBytes) throw badCompressedNar(url, `its dictionary of ${size} bytes is too large`);
}

function decoded(url: string, decode: () => Uint8Array): Uint8Array {
  try {
    return decode();
  } catch (error) {
    throw badCompressedNar(url, (error as Error).message, error);
  }
}
