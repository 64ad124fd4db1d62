/**
 * Reads a FAT file system back as tree entries: for inspection, and to judge the writer.
 */
import { encodeUtf8 } from '#base';
import type { ByteSource } from '../byte-sink.ts';
import { viewOf } from '../bytes.ts';
import { malformedImage } from '../errors.ts';
import type { TreeEntry } from '../tree.ts';
import type { FatGeometry, FatVolume } from './format.ts';
import {
  attributes,
  dataStart,
  decodeBootSector,
  decodeTable,
  directoryEntryBytes,
  sectorBytes,
  tableStart,
} from './format.ts';
import { shortNameChecksum } from './names.ts';

export interface FatContents {
  readonly geometry: FatGeometry & FatVolume;
  /** In the order of the directories, without the root. Modes are 0755 and 0644. */
  readonly entries: TreeEntry[];
}

/** Throws `IMAGE_MALFORMED` on chains that leave the image or turn in a circle. */
export async function readFat(source: ByteSource): Promise<FatContents> {
  const geometry = decodeBootSector(await source.read(0, sectorBytes));
  const table = await source.read(tableStart(geometry, 0), geometry.tableSectors * sectorBytes);
  const reader = new FatReader(source, geometry, decodeTable(geometry, table));
  const entries: TreeEntry[] = [];
  await reader.walk(await reader.rootDirectory(), '', entries);
  return { geometry, entries };
}

class FatReader {
  readonly #source: ByteSource;
  readonly #geometry: FatGeometry;
  readonly #next: Int32Array;

  constructor(source: ByteSource, geometry: FatGeometry, next: Int32Array) {
    this.#source = source;
    this.#geometry = geometry;
    this.#next = next;
  }

  async rootDirectory(): Promise<Uint8Array> {
    if (this.#geometry.kind === 32) return this.#content(2);
    const bytes = this.#geometry.rootSectors * sectorBytes;
    return this.#source.read(dataStart(this.#geometry) - bytes, bytes);
  }

  async walk(directory: Uint8Array, path: string, entries: TreeEntry[]): Promise<void> {
    let long = '';
    let checksum = -1;
    const view = viewOf(directory);
    for (let at = 0; at + directoryEntryBytes <= directory.length; at += directoryEntryBytes) {
      const first = directory[at]!;
      if (first === 0) return;
      if (first === 0xe5) continue;
      const kind = directory[at + 11]!;
      if (kind === attributes.long) {
        if ((first & 0x40) !== 0) long = '';
        long = longPart(view, at) + long;
        checksum = directory[at + 13]!;
        continue;
      }
      const short = String.fromCharCode(...directory.subarray(at, at + 11));
      const name = long !== '' && checksum === shortNameChecksum(short) ? long : shownShort(short);
      long = '';
      if ((kind & attributes.label) !== 0 || name === '.' || name === '..') continue;
      const childPath = (path === '' ? '' : `${path}/`) + encodeUtf8(name);
      const cluster = view.getUint16(at + 26, true) + view.getUint16(at + 20, true) * 0x10000;
      const sizeBytes = view.getUint32(at + 28, true);
      const common = { path: childPath, uid: 0, gid: 0, mtime: unixTime(view, at) };
      if ((kind & attributes.directory) !== 0) {
        entries.push({ ...common, type: 'directory', mode: 0o755 });
        await this.walk(await this.#content(cluster), childPath, entries);
      } else {
        const bytes = (await this.#content(cluster)).subarray(0, sizeBytes);
        if (bytes.length < sizeBytes)
          throw malformedImage('FAT image', `/${childPath} is cut short`);
        const content: ByteSource = {
          sizeBytes,
          read: (from, length) => bytes.subarray(from, from + length),
        };
        entries.push({ ...common, type: 'file', mode: 0o644, content });
      }
    }
  }

  async #content(firstCluster: number): Promise<Uint8Array> {
    const clusters: number[] = [];
    for (let cluster = firstCluster; cluster > 0; cluster = this.#next[cluster]!) {
      if (cluster >= this.#next.length || cluster < 2 || clusters.length > this.#next.length) {
        throw malformedImage('FAT image', `the chain from cluster ${firstCluster} is broken`);
      }
      clusters.push(cluster);
    }
    const { clusterBytes } = this.#geometry;
    const bytes = new Uint8Array(clusters.length * clusterBytes);
    for (const [index, cluster] of clusters.entries()) {
      const at = dataStart(this.#geometry) + (cluster - 2) * clusterBytes;
      bytes.set(await this.#source.read(at, clusterBytes), index * clusterBytes);
    }
    return bytes;
  }
}

function longPart(view: DataView, at: number): string {
  let text = '';
  for (const [start, count] of [
    [1, 5],
    [14, 6],
    [28, 2],
  ] as const) {
    for (let i = 0; i < count; i++) {
      const unit = view.getUint16(at + start + i * 2, true);
      if (unit === 0 || unit === 0xffff) return text;
      text += String.fromCharCode(unit);
    }
  }
  return text;
}

function shownShort(short: string): string {
  const [base, extension] = [short.slice(0, 8).trimEnd(), short.slice(8).trimEnd()];
  return extension === '' ? base : `${base}.${extension}`;
}

function unixTime(view: DataView, at: number): number {
  const [time, date] = [view.getUint16(at + 22, true), view.getUint16(at + 24, true)];
  const moment = Date.UTC(
    1980 + (date >> 9),
    ((date >> 5) & 15) - 1,
    date & 31,
    time >> 11,
    (time >> 5) & 63,
    (time & 31) * 2,
  );
  return moment / 1000;
}
