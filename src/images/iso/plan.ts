/**
 * The plan of an ISO image: every sector accounted for before the first is written.
 *
 * Layout, in sectors of 2048 bytes: system area (boot code and partition tables), volume
 * descriptors, at `partitionOffset` more behind it a second set of them counted from there, the
 * directory trees, the boot catalog, file contents in tree order, the EFI system partition on a
 * whole MiB, padding with the backup partition table at its end. So the same bytes are a CD, a disk
 * whose first partition is an ISO 9660 file system, and a disk with an EFI system partition.
 */
import { UserError } from '#base';
import type { ByteSource } from '../byte-sink.ts';
import { bytesSource } from '../byte-sink.ts';
import { roundUp } from '../bytes.ts';
import { invalidEntry } from '../errors.ts';
import type { GptPartition } from '../partitions/gpt.ts';
import { encodeGpt, gptSectors } from '../partitions/gpt.ts';
import { derivedGuid, encodeGuid, partitionTypes } from '../partitions/guid.ts';
import { encodeMbr, mbrCodeBytes, protectivePartition } from '../partitions/mbr.ts';
import type { TreeEntry, TreeNode } from '../tree.ts';
import { orderTree, walkTree } from '../tree.ts';
import { Writer, viewOf } from '../bytes.ts';
import type { IsoFacts } from './directory-tree.ts';
import { DirectoryTree } from './directory-tree.ts';
import type { BootEntry } from './el-torito.ts';
import { encodeBootCatalog, withBootInfoTable } from './el-torito.ts';
import {
  encodeBootDescriptor,
  encodeTerminator,
  encodeVolumeDescriptor,
  isoSectorBytes,
  jolietEscapeSequence,
  systemAreaSectors,
} from './format.ts';
import type { PosixFacts } from './rock-ridge.ts';

export interface IsoOptions {
  /** At most 32 letters, digits and `_ - . +`. */
  readonly volumeId: string;
  /** Seconds since 1970, of the volume and of implied directories. */
  readonly mtime: number;
  /** GUIDs and the disk signature come from it: whatever tells this image from others. */
  readonly seed: string;
  readonly publisher?: string;
  readonly application?: string;
  /** Default true. */
  readonly joliet?: boolean;
  /** Boot from CD by BIOS: the path of the boot image; its bytes 8 to 64 are overwritten. */
  readonly biosImage?: string;
  /** Where the boot catalog shows as a file. Default: `boot.cat` beside the BIOS image. */
  readonly catalogPath?: string;
  /** Boot by UEFI: a FAT file system that becomes a partition of the disk. */
  readonly efiImage?: EfiImage;
  /** Boot from disk by BIOS: isolinux's `isohdpfx.bin`. */
  readonly hybridBootCode?: Uint8Array;
  /** Whether to write partition tables, for use as a disk. Default: as boot code or EFI image ask. */
  readonly partitioned?: boolean;
}

export interface EfiImage {
  readonly content: ByteSource;
  /** Where it shows as a file, if at all. It is no second copy. */
  readonly path?: string;
}

/** Something to write at a place. Gaps are zeros. */
export interface IsoSection {
  readonly sector: number;
  readonly content: ByteSource;
}

export interface IsoPlan {
  /** By rising sectors, without overlap. */
  readonly sections: readonly IsoSection[];
  readonly sizeBytes: number;
}

/** Sectors from the start of the image to the first partition. */
const partitionOffset = 16;
const gptEntryCount = 248;
/** A disk's first sectors of 512 bytes up to the first partition. */
const diskSectorsPerSector = isoSectorBytes / 512;
const efiAlignment = (1 << 20) / isoSectorBytes;
/** Drives read ahead beyond the end: 300 KiB as other writers leave. */
const paddingSectors = 150;

/** Throws on an unsuitable volume label, on missing boot images, and on malformed trees. */
export function planIso(entries: Iterable<TreeEntry>, options: IsoOptions): IsoPlan {
  checkVolumeId(options.volumeId);
  return new IsoPlanner([...entries], options).plan();
}

