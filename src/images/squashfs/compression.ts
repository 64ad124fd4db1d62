/**
 * The compressors of squashfs, as doors: this layer names them and their options, others do the
 * work.
 *
 * A choice is written as for `mksquashfs -comp` and NixOS's `isoImage.squashfsCompression`:
 * "zstd -Xcompression-level 19", "gzip", "xz -Xdict-size 100%", "lz4 -Xhc", and "none".
 */
import { Writer } from '../bytes.ts';
import { unsupportedOption } from '../errors.ts';
import { compressorIds, metadataBlockBytes } from './format.ts';

export type SquashfsCompression =
  | { readonly kind: 'none' }
  | { readonly kind: 'zstd'; readonly level: number }
  | { readonly kind: 'gzip'; readonly level: number }
  | { readonly kind: 'xz'; readonly dictionaryBytes: number }
  | { readonly kind: 'lz4'; readonly high: boolean };

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

const defaultLevels = { zstd: 15, gzip: 9 } as const;

/** Throws `IMAGE_OPTION_UNSUPPORTED` on a choice that is not known. */
export function parseSquashfsCompression(
  text: string,
  blockSizeBytes: number,
): SquashfsCompression {
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
  const choice = choiceOf(kind, take, blockSizeBytes, text);
  if (choice === undefined || options.size > 0) throw unknownCompression(text);
  return choice;
}

function choiceOf(
  kind: string,
  take: (name: string) => string | undefined,
  blockSizeBytes: number,
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
      return {
        kind,
        dictionaryBytes: dictionaryBytes(take('-Xdict-size') ?? '100%', blockSizeBytes, text),
      };
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
    case 'xz':
      return { id: compressorIds.xz, options: undefined };
  }
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

/**
 * In bytes. A dictionary shorter than the block only saves memory of readers that nobody has any
 * more, and costs size; so there is none but the whole block.
 */
function dictionaryBytes(size: string, blockSizeBytes: number, whole: string): number {
  const match = /^(\d+)(%|[KkMm]?)$/.exec(size);
  if (match === null) throw unknownCompression(whole);
  const unit = { '%': blockSizeBytes / 100, '': 1, k: 1024, m: 1 << 20 }[match[2]!.toLowerCase()]!;
  if (Number(match[1]) * unit < blockSizeBytes) {
    throw unsupportedOption(
      `The squashfs compression "${whole}" wants a dictionary smaller than a block`,
      'Give "xz -Xdict-size 100%"',
    );
  }
  // Blocks of metadata may be longer than small blocks of data; readers reckon with it.
  return Math.max(blockSizeBytes, metadataBlockBytes);
}

function unknownCompression(text: string) {
  return unsupportedOption(
    `The squashfs compression "${text}" is not known here`,
    'Give "zstd -Xcompression-level 1" to 22, "gzip -Xcompression-level 1" to 9, "xz -Xdict-size 100%", "lz4", "lz4 -Xhc" or "none"',
  );
}
