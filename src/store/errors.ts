/** Errors of the store: what the disk, the database and other programs do to it. */

import { UserError } from '#base';

export function storeNotWritable(directory: string, cause: unknown): UserError {
  return new UserError('STORE_NOT_WRITABLE', `the store at '${directory}' cannot be written`, {
    hint: 'This command may have been run as non-root in a single-user Nix installation: '
      + 'choose another place with --store PATH or the environment variable FIRN_ROOT', cause,
  });
}

export function schemaTooNew(found: string, supported: number): UserError {
  return new UserError(
    'STORE_SCHEMA', `the store's database has schema version ${found}, but only ${supported} is known`,
    { hint: 'It was written by a newer program; use that, or another store with --store PATH' });
}

export function schemaTooOld(found: string, supported: number): UserError {
  return new UserError(
    'STORE_SCHEMA', `the store's database has schema version ${found}, older than ${supported}`,
    { hint: 'Let the nix-store that made it upgrade it once, or use another store with --store PATH' });
}

export function databaseFailed(path: string, cause: unknown): UserError {
  return new UserError('STORE_DATABASE', `the store's database '${path}' cannot be used: ${(cause as Error).message}`, {
    cause,
  });
}

export function databaseMissing(path: string): UserError {
  return new UserError(
    'STORE_DATABASE', `the store's database does not exist, and cannot be created in read-only mode: '${path}'`);
}

export function databaseBusy(path: string, cause: unknown): UserError {
  return new UserError('STORE_BUSY', `the store's database '${path}' is in use by another program for too long`, {
    hint: 'Wait until that program has ended, then run the command again', cause,
  });
}

export function databaseReadOnly(path: string, cause: unknown): UserError {
  return new UserError('STORE_NOT_WRITABLE', `attempt to write a readonly database: '${path}' cannot be written`, {
    hint: 'This command may have been run as non-root in a single-user Nix installation: '
      + 'run it as the user whose store it is, or choose another with --store PATH', cause,
  });
}

export function databaseOnReadOnlyDisk(path: string, cause: unknown): UserError {
  return new UserError('STORE_NOT_WRITABLE', `the store's database '${path}' is on a file system that is read-only`, {
    hint: "To read the store only: --extra-experimental-features read-only-local-store --store 'local?root=PATH&read-only=true'", cause,
  });
}

export function databaseDamaged(path: string, cause: unknown): UserError {
  return new UserError('STORE_DAMAGED', `the store's database '${path}' is damaged: ${(cause as Error).message}`, {
    hint: 'Put back a copy of its folder, or move the store away and begin with a new one', cause,
  });
}

/** `freeBytes` is what is left on the disk that `path` is on, where it is known. */
export function diskFull(path: string, freeBytes: number | undefined, cause: unknown): UserError {
  const left = freeBytes === undefined ? '' : ` (${Math.floor(freeBytes / 1024)} KiB are free)`;
  return new UserError('DISK_FULL', `The disk is full, writing '${path}'${left}`, {
    hint: 'Free space there, for example by nix-collect-garbage, then run the same command again: '
      + 'finished parts are kept; or choose another store with --store PATH',
    cause,
  });
}

export function pathNotValid(path: string): UserError {
  return new UserError('PATH_NOT_VALID', `path '${path}' is not valid`);
}

export function fileFailed(action: string, path: string, cause: unknown): UserError {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull(path, undefined, cause);
  const reason = reasons[code] ?? (cause as Error).message;
  const hint = ['EMFILE', 'ENFILE', 'EACCES'].includes(code) ? hints[code] : undefined;
  return new UserError('FILE_FAILED', `${action} '${path}': ${reason}`, { ...(hint === undefined ? {} : { hint }), cause });
}

/** Byte strings, of files that would have one name in a NAR. */
export function namesCollide(first: string, second: string): UserError {
  const [one, other] = [first, second].map((path) => Buffer.from(path, 'latin1').toString('utf8'));
  return new UserError('NAMES_COLLIDE', `file name collision between '${one}' and '${other}'`);
}

export function noSuchGeneration(number: number): UserError {
  return new UserError('NO_GENERATION', `profile version ${number} does not exist`);
}

export function noOlderGeneration(current: number | undefined): UserError {
  return new UserError('NO_GENERATION', `no profile version older than the current (${current ?? 0}) exists`);
}

export function currentGeneration(profile: string): UserError {
  return new UserError('CURRENT_GENERATION', `cannot delete current version of profile '${profile}'`);
}

