/**
 * A sink that compresses what it is given into another: one stream, as kernels unpack initrds.
 *
 * The compressors are those of the runtime, single-threaded within one stream, so the result is the
 * same at any core count; gzip headers carry no time and no name.
 */
import { once } from 'node:events';
import type { Transform } from 'node:stream';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import { UserError } from '#base';
import type { ByteSink } from '#images';
import { XzWriter } from './xz-writer.ts';

export type StreamCompression =
  { readonly kind: 'none' } | { readonly kind: 'gzip' | 'xz' | 'zstd'; readonly level: number };

export interface CompressingSink extends ByteSink {
  /** Writes what is still inside. Must be called once, at the end. */
  end(): Promise<void>;
}

/** Reads "none", "gzip", "gzip -9", "xz -6", "zstd", "zstd -19", and xz's usual "--check=crc32". */
export function parseStreamCompression(text: string): StreamCompression {
  // What it asks for is the only check that there is here.
  const plain = text.trim().replace(/^(xz\b.*?)\s+--check=crc32\b/, '$1');
  const match = /^(none|cat|gzip|xz|zstd)(?:\s+-(\d+))?$/.exec(plain);
  const kind = match?.[1];
  if (kind === 'none' || kind === 'cat') return { kind: 'none' };
  const level = match?.[2] === undefined ? undefined : Number(match[2]);
  if (kind === 'gzip' && (level ?? 9) >= 1 && (level ?? 9) <= 9) return { kind, level: level ?? 9 };
  if (kind === 'zstd' && (level ?? 3) >= 1 && (level ?? 3) <= 22)
    return { kind, level: level ?? 3 };
  if (kind === 'xz' && (level ?? 6) <= 9) return { kind, level: level ?? 6 };
  throw new UserError('STREAM_COMPRESSION', `The compression "${text}" is not known here`, {
    hint: 'Give "zstd -1" to "zstd -22", "gzip -1" to "gzip -9", "xz -0" to "xz -9", or "none"',
  });
}

export function compressingSink(target: ByteSink, compression: StreamCompression): CompressingSink {
  if (compression.kind === 'none') {
    return {
      get positionBytes() {
        return target.positionBytes;
      },
      write: (bytes) => target.write(bytes),
      patch: (offset, bytes) => target.patch(offset, bytes),
      end: async () => {},
    };
  }
  if (compression.kind === 'xz') return xzSink(target, compression.level);
  const stream = makeStream(compression.kind, compression.level);
  let failure: unknown;
  stream.on('error', (error) => (failure = error));
  const drained = (async () => {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) await target.write(chunk);
  })();
  drained.catch((error: unknown) => stream.destroy(error as Error));
  let position = 0;
  return {
    get positionBytes() {
      return position;
    },
    async write(bytes) {
      if (failure !== undefined) throw failure;
      position += bytes.length;
      if (!stream.write(bytes)) await Promise.race([once(stream, 'drain'), drained]);
    },
    patch() {
      throw new TypeError('a compressed stream cannot be patched');
    },
    async end() {
      stream.end();
      await drained;
    },
  };
}

/** The compressor runs where it is called, a piece at a time. */
function xzSink(target: ByteSink, level: number): CompressingSink {
  const writer = new XzWriter(level);
  let position = 0;
  return {
    get positionBytes() {
      return position;
    },
    async write(bytes) {
      position += bytes.length;
      await target.write(writer.write(bytes));
    },
    patch() {
      throw new TypeError('a compressed stream cannot be patched');
    },
    async end() {
      await target.write(await writer.end());
    },
  };
}

function makeStream(kind: 'gzip' | 'zstd', level: number): Transform {
  const chunkSize = 1 << 18;
  if (kind === 'gzip') return createGzip({ level, chunkSize });
  return createZstdCompress({
    chunkSize,
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
  });
}
