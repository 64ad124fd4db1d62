/**
 * Locks between processes, the same that C++ Nix takes: flock on a lock file.
 *
 * Node has no flock. Such a lock belongs to the open file, so the program `flock` can take it on a
 * file descriptor that it inherits and leave it with us when it exits. On macOS, opening a file can
 * take the lock. A lock goes when its process dies. Windows has neither: there, a lock file's
 * existence is the lock, and one that was left behind by a dead process is taken over.
 */

import { spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { lockUnavailable } from './errors.ts';
import { tryLockSoon } from './lock-batch.ts';
import type { PathLock } from './store.ts';

export type LockMode = 'shared' | 'exclusive';

/** An open lock file. */
export interface FileLock extends PathLock {
  readonly file: number;
}

/** Takes the lock at once or not at all; the latter gives `undefined`. */
export function tryLockFile(path: string, mode: LockMode): FileLock | undefined {
  if (process.platform !== 'linux') return openLocked(path, mode);
  const file = openLockFile(path);
  const result = runFlock(['-n', mode === 'shared' ? '-s' : '-x'], file);
  if (result.status === 0) return lockOf(file);
  closeSync(file);
  if (result.error !== undefined || result.status !== 1) throw lockUnavailable(path, result.error);
  return undefined;
}

/** Takes the exclusive lock of a file that is open, at once or not at all. `path` names it in errors. */
export function tryLockOpenFile(file: number, path: string): boolean {
  // Elsewhere locks are taken as files are opened: only Linux has other collectors than ours.
  if (process.platform !== 'linux') return true;
  const result = runFlock(['-n', '-x'], file);
  if (result.status === 0) return true;
  if (result.error !== undefined || result.status !== 1) throw lockUnavailable(path, result.error);
  return false;
}

/** Waits for the lock, blocking the thread. For locks that others hold only for moments. */
export function lockFileNow(path: string, mode: LockMode): FileLock {
  if (process.platform !== 'linux') {
    for (;;) {
      const lock = openLocked(path, mode);
      if (lock !== undefined) return lock;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pollInterval);
    }
  }
  const file = openLockFile(path);
  const result = runFlock([mode === 'shared' ? '-s' : '-x'], file);
  if (result.status === 0) return lockOf(file);
  closeSync(file);
  throw lockUnavailable(path, result.error);
}

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Of locks that are asked for at once, those of higher rank are taken first. */
  readonly rank?: number | undefined;
}

/** Waits for the lock; `waiting` is called once if it is not to be had at once. */
export async function lockFile(
  path: string, mode: LockMode, options: LockOptions & { waiting?: () => void } = {},
): Promise<FileLock> {
  const first = mode === 'exclusive' ? await tryLockFileSoon(path, options.rank) : tryLockFile(path, mode);
  if (first !== undefined) return first;
  options.signal?.throwIfAborted();
  options.waiting?.();
  if (process.platform !== 'linux') {
    for (;;) {
      await sleep(pollInterval, undefined, options.signal === undefined ? {} : { signal: options.signal });
      const lock = tryLockFile(path, mode);
      if (lock !== undefined) return lock;
    }
  }
  const file = openLockFile(path);
  try {
    await new Promise<void>((resolve, reject) => {
      const child = spawn('flock', [mode === 'shared' ? '-s' : '-x', '3'], {
        stdio: ['ignore', 'ignore', 'ignore', file],
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
      child.on('error', reject);
      child.on('exit', (code) => {
        if (code === 0) resolve();
        else reject(lockUnavailable(path));
      });
    });
    return lockOf(file);
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** As `tryLockFile`, exclusively, together with others that are asked for at the same time. */
export async function tryLockFileSoon(path: string, rank?: number): Promise<FileLock | undefined> {
  if (process.platform !== 'linux') return openLocked(path, 'exclusive');
  const file = openLockFile(path);
  const outcome = await tryLockSoon(file, rank);
  if (outcome === 'taken') return lockOf(file);
  closeSync(file);
  if (outcome === 'unavailable') throw lockUnavailable(path);
  return undefined;
}

/**
 * Locks `<path>.lock` for each of the paths, in sorted order so that no two processes wait for each
 * other. On release the lock files go; one byte in a removed file tells those who wait on it to
 * open a new one.
 */
export async function lockPaths(
  paths: readonly string[], options: LockOptions & { waiting?: (path: string) => void } = {},
): Promise<PathLock> {
  const held: { path: string; lock: FileLock }[] = [];
  const release = () => {
    for (const { path, lock } of held.splice(0)) {
      removeLockFile(path, lock.file);
      lock.release();
    }
  };
  try {
    for (const path of [...new Set(paths)].sort()) {
      const lockPath = `${path}.lock`;
      for (;;) {
        const lock = await lockFile(lockPath, 'exclusive', {
          signal: options.signal, rank: options.rank, waiting: () => options.waiting?.(path),
        });
        if (fstatSync(lock.file).size === 0 || process.platform === 'win32') {
          held.push({ path: lockPath, lock });
          break;
        }
        lock.release();
      }
    }
  } catch (error) {
    release();
    throw error;
  }
  return { release };
}

/** Removes a lock file whose lock is held, and tells those who wait for it. */
export function removeLockFile(path: string, file: number): void {
  try {
    unlinkSync(path);
    writeSync(file, 'd');
  } catch {
    // Removing it only keeps the folder tidy.
  }
}

function openLockFile(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  } catch (error) {
    throw lockUnavailable(path, error);
  }
}

function lockOf(file: number): FileLock {
  let open = true;
  return {
    file,
    release() {
      if (open) closeSync(file);
      open = false;
    },
  };
}

function runFlock(flags: readonly string[], file: number): SpawnSyncReturns<Buffer> {
  return spawnSync('flock', [...flags, '3'], { stdio: ['ignore', 'ignore', 'ignore', file] });
}

function openLocked(path: string, mode: LockMode): FileLock | undefined {
  if (process.platform === 'win32') return createLockFile(path, mode);
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK
    | (mode === 'shared' ? darwinSharedLock : darwinExclusiveLock);
  try {
    return lockOf(openSync(path, flags, 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    throw lockUnavailable(path, error);
  }
}

function createLockFile(path: string, mode: LockMode): FileLock | undefined {
  // Shared locks only keep the garbage collector away, which takes the exclusive one.
  const own = mode === 'shared' ? `${path}.${process.pid}` : path;
  try {
    const file = openSync(own, 'wx', 0o600);
    writeSync(file, String(process.pid));
    const lock = lockOf(file);
    return {
      file,
      release() {
        lock.release();
        try {
          unlinkSync(own);
        } catch {
          // Somebody took it over.
        }
      },
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw lockUnavailable(path, error);
    if (processLives(Number(readFileSync(own, 'utf8')))) return undefined;
    unlinkSync(own);
    return createLockFile(path, mode);
  }
}

function processLives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const pollInterval = 50;
/** O_SHLOCK and O_EXLOCK of macOS, which Node does not name. */
const darwinSharedLock = 0x10;
const darwinExclusiveLock = 0x20;
