/**
 * Reads a squashfs image back as tree entries: for inspection, and to judge the writer.
 *
 * Metadata is decoded at once; contents are read when they are asked for. Every length and place is
 * checked against the image before it is used. Throws `IMAGE_MALFORMED` on a damaged image.
 */
import { byteString } from '#base';
import type { ByteSource } from '../byte-sink.ts';
import { readU64, viewOf } from '../bytes.ts';
import { malformedImage } from '../errors.ts';
import type { EntryType, TreeEntry } from '../tree.ts';
import type { BlockDecompressor } from './compression.ts';
import type { Superblock } from './format.ts';
import {
  decodeSuperblock,
  extendedDirectory,
  extendedFile,
  inodeTypes,
  metadataBlockBytes,
  noFragment,
  storedBlockBit,
  storedMetadataBit,
  superblockBytes,
} from './format.ts';

export interface SquashfsContents {
  readonly superblock: Superblock;
  /** With the root (the empty path), directories before what they hold. */
  readonly entries: TreeEntry[];
  readonly fragments: readonly { readonly startBytes: number; readonly sizeWord: number }[];
}

/** `decompressor` gives the one for the superblock's number; undefined if there is none. */
export async function readSquashfs(
  source: ByteSource,
  decompressor: (compressorId: number) => BlockDecompressor | undefined,
): Promise<SquashfsContents> {
  const superblock = decodeSuperblock(await source.read(0, superblockBytes));
  if (superblock.usedBytes > source.sizeBytes) throw malformed('it is cut short');
  const reader = new SquashfsReader(source, superblock, decompressor(superblock.compressorId));
  await reader.loadTables();
  const entries: TreeEntry[] = [];
  await reader.walk(entries);
  return { superblock, entries, fragments: reader.fragments };
}

interface Inode {
  readonly type: EntryType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly number: number;
  readonly linkCount: number;
  readonly content?: ByteSource;
  readonly target?: string;
  readonly device?: { major: number; minor: number };
  readonly listing?: { readonly position: number; readonly sizeBytes: number };
}

const typeNames = Object.fromEntries(
  Object.entries(inodeTypes).map(([type, number]) => [number, type as EntryType]),
) as Record<number, EntryType>;

/** Deeper trees than any path of 4095 bytes can name. */
const depthLimit = 2048;

class SquashfsReader {
  readonly fragments: { startBytes: number; sizeWord: number }[] = [];
  readonly #source: ByteSource;
  readonly #superblock: Superblock;
  readonly #decompressor: BlockDecompressor | undefined;
  #inodes = new Metadata(new Uint8Array(0), new Map());
  #directories = new Metadata(new Uint8Array(0), new Map());
  #ids: number[] = [];

  constructor(
    source: ByteSource,
    superblock: Superblock,
    decompressor: BlockDecompressor | undefined,
  ) {
    this.#source = source;
    this.#superblock = superblock;
    this.#decompressor = decompressor;
  }

  async loadTables(): Promise<void> {
    const { inodeTable, directoryTable, fragmentTable, fragmentCount, idTable, idCount } =
      this.#superblock;
    const firstFragments = fragmentCount === 0 ? undefined : await this.#u64(fragmentTable);
    this.#inodes = await this.#readMetadata(inodeTable, directoryTable);
    this.#directories = await this.#readMetadata(directoryTable, firstFragments ?? fragmentTable);
    const fragments = await this.#readIndexed(fragmentTable, fragmentCount * 16);
    for (let at = 0; at < fragments.length; at += 16) {
      const view = viewOf(fragments);
      this.fragments.push({
        startBytes: readU64(view, at),
        sizeWord: view.getUint32(at + 8, true),
      });
    }
    const ids = await this.#readIndexed(idTable, idCount * 4);
    this.#ids = Array.from({ length: idCount }, (_, i) => viewOf(ids).getUint32(i * 4, true));
  }

  async walk(entries: TreeEntry[]): Promise<void> {
    const { block, offset } = this.#superblock.rootInode;
    await this.#visit('', this.#inode(this.#inodes.place(block, offset)), entries, 0);
  }

