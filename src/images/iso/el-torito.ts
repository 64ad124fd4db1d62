/**
 * El Torito: how firmware finds what to boot on a CD. A catalog of 32-byte entries names boot images
 * for BIOS and UEFI; all of ours are "no emulation". The boot info table is what isolinux and GRUB
 * want written into their own image: where it and the volume lie.
 */
import { assert } from '#base';
import { Writer, viewOf } from '../bytes.ts';
import { isoSectorBytes } from './format.ts';

export type BootPlatform = 'bios' | 'uefi';

const platformIds: Readonly<Record<BootPlatform, number>> = { bios: 0, uefi: 0xef };

export interface BootEntry {
  readonly platform: BootPlatform;
  readonly sector: number;
  /** How much the firmware loads, in sectors of 512 bytes. */
  readonly loadSectors: number;
}

/** The catalog's sector: the first entry is the default one, each other has a section. */
export function encodeBootCatalog(entries: readonly BootEntry[]): Uint8Array {
  const [first, ...others] = entries;
  assert(first !== undefined, 'a boot catalog needs an entry');
  const writer = new Writer(isoSectorBytes);
  writer.u8(1).u8(platformIds[first.platform]).zeros(26).u16(0).u8(0x55).u8(0xaa);
  const validation = writer.take();
  viewOf(validation).setUint16(28, -wordSum(validation) & 0xffff, true);
  writeEntry(writer, first);
  for (const [index, entry] of others.entries()) {
    const isLast = index === others.length - 1;
    writer
      .u8(isLast ? 0x91 : 0x90)
      .u8(platformIds[entry.platform])
      .u16(1)
      .zeros(28);
    writeEntry(writer, entry);
  }
  return writer.padTo(isoSectorBytes).take();
}

/** An image with the boot info table written into its bytes 8 to 64. */
export function withBootInfoTable(image: Uint8Array, sector: number): Uint8Array {
  const patched = image.slice();
  const table = new Writer(56).u32(16).u32(sector).u32(image.length).u32(longSum(image)).zeros(40);
  patched.set(table.take(), 8);
  return patched;
}

function writeEntry(writer: Writer, entry: BootEntry): void {
  // Bootable, no emulation, default load segment.
  writer.u8(0x88).u8(0).u16(0).u8(0).u8(0);
  writer.u16(Math.min(entry.loadSectors, 0xffff)).u32(entry.sector).zeros(20);
}

function wordSum(bytes: Uint8Array): number {
  const view = viewOf(bytes);
  let sum = 0;
  for (let at = 0; at < 32; at += 2) sum = (sum + view.getUint16(at, true)) & 0xffff;
  return sum;
}

/** Sum of the 32-bit words from byte 64 on; a part of a word at the end is filled with zeros. */
function longSum(image: Uint8Array): number {
  const padded = new Uint8Array(Math.ceil(image.length / 4) * 4);
  padded.set(image);
  const view = viewOf(padded);
  let sum = 0;
  for (let at = 64; at < padded.length; at += 4) sum = (sum + view.getUint32(at, true)) >>> 0;
  return sum;
}
