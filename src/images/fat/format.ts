/**
 * The on-disk structures of FAT12, FAT16 and FAT32: geometry, boot sector, directory entries.
 *
 * The number of clusters alone decides which of the three a file system is: below 4085 FAT12, below
 * 65525 FAT16, else FAT32. A sector is always 512 bytes here. Layout: reserved sectors (boot sector
 * first), two copies of the table, the root directory (FAT12/16 only), clusters from number 2.
 */
import { Writer, roundUp, viewOf } from '../bytes.ts';
import { imageTooLarge, malformedImage } from '../errors.ts';
import type { FatName } from './names.ts';
import { shortNameChecksum } from './names.ts';

export const sectorBytes = 512;
export const directoryEntryBytes = 32;
const rootEntries = 512;
const tableCount = 2;
const mediaByte = 0xf8;

export type FatKind = 12 | 16 | 32;

export interface FatGeometry {
  readonly kind: FatKind;
  readonly clusterBytes: number;
  readonly clusterCount: number;
  readonly reservedSectors: number;
  readonly tableSectors: number;
  readonly rootSectors: number;
  readonly totalSectors: number;
}

export const attributes = { label: 0x08, directory: 0x10, archive: 0x20, long: 0x0f } as const;

/** Where the clusters begin, in bytes. */
export const dataStart = (geometry: FatGeometry): number =>
  sectorBytes *
  (geometry.reservedSectors + tableCount * geometry.tableSectors + geometry.rootSectors);

export const tableStart = (geometry: FatGeometry, copy: number): number =>
  sectorBytes * (geometry.reservedSectors + copy * geometry.tableSectors);

/** How many clusters contents need with a given cluster size. */
export type ClusterDemand = (clusterBytes: number) => number;

/**
 * The geometry for contents that need `demand` clusters: of the given total size, or the smallest
 * one with `freeBytes` to spare.
 */
export function fatGeometry(
  demand: ClusterDemand,
  options: { sizeBytes?: number; freeBytes?: number; kind?: FatKind },
): FatGeometry {
  for (const [kind, clusterBytes] of candidates) {
    if (options.kind !== undefined && options.kind !== kind) continue;
    const geometry =
      options.sizeBytes === undefined
        ? geometryFor(
            kind,
            clusterBytes,
            demand(clusterBytes) + Math.ceil((options.freeBytes ?? 0) / clusterBytes),
          )
        : geometryWithin(kind, clusterBytes, Math.floor(options.sizeBytes / sectorBytes));
    if (geometry !== undefined && geometry.clusterCount >= demand(clusterBytes)) return geometry;
  }
  throw imageTooLarge(
    options.sizeBytes === undefined
      ? 'The files do not fit on a FAT file system of the wanted kind'
      : `The files do not fit on a FAT file system of ${options.sizeBytes} bytes`,
    'Give a larger size, or let kind and size be chosen by leaving both out',
  );
}

/** In the order in which they are tried: small clusters first, the simpler table first. */
const candidates: readonly (readonly [FatKind, number])[] = [
  [12, 512],
  [12, 1024],
  [12, 2048],
  [12, 4096],
  [16, 2048],
  [16, 4096],
  [16, 8192],
  [16, 16384],
  [32, 512],
  [32, 4096],
  [32, 8192],
  [32, 16384],
  [32, 32768],
];

/** Number of clusters, exclusive at the top, that makes a file system of each kind. */
const clusterRange: Readonly<Record<FatKind, readonly [number, number]>> = {
  // Some readers count differently near the limits: keep 16 clusters away from them.
  12: [1, 4085 - 16],
  16: [4085 + 16, 65525 - 16],
  32: [65525 + 16, 0x0ffffff5],
};

function geometryFor(kind: FatKind, clusterBytes: number, wanted: number): FatGeometry | undefined {
  const [least, limit] = clusterRange[kind];
  const clusterCount = Math.max(wanted, least);
  if (clusterCount >= limit) return undefined;
  return complete(kind, clusterBytes, clusterCount);
}

/** All of the given sectors are used, so the number of clusters follows from the table's size. */
function geometryWithin(
  kind: FatKind,
  clusterBytes: number,
  sectors: number,
): FatGeometry | undefined {
  const [least, limit] = clusterRange[kind];
  const clustersBeside = (tableSectors: number): number => {
    const rest = sectors - fixedSectors(kind) - tableCount * tableSectors;
    return Math.floor((rest * sectorBytes) / clusterBytes);
  };
  // From a guess a little too low upwards, to the first table that covers what it leaves.
  let tableSectors = tableSectorsFor(
    kind,
    clustersBeside(tableSectorsFor(kind, clustersBeside(0))),
  );
  while (tableSectorsFor(kind, clustersBeside(tableSectors)) > tableSectors) tableSectors++;
  const clusterCount = clustersBeside(tableSectors);
  if (clusterCount < least || clusterCount >= limit) return undefined;
  return { ...complete(kind, clusterBytes, clusterCount), tableSectors, totalSectors: sectors };
}

