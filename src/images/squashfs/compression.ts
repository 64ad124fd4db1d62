/**
 * The compressors of squashfs, as doors: this layer names them and their options, others do the
 * work.
 *
 * A choice is written as for `mksquashfs -comp` and NixOS's `isoImage.squashfsCompression`:
 * "zstd -Xcompression-level 19", "gzip", "xz -Xdict-size 100%", "lz4 -Xhc", and "none".
 */
import { Writer } from '../bytes.ts';
import { unsupportedOption } from '../errors.ts';
import { compressorIds } from './format.ts';

export type SquashfsCompression =
  | { readonly kind: 'none' }
  | { readonly kind: 'zstd'; readonly level: number }
  | { readonly kind: 'gzip'; readonly level: number }
  | { readonly kind: 'xz'; readonly dictionary: DictionarySize }
  | { readonly kind: 'lz4'; readonly high: boolean };

/** In bytes, or as a part of the block size. */
export type DictionarySize = { readonly bytes: number } | { readonly percent: number };

/** Compresses blocks. Equal blocks give equal results, whatever runs beside them. */
export interface BlockCompressor {
  /** The choice in full, options and version of the compressor included: a key for caches. */
  readonly identity: string;
  /**
   * Undefined where the block should be stored as it is. The result may stand in the block's own
   * place if that is shared memory: the block is the compressor's until then.
   */
  compress(block: Uint8Array): Promise<Uint8Array | undefined>;
  /** For the small blocks of metadata, which depend on one another. */
  compressNow(block: Uint8Array): Uint8Array | undefined;
}

/** The reverse, for reading back. `limitBytes` bounds the result. */
export interface BlockDecompressor {
  decompress(block: Uint8Array, limitBytes: number): Uint8Array;
}

/** Keeps compressed blocks between images, by content. */
export interface CompressedBlockCache {
  /** The result kept for this content; `stored` where it did not compress. */
  get(key: string): Uint8Array | 'stored' | undefined;
  put(key: string, result: Uint8Array | 'stored'): void;
}

const defaultLevels = { zstd: 15, gzip: 9 } as const;

/** Throws `IMAGE_OPTION_UNSUPPORTED` on a choice that is not known. */
export function parseSquashfsCompression(text: string): SquashfsCompression {
  const [kind = '', ...words] = text.trim().split(/\s+/);
  const options = new Map<string, string>();
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    options.set(word, word === '-Xhc' ? '' : (words[++i] ?? ''));
  }
  const take = (name: string): string | undefined => {
    const value = options.get(name);
    options.delete(name);
    return value;
  };
  const choice = choiceOf(kind, take, text);
  if (choice === undefined || options.size > 0) throw unknownCompression(text);
  return choice;
}

function choiceOf(
  kind: string,
  take: (name: string) => string | undefined,
  text: string,
): SquashfsCompression | undefined {
  switch (kind) {
    case 'none':
      return { kind };
    case 'zstd':
      return { kind, level: level(take('-Xcompression-level'), defaultLevels.zstd, 22, text) };
    case 'gzip':
      return { kind, level: level(take('-Xcompression-level'), defaultLevels.gzip, 9, text) };
    case 'lz4':
      return { kind, high: take('-Xhc') !== undefined };
    case 'xz':
      return { kind, dictionary: dictionarySize(take('-Xdict-size') ?? '100%', text) };
    default:
      return undefined;
  }
}

/**
 * The compressor's number in the superblock, and its options block where they differ from the
 * defaults (lz4 must always have one).
 */
export function describeCompression(
  compression: SquashfsCompression,
  blockSizeBytes: number,
): { id: number; options: Uint8Array | undefined } {
  switch (compression.kind) {
    case 'none':
      return { id: compressorIds.gzip, options: undefined };
    case 'zstd':
      return { id: compressorIds.zstd, options: zstdOptions(compression.level) };
    case 'gzip':
      return { id: compressorIds.gzip, options: gzipOptions(compression.level) };
    case 'lz4':
      return {
        id: compressorIds.lz4,
        options: new Writer(8)
          .u32(1)
          .u32(compression.high ? 1 : 0)
          .take(),
      };
    case 'xz': {
      const size = dictionaryBytes(compression.dictionary, blockSizeBytes);
      const options = size === blockSizeBytes ? undefined : new Writer(8).u32(size).u32(0).take();
      return { id: compressorIds.xz, options };
    }
  }
}

/** The xz dictionary in bytes: at least 8 KiB, at most the block. */
export function dictionaryBytes(size: DictionarySize, blockSizeBytes: number): number {
  const wanted = 'bytes' in size ? size.bytes : Math.floor((blockSizeBytes * size.percent) / 100);
  // The kernel accepts 2^n and 2^n + 2^(n+1).
  let fitting = 8192;
  for (let power = 8192; power <= blockSizeBytes; power *= 2) {
    for (const candidate of [power, power * 1.5]) {
      if (candidate <= Math.min(wanted, blockSizeBytes)) fitting = Math.max(fitting, candidate);
    }
  }
  return fitting;
}

const zstdOptions = (chosen: number): Uint8Array | undefined =>
  chosen === defaultLevels.zstd ? undefined : new Writer(4).u32(chosen).take();

/** Level, window size (15), strategies (0: the default one alone). */
const gzipOptions = (chosen: number): Uint8Array | undefined =>
  chosen === defaultLevels.gzip ? undefined : new Writer(8).u32(chosen).u16(15).u16(0).take();

function level(text: string | undefined, fallback: number, highest: number, whole: string): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > highest) throw unknownCompression(whole);
  return value;
}

function dictionarySize(text: string, whole: string): DictionarySize {
  const match = /^(\d+)(%|[KkMm]?)$/.exec(text);
  if (match === null) throw unknownCompression(whole);
  const value = Number(match[1]);
  if (match[2] === '%') return { percent: value };
  const unit = { '': 1, k: 1024, m: 1 << 20 }[match[2]!.toLowerCase()] ?? 1;
  return { bytes: value * unit };
}

function unknownCompression(text: string) {
  return unsupportedOption(
    `The squashfs compression "${text}" is not known here`,
    'Give "zstd -Xcompression-level 1" to 22, "gzip -Xcompression-level 1" to 9, "xz -Xdict-size 100%", "lz4", "lz4 -Xhc" or "none"',
  );
}
