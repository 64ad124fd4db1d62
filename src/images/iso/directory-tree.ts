/**
 * One directory tree of an ISO image: the records of every directory, laid out in sectors, with its
 * path tables. An image has up to four: ISO 9660 with Rock Ridge and Joliet, each once counted from
 * the start of the image and once from the start of its partition.
 *
 * Sizes do not depend on places, so a tree is laid out first and encoded when all places are known.
 */
import { assert } from '#base';
import { Writer, roundUp } from '../bytes.ts';
import type { TreeNode } from '../tree.ts';
import type { PathTableEntry } from './format.ts';
import {
  encodePathTable,
  encodeRecord,
  identifierEnd,
  isoSectorBytes,
  maximumExtentBytes,
  maximumRecordBytes,
  recordBytes,
  recordFlags,
} from './format.ts';
import type { NamedChild } from './names.ts';
import { isoNames, jolietNames } from './names.ts';
import type { PosixFacts, RecordRole, SystemUse } from './rock-ridge.ts';
import { ContinuationArea, rockRidgeEntries } from './rock-ridge.ts';

export type TreeKind = 'rock-ridge' | 'joliet';

/** What a tree asks about the files it names. */
export interface IsoFacts {
  /** The first sector of a file's content, from the start of the image. */
  sectorOf(node: TreeNode): number;
  posixOf(node: TreeNode): PosixFacts;
  /** Whether this tree leaves the node out. */
  hidden(node: TreeNode): boolean;
}

interface PlannedRecord {
  readonly node: TreeNode;
  readonly identifier: string;
  readonly systemUse: SystemUse | undefined;
  /** Part of the file that this record describes. */
  readonly part: { readonly offset: number; readonly sizeBytes: number; readonly last: boolean };
}

interface PlannedDirectory {
  readonly node: TreeNode;
  readonly identifier: string;
  /** Number in the path table, from 1. */
  readonly number: number;
  readonly parent: PlannedDirectory | undefined;
  readonly records: PlannedRecord[];
  sizeBytes: number;
  /** From the start of the tree, in sectors. */
  sector: number;
}

export class DirectoryTree {
  readonly #kind: TreeKind;
  readonly #facts: IsoFacts;
  readonly #directories: PlannedDirectory[] = [];
  readonly #byNode = new Map<TreeNode, PlannedDirectory>();
  readonly #continuations = new ContinuationArea();
  #directorySectors = 0;

  constructor(root: TreeNode, kind: TreeKind, facts: IsoFacts) {
    this.#kind = kind;
    this.#facts = facts;
    this.#planDirectories(root);
    for (const directory of this.#directories) {
      directory.sector = this.#directorySectors;
      this.#directorySectors += directory.sizeBytes / isoSectorBytes;
    }
  }

  /** Directories, continuations, and both path tables. */
  get sectorCount(): number {
    return this.#tablesAt + 2 * this.#tableSectors;
  }

