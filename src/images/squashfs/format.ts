/**
 * The numbers of squashfs 4.0: superblock, block size words, inode types.
 *
 * All integers are little-endian. The file system is, in this order: superblock, compressor options
 * (a metadata block, if any), data and fragment blocks, inode table, directory table, fragment
 * table, export table, id table. Offsets that are 64 bits of ones stand for "there is none".
 * docs/formats/squashfs.md describes every structure.
 */
import { UserError } from '#base';
import { Writer, readU64, viewOf } from '../bytes.ts';
import { malformedImage } from '../errors.ts';
import type { EntryType } from '../tree.ts';

export const superblockBytes = 96;
export const metadataBlockBytes = 8192;
export const minimumBlockBytes = 4096;
export const maximumBlockBytes = 1 << 20;
export const noFragment = 0xffffffff;
export const noXattr = 0xffffffff;
const magic = 0x73717368;

/** Set in the size word of a data or fragment block that is stored as it is. */
export const storedBlockBit = 1 << 24;
/** The same in the 16-bit header of a metadata block. */
export const storedMetadataBit = 0x8000;

export const compressorIds = { gzip: 1, lzma: 2, lzo: 3, xz: 4, lz4: 5, zstd: 6 } as const;

export const flags = {
  inodesStored: 0x001,
  dataStored: 0x002,
  fragmentsStored: 0x008,
  noFragments: 0x010,
  alwaysFragments: 0x020,
  duplicates: 0x040,
  exportable: 0x080,
  noXattrs: 0x200,
  compressorOptions: 0x400,
  idsStored: 0x800,
} as const;

/** The inode types; a directory listing uses the basic ones, an extended one is 7 above. */
export const inodeTypes: Readonly<Record<EntryType, number>> = {
  directory: 1,
  file: 2,
  link: 3,
  block: 4,
  char: 5,
  fifo: 6,
  socket: 7,
};
export const extendedDirectory = 8;
export const extendedFile = 9;

export interface Superblock {
  readonly inodeCount: number;
  /** Seconds since 1970. */
  readonly madeAt: number;
  readonly blockSizeBytes: number;
  readonly fragmentCount: number;
  readonly compressorId: number;
  readonly flags: number;
  readonly idCount: number;
  readonly rootInode: InodeReference;
  readonly usedBytes: number;
  readonly idTable: number;
  readonly inodeTable: number;
  readonly directoryTable: number;
  readonly fragmentTable: number;
  readonly exportTable: number | undefined;
}

/** Where an inode is: its metadata block's place in the inode table, and its place in the block. */
export interface InodeReference {
  readonly block: number;
  readonly offset: number;
}

export function encodeSuperblock(superblock: Superblock): Uint8Array {
  const writer = new Writer(superblockBytes)
    .u32(magic)
    .u32(superblock.inodeCount)
    .u32(superblock.madeAt)
    .u32(superblock.blockSizeBytes)
    .u32(superblock.fragmentCount)
    .u16(superblock.compressorId)
    .u16(Math.log2(superblock.blockSizeBytes))
    .u16(superblock.flags)
    .u16(superblock.idCount)
    .u16(4)
    .u16(0);
  writeReference(writer, superblock.rootInode);
  writer.u64(superblock.usedBytes).u64(superblock.idTable);
  writeNone(writer);
  writer.u64(superblock.inodeTable).u64(superblock.directoryTable).u64(superblock.fragmentTable);
  if (superblock.exportTable === undefined) writeNone(writer);
  else writer.u64(superblock.exportTable);
  return writer.take();
}

/** Throws `IMAGE_MALFORMED` on anything but squashfs 4.0. */
export function decodeSuperblock(bytes: Uint8Array): Superblock {
  const view = viewOf(bytes);
  if (bytes.length < superblockBytes || view.getUint32(0, true) !== magic) {
    throw malformedImage('squashfs image', 'it does not begin with the magic number');
  }
  if (view.getUint16(28, true) !== 4 || view.getUint16(30, true) !== 0) {
    throw malformedImage('squashfs image', 'its version is not 4.0');
  }
  const blockSizeBytes = view.getUint32(12, true);
  const log = view.getUint16(22, true);
  if (2 ** log !== blockSizeBytes || log < 12 || log > 20) {
    throw malformedImage('squashfs image', `its block size ${blockSizeBytes} is impossible`);
  }
  const exportTable = readU64(view, 88);
  return {
    inodeCount: view.getUint32(4, true),
    madeAt: view.getUint32(8, true),
    blockSizeBytes,
    fragmentCount: view.getUint32(16, true),
    compressorId: view.getUint16(20, true),
    flags: view.getUint16(24, true),
    idCount: view.getUint16(26, true),
    rootInode: { offset: view.getUint16(32, true), block: Math.floor(readU64(view, 32) / 0x10000) },
    usedBytes: readU64(view, 40),
    idTable: readU64(view, 48),
    inodeTable: readU64(view, 64),
    directoryTable: readU64(view, 72),
    fragmentTable: readU64(view, 80),
    exportTable: exportTable > Number.MAX_SAFE_INTEGER ? undefined : exportTable,
  };
}

export function writeReference(writer: Writer, reference: InodeReference): void {
  writer.u64(reference.block * 0x10000 + reference.offset);
}

export function checkBlockSize(blockSizeBytes: number): void {
  const log = Math.log2(blockSizeBytes);
  if (Number.isInteger(log) && log >= 12 && log <= 20) return;
  throw new UserError('SQUASHFS_BLOCK_SIZE', `${blockSizeBytes} is no block size of squashfs`, {
    hint: 'Give a power of two from 4096 to 1048576',
  });
}

function writeNone(writer: Writer): void {
  writer.u32(0xffffffff).u32(0xffffffff);
}