function complete(kind: FatKind, clusterBytes: number, clusterCount: number): FatGeometry {
  const tableSectors = tableSectorsFor(kind, clusterCount);
  const clusterSectors = (clusterCount * clusterBytes) / sectorBytes;
  return {
    kind,
    clusterBytes,
    clusterCount,
    reservedSectors: reservedSectors(kind),
    tableSectors,
    rootSectors: rootSectors(kind),
    totalSectors: fixedSectors(kind) + tableCount * tableSectors + clusterSectors,
  };
}

const tableSectorsFor = (kind: FatKind, clusterCount: number): number =>
  Math.ceil(Math.ceil(((clusterCount + 2) * kind) / 8) / sectorBytes);

const reservedSectors = (kind: FatKind): number => (kind === 32 ? 32 : 1);

const rootSectors = (kind: FatKind): number =>
  kind === 32 ? 0 : (rootEntries * directoryEntryBytes) / sectorBytes;

const fixedSectors = (kind: FatKind): number => reservedSectors(kind) + rootSectors(kind);

export interface FatVolume {
  /** At most 11 characters, upper case. */
  readonly label: string;
  readonly serial: number;
  /** Sectors before the file system on its disk. */
  readonly hiddenSectors: number;
}

export function encodeBootSector(geometry: FatGeometry, volume: FatVolume): Uint8Array {
  const wide = geometry.kind === 32;
  const few = !wide && geometry.totalSectors < 0x10000;
  const writer = new Writer(sectorBytes)
    .bytes(Uint8Array.of(0xeb, wide ? 0x58 : 0x3c, 0x90))
    .padded('FIRN', 8)
    .u16(sectorBytes)
    .u8(geometry.clusterBytes / sectorBytes)
    .u16(geometry.reservedSectors)
    .u8(tableCount)
    .u16(wide ? 0 : rootEntries)
    .u16(few ? geometry.totalSectors : 0)
    .u8(mediaByte)
    .u16(wide ? 0 : geometry.tableSectors)
    // Sectors per track and heads: readers go by sector number, but zero confuses some firmware.
    .u16(32)
    .u16(64)
    .u32(volume.hiddenSectors)
    .u32(few ? 0 : geometry.totalSectors);
  if (wide) {
    writer.u32(geometry.tableSectors).u16(0).u16(0).u32(2).u16(1).u16(6).zeros(12);
  }
  return (
    writer
      .u8(0x80)
      .u8(0)
      .u8(0x29)
      .u32(volume.serial)
      .padded(volume.label, 11)
      .padded(`FAT${geometry.kind}`, 8)
      // Tells the BIOS to try the next boot device: int 0x18, then halt.
      .bytes(Uint8Array.of(0xcd, 0x18, 0xf4, 0xeb, 0xfd))
      .padTo(510)
      .u16(0xaa55)
      .take()
  );
}

/** Free clusters, and where to look for the next, for FAT32. */
export function encodeInfoSector(freeClusters: number, nextFree: number): Uint8Array {
  return new Writer(sectorBytes)
    .u32(0x41615252)
    .zeros(480)
    .u32(0x61417272)
    .u32(freeClusters)
    .u32(nextFree)
    .zeros(14)
    .u16(0xaa55)
    .take();
}

/** Throws `IMAGE_MALFORMED` if the sector describes no FAT file system. */
export function decodeBootSector(sector: Uint8Array): FatGeometry & FatVolume {
  const view = viewOf(sector);
  if (sector.length < sectorBytes || view.getUint16(510, true) !== 0xaa55) {
    throw malformedImage('FAT image', 'its boot sector has no signature');
  }
  const clusterBytes = view.getUint8(13) * sectorBytes;
  const reservedSectors = view.getUint16(14, true);
  if (
    view.getUint16(11, true) !== sectorBytes ||
    clusterBytes === 0 ||
    view.getUint8(16) !== tableCount
  ) {
    throw malformedImage('FAT image', 'its boot sector describes an unknown geometry');
  }
  const tableSectors = view.getUint16(22, true) || view.getUint32(36, true);
  const rootSectors = (view.getUint16(17, true) * directoryEntryBytes) / sectorBytes;
  const totalSectors = view.getUint16(19, true) || view.getUint32(32, true);
  const dataSectors = totalSectors - reservedSectors - tableCount * tableSectors - rootSectors;
  const clusterCount = Math.floor((dataSectors * sectorBytes) / clusterBytes);
  const kind = clusterCount < 4085 ? 12 : clusterCount < 65525 ? 16 : 32;
  const extended = kind === 32 ? 64 : 36;
  return {
    kind,
    clusterBytes,
    clusterCount,
    reservedSectors,
    tableSectors,
    rootSectors,
    totalSectors,
    hiddenSectors: view.getUint32(28, true),
    serial: view.getUint32(extended + 3, true),
    label: String.fromCharCode(...sector.subarray(extended + 7, extended + 18)).trimEnd(),
  };
}