export function keepsNoGeneration(): UserError {
  return new UserError(
    'CURRENT_GENERATION', 'Must keep at least one generation, otherwise the current one would be deleted');
}

export function badGenerationAge(text: string, more: string): UserError {
  return new UserError('USAGE', `invalid number of days specifier '${text}'${more}`);
}

export function unsupportedFileType(path: string): UserError {
  return new UserError('UNSUPPORTED_FILE', `file '${path}' has an unsupported type`);
}

export function fileChanged(path: string): UserError {
  return new UserError('FILE_CHANGED', `'${path}' changed while it was read`, {
    hint: 'Run the command again when nothing writes there',
  });
}

export function treeTooDeep(path: string, maximum: number): UserError {
  return new UserError(
    'TREE_TOO_DEEP', `path '${path}' exceeds maximum NAR directory depth of ${maximum}`);
}

export function hashMismatch(path: string, wanted: string, found: string): UserError {
  return new UserError(
    'HASH_MISMATCH', `hash mismatch importing path '${path}';\n  specified: ${wanted}\n  got:       ${found}`);
}

export function sizeMismatch(path: string, wanted: number, found: number): UserError {
  return new UserError(
    'SIZE_MISMATCH', `size mismatch importing path '${path}';\n  specified: ${wanted}\n  got:       ${found}`);
}

export function contentAddressMismatch(path: string): UserError {
  return new UserError('CONTENT_ADDRESS_MISMATCH', `ca hash mismatch importing path '${path}'`, {
    hint: 'Its content is not the one that its content address says',
  });
}

export function referenceNotValid(path: string, reference: string): UserError {
  return new UserError(
    'REFERENCE_NOT_VALID', `cannot register path '${path}': its reference '${reference}' is not valid`);
}

export function outputMissing(path: string): UserError {
  return new UserError('OUTPUT_MISSING', `builder failed to produce output path '${path}'`);
}

export function outputNotPlain(path: string, method: string): UserError {
  return new UserError(
    'OUTPUT_NOT_PLAIN',
    `output path '${path}' should be a non-executable regular file since recursive hashing is not enabled `
      + `(outputHashMode=${method})`);
}

export function outputCycle(drvPath: string, path: string, from: string): UserError {
  return new UserError(
    'OUTPUT_CYCLE',
    `cycle detected in build of '${drvPath}' in the references of output '${path}' from output '${from}'`);
}

export function lockUnavailable(path: string, cause?: unknown): UserError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? '';
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull(path, undefined, cause);
  const reason = cause === undefined || code === 'ENOENT' ? undefined : reasons[code] ?? (cause as Error).message;
  return new UserError('LOCK_UNAVAILABLE', `the lock '${path}' cannot be taken${reason === undefined ? '' : `: ${reason}`}`, {
    hint: hints[code] ?? 'Firn takes locks with the program flock (Debian package util-linux): is it on PATH?', cause,
  });
}

export function pathStillReferenced(path: string, by: string): UserError {
  return new UserError(
    'PATH_ALIVE', `cannot delete path '${path}' since it is still alive`, { hint: `It is needed by '${by}'` });
}

export function rootInTheWay(link: string): UserError {
  return new UserError('ROOT_IN_THE_WAY', `cannot create symlink '${link}'; already exists`, {
    hint: 'It is no link into the store: move it away, or choose another name with --out-link',
  });
}

export function badExport(reason: string): UserError {
  return new UserError('BAD_EXPORT', `the exported paths cannot be read: ${reason}`);
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or directory',
  EACCES: 'Permission denied',
  EPERM: 'the operation is not permitted',
  ENOSPC: 'no space is left on the device',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is not a directory',
  ELOOP: 'there are too many symbolic links',
  EISDIR: 'it is a directory',
  EEXIST: 'it exists already',
  ENAMETOOLONG: 'the name is too long',
  EMFILE: 'too many files are open in this process',
  ENFILE: 'too many files are open on this machine',
};

/** What to do about it, where that does not depend on what was done. */
const hints: Readonly<Record<string, string>> = {
  EACCES: 'This command may have been run as non-root in a single-user Nix installation: '
    + 'run it as the user whose store it is, or choose another with --store PATH',
  EROFS: 'Choose another store with --store PATH',
  EMFILE: 'Allow more open files: ulimit -n 1024',
  ENFILE: 'Close other programs, or raise the limit fs.file-max',
};
