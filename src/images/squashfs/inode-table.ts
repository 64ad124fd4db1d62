/**
 * Inodes, directory listings and the export table of a squashfs image.
 *
 * A directory's inode points at its listing, and a listing points at inodes, so the tables are made
 * from the leaves up: first the listings of all subdirectories, then the inodes of everything in
 * the directory, side by side (a listing is shortest when its inodes share a metadata block), then
 * the directory's own listing. Inode numbers are given beforehand, siblings in sequence.
 */
import { Writer, roundUp } from '../bytes.ts';
import type { TreeEntry, TreeNode } from '../tree.ts';
import type { BlockCompressor } from './compression.ts';
import type { FileData } from './file-data.ts';
import type { InodeReference } from './format.ts';
import {
  extendedDirectory,
  extendedFile,
  inodeTypes,
  metadataBlockBytes,
  noXattr,
  writeReference,
} from './format.ts';
import { MetadataWriter } from './metadata.ts';
import type { HardLinkPolicy } from './plan.ts';

export interface InodeTables {
  readonly inodes: Uint8Array;
  readonly directories: Uint8Array;
  /** References by inode number, from 1. */
  readonly references: readonly InodeReference[];
  readonly root: InodeReference;
  /** User and group ids; inodes name them by index. */
  readonly ids: readonly number[];
}

/** A file, or the several names of one. */
interface Inode {
  readonly entry: TreeEntry;
  readonly number: number;
  names: number;
  reference: InodeReference | undefined;
}

interface Listing {
  readonly position: InodeReference;
  readonly sizeBytes: number;
  readonly index: readonly { offset: number; start: number; name: string }[];
}

export function makeInodeTables(
  root: TreeNode,
  dataOf: ReadonlyMap<TreeEntry, FileData>,
  hardLinks: HardLinkPolicy,
  compressor: BlockCompressor | undefined,
): InodeTables {
  const maker = new TableMaker(dataOf, hardLinks, compressor);
  return maker.make(root);
}

class TableMaker {
  readonly #dataOf: ReadonlyMap<TreeEntry, FileData>;
  readonly #hardLinks: HardLinkPolicy;
  readonly #inodes: MetadataWriter;
  readonly #directories: MetadataWriter;
  readonly #byNode = new Map<TreeNode, Inode>();
  readonly #shared = new Map<string, Inode>();
  readonly #dataNumbers = new Map<FileData, number>();
  readonly #ids = new Map<number, number>();
  #count = 0;

  constructor(
    dataOf: ReadonlyMap<TreeEntry, FileData>,
    hardLinks: HardLinkPolicy,
    compressor: BlockCompressor | undefined,
  ) {
    this.#dataOf = dataOf;
    this.#hardLinks = hardLinks;
    this.#inodes = new MetadataWriter(compressor);
    this.#directories = new MetadataWriter(compressor);
  }

  make(root: TreeNode): InodeTables {
    this.#number(root);
    this.#numberBelow(root);
    const listing = this.#listBelow(root);
    this.#writeDirectoryInode(root, listing);
    const references: InodeReference[] = [];
    for (const inode of this.#byNode.values()) references[inode.number - 1] = inode.reference!;
    return {
      inodes: this.#inodes.finish().table,
      directories: this.#directories.finish().table,
      references,
      root: this.#byNode.get(root)!.reference!,
      ids: [...this.#ids.keys()],
    };
  }

  #numberBelow(directory: TreeNode): void {
    for (const child of directory.children) this.#number(child);
    for (const child of directory.children) this.#numberBelow(child);
  }

  #number(node: TreeNode): void {
    const key = this.#sharingKey(node.entry);
    const known = key === undefined ? undefined : this.#shared.get(key);
    if (known !== undefined) {
      known.names++;
      this.#byNode.set(node, known);
      return;
    }
    const inode: Inode = {
      entry: node.entry,
      number: ++this.#count,
      names: 1,
      reference: undefined,
    };
    this.#byNode.set(node, inode);
    if (key !== undefined) this.#shared.set(key, inode);
  }