/** The table: `next` holds per cluster the following one, or 0 (free), or -1 (the last). */
export function encodeTable(geometry: FatGeometry, next: Int32Array): Uint8Array {
  const bytes = new Uint8Array(geometry.tableSectors * sectorBytes);
  const view = viewOf(bytes);
  const end = geometry.kind === 32 ? 0x0fffffff : 2 ** geometry.kind - 1;
  const put = (cluster: number, value: number): void => {
    if (geometry.kind === 32) view.setUint32(cluster * 4, value, true);
    else if (geometry.kind === 16) view.setUint16(cluster * 2, value, true);
    else {
      const at = Math.floor((cluster * 3) / 2);
      const odd = cluster % 2 === 1;
      view.setUint8(at, odd ? (view.getUint8(at) & 0x0f) | ((value & 0x0f) << 4) : value & 0xff);
      view.setUint8(at + 1, odd ? value >> 4 : (view.getUint8(at + 1) & 0xf0) | (value >> 8));
    }
  };
  put(0, end - 0xff + mediaByte);
  put(1, end);
  for (let cluster = 2; cluster < geometry.clusterCount + 2; cluster++) {
    const value = next[cluster]!;
    if (value !== 0) put(cluster, value < 0 ? end : value);
  }
  return bytes;
}

/** The reverse: the following cluster, 0 or -1. */
export function decodeTable(geometry: FatGeometry, bytes: Uint8Array): Int32Array {
  const view = viewOf(bytes);
  const next = new Int32Array(geometry.clusterCount + 2);
  const end = geometry.kind === 32 ? 0x0ffffff8 : 2 ** geometry.kind - 8;
  for (let cluster = 2; cluster < next.length; cluster++) {
    let value: number;
    if (geometry.kind === 32) value = view.getUint32(cluster * 4, true) & 0x0fffffff;
    else if (geometry.kind === 16) value = view.getUint16(cluster * 2, true);
    else {
      const pair = view.getUint16(Math.floor((cluster * 3) / 2), true);
      value = cluster % 2 === 1 ? pair >> 4 : pair & 0xfff;
    }
    next[cluster] = value >= end ? -1 : value;
  }
  return next;
}

export interface FatRecord {
  readonly attributes: number;
  readonly mtime: number;
  readonly cluster: number;
  readonly sizeBytes: number;
}

/** A short entry; `short` is of 11 characters. */
export function encodeShortEntry(writer: Writer, short: string, record: FatRecord): void {
  const [date, time] = dosTime(record.mtime);
  writer
    .string(short)
    .u8(record.attributes)
    .u8(0)
    .u8(0)
    .u16(time)
    .u16(date)
    .u16(date)
    .u16(record.cluster >>> 16)
    .u16(time)
    .u16(date)
    .u16(record.cluster & 0xffff)
    .u32(record.sizeBytes);
}

/** The long entries of a name, last part first, as they stand before the short one. */
export function encodeLongEntries(writer: Writer, name: FatName): void {
  const checksum = shortNameChecksum(name.short);
  const parts = longEntryCount(name);
  for (let part = parts; part >= 1; part--) {
    const unit = (index: number): number => {
      const at = (part - 1) * 13 + index;
      if (at === name.long.length) return 0;
      return at > name.long.length ? 0xffff : name.long.charCodeAt(at);
    };
    writer.u8(part === parts ? part | 0x40 : part);
    for (let i = 0; i < 5; i++) writer.u16(unit(i));
    writer.u8(attributes.long).u8(0).u8(checksum);
    for (let i = 5; i < 11; i++) writer.u16(unit(i));
    writer.u16(0);
    for (let i = 11; i < 13; i++) writer.u16(unit(i));
  }
}

export const longEntryCount = (name: FatName): number =>
  name.needsLong ? Math.ceil(name.long.length / 13) : 0;

export const roundToSector = (bytes: number): number => roundUp(bytes, sectorBytes);

/** DOS date and time, in UTC: from 1980 in steps of two seconds. */
function dosTime(mtime: number): [date: number, time: number] {
  const earliest = Date.UTC(1980, 0, 1);
  const latest = Date.UTC(2107, 11, 31);
  const moment = new Date(Math.min(latest, Math.max(earliest, mtime * 1000)));
  const date =
    ((moment.getUTCFullYear() - 1980) << 9) |
    ((moment.getUTCMonth() + 1) << 5) |
    moment.getUTCDate();
  const time =
    (moment.getUTCHours() << 11) | (moment.getUTCMinutes() << 5) | (moment.getUTCSeconds() >> 1);
  return [date, time];
}