  async #visit(path: string, inode: Inode, entries: TreeEntry[], depth: number): Promise<void> {
    if (depth > depthLimit) throw malformed('its directories are nested without end');
    const { type, mode, uid, gid, mtime, content, target, device } = inode;
    entries.push({
      path,
      type,
      mode,
      uid,
      gid,
      mtime,
      ...(content === undefined ? {} : { content }),
      ...(target === undefined ? {} : { target }),
      ...(device === undefined ? {} : { device }),
      ...(inode.linkCount > 1 && type !== 'directory'
        ? { hardLinkKey: `inode ${inode.number}` }
        : {}),
    });
    if (inode.listing === undefined) return;
    let previous = '';
    for (const { name, place } of this.#listing(inode.listing)) {
      if (name <= previous) throw malformed(`the names in /${path} are not in order`);
      if (name.includes('/') || name === '..') throw malformed(`/${path} has an impossible name`);
      previous = name;
      const childPath = path === '' ? name : `${path}/${name}`;
      await this.#visit(childPath, this.#inode(place), entries, depth + 1);
    }
  }

  #listing(listing: { position: number; sizeBytes: number }): { name: string; place: number }[] {
    const bytes = this.#directories.slice(listing.position, listing.sizeBytes);
    const view = viewOf(bytes);
    const found: { name: string; place: number }[] = [];
    for (let at = 0; at < bytes.length;) {
      if (at + 12 > bytes.length) throw malformed('a directory listing is cut short');
      const count = view.getUint32(at, true) + 1;
      const block = view.getUint32(at + 4, true);
      if (count > 256) throw malformed('a directory listing has a run of more than 256 names');
      at += 12;
      for (let i = 0; i < count; i++) {
        if (at + 8 > bytes.length) throw malformed('a directory listing is cut short');
        const length = view.getUint16(at + 6, true) + 1;
        if (at + 8 + length > bytes.length) throw malformed('a directory listing is cut short');
        const name = byteString(bytes.subarray(at + 8, at + 8 + length));
        found.push({ name, place: this.#inodes.place(block, view.getUint16(at, true)) });
        at += 8 + length;
      }
    }
    return found;
  }

  #inode(place: number): Inode {
    const view = this.#inodes.view(place);
    const number = view.getUint16(0, true);
    const type = typeNames[number > 7 ? number - 7 : number];
    if (type === undefined) throw malformed(`an inode has the unknown type ${number}`);
    const common = {
      type,
      mode: view.getUint16(2, true),
      uid: this.#ids[view.getUint16(4, true)] ?? -1,
      gid: this.#ids[view.getUint16(6, true)] ?? -1,
      mtime: view.getUint32(8, true),
      number: view.getUint32(12, true),
    };
    switch (number) {
      case inodeTypes.directory: {
        const position = this.#directories.place(
          view.getUint32(16, true),
          view.getUint16(26, true),
        );
        const sizeBytes = view.getUint16(24, true) - 3;
        return { ...common, linkCount: view.getUint32(20, true), listing: { position, sizeBytes } };
      }
      case extendedDirectory: {
        const position = this.#directories.place(
          view.getUint32(24, true),
          view.getUint16(34, true),
        );
        const sizeBytes = view.getUint32(20, true) - 3;
        return { ...common, linkCount: view.getUint32(16, true), listing: { position, sizeBytes } };
      }
      case inodeTypes.file:
      case extendedFile:
        return { ...common, ...this.#file(view, place, number === extendedFile) };
      case inodeTypes.link: {
        const target = byteString(this.#inodes.slice(place + 24, view.getUint32(20, true)));
        return { ...common, linkCount: view.getUint32(16, true), target };
      }
      case inodeTypes.char:
      case inodeTypes.block: {
        const raw = view.getUint32(20, true);
        const device = {
          major: (raw >>> 8) & 0xfff,
          minor: (raw & 0xff) | ((raw >>> 12) & 0xfff00),
        };
        return { ...common, linkCount: view.getUint32(16, true), device };
      }
      default:
        return { ...common, linkCount: view.getUint32(16, true) };
    }
  }

  #file(
    view: DataView,
    place: number,
    extended: boolean,
  ): { linkCount: number; content: ByteSource } {
    const startBytes = extended ? readU64(view, 16) : view.getUint32(16, true);
    const sizeBytes = extended ? readU64(view, 24) : view.getUint32(28, true);
    const fragment = view.getUint32(extended ? 44 : 20, true);
    const fragmentOffset = view.getUint32(extended ? 48 : 24, true);
    const { blockSizeBytes } = this.#superblock;
    const whole = Math.floor(sizeBytes / blockSizeBytes);
    const blockCount = fragment === noFragment ? Math.ceil(sizeBytes / blockSizeBytes) : whole;
    const words = this.#inodes.slice(place + (extended ? 56 : 32), blockCount * 4);
    const wordView = viewOf(words);
    const blocks: { at: number; word: number }[] = [];
    let at = startBytes;
    for (let i = 0; i < blockCount; i++) {
      const word = wordView.getUint32(i * 4, true);
      blocks.push({ at, word });
      at += word & (storedBlockBit - 1);
    }
    const readBlock = async (index: number): Promise<Uint8Array> => {
      const length = Math.min(blockSizeBytes, sizeBytes - index * blockSizeBytes);
      const block = blocks[index];
      if (block !== undefined) {
        return block.word === 0
          ? new Uint8Array(length)
          : this.#block(block.at, block.word, length);
      }
      const found = this.fragments[fragment];
      if (found === undefined) throw malformed(`there is no fragment ${fragment}`);
      const all = await this.#block(found.startBytes, found.sizeWord, undefined);
      if (fragmentOffset + length > all.length)
        throw malformed(`fragment ${fragment} is too short`);
      return all.subarray(fragmentOffset, fragmentOffset + length);
    };
    return {
      linkCount: extended ? view.getUint32(40, true) : 1,
      content: blockwiseSource(sizeBytes, blockSizeBytes, readBlock),
    };
  }

  async #block(at: number, word: number, wanted: number | undefined): Promise<Uint8Array> {
    const length = word & (storedBlockBit - 1);
    const { blockSizeBytes, usedBytes } = this.#superblock;
    if (length > blockSizeBytes || at + length > usedBytes)
      throw malformed('a block lies outside of it');
    const raw = await this.#read(at, length);
    const bytes = (word & storedBlockBit) !== 0 ? raw : this.#decompress(raw, blockSizeBytes);
    if (wanted !== undefined && bytes.length !== wanted)
      throw malformed('a block has the wrong length');
    return bytes;
  }

  #decompress(block: Uint8Array, limitBytes: number): Uint8Array {
    if (this.#decompressor === undefined) {
      throw malformed(
        `its compressor has the number ${this.#superblock.compressorId}, which is not known`,
      );
    }
    return this.#decompressor.decompress(block, limitBytes);
  }

  async #u64(at: number): Promise<number> {
    return readU64(viewOf(await this.#read(at, 8)), 0);
  }

  async #read(at: number, lengthBytes: number): Promise<Uint8Array> {
    if (at + lengthBytes > this.#superblock.usedBytes)
      throw malformed('something lies outside of it');
    return this.#source.read(at, lengthBytes);
  }

  /** All blocks between two places. */
  async #readMetadata(start: number, end: number): Promise<Metadata> {
    if (start > end || end > this.#superblock.usedBytes)
      throw malformed('its tables are out of order');
    const table = await this.#read(start, end - start);
    const view = viewOf(table);
    const blocks: Uint8Array[] = [];
    const starts = new Map<number, number>();
    let filled = 0;
    for (let at = 0; at + 2 <= table.length;) {
      const header = view.getUint16(at, true);
      const length = header & (storedMetadataBit - 1);
      const raw = table.subarray(at + 2, at + 2 + length);
      const stored = (header & storedMetadataBit) !== 0;
      const block = stored ? raw : this.#decompress(raw, metadataBlockBytes);
      starts.set(at, filled);
      blocks.push(block);
      filled += block.length;
      at += 2 + length;
    }
    const bytes = new Uint8Array(filled);
    let position = 0;
    for (const block of blocks) {
      bytes.set(block, position);
      position += block.length;
    }
    return new Metadata(bytes, starts);
  }

  /** A table behind a list of its blocks' places. */
  async #readIndexed(indexAt: number, sizeBytes: number): Promise<Uint8Array> {
    if (sizeBytes === 0) return new Uint8Array(0);
    const metadata = await this.#readMetadata(await this.#u64(indexAt), indexAt);
    return metadata.slice(0, sizeBytes);
  }
}