/** Throws `ISO_VOLUME_LABEL` unless the label can stand in a volume descriptor. */
export function checkVolumeId(volumeId: string): void {
  if (volumeId.length > 32) {
    throw new UserError(
      'ISO_VOLUME_LABEL',
      `The volume label "${volumeId}" has ${volumeId.length} characters, and an ISO image has room for 32`,
      { hint: 'Shorten isoImage.volumeID' },
    );
  }
  if (!/^[A-Za-z0-9_.+-]+$/.test(volumeId)) {
    throw new UserError('ISO_VOLUME_LABEL', `"${volumeId}" cannot be the label of an ISO image`, {
      hint: 'Use letters, digits and the characters _ - . + in isoImage.volumeID',
    });
  }
}

class IsoPlanner {
  readonly #options: IsoOptions;
  readonly #root: TreeNode;
  readonly #nodes: TreeNode[];
  readonly #sectors = new Map<TreeNode, number>();
  readonly #posix = new Map<TreeNode, PosixFacts>();
  readonly #sections: IsoSection[] = [];
  readonly #partitioned: boolean;
  readonly #catalogPath: string | undefined;
  #catalogSector = 0;
  #efiSector = 0;

  constructor(entries: TreeEntry[], options: IsoOptions) {
    this.#options = options;
    this.#partitioned =
      options.partitioned ??
      (options.hybridBootCode !== undefined || options.efiImage !== undefined);
    if (options.biosImage !== undefined || options.efiImage !== undefined) {
      this.#catalogPath = options.catalogPath ?? besideImage(options.biosImage);
    }
    this.#root = orderTree([...entries, ...this.#ownEntries()], { mtime: options.mtime });
    this.#nodes = [...walkTree(this.#root)];
    this.#collectPosixFacts();
  }

