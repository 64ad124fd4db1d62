/**
 * firn.lock: the state of the archive that a configuration is built from, pinned.
 *
 * It is to the Debian archive what flake.lock is to flakes: small, readable, committed beside the
 * configuration, and neutral of mirrors. For each suite it keeps the hash and date of the signed
 * InRelease that was seen and, believed from it, path, hash and size of each package index; from an
 * index follow the hashes of all packages. Its text is a function of the archive's state alone, so
 * that two people who lock at the same state get the same bytes.
 */
import { randomBytes } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { UserError, noProgress, type Progress } from '#base';
import {
  lockNotWritable,
  malformedLock,
  malformedRelease,
  noUsableMirror,
  releaseOlder,
} from './errors.ts';
import { downloadBytes, type DownloadOptions } from './http.ts';
import type { Mirrors } from './mirrors.ts';
import { readInRelease, type ReleaseFile } from './release.ts';
import { components, release, suites, type Suite } from './suites.ts';

export interface LockedIndex {
  readonly component: string;
  readonly architecture: string;
  /** Relative to the suite's folder. */
  readonly path: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

export interface LockedSuite {
  /** When the archive made this state, ISO 8601 in UTC. */
  readonly date: string;
  /** Of the signed InRelease file. */
  readonly inReleaseSha256: string;
  readonly indexes: readonly LockedIndex[];
}

export interface Lock {
  readonly version: 1;
  readonly release: string;
  readonly suites: Readonly<Record<string, LockedSuite>>;
}

export interface MakeLockOptions extends DownloadOptions {
  readonly mirrors: Mirrors;
  readonly architectures?: readonly string[];
  readonly progress?: Progress;
  /** The lock to be replaced: no suite may go back behind it. */
  readonly previous?: Lock | undefined;
  /** The time by which expiry is judged. Default: now. */
  readonly now?: Date;
  /** Armored keys to trust instead of the shipped ones. */
  readonly keys?: readonly string[];
}

const inReleaseLimitBytes = 4 << 20;

/** The lock of the archive as it is now. Verifies signatures, names and dates. */
export async function makeLock(options: MakeLockOptions): Promise<Lock> {
  const activity = (options.progress ?? noProgress).start('download', 'Debian release files', {
    total: suites.length,
  });
  try {
    const locked = await Promise.all(
      suites.map(async (suite) => {
        const found = await fetchRelease(suite, options);
        activity.advance(1);
        return [suite.name, lockSuite(suite, found.url, found.file, options)] as const;
      }),
    );
    activity.finish();
    return { version: 1, release, suites: Object.fromEntries(locked) };
  } catch (error) {
    activity.finish('failed');
    throw error;
  }
}

/** The lock file's content, or undefined when there is none. Throws MALFORMED_LOCK. */
export async function readLock(path: string): Promise<Lock | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined;
    throw malformedLock(path, (error as Error).message, error);
  }
  return parseLock(text, path);
}

/** Replaces the lock file in one step. */
export async function writeLock(path: string, lock: Lock): Promise<void> {
  await writeThen(path, lock, (temporary) => rename(temporary, path));
}

/** Makes the lock file unless another run just did; returns the lock that then stands there. */
export async function writeNewLock(path: string, lock: Lock): Promise<Lock> {
  await writeThen(path, lock, async (temporary) => {
    try {
      await link(temporary, path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Where there are no hard links, the last of several at once wins: both are of today.
      if (code === 'EEXIST') return;
      await rename(temporary, path);
    }
  });
  return (await readLock(path)) ?? lock;
}

async function writeThen(
  path: string,
  lock: Lock,
  place: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeFile(temporary, formatLock(lock), { flush: true });
    await place(temporary);
  } catch (error) {
    throw lockNotWritable(path, error);
  } finally {
    await rm(temporary, { force: true }).catch(() => {});
  }
}

/** The text of a lock file. */
export function formatLock(lock: Lock): string {
  return `${JSON.stringify(lock, undefined, 2)}\n`;
}

/** Reads a lock file's text; `path` is for messages. */
export function parseLock(text: string, path: string): Lock {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw malformedLock(path, 'it is not JSON', error);
  }
  const lock = value as Lock;
  if (!isObject(value) || lock.version !== 1) throw malformedLock(path, 'its version is not 1');
  if (lock.release !== release) {
    throw malformedLock(path, `it is for the release ${lock.release}, wanted ${release}`);
  }
  for (const suite of suites) {
    const locked = isObject(lock.suites) ? lock.suites[suite.name] : undefined;
    if (!isLockedSuite(locked)) throw malformedLock(path, `its entry ${suite.name} is incomplete`);
  }
  return lock;
}

function isLockedSuite(value: unknown): value is LockedSuite {
  if (!isObject(value)) return false;
  const { date, inReleaseSha256, indexes } = value as Partial<LockedSuite>;
  return (
    typeof date === 'string' &&
    !Number.isNaN(Date.parse(date)) &&
    isSha256(inReleaseSha256) &&
    Array.isArray(indexes) &&
    indexes.every(
      (index) =>
        isObject(index) &&
        typeof index['component'] === 'string' &&
        typeof index['architecture'] === 'string' &&
        /^[a-z0-9-]+\/binary-[a-z0-9-]+\/Packages(\.xz|\.gz)?$/.test(String(index['path'])) &&
        isSha256(index['sha256']) &&
        Number.isSafeInteger(index['sizeBytes']),
    )
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSha256(value: unknown): boolean {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

async function fetchRelease(
  suite: Suite,
  options: MakeLockOptions,
): Promise<{ url: string; file: ReleaseFile }> {
  const bases = options.mirrors[suite.archive];
  let lastError: unknown;
  let rejection: unknown;
  for (const base of bases) {
    const url = `${base}/dists/${suite.name}/InRelease`;
    try {
      const bytes = await downloadBytes(url, inReleaseLimitBytes, options);
      const file = await readInRelease(bytes, url, suite, {
        now: options.now ?? new Date(),
        ...(options.keys ? { keys: options.keys } : {}),
      });
      refuseDowngrade(suite, url, file, options.previous);
      return { url, file };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      lastError = error;
      // A server that answers with something wrong says more than one that does not answer.
      if (error.code !== 'MIRROR_UNREACHABLE' && error.code !== 'HTTP_STATUS') rejection ??= error;
    }
  }
  throw rejection ?? noUsableMirror(suite.name, bases, lastError);
}

function refuseDowngrade(
  suite: Suite,
  url: string,
  file: ReleaseFile,
  previous: Lock | undefined,
): void {
  const before = previous?.suites[suite.name];
  if (before === undefined || new Date(before.date) <= file.date) return;
  throw releaseOlder(url, file.date.toISOString(), before.date);
}

function lockSuite(
  suite: Suite,
  url: string,
  file: ReleaseFile,
  options: MakeLockOptions,
): LockedSuite {
  const indexes: LockedIndex[] = [];
  for (const architecture of options.architectures ?? ['amd64']) {
    for (const component of components) {
      const path = `${component}/binary-${architecture}/Packages.xz`;
      const entry = file.files.get(path);
      if (!entry) {
        // Small suites leave areas out that they have nothing for; the main area is always there.
        if (component === 'main') throw malformedRelease(url, `it does not list ${path}`);
        continue;
      }
      indexes.push({ component, architecture, path, ...entry });
    }
  }
  return {
    date: file.date.toISOString().replace('.000Z', 'Z'),
    inReleaseSha256: file.sha256,
    indexes,
  };
}
