/** What the evaluator is told of a file, from what Node tells. */

import { lstatSync, type PathLike, type Stats } from 'node:fs';
import type { FileStatus } from '#eval';

/** Without following a final link; null if nothing is there. */
export function describePath(path: PathLike): FileStatus | null {
  try {
    const status = lstatSync(path, { throwIfNoEntry: false });
    return status === undefined ? null : describeEntry(status);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR' || code === 'ENOENT') return null;
    throw error;
  }
}

export function describeEntry(
  entry: Pick<Stats, 'isFile' | 'isDirectory' | 'isSymbolicLink'> & Partial<Stats>,
): FileStatus {
  if (entry.isDirectory()) return { type: 'directory' };
  if (entry.isSymbolicLink()) return { type: 'symlink' };
  if (!entry.isFile()) return { type: 'unknown' };
  return { type: 'regular', sizeBytes: entry.size ?? 0, executable: ((entry.mode ?? 0) & 0o100) !== 0 };
}
