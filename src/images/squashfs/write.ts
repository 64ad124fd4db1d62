/**
 * Writes a squashfs 4.0 image in one pass; only the superblock is patched at the end.
 *
 * Invariant: the bytes follow from the plan and the compressor alone. Parallelism, the order of the
 * given entries and the host's inode numbers leave no trace.
 */
import type { ByteSink } from '../byte-sink.ts';
import { writeZeros } from '../byte-sink.ts';
import { Writer, roundUp } from '../bytes.ts';
import { BlockPipeline } from './block-pipeline.ts';
import type { BlockCompressor } from './compression.ts';
import { describeCompression } from './compression.ts';
import type { FragmentBlock } from './file-data.ts';
import { layData } from './file-data.ts';
import { encodeSuperblock, flags, superblockBytes } from './format.ts';
import { encodeReferences, makeInodeTables } from './inode-table.ts';
import { encodeIndexedTable, encodeMetadataBlock } from './metadata.ts';
import type { SquashfsPlan } from './plan.ts';

export interface SquashfsWriteOptions {
  /** Blocks compressed at the same time. Changes the speed only. Default 4. */
  readonly parallelBlocks?: number;
  /** Hears how much content has been dealt with. May throw to stop. */
  readonly onBytes?: (lengthBytes: number) => void;
}

export interface SquashfsSummary {
  readonly sizeBytes: number;
  readonly inodeCount: number;
  readonly fragmentCount: number;
}

/** Images end on a multiple of this, so that they can be loop-mounted. */
const padBytes = 4096;

/** `compressor` must be the one that the plan's options name; undefined for "none". */
export async function writeSquashfs(
  plan: SquashfsPlan,
  sink: ByteSink,
  compressor: BlockCompressor | undefined,
  options: SquashfsWriteOptions = {},
): Promise<SquashfsSummary> {
  const { compression, blockSizeBytes, exportable, tailFragments, hardLinks, mtime } = plan.options;
  const start = sink.positionBytes;
  const here = (): number => sink.positionBytes - start;
  const described = describeCompression(compression, blockSizeBytes);
  await sink.write(new Uint8Array(superblockBytes));
  if (described.options !== undefined) {
    await sink.write(encodeMetadataBlock(described.options, undefined));
  }

  const pipeline = new BlockPipeline(sink, here(), compressor, {
    parallelBlocks: options.parallelBlocks ?? 4,
    blockBytes: blockSizeBytes,
  });
  const { dataOf, fragments } = await layData(plan, pipeline, options.onBytes ?? (() => {}));
  const tables = makeInodeTables(plan.root, dataOf, hardLinks, compressor);

  const inodeTable = here();
  await sink.write(tables.inodes);
  const directoryTable = here();
  await sink.write(tables.directories);
  const writeIndexed = async (content: Uint8Array): Promise<number> => {
    const { bytes, indexAt } = encodeIndexedTable(content, here(), compressor);
    await sink.write(bytes);
    return indexAt;
  };
  const fragmentTable = await writeIndexed(encodeFragments(fragments));
  const exportTable = exportable
    ? await writeIndexed(encodeReferences(tables.references))
    : undefined;
  const ids = new Writer();
  for (const id of tables.ids) ids.u32(id);
  const idTable = await writeIndexed(ids.take());

  const usedBytes = here();
  await writeZeros(sink, roundUp(usedBytes, padBytes) - usedBytes);
  const stored = flags.inodesStored | flags.dataStored | flags.fragmentsStored | flags.idsStored;
  const superblock = encodeSuperblock({
    inodeCount: tables.references.length,
    madeAt: mtime,
    blockSizeBytes,
    fragmentCount: fragments.length,
    compressorId: described.id,
    flags:
      flags.duplicates |
      flags.noXattrs |
      (exportable ? flags.exportable : 0) |
      (tailFragments ? flags.alwaysFragments : 0) |
      (compressor === undefined ? stored : 0) |
      (described.options === undefined ? 0 : flags.compressorOptions),
    idCount: tables.ids.length,
    rootInode: tables.root,
    usedBytes,
    idTable,
    inodeTable,
    directoryTable,
    fragmentTable,
    exportTable,
  });
  await sink.patch(start, superblock);
  return {
    sizeBytes: here(),
    inodeCount: tables.references.length,
    fragmentCount: fragments.length,
  };
}

function encodeFragments(fragments: readonly FragmentBlock[]): Uint8Array {
  const writer = new Writer(fragments.length * 16 + 16);
  for (const { startBytes, sizeWord } of fragments) writer.u64(startBytes).u32(sizeWord).u32(0);
  return writer.take();
}