  /** Places within the tree, given its first sector. */
  places(start: number) {
    return {
      root: { extent: start, sizeBytes: this.#directories[0]!.sizeBytes },
      pathTableBytes: this.#pathTable(0, 'little').length,
      littlePathTable: start + this.#tablesAt,
      bigPathTable: start + this.#tablesAt + this.#tableSectors,
    };
  }

  /** The tree's bytes. `start` is its first sector; sectors are counted from `origin`. */
  encode(start: number, origin: number): Uint8Array {
    const base = start - origin;
    const areaSector = base + this.#directorySectors;
    const writer = new Writer(this.sectorCount * isoSectorBytes);
    for (const directory of this.#directories) {
      writer.padTo(directory.sector * isoSectorBytes);
      for (const record of directory.records) {
        this.#encodeRecord(writer, directory, record, { base, origin, areaSector });
      }
    }
    writer
      .padTo(this.#directorySectors * isoSectorBytes)
      .bytes(this.#continuations.encode(areaSector));
    writer.padTo(this.#tablesAt * isoSectorBytes).bytes(this.#pathTable(base, 'little'));
    writer.align(isoSectorBytes).bytes(this.#pathTable(base, 'big')).align(isoSectorBytes);
    return writer.take();
  }

  get #tablesAt(): number {
    return this.#directorySectors + this.#continuations.sectorCount;
  }

  get #tableSectors(): number {
    return Math.ceil(this.#pathTable(0, 'little').length / isoSectorBytes);
  }

  /** Level by level, as the path table wants its directories. */
  #planDirectories(root: TreeNode): void {
    const add = (
      node: TreeNode,
      identifier: string,
      parent: PlannedDirectory | undefined,
    ): void => {
      const number = this.#directories.length + 1;
      assert(number < 0x10000, 'an ISO image holds fewer than 65536 directories');
      const directory = { node, identifier, number, parent, records: [], sizeBytes: 0, sector: 0 };
      this.#directories.push(directory);
      this.#byNode.set(node, directory);
    };
    add(root, '\0', undefined);
    for (let next = 0; next < this.#directories.length; next++) {
      const directory = this.#directories[next]!;
      const children = directory.node.children.filter((child) => !this.#facts.hidden(child));
      const named = this.#kind === 'joliet' ? jolietNames(children) : isoNames(children);
      this.#planRecords(directory, named);
      for (const { node, identifier } of named) {
        if (node.entry.type === 'directory') add(node, identifier, directory);
      }
    }
  }

  #planRecords(directory: PlannedDirectory, named: readonly NamedChild[]): void {
    const whole = { offset: 0, sizeBytes: 0, last: true };
    const add = (node: TreeNode, identifier: string, role: RecordRole, part = whole): void => {
      const systemUse = this.#systemUse(node, identifier, role, directory);
      const length = recordBytes(identifier, systemUse?.lengthBytes ?? 0);
      const room = isoSectorBytes - (directory.sizeBytes % isoSectorBytes);
      if (length > room) directory.sizeBytes += room;
      directory.sizeBytes += length;
      directory.records.push({ node, identifier, systemUse, part });
    };
    add(directory.node, '\0', 'self');
    add(directory.parent?.node ?? directory.node, '\x01', 'parent');
    for (const { node, identifier } of named) {
      for (const part of partsOf(node)) add(node, identifier, 'child', part);
    }
    directory.sizeBytes = roundUp(directory.sizeBytes, isoSectorBytes);
  }

  #systemUse(
    node: TreeNode,
    identifier: string,
    role: RecordRole,
    directory: PlannedDirectory,
  ): SystemUse | undefined {
    if (this.#kind === 'joliet') return undefined;
    const isRoot = directory.parent === undefined;
    const entries = rockRidgeEntries(this.#facts.posixOf(node), role, node.name, isRoot);
    return this.#continuations.place(entries, maximumRecordBytes - identifierEnd(identifier));
  }

  #encodeRecord(
    writer: Writer,
    directory: PlannedDirectory,
    record: PlannedRecord,
    places: { base: number; origin: number; areaSector: number },
  ): void {
    const { node, identifier, part } = record;
    const systemUse =
      record.systemUse === undefined
        ? new Uint8Array(0)
        : this.#continuations.encodeUse(record.systemUse, places.areaSector);
    const length = recordBytes(identifier, systemUse.length);
    const at = writer.length - directory.sector * isoSectorBytes;
    if (length > isoSectorBytes - (at % isoSectorBytes)) writer.align(isoSectorBytes);
    const { mtime } = node.entry;
    const child = this.#byNode.get(node);
    if (child !== undefined) {
      const extent = places.base + child.sector;
      const { sizeBytes } = child;
      encodeRecord(writer, {
        extent,
        sizeBytes,
        mtime,
        flags: recordFlags.directory,
        identifier,
        systemUse,
      });
      return;
    }
    const first = node.entry.type === 'file' ? this.#facts.sectorOf(node) - places.origin : 0;
    encodeRecord(writer, {
      extent: part.sizeBytes === 0 ? 0 : first + part.offset / isoSectorBytes,
      sizeBytes: part.sizeBytes,
      mtime,
      flags: part.last ? 0 : recordFlags.moreExtents,
      identifier,
      systemUse,
    });
  }

  #pathTable(base: number, order: 'little' | 'big'): Uint8Array {
    const entries = this.#directories.map(({ identifier, sector, parent }): PathTableEntry => ({
      identifier,
      extent: base + sector,
      parent: parent?.number ?? 1,
    }));
    return encodePathTable(entries, order);
  }
}

function partsOf(node: TreeNode): PlannedRecord['part'][] {
  const size = node.entry.type === 'file' ? node.entry.content!.sizeBytes : 0;
  const parts: PlannedRecord['part'][] = [];
  for (let offset = 0; offset < size; offset += maximumExtentBytes) {
    const sizeBytes = Math.min(maximumExtentBytes, size - offset);
    parts.push({ offset, sizeBytes, last: offset + sizeBytes === size });
  }
  return parts.length > 0 ? parts : [{ offset: 0, sizeBytes: 0, last: true }];
}