  /** Entries with the same key are names of one inode. */
  #sharingKey(entry: TreeEntry): string | undefined {
    if (entry.hardLinkKey !== undefined) return `given ${entry.hardLinkKey}`;
    if (this.#hardLinks !== 'content' || entry.type !== 'file') return undefined;
    const data = this.#dataOf.get(entry)!;
    let number = this.#dataNumbers.get(data);
    if (number === undefined) this.#dataNumbers.set(data, (number = this.#dataNumbers.size));
    return `${number} ${entry.mode} ${entry.uid} ${entry.gid} ${entry.mtime}`;
  }

  /** Writes everything below the directory, then its listing. */
  #listBelow(directory: TreeNode): Listing {
    const listings = new Map<TreeNode, Listing>();
    for (const child of directory.children) {
      if (child.entry.type === 'directory') listings.set(child, this.#listBelow(child));
    }
    for (const child of directory.children) {
      const listing = listings.get(child);
      if (listing !== undefined) this.#writeDirectoryInode(child, listing);
      else this.#writeInode(child);
    }
    return this.#writeListing(directory);
  }

  #writeInode(node: TreeNode): void {
    const inode = this.#byNode.get(node)!;
    if (inode.reference !== undefined) return;
    inode.reference = this.#inodes.position;
    const { entry } = inode;
    const writer = new Writer(64);
    switch (entry.type) {
      case 'file':
        this.#writeFileInode(writer, inode);
        break;
      case 'link':
        this.#writeCommon(writer, entry, inodeTypes.link, inode.number);
        writer.u32(inode.names).u32(entry.target!.length).string(entry.target!);
        break;
      case 'char':
      case 'block':
        this.#writeCommon(writer, entry, inodeTypes[entry.type], inode.number);
        writer.u32(inode.names).u32(deviceNumber(entry.device!));
        break;
      default:
        this.#writeCommon(writer, entry, inodeTypes[entry.type], inode.number);
        writer.u32(inode.names);
    }
    this.#inodes.append(writer.take());
  }

  #writeFileInode(writer: Writer, inode: Inode): void {
    const data = this.#dataOf.get(inode.entry)!;
    const small = data.startBytes <= 0xffffffff && data.sizeBytes <= 0xffffffff;
    if (small && inode.names === 1 && data.sparseBytes === 0) {
      this.#writeCommon(writer, inode.entry, inodeTypes.file, inode.number);
      writer.u32(data.startBytes).u32(data.fragment).u32(data.fragmentOffset).u32(data.sizeBytes);
    } else {
      this.#writeCommon(writer, inode.entry, extendedFile, inode.number);
      writer.u64(data.startBytes).u64(data.sizeBytes).u64(data.sparseBytes).u32(inode.names);
      writer.u32(data.fragment).u32(data.fragmentOffset).u32(noXattr);
    }
    for (const sizeWord of data.blocks) writer.u32(sizeWord);
  }

  #writeDirectoryInode(node: TreeNode, listing: Listing): void {
    const inode = this.#byNode.get(node)!;
    inode.reference = this.#inodes.position;
    const subdirectories = node.children.filter((child) => child.entry.type === 'directory').length;
    const linkCount = subdirectories + 2;
    const parent = node.parent === null ? this.#count + 1 : this.#byNode.get(node.parent)!.number;
    // The size counts three bytes for the entries "." and "..", which are not written.
    const sizeBytes = listing.sizeBytes + 3;
    const writer = new Writer(64);
    if (listing.index.length === 0 && sizeBytes <= 0xffff) {
      this.#writeCommon(writer, node.entry, inodeTypes.directory, inode.number);
      writer.u32(listing.position.block).u32(linkCount).u16(sizeBytes);
      writer.u16(listing.position.offset).u32(parent);
    } else {
      this.#writeCommon(writer, node.entry, extendedDirectory, inode.number);
      writer.u32(linkCount).u32(sizeBytes).u32(listing.position.block).u32(parent);
      writer.u16(listing.index.length).u16(listing.position.offset).u32(noXattr);
      for (const { offset, start, name } of listing.index) {
        writer
          .u32(offset)
          .u32(start)
          .u32(name.length - 1)
          .string(name);
      }
    }
    this.#inodes.append(writer.take());
  }

  #writeCommon(writer: Writer, entry: TreeEntry, type: number, number: number): void {
    writer.u16(type).u16(entry.mode & 0o7777);
    writer.u16(this.#idIndex(entry.uid)).u16(this.#idIndex(entry.gid));
    writer.u32(entry.mtime).u32(number);
  }

  #idIndex(id: number): number {
    let index = this.#ids.get(id);
    if (index === undefined) this.#ids.set(id, (index = this.#ids.size));
    return index;
  }

  /**
   * A listing is runs of entries whose inodes share a metadata block, at most 256 and with numbers
   * near each other, each behind a header. A run ends too where the listing enters another metadata
   * block: an index of those runs lets a name be found without reading all before it.
   */
  #writeListing(directory: TreeNode): Listing {
    const position = this.#directories.position;
    const start = this.#directories.streamBytes;
    const writer = new Writer(4096);
    const crossings: { offset: number; name: string }[] = [];
    let run: { inode: Inode; name: string; type: number }[] = [];
    let boundary = roundUp(start + 1, metadataBlockBytes);
    const flush = (): void => {
      if (run.length === 0) return;
      writeRun(writer, run);
      run = [];
    };
    let runBytes = 0;
    for (const child of directory.children) {
      const inode = this.#byNode.get(child)!;
      const first = run[0]?.inode;
      const delta = first === undefined ? 0 : inode.number - first.number;
      const entryBytes = 8 + child.name.length;
      const crosses = start + writer.length + runBytes + entryBytes > boundary;
      const elsewhere = first !== undefined && first.reference!.block !== inode.reference!.block;
      if (run.length === 256 || elsewhere || delta > 32767 || delta < -32768 || crosses) {
        flush();
        runBytes = 0;
      }
      if (crosses) {
        crossings.push({ offset: writer.length, name: child.name });
        boundary = roundUp(start + writer.length + 12 + entryBytes, metadataBlockBytes);
      }
      if (run.length === 0) runBytes = 12;
      runBytes += entryBytes;
      run.push({ inode, name: child.name, type: inodeTypes[child.entry.type] });
    }
    flush();
    const listing = writer.take();
    this.#directories.append(listing);
    const index = crossings
      .filter(({ offset }) => offset > 0)
      .map(({ offset, name }) => ({
        offset,
        name,
        start: this.#directories.blockStartAt(start + offset),
      }));
    return { position, sizeBytes: listing.length, index };
  }
}

function writeRun(
  writer: Writer,
  run: readonly { inode: Inode; name: string; type: number }[],
): void {
  const first = run[0]!.inode;
  writer
    .u32(run.length - 1)
    .u32(first.reference!.block)
    .u32(first.number);
  for (const { inode, name, type } of run) {
    writer.u16(inode.reference!.offset).i16(inode.number - first.number);
    writer
      .u16(type)
      .u16(name.length - 1)
      .string(name);
  }
}

/** The table of references by inode number. */
export function encodeReferences(references: readonly InodeReference[]): Uint8Array {
  const writer = new Writer(references.length * 8);
  for (const reference of references) writeReference(writer, reference);
  return writer.take();
}

/** The kernel's 32-bit form of a device number. */
function deviceNumber(device: { major: number; minor: number }): number {
  return ((device.minor & 0xff) | (device.major << 8) | ((device.minor & ~0xff) << 12)) >>> 0;
}
