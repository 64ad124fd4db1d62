/**
 * What SQLite's errors mean for the user: which of them are a full disk, a damaged file, another
 * program's long transaction. The numbers are SQLite's primary result codes; those of the system's
 * own refusals come with the reason in their second byte.
 */

import { closeSync, openSync, statfsSync } from 'node:fs';
import type { UserError } from '#base';
import {
  databaseBusy, databaseDamaged, databaseFailed, databaseOnReadOnlyDisk, databaseReadOnly, diskFull, fileFailed,
} from './errors.ts';

const busy = 5;
const locked = 6;
const readOnly = 8;
const inputOutput = 10;
const corrupt = 11;
const full = 13;
const cannotOpen = 14;
const notADatabase = 26;

/** The user's error for one that SQLite threw; `undefined` for any other error. */
export function databaseFailure(file: string, error: unknown): UserError | undefined {
  const { code, errcode } = error as { code?: string; errcode?: number };
  if (code !== 'ERR_SQLITE_ERROR' || errcode === undefined) return undefined;
  const free = freeBytes(file);
  switch (errcode & 0xff) {
    case full: return diskFull(file, free, error);
    // The system's refusal hides the reason: a disk without a single free page is one.
    case inputOutput:
    case cannotOpen: return free !== undefined && free < smallestGrowth
      ? diskFull(file, free, error) : systemRefusal(file) ?? databaseFailed(file, error);
    case readOnly: return databaseReadOnly(file, error);
    case busy:
    case locked: return databaseBusy(file, error);
    case corrupt:
    case notADatabase: return databaseDamaged(file, error);
    default: return databaseFailed(file, error);
  }
}

/** Why the system does not let us open the file for writing, if so. */
function systemRefusal(file: string): UserError | undefined {
  try {
    closeSync(openSync(file, 'r+'));
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EROFS') return databaseOnReadOnlyDisk(file, error);
    return code === 'ENOENT' ? undefined : fileFailed('opening the database', file, error);
  }
}

/** What SQLite's files grow by at the least: the shared memory of the write-ahead log. */
const smallestGrowth = 32 * 1024;

function freeBytes(file: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(file);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