/** A decoded table: addressed by block and offset, or by position once resolved. */
class Metadata {
  readonly #bytes: Uint8Array;
  readonly #starts: ReadonlyMap<number, number>;

  constructor(bytes: Uint8Array, starts: ReadonlyMap<number, number>) {
    this.#bytes = bytes;
    this.#starts = starts;
  }

  place(block: number, offset: number): number {
    const start = this.#starts.get(block);
    // An empty directory's listing may stand where the table ends.
    if (start === undefined) return this.#bytes.length;
    return start + offset;
  }

  slice(position: number, sizeBytes: number): Uint8Array {
    if (sizeBytes < 0 || position + sizeBytes > this.#bytes.length) {
      throw malformed('a metadata table is too short');
    }
    return this.#bytes.subarray(position, position + sizeBytes);
  }

  view(position: number): DataView {
    if (position + 20 > this.#bytes.length)
      throw malformed('an inode lies outside of the inode table');
    // Room for the longest fixed part, whatever the type is.
    const bytes = new Uint8Array(64);
    bytes.set(this.#bytes.subarray(position, position + 64));
    return viewOf(bytes);
  }
}

function blockwiseSource(
  sizeBytes: number,
  blockSizeBytes: number,
  readBlock: (index: number) => Promise<Uint8Array>,
): ByteSource {
  return {
    sizeBytes,
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length;) {
        const index = Math.floor((offset + done) / blockSizeBytes);
        const from = (offset + done) % blockSizeBytes;
        const part = (await readBlock(index)).subarray(from, from + length - done);
        if (part.length === 0) throw malformed('a content is cut short');
        bytes.set(part, done);
        done += part.length;
      }
      return bytes;
    },
  };
}

const malformed = (found: string) => malformedImage('squashfs image', found);
