/**
 * Temporary roots: what this process needs from the store, told to whoever collects garbage, by
 * C++ Nix's protocol, so that collecting waits for nobody.
 *
 * Each process (here: each thread) has a file `temproots/PID`, locked while it lives, to which it
 * adds the paths that it uses or is making. A collector reads all files once, when it begins; before
 * that it opens a socket. So whoever adds a path writes it down first and looks for the socket
 * afterwards: if there is one and a collector behind it, the path is announced there too, and only
 * then counted on.
 */

import { spawnSync } from 'node:child_process';
import { closeSync, constants, fstatSync, ftruncateSync, openSync, statSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isMainThread, threadId } from 'node:worker_threads';
import type { StorePath } from '#formats';
import { fileFailed } from './errors.ts';
import { tryLockFile, tryLockOpenFile } from './file-lock.ts';
import { writeAll } from './file-tree.ts';

/** Where a collector listens for new roots, below the state directory. */
export const rootsSocket = 'gc-socket/socket';

/** Takes paths on behalf of a collector in this very thread. */
type Collector = (paths: readonly StorePath[]) => void;

const shared = new Map<string, TemporaryRoots>();
const collectors = new Map<string, Collector>();

/** The roots of this process in the store with that state; one object for each thread. */
export function temporaryRootsOf(stateDirectory: string): TemporaryRoots {
  let roots = shared.get(stateDirectory);
  if (roots === undefined) {
    roots = new TemporaryRoots(stateDirectory);
    shared.set(stateDirectory, roots);
  }
  roots.users += 1;
  return roots;
}

/** Announces new roots of this thread to `collector`, until the returned function is called. */
export function collectHere(stateDirectory: string, collector: Collector): () => void {
  collectors.set(stateDirectory, collector);
  return () => collectors.delete(stateDirectory);
}

export class TemporaryRoots {
  users = 0;
  readonly #stateDirectory: string;
  readonly #known = new Set<StorePath>();
  #file: number | undefined;
  #path = '';
  /** A socket that no collector was behind. */
  #deadSocket = '';

  constructor(stateDirectory: string) {
    this.#stateDirectory = stateDirectory;
  }

  /** Keeps the paths from collection from now on, while this process lives. */
  add(paths: readonly StorePath[]): void {
    const fresh = paths.filter((path) => !this.#known.has(path));
    if (fresh.length === 0) return;
    this.#file ??= this.#open();
    try {
      writeAll(this.#file, Buffer.from(fresh.map((path) => `${path}\0`).join(''), 'latin1'));
    } catch (error) {
      throw fileFailed('writing', join(this.#stateDirectory, 'temproots'), error);
    }
    this.#announce(fresh);
    for (const path of fresh) this.#known.add(path);
  }

  /** Lets all of them go. */
  clear(): void {
    this.#known.clear();
    if (this.#file === undefined) return;
    try {
      unlinkSync(this.#path);
    } catch {
      // Whoever keeps the folder tidy was faster.
    }
    closeSync(this.#file);
    this.#file = undefined;
  }

  /** One user less; the last one lets the roots go. */
  release(): void {
    this.users -= 1;
    if (this.users > 0) return;
    this.clear();
    shared.delete(this.#stateDirectory);
  }

  #open(): number {
    // A number first, as C++ Nix reads it. Processes in containers may share both store and number.
    const name = isMainThread ? String(process.pid) : `${process.pid}-${threadId}`;
    for (let twins = 0; ;) {
      const path = join(this.#stateDirectory, 'temproots', twins === 0 ? name : `${name}.${twins}`);
      let file;
      try {
        file = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND, 0o600);
      } catch (error) {
        throw fileFailed('opening', path, error);
      }
      if (!tryLockOpenFile(file, path)) {
        twins += 1;
      } else if (fstatSync(file).nlink > 0) {
        // What a dead process of the same number left.
        ftruncateSync(file);
        this.#path = path;
        return file;
      }
      // Or a collector has removed it before it was locked: once more.
      closeSync(file);
    }
  }

  #announce(paths: readonly StorePath[]): void {
    const here = collectors.get(this.#stateDirectory);
    if (here !== undefined) {
      here(paths);
      return;
    }
    const socket = join(this.#stateDirectory, rootsSocket);
    for (;;) {
      const status = statSync(socket, { throwIfNoEntry: false });
      if (status === undefined) return;
      const stamp = `${status.ino} ${status.ctimeMs}`;
      if (stamp === this.#deadSocket) return;
      const lock = tryLockFile(join(this.#stateDirectory, 'gc.lock'), 'shared');
      if (lock !== undefined) {
        // No collector runs, and one that begins now reads our file.
        lock.release();
        this.#deadSocket = stamp;
        return;
      }
      if (sendRoots(socket, paths)) return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMilliseconds);
    }
  }
}

/** Tells a running collector of the paths; false if it has just ended. */
function sendRoots(socket: string, paths: readonly StorePath[]): boolean {
  const client = spawnSync(process.execPath, ['-e', clientScript], {
    // Names of sockets are short.
    cwd: dirname(socket), input: paths.map((path) => `${path}\n`).join(''), stdio: ['pipe', 'ignore', 'ignore'],
  });
  return client.status === 0;
}

/** Node has no blocking sockets: a child talks to the collector, and ends with 0 when all is said. */
const clientScript = `
const text = require('node:fs').readFileSync(0, 'latin1');
let left = text.split('\\n').length - 1;
const socket = require('node:net').connect('socket', () => socket.write(text, 'latin1'));
socket.on('data', (bytes) => { left -= bytes.length; if (left <= 0) process.exit(0); });
for (const event of ['error', 'close']) socket.on(event, () => process.exit(1));
`;

const retryMilliseconds = 100;
