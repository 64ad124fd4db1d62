/**
 * The structures of ISO 9660 (ECMA-119) and of its Joliet twin: volume descriptors, directory
 * records, path tables. docs/formats/iso9660.md describes them.
 *
 * Sectors have 2048 bytes. Most integers are written in both byte orders. A Joliet volume has the
 * same structures with names in UCS-2, most significant byte first.
 */
import { Writer } from '../bytes.ts';

export const isoSectorBytes = 2048;
/** The first volume descriptor stands here; before it is the system area. */
export const systemAreaSectors = 16;
/** What one directory record can say; a longer file has several (level 3). */
export const maximumExtentBytes = 0xfffff800;
export const maximumRecordBytes = 254;

export const recordFlags = { directory: 0x02, moreExtents: 0x80 } as const;

export interface DirectoryRecord {
  readonly extent: number;
  readonly sizeBytes: number;
  readonly mtime: number;
  readonly flags: number;
  /** A byte string, in the volume's own character set. */
  readonly identifier: string;
  readonly systemUse: Uint8Array;
}

/** Length of a record with this identifier and system use area. */
export function recordBytes(identifier: string, systemUseBytes: number): number {
  const unpadded = identifierEnd(identifier) + systemUseBytes;
  return unpadded + (unpadded % 2);
}

/** Where the system use area of a record begins. */
export const identifierEnd = (identifier: string): number =>
  33 + identifier.length + (identifier.length % 2 === 0 ? 1 : 0);

export function encodeRecord(writer: Writer, record: DirectoryRecord): void {
  writer
    .u8(recordBytes(record.identifier, record.systemUse.length))
    .u8(0)
    .u32both(record.extent)
    .u32both(record.sizeBytes);
  writeShortDate(writer, record.mtime);
  writer
    .u8(record.flags)
    .u8(0)
    .u8(0)
    .u16both(1)
    .u8(record.identifier.length)
    .string(record.identifier)
    .zeros(record.identifier.length % 2 === 0 ? 1 : 0)
    .bytes(record.systemUse)
    .zeros(record.systemUse.length % 2);
}

export interface VolumeDescriptor {
  /** Undefined for the primary volume; the escape sequence of a supplementary one. */
  readonly escapeSequence?: string;
  readonly volumeId: string;
  readonly sectorCount: number;
  readonly pathTableBytes: number;
  readonly littlePathTable: number;
  readonly bigPathTable: number;
  readonly root: { readonly extent: number; readonly sizeBytes: number };
  readonly mtime: number;
  readonly publisher: string;
  readonly application: string;
}

/** UCS-2 with the repertoire of level 3. */
export const jolietEscapeSequence = '%/E';

export function encodeVolumeDescriptor(volume: VolumeDescriptor): Uint8Array {
  const joliet = volume.escapeSequence !== undefined;
  const writer = new Writer(isoSectorBytes);
  // Spaces too are two bytes in Joliet.
  const text = (value: string, width: number): void => {
    writer.string((joliet ? ucs2(value) : value).slice(0, joliet ? width & ~1 : width));
    const end = writer.length;
    const filled = (joliet ? ucs2(value) : value).slice(0, joliet ? width & ~1 : width).length;
    for (let at = filled; at < width; at++) writer.u8(joliet && at % 2 === 0 ? 0 : 0x20);
    if (joliet && width % 2 === 1) writer.take()[end + width - filled - 1] = 0;
  };
  writer
    .u8(joliet ? 2 : 1)
    .string('CD001')
    .u8(1)
    .u8(0);
  text('', 32);
  text(volume.volumeId, 32);
  writer.zeros(8).u32both(volume.sectorCount);
  writer.padded(volume.escapeSequence ?? '', 32, '\0');
  writer.u16both(1).u16both(1).u16both(isoSectorBytes).u32both(volume.pathTableBytes);
  writer.u32(volume.littlePathTable).u32(0).u32be(volume.bigPathTable).u32be(0);
  encodeRecord(writer, {
    ...volume.root,
    mtime: volume.mtime,
    flags: recordFlags.directory,
    identifier: '\0',
    systemUse: new Uint8Array(0),
  });
  text('', 128);
  text(volume.publisher, 128);
  text('', 128);
  text(volume.application, 128);
  text('', 37);
  text('', 37);
  text('', 37);
  const date = longDate(volume.mtime);
  const noDate = '0'.repeat(16) + '\0';
  writer.string(date).string(date).string(noDate).string(noDate).u8(1);
  return writer.padTo(isoSectorBytes).take();
}

/** Points at the El Torito boot catalog. */
export function encodeBootDescriptor(catalogSector: number): Uint8Array {
  return new Writer(isoSectorBytes)
    .u8(0)
    .string('CD001')
    .u8(1)
    .padded('EL TORITO SPECIFICATION', 32, '\0')
    .zeros(32)
    .u32(catalogSector)
    .padTo(isoSectorBytes)
    .take();
}

export function encodeTerminator(): Uint8Array {
  return new Writer(isoSectorBytes).u8(255).string('CD001').u8(1).padTo(isoSectorBytes).take();
}

export interface PathTableEntry {
  readonly identifier: string;
  readonly extent: number;
  /** Number of the parent in the table, from 1. */
  readonly parent: number;
}

export function encodePathTable(
  entries: readonly PathTableEntry[],
  order: 'little' | 'big',
): Uint8Array {
  const writer = new Writer(4096);
  for (const { identifier, extent, parent } of entries) {
    writer.u8(identifier.length).u8(0);
    if (order === 'little') writer.u32(extent).u16(parent);
    else writer.u32be(extent).u16be(parent);
    writer.string(identifier).zeros(identifier.length % 2);
  }
  return writer.take();
}

/** A byte string of UCS-2, most significant byte first; what is beyond it becomes `_`. */
export function ucs2(text: string): string {
  let bytes = '';
  for (const char of text) {
    const code = char.length === 1 ? char.charCodeAt(0) : 0x5f;
    bytes += String.fromCharCode(code >> 8, code & 0xff);
  }
  return bytes;
}

/** Seven bytes: years since 1900, month, day, hour, minute, second, zone in quarter hours. */
export function writeShortDate(writer: Writer, mtime: number): void {
  const date = new Date(mtime * 1000);
  writer
    .u8(date.getUTCFullYear() - 1900)
    .u8(date.getUTCMonth() + 1)
    .u8(date.getUTCDate())
    .u8(date.getUTCHours())
    .u8(date.getUTCMinutes())
    .u8(date.getUTCSeconds())
    .u8(0);
}

/** Sixteen digits to the hundredth of a second, and the zone. */
function longDate(mtime: number): string {
  const digits = new Date(mtime * 1000).toISOString().replace(/\D/g, '');
  return digits.slice(0, 16) + '\0';
}
