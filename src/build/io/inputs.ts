/**
 * Store paths of a builtin build on the host: follows symbolic links as the running system would,
 * where the logical store is /nix/store, though the files may stand under another root.
 */
import { lstatSync, readlinkSync } from 'node:fs';
import { posix } from 'node:path';
import { UserError, decodeUtf8 } from '#base';

/** Maps a logical path below the store to the place of its file. */
export type PhysicalPath = (logicalPath: string) => string;

/** How many links one path may lead through, as in the kernel. */
const linkLimit = 40;

/**
 * The physical place of what `logicalPath` finally names: every link on the way is followed,
 * absolute ones within the logical file system. Throws if something on the way is missing.
 */
export function followInput(logicalPath: string, physicalPath: PhysicalPath): string {
  // Names are byte strings here, and ordinary ones where the host is asked.
  const hostPath = (path: string): string => physicalPath(decodeUtf8(path));
  let pending = logicalPath.split('/').filter((name) => name !== '');
  let reached = '';
  let links = 0;
  while (pending.length > 0) {
    const [name, ...rest] = pending;
    pending = rest;
    if (name === '.') continue;
    if (name === '..') {
      reached = posix.dirname(reached === '' ? '/' : reached).replace(/^\/$/, '');
      continue;
    }
    const next = `${reached}/${name}`;
    const target = isStoreItem(next) ? linkTarget(hostPath(next), logicalPath) : undefined;
    if (target === undefined) {
      reached = next;
      continue;
    }
    if (++links > linkLimit) throw missingInput(logicalPath, 'its links lead in a circle');
    pending = [...target.split('/').filter((part) => part !== ''), ...pending];
    if (target.startsWith('/')) reached = '';
  }
  return hostPath(reached);
}

/** `/nix/store/x` and what lies below: above it nothing is ours to look at. */
const isStoreItem = (path: string): boolean => path.split('/').length > 3;

function linkTarget(physical: string, wanted: string): string | undefined {
  try {
    return lstatSync(physical).isSymbolicLink() ? readlinkSync(physical, 'latin1') : undefined;
  } catch (cause) {
    throw missingInput(wanted, `${physical} does not exist`, cause);
  }
}

function missingInput(path: string, reason: string, cause?: unknown): UserError {
  return new UserError(
    'BUILTIN_INPUT_MISSING',
    `${path}, wanted for an image, cannot be read: ${reason}`,
    {
      hint: 'Check that the package contains this file',
      cause,
    },
  );
}
