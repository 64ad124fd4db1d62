/**
 * A tree as a newc cpio archive: the initial file system of a kernel.
 *
 * Members stand in canonical order, directories before what they hold, numbered from 1. Names of
 * one file (equal `hardLinkKey`) share a number, and the last of them carries the content, as cpio
 * writers do. The kernel unpacks with the numbers, owners and modes as they stand.
 */
import { bytesOf } from '#base';
import { cpioPadding, encodeCpioHeader, encodeCpioTrailer } from '#formats';
import type { ByteSink } from './byte-sink.ts';
import { copySource, bytesSource } from './byte-sink.ts';

import type { TreeEntry, TreeNode } from './tree.ts';
import { orderTree, typeBits, walkTree } from './tree.ts';

export interface ArchiveMember {
  readonly entry: TreeEntry;
  readonly inode: number;
  readonly linkCount: number;
  /** 0 for a name whose content comes with a later one. */
  readonly sizeBytes: number;
}

export interface ArchivePlan {
  readonly members: readonly ArchiveMember[];
  /** Of all contents; what a progress display counts. */
  readonly contentBytes: number;
}

/** Plans the archive. The root directory itself is no member. */
export function planArchive(entries: Iterable<TreeEntry>): ArchivePlan {
  const nodes = [...walkTree(orderTree(entries))].slice(1);
  const names = new Map<string, TreeNode[]>();
  for (const node of nodes) {
    const key = node.entry.hardLinkKey;
    if (key !== undefined) names.set(key, [...(names.get(key) ?? []), node]);
  }
  const inodes = new Map<string, number>();
  let contentBytes = 0;
  const members = nodes.map((node, index): ArchiveMember => {
    const { entry } = node;
    const key = entry.hardLinkKey;
    const group = key === undefined ? [node] : names.get(key)!;
    const inode = (key === undefined ? undefined : inodes.get(key)) ?? index + 1;
    if (key !== undefined) inodes.set(key, inode);
    const sizeBytes = group.at(-1) === node ? sizeOf(entry) : 0;
    contentBytes += sizeBytes;
    const subdirectories = node.children.filter((child) => child.entry.type === 'directory').length;
    const linkCount = entry.type === 'directory' ? 2 + subdirectories : group.length;
    return { entry, inode, linkCount, sizeBytes };
  });
  return { members, contentBytes };
}

/** Writes the archive; it starts where the sink stands, which must be a multiple of four. */
export async function writeArchive(
  plan: ArchivePlan,
  sink: ByteSink,
  onBytes: (lengthBytes: number) => void = () => {},
): Promise<void> {
  const start = sink.positionBytes;
  for (const { entry, inode, linkCount, sizeBytes } of plan.members) {
    await sink.write(
      encodeCpioHeader({
        name: entry.path,
        mode: typeBits[entry.type] | entry.mode,
        uid: entry.uid,
        gid: entry.gid,
        mtime: entry.mtime,
        inode,
        linkCount,
        sizeBytes,
        ...(entry.device === undefined ? {} : { device: entry.device }),
      }),
    );
    if (sizeBytes === 0) continue;
    await copySource(sink, contentOf(entry), onBytes);
    await sink.write(cpioPadding(sizeBytes));
  }
  await sink.write(encodeCpioTrailer(sink.positionBytes - start));
}

function sizeOf(entry: TreeEntry): number {
  if (entry.type === 'link') return entry.target!.length;
  return entry.type === 'file' ? entry.content!.sizeBytes : 0;
}

const contentOf = (entry: TreeEntry) =>
  entry.type === 'link' ? bytesSource(bytesOf(entry.target!)) : entry.content!;
