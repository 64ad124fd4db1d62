/**
 * Master boot records: 440 bytes of boot code, a disk signature, four partitions, 0x55AA.
 *
 * Partitions are given by sector; the old cylinder, head and sector fields say "beyond", which is
 * what every reader of today expects, but for the start of a protective entry.
 */
import { assert } from '#base';
import { Writer, viewOf } from '../bytes.ts';

export const mbrBytes = 512;
export const mbrCodeBytes = 440;

export interface MbrPartition {
  readonly active: boolean;
  readonly type: number;
  readonly firstSector: number;
  readonly sectorCount: number;
}

export interface Mbr {
  readonly bootCode: Uint8Array;
  readonly signature: number;
  readonly partitions: readonly MbrPartition[];
}

/** The entry that keeps a disk with a GPT from looking empty. */
export function protectivePartition(diskSectors: number): MbrPartition {
  return {
    active: false,
    type: 0xee,
    firstSector: 1,
    sectorCount: Math.min(diskSectors - 1, 0xffffffff),
  };
}

export function encodeMbr(mbr: Mbr): Uint8Array {
  assert(mbr.bootCode.length <= mbrCodeBytes, 'the boot code is longer than its place');
  assert(mbr.partitions.length <= 4, 'a master boot record has four partitions');
  const writer = new Writer(mbrBytes).bytes(mbr.bootCode).padTo(mbrCodeBytes);
  writer.u32(mbr.signature).u16(0);
  for (const partition of mbr.partitions) {
    writer.u8(partition.active ? 0x80 : 0);
    writer.bytes(partition.type === 0xee ? Uint8Array.of(0, 2, 0) : beyond);
    writer.u8(partition.type).bytes(beyond);
    writer.u32(partition.firstSector).u32(partition.sectorCount);
  }
  return writer.padTo(510).u16(0xaa55).take();
}

/** Undefined where the sector has no signature. Unused partitions are left out. */
export function decodeMbr(sector: Uint8Array): Mbr | undefined {
  const view = viewOf(sector);
  if (sector.length < mbrBytes || view.getUint16(510, true) !== 0xaa55) return undefined;
  const partitions: MbrPartition[] = [];
  for (let at = 446; at < 510; at += 16) {
    const sectorCount = view.getUint32(at + 12, true);
    if (sectorCount === 0) continue;
    partitions.push({
      active: view.getUint8(at) === 0x80,
      type: view.getUint8(at + 4),
      firstSector: view.getUint32(at + 8, true),
      sectorCount,
    });
  }
  return {
    bootCode: sector.subarray(0, mbrCodeBytes),
    signature: view.getUint32(440, true),
    partitions,
  };
}

const beyond = Uint8Array.of(0xfe, 0xff, 0xff);
