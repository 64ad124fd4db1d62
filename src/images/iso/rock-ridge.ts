/**
 * Rock Ridge: what POSIX knows of a file, in the system use area of its directory record (SUSP 1.12
 * and RRIP 1.12).
 *
 * The area is a list of entries of at most 255 bytes: PX (mode, links, owner, serial number), TF
 * (times), NM (name), SL (link target), PN (device), and once in the root SP and ER, which say that
 * there is Rock Ridge at all. What does not fit into the record goes on in a continuation area,
 * which CE points at; a reader takes a continuation as one piece within one sector, so none
 * crosses a sector's end, and a longer one is a chain.
 */
import { Writer } from '../bytes.ts';
import type { TreeEntry } from '../tree.ts';
import { typeBits } from '../tree.ts';
import { isoSectorBytes, writeShortDate } from './format.ts';

const continuationEntryBytes = 28;

export interface PosixFacts {
  readonly entry: TreeEntry;
  readonly linkCount: number;
  readonly serial: number;
}

/** Entries for the directory itself, its parent, or a child by name. */
export type RecordRole = 'self' | 'parent' | 'child';

export function rockRidgeEntries(
  facts: PosixFacts,
  role: RecordRole,
  name: string,
  isRoot: boolean,
): Uint8Array[] {
  const { entry } = facts;
  const entries: Uint8Array[] = [];
  if (isRoot && role === 'self') entries.push(sharingEntry());
  entries.push(attributesEntry(facts), timesEntry(entry.mtime));
  if (role === 'child') {
    if (entry.device !== undefined) entries.push(deviceEntry(entry.device));
    if (entry.target !== undefined) entries.push(...linkEntries(entry.target));
    entries.push(...nameEntries(name));
  }
  if (isRoot && role === 'self') entries.push(extensionEntry());
  return entries;
}

/** A place in the continuation area of a tree. */
interface Continuation {
  readonly offset: number;
  readonly lengthBytes: number;
}

/** A system use area: entries, and where they go on. */
export interface SystemUse {
  readonly entries: readonly Uint8Array[];
  readonly continuation: Continuation | undefined;
  readonly lengthBytes: number;
}

/** The continuation areas of one directory tree, in sectors of their own behind it. */
export class ContinuationArea {
  readonly #pieces: { offset: number; use: SystemUse }[] = [];
  #usedBytes = 0;