  plan(): IsoPlan {
    const image = this.#trees(() => false);
    const partition = this.#partitioned
      ? this.#trees((node) => node.entry.path === this.#options.efiImage?.path)
      : [];
    let next = systemAreaSectors + (this.#partitioned ? partitionOffset : 0) + 4;
    const places = new Map<DirectoryTree, number>();
    for (const tree of [...image, ...partition]) {
      places.set(tree, next);
      next += tree.sectorCount;
    }
    const filesEnd = this.#placeFiles(next);
    this.#efiSector = roundUp(filesEnd, efiAlignment);
    const efiBytes = this.#options.efiImage?.content.sizeBytes;
    const contentEnd =
      efiBytes === undefined ? filesEnd : this.#efiSector + Math.ceil(efiBytes / isoSectorBytes);
    if (this.#options.efiImage?.path !== undefined) {
      const node = this.#nodeAt(this.#options.efiImage.path)!;
      this.#sectors.set(node, this.#efiSector);
    }
    const total = contentEnd + paddingSectors;
    this.#addTrees(image, places, 0, total);
    const partitionEnd = efiBytes === undefined ? contentEnd : this.#efiSector;
    this.#addTrees(partition, places, partitionOffset, partitionEnd - partitionOffset);
    this.#addBootCatalog();
    if (this.#partitioned) this.#addPartitionTables(total, partitionEnd);
    if (this.#options.efiImage !== undefined)
      this.#add(this.#efiSector, this.#options.efiImage.content);
    this.#sections.sort((a, b) => a.sector - b.sector);
    return { sections: this.#sections, sizeBytes: total * isoSectorBytes };
  }

  /** The catalog and the EFI image as files. */
  #ownEntries(): TreeEntry[] {
    const common = {
      type: 'file',
      mode: 0o444,
      uid: 0,
      gid: 0,
      mtime: this.#options.mtime,
    } as const;
    const entries: TreeEntry[] = [];
    if (this.#catalogPath !== undefined) {
      const content = bytesSource(new Uint8Array(isoSectorBytes));
      entries.push({ ...common, path: this.#catalogPath, content });
    }
    const efi = this.#options.efiImage;
    if (efi?.path !== undefined) entries.push({ ...common, path: efi.path, content: efi.content });
    return entries;
  }

  #collectPosixFacts(): void {
    const names = new Map<string, number>();
    for (const { entry } of this.#nodes) {
      const key = entry.hardLinkKey;
      if (key !== undefined) names.set(key, (names.get(key) ?? 0) + 1);
    }
    const serials = new Map<string, number>();
    for (const [index, node] of this.#nodes.entries()) {
      const key = node.entry.hardLinkKey;
      const serial = (key === undefined ? undefined : serials.get(key)) ?? index + 1;
      if (key !== undefined) serials.set(key, serial);
      const subdirectories = node.children.filter(({ entry }) => entry.type === 'directory').length;
      const linkCount =
        node.entry.type === 'directory'
          ? 2 + subdirectories
          : key === undefined
            ? 1
            : names.get(key)!;
      this.#posix.set(node, { entry: node.entry, linkCount, serial });
    }
  }

  #trees(hidden: (node: TreeNode) => boolean): DirectoryTree[] {
    const facts: IsoFacts = {
      sectorOf: (node) => this.#sectors.get(node)!,
      posixOf: (node) => this.#posix.get(node)!,
      hidden,
    };
    const kinds =
      this.#options.joliet === false
        ? (['rock-ridge'] as const)
        : (['rock-ridge', 'joliet'] as const);
    return kinds.map((kind) => new DirectoryTree(this.#root, kind, facts));
  }

  /** Gives each file its sectors from `start` on; returns where they end. */
  #placeFiles(start: number): number {
    let next = start;
    const shared = new Map<string, number>();
    for (const node of this.#nodes) {
      if (node.entry.type !== 'file' || node.entry.path === this.#options.efiImage?.path) continue;
      const key = node.entry.hardLinkKey;
      const known = key === undefined ? undefined : shared.get(key);
      this.#sectors.set(node, known ?? next);
      if (known !== undefined) continue;
      if (key !== undefined) shared.set(key, next);
      if (node.entry.path === this.#catalogPath) this.#catalogSector = next;
      else this.#add(next, this.#contentOf(node, next));
      next += Math.ceil(node.entry.content!.sizeBytes / isoSectorBytes);
    }
    return next;
  }

  /** A file's content; the BIOS image gets its boot info table. */
  #contentOf(node: TreeNode, sector: number): ByteSource {
    const content = node.entry.content!;
    if (node.entry.path !== this.#options.biosImage) return content;
    let patched: Promise<Uint8Array> | undefined;
    return {
      sizeBytes: content.sizeBytes,
      async read(offset, length) {
        patched ??= Promise.resolve(content.read(0, content.sizeBytes)).then((image) =>
          withBootInfoTable(image, sector),
        );
        return (await patched).subarray(offset, offset + length);
      },
    };
  }

  #addTrees(
    trees: readonly DirectoryTree[],
    places: ReadonlyMap<DirectoryTree, number>,
    origin: number,
    sectorCount: number,
  ): void {
    if (trees.length === 0) return;
    const { volumeId, mtime, publisher = '', application = 'FIRN' } = this.#options;
    const descriptors = trees.map((tree, index) =>
      encodeVolumeDescriptor({
        volumeId,
        mtime,
        publisher,
        application,
        sectorCount,
        ...tree.places(places.get(tree)! - origin),
        ...(index === 1 ? { escapeSequence: jolietEscapeSequence } : {}),
      }),
    );
    // Firmware looks for the boot record right behind the first descriptor.
    if (origin === 0 && this.#catalogPath !== undefined) {
      descriptors.splice(1, 0, encodeBootDescriptor(this.#catalogSector));
    }
    descriptors.push(encodeTerminator());
    const writer = new Writer(descriptors.length * isoSectorBytes);
    for (const descriptor of descriptors) writer.bytes(descriptor);
    this.#addBytes(systemAreaSectors + origin, writer.take());
    for (const tree of trees) {
      const start = places.get(tree)!;
      this.#addBytes(start, tree.encode(start, origin));
    }
  }

  #addBootCatalog(): void {
    if (this.#catalogPath === undefined) return;
    const boot: BootEntry[] = [];
    const { biosImage, efiImage } = this.#options;
    if (biosImage !== undefined) {
      boot.push({ platform: 'bios', sector: this.#biosSector(biosImage), loadSectors: 4 });
    }
    if (efiImage !== undefined) {
      const loadSectors = Math.ceil(efiImage.content.sizeBytes / 512);
      boot.push({ platform: 'uefi', sector: this.#efiSector, loadSectors });
    }
    this.#addBytes(this.#catalogSector, encodeBootCatalog(boot));
  }

  #biosSector(path: string): number {
    const node = this.#nodeAt(path);
    if (node?.entry.type !== 'file') {
      throw invalidEntry(path, 'it is to boot the image by BIOS, but there is no such file');
    }
    return this.#sectors.get(node)!;
  }

  #addPartitionTables(total: number, partitionEnd: number): void {
    const { seed, efiImage, hybridBootCode, biosImage } = this.#options;
    const diskSectors = total * diskSectorsPerSector;
    const bootCode = new Uint8Array(mbrCodeBytes);
    if (hybridBootCode !== undefined) {
      bootCode.set(hybridBootCode.subarray(0, 432));
      const image = biosImage === undefined ? 0 : this.#biosSector(biosImage);
      // The boot code wants the place of the boot image in sectors of 512 bytes here.
      viewOf(bootCode).setUint32(432, image * diskSectorsPerSector, true);
    }
    const signature = viewOf(encodeGuid(derivedGuid(seed, 'disk signature'))).getUint32(0, true);
    const first = partitionOffset * diskSectorsPerSector;
    if (efiImage === undefined) {
      // Without UEFI a plain partition that is active: some BIOSes start nothing else.
      const sectorCount = partitionEnd * diskSectorsPerSector - first;
      const partition = { active: true, type: 0x17, firstSector: first, sectorCount };
      this.#addBytes(0, encodeMbr({ bootCode, signature, partitions: [partition] }));
      return;
    }
    const mbr = encodeMbr({ bootCode, signature, partitions: [protectivePartition(diskSectors)] });
    const partitions: GptPartition[] = [
      {
        type: partitionTypes.basicData,
        guid: derivedGuid(seed, 'partition 1'),
        firstSector: first,
        lastSector: partitionEnd * diskSectorsPerSector - 1,
        name: 'ISO9660',
        required: true,
        readOnly: true,
      },
      {
        type: partitionTypes.efiSystem,
        guid: derivedGuid(seed, 'partition 2'),
        firstSector: this.#efiSector * diskSectorsPerSector,
        lastSector:
          this.#efiSector * diskSectorsPerSector + Math.ceil(efiImage.content.sizeBytes / 512) - 1,
        name: 'EFI system',
      },
    ];
    const diskGuid = derivedGuid(seed, 'disk');
    const gpt = encodeGpt({ diskGuid, diskSectors, entryCount: gptEntryCount, partitions });
    this.#addBytes(0, new Writer().bytes(mbr).bytes(gpt.primary).take());
    // The backup ends with the disk; what is before it in its first sector is padding.
    const backupSectors = Math.ceil(gptSectors(gptEntryCount) / diskSectorsPerSector);
    const backup = new Uint8Array(backupSectors * isoSectorBytes);
    backup.set(gpt.backup, backup.length - gpt.backup.length);
    this.#addBytes(total - backupSectors, backup);
  }

  #nodeAt(path: string): TreeNode | undefined {
    return this.#nodes.find(({ entry }) => entry.path === path);
  }

  #addBytes(sector: number, bytes: Uint8Array): void {
    this.#add(sector, bytesSource(bytes));
  }

  #add(sector: number, content: ByteSource): void {
    if (content.sizeBytes > 0) this.#sections.push({ sector, content });
  }
}

function besideImage(biosImage: string | undefined): string {
  if (biosImage === undefined || !biosImage.includes('/')) return 'boot.cat';
  return biosImage.slice(0, biosImage.lastIndexOf('/') + 1) + 'boot.cat';
}
