/**
 * The plan of a FAT file system: geometry, and the clusters of each file and directory.
 *
 * Clusters are given in tree order, each file and directory in one run, so every file can be read
 * sequentially and a boot loader with a simple reader finds it whole.
 */
import { createHash } from 'node:crypto';
import { UserError } from '#base';
import { invalidEntry } from '../errors.ts';
import type { TreeEntry, TreeNode } from '../tree.ts';
import { orderTree, walkTree } from '../tree.ts';
import type { FatGeometry, FatKind, FatVolume } from './format.ts';
import { directoryEntryBytes, fatGeometry, longEntryCount, roundToSector } from './format.ts';
import type { FatName } from './names.ts';
import { fatNames } from './names.ts';

export type { FatKind };

export interface FatOptions {
  /** At most 11 characters of ASCII; stored in upper case. */
  readonly label: string;
  /** 32 bits. Default: from label and names, so that equal plans have equal serials. */
  readonly serial?: number;
  /** Total size. Default: the smallest that holds the files and `freeBytes`. */
  readonly sizeBytes?: number;
  readonly freeBytes?: number;
  /** Default: the simplest that fits. */
  readonly kind?: FatKind;
  readonly hiddenSectors?: number;
}

export interface FatNode {
  readonly node: TreeNode;
  readonly name: FatName;
  /** 0 for an empty file, and for the root of FAT12 and FAT16. */
  readonly firstCluster: number;
  readonly clusterCount: number;
}

export interface FatPlan {
  readonly geometry: FatGeometry;
  readonly volume: FatVolume;
  readonly root: TreeNode;
  /** The root directory first, then everything else in tree order. */
  readonly nodes: ReadonlyMap<TreeNode, FatNode>;
  readonly sizeBytes: number;
  /** Of all files; what a progress display counts. */
  readonly contentBytes: number;
}

/** Throws on links and device nodes, on unsuitable names, and if the files do not fit. */
export function planFat(entries: Iterable<TreeEntry>, options: FatOptions): FatPlan {
  const root = orderTree(entries);
  const nodes = [...walkTree(root)];
  for (const { entry } of nodes) checkEntry(entry);
  const names = nameAll(nodes);
  const bytesOf = (node: TreeNode): number =>
    node.entry.type === 'directory' ? directoryBytes(node, names) : node.entry.content!.sizeBytes;
  const geometry = chooseGeometry(nodes, bytesOf, options);
  const planned = new Map<TreeNode, FatNode>();
  let next = 2;
  for (const node of nodes) {
    const inRootArea = node.parent === null && geometry.kind !== 32;
    const clusterCount = inRootArea ? 0 : Math.ceil(bytesOf(node) / geometry.clusterBytes);
    const firstCluster = clusterCount === 0 ? 0 : next;
    planned.set(node, { node, name: names.get(node)!, firstCluster, clusterCount });
    next += clusterCount;
  }
  const files = nodes.filter(({ entry }) => entry.type === 'file');
  return {
    geometry,
    volume: {
      label: checkLabel(options.label),
      serial: options.serial ?? serialOf(options.label, nodes),
      hiddenSectors: options.hiddenSectors ?? 0,
    },
    root,
    nodes: planned,
    sizeBytes: geometry.totalSectors * 512,
    contentBytes: files.reduce((sum, { entry }) => sum + entry.content!.sizeBytes, 0),
  };
}

function chooseGeometry(
  nodes: readonly TreeNode[],
  bytesOf: (node: TreeNode) => number,
  options: FatOptions,
): FatGeometry {
  const rootTooLong = bytesOf(nodes[0]!) > 512 * directoryEntryBytes;
  const demand = (clusterBytes: number): number =>
    nodes.reduce((sum, node) => sum + Math.ceil(bytesOf(node) / clusterBytes), 0);
  const kind = options.kind ?? (rootTooLong ? 32 : undefined);
  return fatGeometry(demand, {
    ...(options.sizeBytes === undefined ? {} : { sizeBytes: options.sizeBytes }),
    ...(options.freeBytes === undefined ? {} : { freeBytes: options.freeBytes }),
    ...(kind === undefined ? {} : { kind }),
  });
}

function nameAll(nodes: readonly TreeNode[]): Map<TreeNode, FatName> {
  const names = new Map<TreeNode, FatName>();
  names.set(nodes[0]!, { long: '', short: '', needsLong: false });
  for (const node of nodes) {
    const childNames = fatNames(
      node.children.map((child) => child.name),
      node.entry.path,
    );
    for (const [index, child] of node.children.entries()) names.set(child, childNames[index]!);
  }
  return names;
}

/** With ".", ".." or the label, all names, and an end mark. */
function directoryBytes(node: TreeNode, names: ReadonlyMap<TreeNode, FatName>): number {
  let count = node.parent === null ? 1 : 2;
  for (const child of node.children) count += 1 + longEntryCount(names.get(child)!);
  return roundToSector((count + 1) * directoryEntryBytes);
}

function checkEntry(entry: TreeEntry): void {
  if (entry.type !== 'file' && entry.type !== 'directory') {
    throw invalidEntry(entry.path, 'FAT knows files and directories only');
  }
  if (entry.type === 'file' && entry.content!.sizeBytes > 0xffffffff) {
    throw invalidEntry(entry.path, 'a file on FAT is smaller than 4 GiB');
  }
}

function checkLabel(label: string): string {
  const upper = label.toUpperCase();
  if (/^[A-Z0-9 !#$%&'()@^_`{}~-]{1,11}$/.test(upper)) return upper;
  throw new UserError('FAT_LABEL', `"${label}" cannot be the label of a FAT file system`, {
    hint: 'Give 1 to 11 letters, digits, spaces, hyphens or underscores',
  });
}

function serialOf(label: string, nodes: readonly TreeNode[]): number {
  const hash = createHash('sha256').update(label);
  for (const { entry } of nodes) {
    hash.update(`\0${entry.path}\0${entry.content?.sizeBytes ?? ''}`, 'latin1');
  }
  return hash.digest().readUInt32LE(0);
}
