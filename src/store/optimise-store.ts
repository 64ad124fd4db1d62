/**
 * Optimising: files of the same content become one, by hard links.
 *
 * The layout is C++ Nix's: `.links` in the store's folder holds one name for each content, the
 * nix32 SHA-256 of the file's NAR, so that executables and other files are told apart. A file is
 * replaced in one step by a link made beside it; whoever has it open keeps the old one.
 *
 * *Invariant:* only files that nobody may write to are linked: writing to one would change them all.
 */

import {
  chmodSync, linkSync, lstatSync, mkdirSync, renameSync, unlinkSync, utimesSync, type Stats,
} from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { formatHash, noProgress, sameHash, type Hash, type Progress } from '#base';
import { fileFailed } from './errors.ts';
import { bytePath, listNames, systemPath } from './file-tree.ts';
import type { LocalStore } from './local-store.ts';
import { measureNar } from './tree-hash.ts';

export interface Optimised {
  readonly filesLinked: number;
  readonly freedBytes: number;
}

export interface OptimiseOptions {
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
  /** Told of what is out of order, a sentence each. */
  readonly warn?: (text: string) => void;
}

/** Links the files of all valid paths. */
export async function optimiseStore(store: LocalStore, options: OptimiseOptions = {}): Promise<Optimised> {
  const optimiser = new TreeOptimiser(store.physicalStoreDirectory, options.warn);
  optimiser.loadLinked();
  const paths = store.allValidPaths();
  const activity = (options.progress ?? noProgress).start('verify', 'store paths', { total: paths.length });
  for (const path of paths) {
    options.signal?.throwIfAborted();
    store.addTemporaryRoot(path);
    if (store.isValidPath(path)) optimiser.optimise(bytePath(store.physicalPath(path)));
    activity.advance(1);
    await nextTurn();
  }
  activity.finish();
  return { filesLinked: optimiser.filesLinked, freedBytes: optimiser.freedBytes };
}

/** Links files of trees in one store with those of the same content. */
export class TreeOptimiser {
  filesLinked = 0;
  freedBytes = 0;
  readonly #store: string;
  readonly #links: string;
  readonly #warn: (text: string) => void;
  /** Files that are linked already: their content need not be read. */
  readonly #known = new Set<number>();
  #count = 0;

  /** `physicalStore` is the folder that the store paths are in. */
  constructor(physicalStore: string, warn: (text: string) => void = () => {}) {
    this.#store = bytePath(physicalStore);
    this.#links = `${this.#store}/.links`;
    this.#warn = warn;
  }

  /** Learns which files are linked already. */
  loadLinked(): void {
    mkdirSync(systemPath(this.#links), { recursive: true });
    for (const name of listNames(this.#links)) {
      const status = this.#status(`${this.#links}/${name}`);
      if (status !== undefined) this.#known.add(status.ino);
    }
  }

  /** The tree at `path` (a byte string) is canonical; a `repair` compares what it is linked with. */
  optimise(path: string, repair = false): void {
    const status = this.#status(path);
    if (status === undefined) return;
    if (status.isDirectory()) {
      for (const name of listNames(path)) this.optimise(`${path}/${name}`, repair);
    } else if (status.isFile() && (status.mode & 0o200) !== 0) {
      this.#warn(`skipping suspicious writable file '${path}'`);
    } else if (status.isFile() || status.isSymbolicLink()) {
      if (status.nlink > 1 && this.#known.has(status.ino)) return;
      this.#link(path, status, repair);
    }
  }

  #link(path: string, status: Stats, repair: boolean): void {
    const { narHash } = measureNar(path);
    const link = `${this.#links}/${formatHash(narHash, 'nix32')}`;
    this.#removeDamaged(link, status, narHash, repair);
    let shared = this.#status(link);
    if (shared === undefined) {
      if (!this.#tryLink(path, link)) return;
      shared = this.#status(link);
    }
    if (shared === undefined || shared.ino === status.ino) {
      this.#known.add(status.ino);
      return;
    }
    if (this.#replace(path, link)) {
      this.#known.add(shared.ino);
      this.filesLinked += 1;
      this.freedBytes += status.size;
    }
  }

  #removeDamaged(link: string, status: Stats, wanted: Hash, repair: boolean): void {
    const shared = this.#status(link);
    if (shared === undefined) return;
    const isDamaged = shared.size !== status.size || (repair && !sameHash(measureNar(link).narHash, wanted));
    if (!isDamaged) return;
    this.#warn(`removing corrupted link '${link}'`);
    this.#warn('There may be more corrupted paths.\n'
      + 'You should run `nix-store --verify --check-contents --repair` to fix them all');
    unlinkSync(systemPath(link));
  }

  /** Puts a link in the place of the file at `path`. */
  #replace(path: string, link: string): boolean {
    const parent = path.slice(0, path.lastIndexOf('/'));
    const temporary = `${this.#store}/.tmp-link-${process.pid}-${this.#count++}`;
    const isInside = parent !== this.#store;
    if (!this.#tryLink(link, temporary)) return false;
    if (isInside) chmodSync(systemPath(parent), 0o755);
    try {
      renameSync(systemPath(temporary), systemPath(path));
      return true;
    } catch (error) {
      unlinkSync(systemPath(temporary));
      if ((error as NodeJS.ErrnoException).code === 'EMLINK') return false;
      throw fileFailed('linking', path, error);
    } finally {
      if (isInside) {
        chmodSync(systemPath(parent), 0o555);
        utimesSync(systemPath(parent), 1, 1);
      }
    }
  }

  /** False where a file may have no more names, or a folder no more entries. */
  #tryLink(from: string, to: string): boolean {
    try {
      linkSync(systemPath(from), systemPath(to));
      return true;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (code === 'EEXIST') return true;
      // Folders of ext4 say that the disk is full when their index is.
      if (code === 'EMLINK' || code === 'ENOSPC' || code === 'ENOENT') return false;
      if (code === 'ENOTSUP' || code === 'EPERM') return false;
      throw fileFailed('linking', to, error);
    }
  }

  #status(path: string): Stats | undefined {
    return lstatSync(systemPath(path), { throwIfNoEntry: false });
  }
}
