/**
 * Reads an ISO image back: its volumes, their trees by Rock Ridge or Joliet names, and its boot
 * catalog. For inspection, and to judge the writer. Throws `IMAGE_MALFORMED` on a damaged image.
 */
import { byteString, encodeUtf8 } from '#base';
import type { ByteSource } from '../byte-sink.ts';
import { viewOf } from '../bytes.ts';
import { malformedImage } from '../errors.ts';
import type { TreeEntry } from '../tree.ts';
import { typeOfMode } from '../tree.ts';
import type { BootEntry } from './el-torito.ts';
import { identifierEnd, isoSectorBytes, recordFlags, systemAreaSectors } from './format.ts';

export interface IsoVolume {
  readonly kind: 'primary' | 'joliet';
  readonly volumeId: string;
  readonly sectorCount: number;
  readonly root: { readonly extent: number; readonly sizeBytes: number };
  readonly catalogSector: number | undefined;
}

export interface IsoReadOptions {
  /** Sectors from the start of the image from which the volume is counted. Default 0. */
  readonly origin?: number;
}

/** The volumes that the descriptors from sector 16 on name. */
export async function readIsoVolumes(
  source: ByteSource,
  options: IsoReadOptions = {},
): Promise<IsoVolume[]> {
  const volumes: IsoVolume[] = [];
  let catalogSector: number | undefined;
  for (let sector = systemAreaSectors + (options.origin ?? 0); ; sector++) {
    const bytes = await readSectors(source, sector, isoSectorBytes);
    const view = viewOf(bytes);
    if (byteString(bytes.subarray(1, 6)) !== 'CD001')
      throw malformed('a volume descriptor is missing');
    const type = bytes[0];
    if (type === 255) break;
    if (type === 0) catalogSector = view.getUint32(71, true);
    if (type !== 1 && type !== 2) continue;
    const label = byteString(bytes.subarray(40, 72));
    volumes.push({
      kind: type === 1 ? 'primary' : 'joliet',
      volumeId: (type === 1 ? label : fromUcs2(label)).trimEnd(),
      sectorCount: bothOrders32(view, 80),
      root: { extent: bothOrders32(view, 158), sizeBytes: bothOrders32(view, 166) },
      catalogSector: undefined,
    });
  }
  return volumes.map((volume) => ({ ...volume, catalogSector }));
}

/** The entries of a volume, directories before what they hold, without the root. */
export async function readIsoTree(
  source: ByteSource,
  volume: IsoVolume,
  options: IsoReadOptions = {},
): Promise<TreeEntry[]> {
  const reader = new IsoReader(source, volume.kind, options.origin ?? 0);
  const entries: TreeEntry[] = [];
  await reader.walk(volume.root, '', entries, 0);
  return entries;
}

/** The entries of the boot catalog at this sector. Checks its key bytes and its checksum. */
export async function readBootCatalog(source: ByteSource, sector: number): Promise<BootEntry[]> {
  const bytes = await readSectors(source, sector, isoSectorBytes);
  const view = viewOf(bytes);
  let sum = 0;
  for (let at = 0; at < 32; at += 2) sum = (sum + view.getUint16(at, true)) & 0xffff;
  if (sum !== 0 || view.getUint16(30, true) !== 0xaa55)
    throw malformed('its boot catalog is invalid');
  const entry = (at: number, platform: number): BootEntry => ({
    platform: platform === 0xef ? 'uefi' : 'bios',
    sector: view.getUint32(at + 8, true),
    loadSectors: view.getUint16(at + 6, true),
  });
  const entries = [entry(32, bytes[1]!)];
  for (let at = 64; bytes[at] === 0x90 || bytes[at] === 0x91;) {
    const count = view.getUint16(at + 2, true);
    const platform = bytes[at + 1]!;
    const last = bytes[at] === 0x91;
    for (let i = 1; i <= count; i++) entries.push(entry(at + i * 32, platform));
    at += 32 * (count + 1);
    if (last) break;
  }
  return entries;
}

/** Deeper than any path of 4095 bytes can name. */
const depthLimit = 2048;

interface ReadRecord {
  readonly extent: number;
  readonly sizeBytes: number;
  readonly flags: number;
  readonly identifier: string;
  readonly systemUse: Map<string, Uint8Array[]>;
}

class IsoReader {
  readonly #source: ByteSource;
  readonly #kind: IsoVolume['kind'];
  readonly #origin: number;

  constructor(source: ByteSource, kind: IsoVolume['kind'], origin: number) {
    this.#source = source;
    this.#kind = kind;
    this.#origin = origin;
  }

