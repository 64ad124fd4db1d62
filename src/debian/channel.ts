/**
 * The channel: what `<debian>` names, made from the lock file once and kept in the cache.
 *
 * A channel's folder is named by the hash of the lock's content, so it never changes and is never
 * stale; it appears by a rename when it is complete, so several runs may make it at once. Without a
 * lock file one is made first, from the archive as it is now. An index that the mirror has dropped
 * since comes from the snapshot archive; both are believed by the hash in the lock.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { UserError, noProgress, type Activity, type Progress } from '#base';
import { channelFormat } from './channel-files.ts';
import type { ChannelAnswer, ChannelWork } from './channel-worker.ts';
import { cacheNotWritable, downloadHashMismatch, indexGone, malformedIndex } from './errors.ts';
import { downloadBytes, type DownloadOptions } from './http.ts';
import {
  formatLock,
  makeLock,
  readLock,
  writeLock,
  writeNewLock,
  type Lock,
  type LockedIndex,
  type LockedSuite,
} from './lock.ts';
import type { Mirrors } from './mirrors.ts';
import { snapshotUrls } from './snapshot.ts';
import { suites, type Suite } from './suites.ts';

export interface ChannelOptions extends DownloadOptions {
  readonly mirrors: Mirrors;
  /** Firn's cache, `$XDG_CACHE_HOME/firn`; channels lie in `channels/` below it. */
  readonly cacheDirectory: string;
  readonly progress?: Progress | undefined;
  readonly architectures?: readonly string[];
  readonly now?: Date;
  /** Armored keys to trust instead of the shipped ones. */
  readonly keys?: readonly string[];
}

export interface Channel {
  /** The folder that `<debian>` names. */
  readonly path: string;
  readonly lock: Lock;
  /** Whether the lock file was written by this call. */
  readonly lockMade: boolean;
}

/** The channel of the lock file at `lockPath`, which is made if there is none. */
export async function ensureChannel(lockPath: string, options: ChannelOptions): Promise<Channel> {
  const present = await readLock(lockPath);
  if (present) return { path: await channelOf(present, options), lock: present, lockMade: false };
  const made = await makeLock(makeLockOptions(options));
  // The channel first: a lock file appears only when it can be used.
  const path = await channelOf(made, options);
  const lock = await writeNewLock(lockPath, made);
  const isOurs = formatLock(lock) === formatLock(made);
  return { path: isOurs ? path : await channelOf(lock, options), lock, lockMade: isOurs };
}

/** Renews the lock file to the archive as it is now, and makes its channel. */
export async function updateChannel(lockPath: string, options: ChannelOptions): Promise<Channel> {
  const previous = await readLock(lockPath);
  const lock = await makeLock({ ...makeLockOptions(options), previous });
  const path = await channelOf(lock, options);
  await writeLock(lockPath, lock);
  return { path, lock, lockMade: true };
}

function makeLockOptions(options: ChannelOptions): Parameters<typeof makeLock>[0] {
  const { progress, ...rest } = options;
  return progress ? { ...rest, progress } : rest;
}

async function channelOf(lock: Lock, options: ChannelOptions): Promise<string> {
  const key = createHash('sha256').update(`${channelFormat}\n${formatLock(lock)}`).digest('hex');
  const parent = join(options.cacheDirectory, 'channels');
  const path = join(parent, key.slice(0, 32));
  if (await isFolder(path)) return path;
  const indexes = await fetchIndexes(lock, options);
  let temporary: string;
  try {
    await mkdir(parent, { recursive: true });
    temporary = await mkdtemp(join(parent, '.making-'));
  } catch (error) {
    throw cacheNotWritable(parent, error);
  }
  try {
    await makeFiles({ directory: temporary, lock, indexes }, options);
    await rename(temporary, path).catch(async (error: unknown) => {
      // Another run was faster: its files are the same.
      if (!(await isFolder(path))) throw cacheNotWritable(path, error);
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return path;
}

async function fetchIndexes(lock: Lock, options: ChannelOptions): Promise<ChannelWork['indexes']> {
  const wanted = suites.flatMap((suite) => {
    const locked = lock.suites[suite.name] as LockedSuite;
    return locked.indexes.map((index) => ({ suite, locked, index }));
  });
  const total = wanted.reduce((sum, { index }) => sum + index.sizeBytes, 0);
  const activity = (options.progress ?? noProgress).start('download', 'Debian package indexes', {
    total,
    unit: 'bytes',
  });
  try {
    const indexes = await Promise.all(
      wanted.map(async ({ suite, locked, index }) => ({
        suite: suite.name,
        component: index.component,
        architecture: index.architecture,
        path: index.path,
        bytes: await fetchIndex(suite, locked, index, activity, options),
      })),
    );
    activity.finish();
    return indexes;
  } catch (error) {
    activity.finish('failed');
    throw error;
  }
}

async function fetchIndex(
  suite: Suite,
  locked: LockedSuite,
  index: LockedIndex,
  activity: Activity,
  options: ChannelOptions,
): Promise<Uint8Array> {
  const folder = index.path.replace(/\/[^/]*$/, '');
  const paths = [
    `dists/${suite.name}/${folder}/by-hash/SHA256/${index.sha256}`,
    `dists/${suite.name}/${index.path}`,
  ];
  const bases = options.mirrors[suite.archive];
  const urls = [
    ...paths.flatMap((path) => bases.map((base) => `${base}/${path}`)),
    ...paths.flatMap((path) => snapshotUrls(options.mirrors, suite.archive, path, locked.date)),
  ];
  let lastError: unknown;
  for (const url of urls) {
    try {
      const bytes = await downloadBytes(url, index.sizeBytes, { ...options, activity });
      const found = createHash('sha256').update(bytes).digest('hex');
      if (found === index.sha256) return bytes;
      lastError = downloadHashMismatch(url, index.sha256, found);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      lastError = error;
    }
  }
  throw indexGone(suite.name, index.path, lastError);
}

async function makeFiles(work: ChannelWork, options: ChannelOptions): Promise<void> {
  const activity = (options.progress ?? noProgress).start('write', 'Debian channel');
  const worker = new Worker(new URL('./channel-worker.ts', import.meta.url), { workerData: work });
  const stop = (): void => void worker.terminate();
  options.signal?.addEventListener('abort', stop);
  try {
    const answer = await new Promise<ChannelAnswer>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('the thread that makes the channel ended early')));
    }).catch((error: unknown) => {
      options.signal?.throwIfAborted();
      throw error;
    });
    const { failure } = answer;
    if (failure?.what === work.directory) throw cacheNotWritable(failure.what, failure.reason);
    if (failure) throw malformedIndex(failure.what, failure.reason);
    activity.finish();
  } catch (error) {
    activity.finish('failed');
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', stop);
    await worker.terminate();
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
