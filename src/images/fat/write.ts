/**
 * Writes a planned FAT file system in one pass.
 */
import type { ByteSink } from '../byte-sink.ts';
import { copySource, writeZeros } from '../byte-sink.ts';
import { Writer } from '../bytes.ts';
import type { TreeNode } from '../tree.ts';
import {
  attributes,
  encodeBootSector,
  encodeInfoSector,
  encodeLongEntries,
  encodeShortEntry,
  encodeTable,
  sectorBytes,
} from './format.ts';
import type { FatPlan } from './plan.ts';

/** Writes `plan.sizeBytes` bytes from where the sink stands. */
export async function writeFat(
  plan: FatPlan,
  sink: ByteSink,
  onBytes: (lengthBytes: number) => void = () => {},
): Promise<void> {
  const { geometry } = plan;
  const start = sink.positionBytes;
  await sink.write(reservedArea(plan));
  const table = encodeTable(geometry, clusterChain(plan));
  await sink.write(table);
  await sink.write(table);
  if (geometry.kind !== 32) {
    await sink.write(encodeDirectory(plan, plan.root, geometry.rootSectors * sectorBytes));
  }
  for (const { node, firstCluster, clusterCount } of plan.nodes.values()) {
    if (firstCluster === 0) continue;
    const roomBytes = clusterCount * geometry.clusterBytes;
    if (node.entry.type === 'directory') {
      await sink.write(encodeDirectory(plan, node, roomBytes));
    } else {
      await copySource(sink, node.entry.content!, onBytes);
      await writeZeros(sink, roomBytes - node.entry.content!.sizeBytes);
    }
  }
  await writeZeros(sink, start + plan.sizeBytes - sink.positionBytes);
}

function reservedArea(plan: FatPlan): Uint8Array {
  const { geometry } = plan;
  const boot = encodeBootSector(geometry, plan.volume);
  const writer = new Writer(geometry.reservedSectors * sectorBytes).bytes(boot);
  if (geometry.kind === 32) {
    const used = usedClusters(plan);
    const info = encodeInfoSector(geometry.clusterCount - used, used + 2);
    // The backup of both stands six sectors further.
    writer
      .bytes(info)
      .padTo(6 * sectorBytes)
      .bytes(boot)
      .bytes(info);
  }
  return writer.padTo(geometry.reservedSectors * sectorBytes).take();
}

function clusterChain(plan: FatPlan): Int32Array {
  const next = new Int32Array(plan.geometry.clusterCount + 2);
  for (const { firstCluster, clusterCount } of plan.nodes.values()) {
    for (let i = 0; i < clusterCount; i++) {
      next[firstCluster + i] = i === clusterCount - 1 ? -1 : firstCluster + i + 1;
    }
  }
  return next;
}

function usedClusters(plan: FatPlan): number {
  let used = 0;
  for (const { clusterCount } of plan.nodes.values()) used += clusterCount;
  return used;
}

function encodeDirectory(plan: FatPlan, directory: TreeNode, roomBytes: number): Uint8Array {
  const writer = new Writer(roomBytes);
  const { mtime } = directory.entry;
  if (directory.parent === null) {
    const record = { attributes: attributes.label, mtime, cluster: 0, sizeBytes: 0 };
    encodeShortEntry(writer, plan.volume.label.padEnd(11), record);
  } else {
    // The root is cluster 0 as a parent, whatever its cluster is.
    const parent =
      directory.parent.parent === null ? 0 : plan.nodes.get(directory.parent)!.firstCluster;
    const record = { attributes: attributes.directory, mtime, sizeBytes: 0 };
    const own = plan.nodes.get(directory)!.firstCluster;
    encodeShortEntry(writer, '.'.padEnd(11), { ...record, cluster: own });
    encodeShortEntry(writer, '..'.padEnd(11), { ...record, cluster: parent });
  }
  for (const child of directory.children) {
    const { name, firstCluster } = plan.nodes.get(child)!;
    if (name.needsLong) encodeLongEntries(writer, name);
    const isDirectory = child.entry.type === 'directory';
    encodeShortEntry(writer, name.short, {
      attributes: isDirectory ? attributes.directory : attributes.archive,
      mtime: child.entry.mtime,
      cluster: firstCluster,
      sizeBytes: isDirectory ? 0 : child.entry.content!.sizeBytes,
    });
  }
  return writer.padTo(roomBytes).take();
}