  async walk(
    extent: { extent: number; sizeBytes: number },
    path: string,
    entries: TreeEntry[],
    depth: number,
  ): Promise<void> {
    if (depth > depthLimit) throw malformed('its directories are nested without end');
    const records = await this.#records(extent);
    for (let i = 2; i < records.length; i++) {
      const record = records[i]!;
      const parts = [record];
      while ((records[i]!.flags & recordFlags.moreExtents) !== 0 && i + 1 < records.length) {
        parts.push(records[++i]!);
      }
      const name = this.#nameOf(record);
      const childPath = path === '' ? name : `${path}/${name}`;
      entries.push(this.#entry(childPath, parts));
      if ((record.flags & recordFlags.directory) !== 0) {
        await this.walk(record, childPath, entries, depth + 1);
      }
    }
  }

  #entry(path: string, parts: readonly ReadRecord[]): TreeEntry {
    const [record] = parts as [ReadRecord];
    const isDirectory = (record.flags & recordFlags.directory) !== 0;
    const attributes = record.systemUse.get('PX')?.[0];
    const view = attributes === undefined ? undefined : viewOf(attributes);
    const mode = view === undefined ? (isDirectory ? 0o40555 : 0o100444) : bothOrders32(view, 4);
    const type = typeOfMode(mode);
    if (type === undefined) throw malformed(`/${path} has no known type`);
    const device = record.systemUse.get('PN')?.[0];
    return {
      path,
      type,
      mode: mode & 0o7777,
      uid: view === undefined ? 0 : bothOrders32(view, 20),
      gid: view === undefined ? 0 : bothOrders32(view, 28),
      mtime: this.#mtime(record),
      ...(type === 'file' ? { content: this.#content(parts) } : {}),
      ...(type === 'link' ? { target: linkTarget(record.systemUse.get('SL') ?? []) } : {}),
      ...(device === undefined
        ? {}
        : {
            device: {
              major: bothOrders32(viewOf(device), 4),
              minor: bothOrders32(viewOf(device), 12),
            },
          }),
    };
  }

  #content(parts: readonly ReadRecord[]): ByteSource {
    const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
    // The parts of a file follow one another without a gap.
    const start = (parts[0]!.extent + this.#origin) * isoSectorBytes;
    return { sizeBytes, read: (offset, length) => this.#source.read(start + offset, length) };
  }

  #nameOf(record: ReadRecord): string {
    if (this.#kind === 'joliet') return encodeUtf8(fromUcs2(record.identifier));
    const names = record.systemUse.get('NM') ?? [];
    if (names.length > 0) return names.map((entry) => byteString(entry.subarray(5))).join('');
    return record.identifier;
  }

  #mtime(record: ReadRecord): number {
    const times = record.systemUse.get('TF')?.[0];
    if (times === undefined) return 0;
    const [year, month, day, hour, minute, second] = times.subarray(5, 12);
    return Date.UTC(1900 + year!, month! - 1, day!, hour!, minute!, second!) / 1000;
  }

  async #records(extent: { extent: number; sizeBytes: number }): Promise<ReadRecord[]> {
    const bytes = await readSectors(this.#source, extent.extent + this.#origin, extent.sizeBytes);
    const view = viewOf(bytes);
    const records: ReadRecord[] = [];
    for (let at = 0; at < bytes.length;) {
      const length = bytes[at]!;
      if (length === 0) {
        at = (Math.floor(at / isoSectorBytes) + 1) * isoSectorBytes;
        continue;
      }
      const identifier = byteString(bytes.subarray(at + 33, at + 33 + bytes[at + 32]!));
      if (at + length > bytes.length || identifierEnd(identifier) > length) {
        throw malformed('a directory record is cut short');
      }
      const systemUse = new Map<string, Uint8Array[]>();
      await this.#readSystemUse(
        bytes.subarray(at + identifierEnd(identifier), at + length),
        systemUse,
      );
      records.push({
        extent: bothOrders32(view, at + 2),
        sizeBytes: bothOrders32(view, at + 10),
        flags: bytes[at + 25]!,
        identifier,
        systemUse,
      });
      at += length;
    }
    return records;
  }

  async #readSystemUse(area: Uint8Array, found: Map<string, Uint8Array[]>): Promise<void> {
    if (this.#kind === 'joliet') return;
    let next: Uint8Array | undefined;
    for (let at = 0; at + 4 <= area.length;) {
      const length = area[at + 2]!;
      if (length < 4 || at + length > area.length) break;
      const entry = area.subarray(at, at + length);
      const name = byteString(entry.subarray(0, 2));
      if (name === 'CE') next = entry;
      else found.set(name, [...(found.get(name) ?? []), entry]);
      at += length;
    }
    if (next === undefined) return;
    const view = viewOf(next);
    const [offset, length] = [bothOrders32(view, 12), bothOrders32(view, 20)];
    if (offset + length > isoSectorBytes) throw malformed('a continuation area crosses a sector');
    const sector = await readSectors(
      this.#source,
      bothOrders32(view, 4) + this.#origin,
      isoSectorBytes,
    );
    await this.#readSystemUse(sector.subarray(offset, offset + length), found);
  }
}

function linkTarget(entries: readonly Uint8Array[]): string {
  let target = '';
  let joined = true;
  for (const entry of entries) {
    for (let at = 5; at < entry.length; at += 2 + entry[at + 1]!) {
      const flags = entry[at]!;
      if (!joined && !target.endsWith('/')) target += '/';
      if ((flags & 0x08) !== 0) target += '/';
      else if ((flags & 0x02) !== 0) target += '.';
      else if ((flags & 0x04) !== 0) target += '..';
      else target += byteString(entry.subarray(at + 2, at + 2 + entry[at + 1]!));
      joined = (flags & 0x01) !== 0;
    }
  }
  return target;
}

function fromUcs2(bytes: string): string {
  let text = '';
  for (let i = 0; i + 1 < bytes.length; i += 2) {
    text += String.fromCharCode(bytes.charCodeAt(i) * 256 + bytes.charCodeAt(i + 1));
  }
  return text;
}

/** A number in both byte orders; they must agree. */
function bothOrders32(view: DataView, at: number): number {
  const little = view.getUint32(at, true);
  if (view.getUint32(at + 4, false) !== little) throw malformed('the two forms of a number differ');
  return little;
}

async function readSectors(
  source: ByteSource,
  sector: number,
  sizeBytes: number,
): Promise<Uint8Array> {
  const at = sector * isoSectorBytes;
  if (at + sizeBytes > source.sizeBytes) throw malformed('it is cut short');
  return source.read(at, sizeBytes);
}

const malformed = (found: string) => malformedImage('ISO image', found);
