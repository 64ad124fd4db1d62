/**
 * GUID partition tables: a header in sector 1 with the entries behind it, and a copy of both at the
 * end of the disk, entries first. Sectors have 512 bytes. UEFI specification, chapter 5.
 */
import { UserError } from '#base';
import { Writer, readU64, viewOf } from '../bytes.ts';
import { malformedImage } from '../errors.ts';
import { crc32 } from './crc32.ts';
import type { Guid } from './guid.ts';
import { decodeGuid, encodeGuid } from './guid.ts';

const headerBytes = 92;
const entryBytes = 128;
const sectorBytes = 512;

export interface GptPartition {
  readonly type: Guid;
  readonly guid: Guid;
  readonly firstSector: number;
  /** Inclusive. */
  readonly lastSector: number;
  /** At most 36 UTF-16 units. */
  readonly name: string;
  readonly required?: boolean;
  readonly readOnly?: boolean;
}

export interface Gpt {
  readonly diskGuid: Guid;
  readonly diskSectors: number;
  /** How many the table has room for; a multiple of 4. */
  readonly entryCount: number;
  /** By their numbers; a hole leaves a number free. */
  readonly partitions: readonly (GptPartition | undefined)[];
}

/** Sectors that the header and entries take at each end. */
export const gptSectors = (entryCount: number): number =>
  1 + (entryCount * entryBytes) / sectorBytes;

/** The header and entries for sector 1 on, and for the end of the disk. */
export function encodeGpt(gpt: Gpt): { primary: Uint8Array; backup: Uint8Array } {
  const entries = encodeEntries(gpt);
  const last = gpt.diskSectors - 1;
  const backupEntries = gpt.diskSectors - gptSectors(gpt.entryCount);
  const primary = encodeHeader(gpt, entries, { own: 1, other: last, entriesAt: 2 });
  const backup = encodeHeader(gpt, entries, { own: last, other: 1, entriesAt: backupEntries });
  return {
    primary: new Writer().bytes(primary).bytes(entries).take(),
    backup: new Writer().bytes(entries).bytes(backup).take(),
  };
}

/** Reads the primary table from the first sectors of a disk; undefined where there is none. */
export function decodeGpt(start: Uint8Array): Gpt | undefined {
  const header = start.subarray(sectorBytes, sectorBytes * 2);
  const view = viewOf(header);
  if (header.length < sectorBytes || encodeSignature(header) !== 'EFI PART') return undefined;
  const checked = header.slice(0, view.getUint32(12, true));
  viewOf(checked).setUint32(16, 0, true);
  if (crc32(checked) !== view.getUint32(16, true)) {
    throw malformedImage('partition table', 'the checksum of its header is wrong');
  }
  const entriesAt = readU64(view, 72) * sectorBytes;
  const entryCount = view.getUint32(80, true);
  const entries = start.subarray(entriesAt, entriesAt + entryCount * entryBytes);
  if (crc32(entries) !== view.getUint32(88, true)) {
    throw malformedImage('partition table', 'the checksum of its entries is wrong');
  }
  return {
    diskGuid: decodeGuid(header.subarray(56, 72)),
    diskSectors: readU64(view, 32) + 1,
    entryCount,
    partitions: Array.from({ length: entryCount }, (_, i) =>
      decodeEntry(entries.subarray(i * entryBytes, (i + 1) * entryBytes)),
    ),
  };
}

function encodeSignature(header: Uint8Array): string {
  return String.fromCharCode(...header.subarray(0, 8));
}

function encodeEntries(gpt: Gpt): Uint8Array {
  const usable = [1 + gptSectors(gpt.entryCount), gpt.diskSectors - gptSectors(gpt.entryCount) - 1];
  const writer = new Writer(gpt.entryCount * entryBytes);
  for (const partition of gpt.partitions) {
    if (partition === undefined) {
      writer.zeros(entryBytes);
      continue;
    }
    if (partition.firstSector < usable[0]! || partition.lastSector > usable[1]!) {
      throw new UserError(
        'GPT_RANGE',
        `The partition ${partition.name} lies outside of the usable sectors`,
      );
    }
    writer.bytes(encodeGuid(partition.type)).bytes(encodeGuid(partition.guid));
    writer.u64(partition.firstSector).u64(partition.lastSector);
    writer.u32(partition.required === true ? 1 : 0);
    writer.u32(partition.readOnly === true ? 1 << 28 : 0);
    for (let i = 0; i < 36; i++)
      writer.u16(i < partition.name.length ? partition.name.charCodeAt(i) : 0);
  }
  return writer.padTo(gpt.entryCount * entryBytes).take();
}

function encodeHeader(
  gpt: Gpt,
  entries: Uint8Array,
  place: { own: number; other: number; entriesAt: number },
): Uint8Array {
  const around = gptSectors(gpt.entryCount);
  const header = new Writer(sectorBytes)
    .string('EFI PART')
    .u32(0x00010000)
    .u32(headerBytes)
    .u32(0)
    .u32(0)
    .u64(place.own)
    .u64(place.other)
    .u64(1 + around)
    .u64(gpt.diskSectors - around - 1)
    .bytes(encodeGuid(gpt.diskGuid))
    .u64(place.entriesAt)
    .u32(gpt.entryCount)
    .u32(entryBytes)
    .u32(crc32(entries))
    .padTo(sectorBytes)
    .take();
  viewOf(header).setUint32(16, crc32(header.subarray(0, headerBytes)), true);
  return header;
}

function decodeEntry(entry: Uint8Array): GptPartition | undefined {
  if (entry.subarray(0, 16).every((byte) => byte === 0)) return undefined;
  const view = viewOf(entry);
  let name = '';
  for (let i = 0; i < 36; i++) {
    const unit = view.getUint16(56 + i * 2, true);
    if (unit === 0) break;
    name += String.fromCharCode(unit);
  }
  return {
    type: decodeGuid(entry.subarray(0, 16)),
    guid: decodeGuid(entry.subarray(16, 32)),
    firstSector: readU64(view, 32),
    lastSector: readU64(view, 40),
    required: (view.getUint32(48, true) & 1) === 1,
    readOnly: (view.getUint32(52, true) & (1 << 28)) !== 0,
    name,
  };
}
