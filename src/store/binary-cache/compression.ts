/**
 * NARs as caches keep them: compressed and decompressed in streams.
 *
 * A decompressed stream is never longer than its reader takes: it is unpacked only as it is read.
 * Only xz is unpacked whole; its length is told first, and held to the limit.
 */

import { Readable, type Transform } from 'node:stream';
import {
  constants, createBrotliCompress, createBrotliDecompress, createGunzip, createGzip, createZstdCompress,
  createZstdDecompress,
} from 'node:zlib';
import { concatBytes } from '#base';
import { Bzip2Writer } from '#formats';
import { badCompressedNar, cacheFileTooLarge, cannotCompress, unknownCompression } from './errors.ts';
import { packLz4, unpackLz4 } from './lz4-frame.ts';
import { packLzma, unpackLzma } from './lzma-stream.ts';
import { unpackedXzSize } from './xz-size.ts';

type Bytes = AsyncIterable<Uint8Array>;

/** What narinfo files call the compressions that we write, with the end of the file's name. */
export const writtenCompressions: Readonly<Record<string, string>> = {
  none: '', zstd: '.zst', xz: '.xz', br: '.br', gzip: '.gz', bzip2: '.bz2', lzma: '.lzma', lz4: '.lz4',
};

/** The NAR in pieces. Whoever reads it stops at its announced size, `limitBytes`. */
export async function* decompressNar(
  compression: string, source: Bytes, limitBytes: number, url: string,
): AsyncGenerator<Uint8Array, void, void> {
  switch (compression) {
    case 'none': return yield* source;
    case 'gzip': return yield* transformed(source, createGunzip(), url);
    case 'br': return yield* transformed(source, createBrotliDecompress(), url);
    case 'zstd': return yield* transformed(source, createZstdDecompress({
      params: { [constants.ZSTD_d_windowLogMax]: maximumWindowLog },
    }), url);
    case 'xz': return yield await unpackXz(source, limitBytes, url);
    case 'bzip2': return yield* decompressBzip2(source, url);
    case 'lzma': return yield* unpackLzma(source, limitBytes, url);
    case 'lz4': return yield* unpackLz4(source, url);
    default: throw unknownCompression(url, compression);
  }
}

/** Levels are the compression's own; undefined means a good one. */
export async function* compressNar(
  compression: string, source: Bytes, level?: number,
): AsyncGenerator<Uint8Array, void, void> {
  switch (compression) {
    case 'none': return yield* source;
    case 'gzip': return yield* transformed(source, createGzip(level === undefined ? {} : { level }), 'NAR');
    case 'br': return yield* transformed(source, createBrotliCompress({
      params: { [constants.BROTLI_PARAM_QUALITY]: level ?? 6 },
    }), 'NAR');
    case 'zstd': return yield* transformed(source, createZstdCompress({
      params: { [constants.ZSTD_c_compressionLevel]: level ?? 9, [constants.ZSTD_c_checksumFlag]: 1 },
    }), 'NAR');
    case 'xz':
    case 'lzma': return yield* packLzma(compression, source, level);
    case 'lz4': return yield* packLz4(source);
    case 'bzip2': return yield* compressBzip2(source, level);
    default: throw cannotCompress(compression);
  }
}

/** 128 MB: what `zstd --ultra` needs. */
const maximumWindowLog = 27;

async function* transformed(source: Bytes, transform: Transform, url: string): AsyncGenerator<Uint8Array, void, void> {
  const input = Readable.from(source, { objectMode: true, highWaterMark: 2 });
  // The source's own failures are told as they are, not as the decompressor's.
  let failure: unknown;
  input.on('error', (error) => {
    failure = error;
    transform.destroy(error);
  });
  input.pipe(transform);
  try {
    yield* transform as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw failure ?? badCompressedNar(url, (error as Error).message, error);
  } finally {
    input.destroy();
    transform.destroy();
  }
}

async function unpackXz(source: Bytes, limitBytes: number, url: string): Promise<Uint8Array> {
  const packed = await gather(source);
  const size = unpackedXzSize(packed);
  if (typeof size === 'string') throw badCompressedNar(url, size);
  if (size > limitBytes) throw cacheFileTooLarge(url, limitBytes);
  const { xz } = await import('@napi-rs/lzma');
  try {
    return await xz.decompress(packed);
  } catch (error) {
    throw badCompressedNar(url, (error as Error).message, error);
  }
}

async function* compressBzip2(source: Bytes, level: number | undefined): AsyncGenerator<Uint8Array, void, void> {
  const writer = new Bzip2Writer(level);
  for await (const piece of source) yield* writer.write(piece);
  yield* writer.finish();
}

async function* decompressBzip2(source: Bytes, url: string): AsyncGenerator<Uint8Array, void, void> {
  const { Bzip2Reader } = await import('./bzip2.ts');
  const reader = new Bzip2Reader();
  try {
    for await (const piece of source) yield* reader.write(piece);
    yield* reader.finish();
  } catch (error) {
    if (error instanceof Error && error.name === 'Bzip2Error') throw badCompressedNar(url, error.message, error);
    throw error;
  }
}

async function gather(source: Bytes): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source) pieces.push(piece.slice());
  return concatBytes(pieces);
}
