/** Errors of binary caches: what a server, a folder or its contents do to whoever reads or writes one. */

import { UserError } from '#base';

export function badCacheUrl(url: string, reason: string): UserError {
  return new UserError('BAD_CACHE_URL', `'${url}' is not the URL of a binary cache: ${reason}`, {
    hint: 'Caches are named by file:///FOLDER, http://HOST, https://HOST or s3://BUCKET',
  });
}

export function notABinaryCache(url: string): UserError {
  return new UserError('NOT_A_BINARY_CACHE', `'${url}' does not appear to be a binary cache`, {
    hint: "A binary cache has a file 'nix-cache-info' at its top",
  });
}

export function badCacheInfo(url: string, reason: string): UserError {
  return new UserError('BAD_CACHE_INFO', `'nix-cache-info' of '${url}' is corrupt: ${reason}`);
}

export function otherStoreDirectory(url: string, theirs: string, ours: string): UserError {
  return new UserError(
    'OTHER_STORE_DIRECTORY', `binary cache '${url}' is for Nix stores with prefix '${theirs}', not '${ours}'`);
}

export function cacheUnreachable(url: string, reason: string, cause?: unknown): UserError {
  return new UserError('CACHE_UNREACHABLE', `unable to download '${url}': ${reason}`, {
    hint: 'Is the cache running, and a proxy set in the environment (https_proxy) if there must be one?', cause,
  });
}

export function cacheStatus(url: string, status: number): UserError {
  return new UserError('CACHE_STATUS', `unable to download '${url}': HTTP error ${status}`, {
    ...(status === 401 || status === 403 || status === 407
      ? { hint: 'Name and password come from the file that the setting netrc-file names' } : {}),
  });
}

export function cacheFileMissing(url: string): UserError {
  return new UserError('CACHE_FILE_MISSING', `file '${url}' does not exist in binary cache`);
}

export function cacheFileTooLarge(url: string, limitBytes: number): UserError {
  return new UserError('CACHE_FILE_TOO_LARGE', `'${url}' is longer than the ${limitBytes} bytes that it may have`);
}

export function cacheFileTruncated(url: string, wanted: number, found: number): UserError {
  return new UserError('CACHE_FILE_TRUNCATED', `'${url}' ended after ${found} of ${wanted} bytes`);
}

export function cacheFileChanged(url: string): UserError {
  return new UserError('CACHE_FILE_CHANGED', `'${url}' changed while it was downloaded`);
}

export function cacheFileFailed(action: string, path: string, cause: unknown): UserError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new UserError('CACHE_FILE_FAILED', `${action} '${path}': ${reason}`, { cause });
}

export function unknownCompression(url: string, compression: string): UserError {
  return new UserError('UNKNOWN_COMPRESSION', `'${url}' is compressed by '${compression}', which is not known`, {
    hint: 'Known are xz, zstd, bzip2, br, gzip and none',
  });
}

export function cannotCompress(compression: string): UserError {
  return new UserError('CANNOT_COMPRESS', `couldn't initialize compression: NARs are not compressed by '${compression}'`, {
    hint: 'Write zstd, xz, bzip2, br, gzip, lzma, lz4 or none',
  });
}

export function badCompressedNar(url: string, reason: string, cause?: unknown): UserError {
  return new UserError('BAD_COMPRESSED_NAR', `'${url}' cannot be decompressed: ${reason}`, { cause });
}

export function wrongNarInfoPath(source: string, wanted: string, found: string): UserError {
  return new UserError('WRONG_NAR_INFO', `NAR info file '${source}' describes '${found}' instead of '${wanted}'`);
}

export function lacksSignature(path: string, url: string): UserError {
  return new UserError(
    'LACKS_SIGNATURE', `cannot add path '${path}' from '${url}' because it lacks a signature by a trusted key`, {
      hint: 'Add the public key of the cache to trusted-public-keys',
    });
}

export function notInCache(path: string, urls: readonly string[]): UserError {
  return new UserError('NOT_IN_CACHE', `path '${path}' is not in ${urls.map((url) => `'${url}'`).join(', ')}`);
}

export function referenceCycle(path: string): UserError {
  return new UserError('REFERENCE_CYCLE', `the caches describe a cycle of references through '${path}'`);
}

export function cannotListen(address: string, cause: unknown): UserError {
  return new UserError('CANNOT_LISTEN', `cannot listen on ${address}: ${(cause as Error).message}`, {
    hint: 'Choose another address with --listen HOST:PORT', cause,
  });
}

export function uploadFailed(url: string, reason: string, cause?: unknown): UserError {
  return new UserError('UPLOAD_FAILED', `unable to upload '${url}': ${reason}`, {
    hint: 'May you write there? Names and passwords come from the netrc file, keys of S3 from the '
      + 'environment or ~/.aws/credentials',
    cause,
  });
}

export function badRealisation(url: string): UserError {
  return new UserError('BAD_REALISATION', `'${url}' is not the description of an output`);
}

export function badNarInfoUrl(url: string): UserError {
  return new UserError('BAD_NAR_INFO_URL', `the URL '${url}' of a NAR leads out of its binary cache`);
}

export function corruptNarInfo(source: string, reason: string): UserError {
  return new UserError('BAD_NAR_INFO', `NAR info file '${source}' is corrupt: ${reason}`);
}

export function badListing(source: string, reason: string): UserError {
  return new UserError('BAD_LISTING', `the listing '${source}' cannot be used: ${reason}`);
}

export function notInNar(path: string): UserError {
  return new UserError('NOT_IN_NAR', `path '${path}' does not exist`);
}

export function notAFile(path: string): UserError {
  return new UserError('NOT_A_FILE', `path '${path}' is not a regular file`);
}