  get sectorCount(): number {
    return Math.ceil(this.#usedBytes / isoSectorBytes);
  }

  /** Divides entries between a record with this much room and continuations. */
  place(entries: readonly Uint8Array[], roomBytes: number): SystemUse {
    if (lengthOf(entries) <= roomBytes) {
      return { entries, continuation: undefined, lengthBytes: lengthOf(entries) };
    }
    let count = 0;
    let lengthBytes = continuationEntryBytes;
    while (lengthBytes + entries[count]!.length <= roomBytes)
      lengthBytes += entries[count++]!.length;
    const continuation = this.#continue(entries.slice(count));
    return { entries: entries.slice(0, count), continuation, lengthBytes };
  }

  encodeUse(use: SystemUse, areaSector: number): Uint8Array {
    const writer = new Writer(use.lengthBytes);
    for (const entry of use.entries) writer.bytes(entry);
    if (use.continuation !== undefined) {
      const { offset, lengthBytes } = use.continuation;
      writer.string('CE').u8(continuationEntryBytes).u8(1);
      writer.u32both(areaSector + Math.floor(offset / isoSectorBytes));
      writer.u32both(offset % isoSectorBytes).u32both(lengthBytes);
    }
    return writer.take();
  }

  /** The whole area, placed at this sector. */
  encode(areaSector: number): Uint8Array {
    const writer = new Writer(this.sectorCount * isoSectorBytes);
    for (const { offset, use } of this.#pieces) {
      writer.padTo(offset).bytes(this.encodeUse(use, areaSector));
    }
    return writer.align(isoSectorBytes).take();
  }

  #continue(entries: readonly Uint8Array[]): Continuation {
    const wanted = Math.min(lengthOf(entries), isoSectorBytes);
    const left = isoSectorBytes - (this.#usedBytes % isoSectorBytes);
    if (wanted > left) this.#usedBytes += left;
    const offset = this.#usedBytes;
    const room = isoSectorBytes - (offset % isoSectorBytes);
    // Reserved before the rest is placed, so that the chain goes forward.
    const piece: { offset: number; use: SystemUse } = {
      offset,
      use: { entries: [], continuation: undefined, lengthBytes: 0 },
    };
    this.#pieces.push(piece);
    this.#usedBytes += wanted;
    piece.use = this.place(entries, room);
    return { offset, lengthBytes: piece.use.lengthBytes };
  }
}

const lengthOf = (entries: readonly Uint8Array[]): number =>
  entries.reduce((sum, entry) => sum + entry.length, 0);

/** Says that system use areas are in use, from their first byte on. */
function sharingEntry(): Uint8Array {
  return new Writer(7).string('SP').u8(7).u8(1).u8(0xbe).u8(0xef).u8(0).take();
}

/** Names the extension in force, in the words of its standard. */
function extensionEntry(): Uint8Array {
  const identifier = 'IEEE_1282';
  const descriptor = 'THE IEEE 1282 PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS.';
  const source =
    'PLEASE CONTACT THE IEEE STANDARDS DEPARTMENT, PISCATAWAY, NJ, USA FOR THE 1282 SPECIFICATION.';
  const length = 8 + identifier.length + descriptor.length + source.length;
  return new Writer(length)
    .string('ER')
    .u8(length)
    .u8(1)
    .u8(identifier.length)
    .u8(descriptor.length)
    .u8(source.length)
    .u8(1)
    .string(identifier + descriptor + source)
    .take();
}

function attributesEntry({ entry, linkCount, serial }: PosixFacts): Uint8Array {
  return new Writer(44)
    .string('PX')
    .u8(44)
    .u8(1)
    .u32both(typeBits[entry.type] | entry.mode)
    .u32both(linkCount)
    .u32both(entry.uid)
    .u32both(entry.gid)
    .u32both(serial)
    .take();
}

/** Modification, access and attribute change, in the short form. */
function timesEntry(mtime: number): Uint8Array {
  const writer = new Writer(26).string('TF').u8(26).u8(1).u8(0x0e);
  for (let i = 0; i < 3; i++) writeShortDate(writer, mtime);
  return writer.take();
}

function deviceEntry(device: { major: number; minor: number }): Uint8Array {
  return new Writer(20)
    .string('PN')
    .u8(20)
    .u8(1)
    .u32both(device.major)
    .u32both(device.minor)
    .take();
}

function nameEntries(name: string): Uint8Array[] {
  const partLength = 248;
  const entries: Uint8Array[] = [];
  for (let at = 0; at < name.length; at += partLength) {
    const part = name.slice(at, at + partLength);
    const goesOn = at + partLength < name.length ? 1 : 0;
    entries.push(
      new Writer(255)
        .string('NM')
        .u8(5 + part.length)
        .u8(1)
        .u8(goesOn)
        .string(part)
        .take(),
    );
  }
  return entries;
}

const component = { goesOn: 0x01, current: 0x02, parent: 0x04, root: 0x08 } as const;

function linkEntries(target: string): Uint8Array[] {
  const components: Uint8Array[] = [];
  const add = (flags: number, text: string): void => {
    components.push(new Writer(text.length + 2).u8(flags).u8(text.length).string(text).take());
  };
  if (target.startsWith('/')) add(component.root, '');
  for (const name of target.split('/').filter((part) => part !== '')) {
    if (name === '.') add(component.current, '');
    else if (name === '..') add(component.parent, '');
    else {
      const partLength = 240;
      for (let at = 0; at < name.length; at += partLength) {
        add(at + partLength < name.length ? component.goesOn : 0, name.slice(at, at + partLength));
      }
    }
  }
  const groups: Uint8Array[][] = [[]];
  for (const part of components) {
    if (lengthOf(groups.at(-1)!) + part.length > 250) groups.push([]);
    groups.at(-1)!.push(part);
  }
  return groups.map((group, index) => {
    const writer = new Writer(255)
      .string('SL')
      .u8(5 + lengthOf(group))
      .u8(1);
    writer.u8(index < groups.length - 1 ? 1 : 0);
    for (const part of group) writer.bytes(part);
    return writer.take();
  });
}
