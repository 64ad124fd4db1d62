/**
 * Makes files durable before they are named in the database.
 *
 * A few files are synced one by one. For many, one `sync -f` on the store's file system does it:
 * thousands of single syncs would take minutes.
 */

import { spawnSync } from 'node:child_process';
import { closeSync, fsyncSync, lstatSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { bytePath, listNames, systemPath } from './file-tree.ts';
import { runSmallProgram } from './small-program.ts';

/** Syncs the trees at `paths` (byte strings) inside the folder `directory`, an ordinary string as elsewhere here. */
export function syncTrees(paths: readonly string[], directory: string): void {
  const files: string[] = [];
  for (const path of paths) {
    if (!collect(path, files)) {
      if (syncFileSystem(directory)) return;
      break;
    }
  }
  if (files.length > fewFiles && syncFileSystem(directory)) return;
  for (const file of files) syncFile(file);
}

/** As `syncTrees` with the names in `directory` too, without keeping this thread from other work. */
export async function syncTreesSoon(paths: readonly string[], directory: string): Promise<void> {
  const files: string[] = [];
  const isFew = paths.every((path) => collect(path, files));
  if (!isFew && (await syncFileSystemSoon(directory))) return;
  files.length = 0;
  for (const path of paths) collectAll(path, files);
  if (process.platform !== 'win32') files.push(bytePath(directory));
  for (const file of files) await syncFileSoon(file);
}

/** Syncs a folder's own entries: renames in it are durable after that. */
export function syncDirectory(directory: string): void {
  // Windows cannot open folders; there a rename is written through.
  if (process.platform !== 'win32') syncFile(bytePath(directory));
}

const fewFiles = 16;

/** Adds the files and folders of a tree; false as soon as there are too many. */
function collect(path: string, files: string[]): boolean {
  const status = lstatSync(systemPath(path));
  if (status.isSymbolicLink()) return true;
  files.push(path);
  if (files.length > fewFiles) return false;
  if (!status.isDirectory()) return true;
  return listNames(path).every((name) => collect(`${path}/${name}`, files));
}

function collectAll(path: string, files: string[]): void {
  const status = lstatSync(systemPath(path));
  if (status.isSymbolicLink()) return;
  files.push(path);
  if (status.isDirectory()) for (const name of listNames(path)) collectAll(`${path}/${name}`, files);
}

async function syncFileSystemSoon(directory: string): Promise<boolean> {
  if (process.platform === 'win32') return false;
  return (await runSmallProgram('sync', ['-f', directory])).status === 0;
}

async function syncFileSoon(path: string): Promise<void> {
  const file = await open(systemPath(path), 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function syncFileSystem(directory: string): boolean {
  if (process.platform === 'win32') return false;
  return spawnSync('sync', ['-f', directory], { stdio: 'ignore' }).status === 0;
}

function syncFile(path: string): void {
  const file = openSync(systemPath(path), 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
