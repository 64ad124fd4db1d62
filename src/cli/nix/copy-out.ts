/** Trees of the store copied to where they can be changed. */

import { chmodSync, copyFileSync, lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Copies a tree to a place where nothing stands; what is executable stays so, and all can be written. */
export function copyOut(from: string, to: string): void {
  const status = lstatSync(from);
  if (status.isDirectory()) {
    mkdirSync(to, { recursive: true });
    for (const name of readdirSync(from)) copyOut(join(from, name), join(to, name));
  } else {
    copyFile(from, to);
  }
}

/** A file or a link, by itself. */
export function copyFile(from: string, to: string): void {
  const status = lstatSync(from);
  if (status.isSymbolicLink()) {
    symlinkSync(readlinkSync(from), to);
    return;
  }
  copyFileSync(from, to);
  chmodSync(to, ((status.mode & 0o111) === 0 ? 0o666 : 0o777) & ~process.umask());
}
