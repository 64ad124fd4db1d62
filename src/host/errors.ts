/** Errors of the host: what stands between the evaluator and the world. */

import { UserError } from '#base';

export function readFailed(path: string, cause: unknown): UserError {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const reason = reasons[code] ?? (cause as Error).message;
  return new UserError('READ_FAILED', `cannot read '${path}': ${reason}`, { cause });
}

export function fileTooLarge(path: string, sizeBytes: number): UserError {
  return new UserError('FILE_TOO_LARGE', `cannot read '${path}': it has ${sizeBytes} bytes, more than a string can hold`);
}

export function contentMismatch(path: string, wanted: string, found: string): UserError {
  return new UserError(
    'PATH_HASH_MISMATCH',
    `hash mismatch in path '${path}' added to the store:\n  specified: ${wanted}\n  got:       ${found}`);
}

export function evaluationCrashed(reason: string, cause?: unknown): UserError {
  return new UserError('EVALUATION_CRASHED', `the evaluation stopped: ${reason}`, { cause });
}

export function outOfMemory(limitMegabytes: number): UserError {
  return new UserError('OUT_OF_MEMORY', `the evaluation needs more than ${limitMegabytes} MB of memory`, {
    hint: 'Set FIRN_HEAP_MB to allow more',
  });
}

export function cannotRealise(what: string): UserError {
  return new UserError('CANNOT_REALISE', `cannot build '${what}' during evaluation, which would be needed here`);
}

export function cannotFetch(kind: string): UserError {
  return new UserError('CANNOT_FETCH', `this command cannot fetch (${kind})`);
}

export function downloadMismatch(url: string, wanted: string, found: string): UserError {
  return new UserError(
    'HASH_MISMATCH', `hash mismatch in file downloaded from '${url}':\n  specified: ${wanted}\n  got:       ${found}`);
}

export function unreadableDownload(url: string, cause: unknown): UserError {
  return new UserError('READ_FAILED', `unable to download '${url}': the file cannot be read`, { cause });
}

export function unknownArchive(url: string, cause?: unknown): UserError {
  return new UserError('UNKNOWN_ARCHIVE', `failed to extract the archive '${url}'`, {
    hint: 'It must be a tar archive, as it is or compressed by gzip, xz or zstd', cause,
  });
}

export function unusableArchive(url: string): UserError {
  return new UserError('UNUSABLE_ARCHIVE', `tarball '${url}' contains an unexpected number of top-level files`);
}

export function badSetting(file: string, line: number, text: string): UserError {
  return new UserError('BAD_SETTING', `illegal configuration line '${text}' in '${file}':${line}`, {
    hint: 'A line is NAME = VALUE, or include FILE',
  });
}

export function storeNotLocal(name: string): UserError {
  return new UserError('STORE_NOT_LOCAL', `don't know how to open Nix store '${name}'`, {
    hint: 'This command works on a local store: a folder, local?root=FOLDER or auto',
  });
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or directory',
  EACCES: 'permission is denied',
  ENOTDIR: 'a part of the path is not a directory',
  EISDIR: 'it is a directory',
  ELOOP: 'there are too many symbolic links',
  ENAMETOOLONG: 'the name is too long',
};
