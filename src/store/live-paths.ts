/**
 * What is alive: all that roots, running programs and temporary roots need, and as the settings
 * keep-derivations and keep-outputs say, the derivations of what is kept and their outputs.
 */

import { readFileSync, readdirSync, readlinkSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isDerivationPath, maybeStorePath, type StorePath } from '#formats';
import { tryLockFile } from './file-lock.ts';
import type { LocalStore } from './local-store.ts';
import { findRoots } from './roots.ts';

export interface LivenessOptions {
  /** Keeps derivations of outputs that are kept. Default: true, as in C++ Nix. */
  readonly keepDerivations?: boolean;
  /** Keeps outputs of derivations that are kept. Default: false. */
  readonly keepOutputs?: boolean;
}

/** Everything that roots, running programs and temporary roots need. */
export function livePaths(store: LocalStore, options: LivenessOptions): Set<StorePath> {
  const alive = new Set<StorePath>();
  addLive(store, [...findRoots(store).values(), ...temporaryRoots(store), ...runtimeRoots(store)], alive, options);
  return alive;
}

/** Adds to `alive` the roots that are valid, and all that they need. */
export function addLive(
  store: LocalStore, roots: readonly StorePath[], alive: Set<StorePath>, options: LivenessOptions,
): void {
  const { keepDerivations = true, keepOutputs = false } = options;
  const left = roots.filter((path) => store.isValidPath(path));
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    if (alive.has(path)) continue;
    alive.add(path);
    const info = store.queryPathInfo(path);
    left.push(...(info?.references ?? []));
    if (keepDerivations) {
      if (info?.deriver !== undefined && store.isValidPath(info.deriver)) left.push(info.deriver);
    }
    if (keepOutputs && isDerivationPath(path)) {
      for (const output of store.queryDerivationOutputs(path).values()) {
        if (store.isValidPath(output)) left.push(output);
      }
    }
  }
}

/** Paths in use by running programs, as far as this user may see. Linux only. */
export function runtimeRoots(store: LocalStore): StorePath[] {
  if (process.platform !== 'linux') return [];
  const found = new Set<StorePath>();
  const pattern = new RegExp(`${store.storeDirectory.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}/[0-9a-z]{32}-[0-9A-Za-z+._?=-]+`, 'g');
  for (const pid of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))) {
    for (const text of whatIsOpen(`/proc/${pid}`)) {
      for (const match of text.matchAll(pattern)) {
        const path = maybeStorePath(match[0], store.storeDirectory);
        if (path !== undefined) found.add(path);
      }
    }
  }
  return [...found];
}

/** Program, folder, open files, mapped files and variables of a process. Its arguments are no use of a path. */
function* whatIsOpen(process: string): Generator<string> {
  const reads = [
    ...['exe', 'cwd'].map((name) => () => readlinkSync(`${process}/${name}`)),
    () => readdirSync(`${process}/fd`).map((name) => `${readlinkSync(`${process}/fd/${name}`)}\n`).join(''),
    ...['maps', 'environ'].map((name) => () => readFileSync(`${process}/${name}`, 'latin1')),
  ];
  for (const read of reads) {
    try {
      yield read();
    } catch {
      // Another user's process, or one that has ended.
    }
  }
}

/** Empty if its process has removed it: it holds nothing any more. */
function contentOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return '';
    throw error;
  }
}

/** What processes hold by their files of temporary roots, this one's included. */
export function temporaryRoots(store: LocalStore): StorePath[] {
  const directory = join(store.stateDirectory, 'temproots');
  const roots: StorePath[] = [];
  for (const name of readdirSync(directory)) {
    if (name.startsWith('.')) continue;
    const file = join(directory, name);
    const lock = tryLockFile(file, 'exclusive');
    if (lock !== undefined) {
      // Whoever wrote it is gone. One byte tells who opens it just now that it is no longer there.
      try {
        unlinkSync(file);
        writeSync(lock.file, 'd');
      } catch {
        // Somebody else's, then: it is left for them.
      }
      lock.release();
      continue;
    }
    for (const text of contentOf(file).split('\0')) {
      const path = maybeStorePath(text, store.storeDirectory);
      if (path !== undefined) roots.push(path);
    }
  }
  return roots;
}
