/**
 * Names of Unix sockets are short, 107 bytes at most; stores may stand deeper than that. On Linux a
 * longer one is reached through the descriptor of its folder.
 */

import { closeSync, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Runs `use` with a name by which the socket at `path` can be listened on or connected to meanwhile. */
export async function withSocketName<T>(path: string, use: (name: string) => Promise<T>): Promise<T> {
  if (Buffer.byteLength(path) <= longestName || process.platform !== 'linux') return use(path);
  const folder = openSync(dirname(path), 'r');
  try {
    return await use(`/proc/self/fd/${folder}/${basename(path)}`);
  } finally {
    closeSync(folder);
  }
}

const longestName = 100;
