/**
 * The plan of a squashfs image: the tree in its canonical order, and the order in which file
 * contents are laid down.
 *
 * Contents are laid down group by group (a group is a store path, or everything), within a group in
 * tree order, and a fragment block never spans two groups. So the blocks of a store path depend on
 * that path alone, and a cache of compressed blocks serves them to every image that has the path.
 */
import type { TreeEntry, TreeNode } from '../tree.ts';
import { orderTree, walkTree } from '../tree.ts';
import { compareByteStrings } from '../bytes.ts';
import type { SquashfsCompression } from './compression.ts';
import { checkBlockSize } from './format.ts';

/** Which files become names of one inode. */
export type HardLinkPolicy =
  /** Those with the same `hardLinkKey`. */
  | 'given'
  /** Those and all with equal content, mode, owner and time. */
  | 'content';

export interface SquashfsOptions {
  readonly compression: SquashfsCompression;
  /** Default 1 MiB. */
  readonly blockSizeBytes?: number;
  /** Seconds since 1970, of the superblock and of implied directories. Default 0. */
  readonly mtime?: number;
  readonly hardLinks?: HardLinkPolicy;
  /** Whether the tail of a file longer than a block goes into a fragment too. Default false. */
  readonly tailFragments?: boolean;
  /** Whether NFS may export the image: a table of all inodes. Default true. */
  readonly exportable?: boolean;
  /**
   * The group of a path; groups are laid down in the order of `groupRank`, then by name. Default:
   * one group.
   */
  readonly groupOf?: (path: string) => string;
  readonly groupRank?: (group: string) => number;
}

export interface SquashfsPlan {
  readonly root: TreeNode;
  /** The files in the order of their contents, with their groups. */
  readonly files: readonly { readonly node: TreeNode; readonly group: string }[];
  readonly options: Required<Omit<SquashfsOptions, 'groupOf' | 'groupRank'>>;
  /** Of all files; what a progress display counts. */
  readonly contentBytes: number;
}

/** Plans the image. The root directory's mode is 0755 unless an entry for it says otherwise. */
export function planSquashfs(entries: Iterable<TreeEntry>, options: SquashfsOptions): SquashfsPlan {
  const blockSizeBytes = options.blockSizeBytes ?? 1 << 20;
  checkBlockSize(blockSizeBytes);
  const mtime = options.mtime ?? 0;
  const root = orderTree(entries, { mtime });
  const groupOf = options.groupOf ?? (() => '');
  const rank = options.groupRank ?? (() => 0);
  const files: { node: TreeNode; group: string }[] = [];
  let contentBytes = 0;
  for (const node of walkTree(root)) {
    if (node.entry.type !== 'file') continue;
    files.push({ node, group: groupOf(node.entry.path) });
    contentBytes += node.entry.content!.sizeBytes;
  }
  files.sort((a, b) =>
    a.group === b.group ? 0 : rank(a.group) - rank(b.group) || compareByteStrings(a.group, b.group),
  );
  return {
    root,
    files,
    contentBytes,
    options: {
      compression: options.compression,
      blockSizeBytes,
      mtime,
      hardLinks: options.hardLinks ?? 'given',
      tailFragments: options.tailFragments ?? false,
      exportable: options.exportable ?? true,
    },
  };
}
