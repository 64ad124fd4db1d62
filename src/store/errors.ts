/** Errors of the store: what the disk, the database and other programs do to it. */

import { UserError } from '#base';

export function storeNotWritable(directory: string, cause: unknown): UserError {
  return new UserError('STORE_NOT_WRITABLE', `the store at '${directory}' cannot be written`, {
    hint: 'Choose another place with --store PATH or the environment variable FIRN_ROOT', cause,
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

export function pathNotValid(path: string): UserError {
  return new UserError('PATH_NOT_VALID', `path '${path}' is not valid`);
}

export function fileFailed(action: string, path: string, cause: unknown): UserError {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const reason = reasons[code] ?? (cause as Error).message;
  return new UserError(code === 'ENOSPC' ? 'DISK_FULL' : 'FILE_FAILED', `${action} '${path}': ${reason}`, {
    ...(code === 'ENOSPC' ? { hint: 'Free some space, or choose another store with --store PATH' } : {}),
    cause,
  });
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

export function lockUnavailable(path: string, cause?: unknown): UserError {
  return new UserError('LOCK_UNAVAILABLE', `the lock '${path}' cannot be taken`, {
    hint: 'Firn takes locks with the program flock (Debian package util-linux): is it on PATH?', cause,
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
  EACCES: 'permission is denied',
  EPERM: 'the operation is not permitted',
  ENOSPC: 'no space is left on the device',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is not a directory',
  ELOOP: 'there are too many symbolic links',
  EISDIR: 'it is a directory',
  EEXIST: 'it exists already',
  ENAMETOOLONG: 'the name is too long',
};
