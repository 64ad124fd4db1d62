/** The errors of the archive client: what mirrors, indexes, signatures and lock files do to us. */
import { UserError } from '#base';

const updateHint = 'run firn update to pin the present state of the archive';

export function mirrorUnreachable(url: string, reason: string, cause?: unknown): UserError {
  return new UserError('MIRROR_UNREACHABLE', `Cannot download ${url}: ${reason}`, {
    hint: 'check the network and the proxy settings, or name another mirror with --mirror URL',
    cause,
  });
}

export function certificatesUnreadable(file: string, cause: unknown): UserError {
  return new UserError('CERTIFICATES_UNREADABLE', `Cannot read the certificates in ${file}: ${(cause as Error).message}`, {
    hint: 'the setting ssl-cert-file, NIX_SSL_CERT_FILE or SSL_CERT_FILE names it', cause,
  });
}

export function httpStatus(url: string, status: number): UserError {
  return new UserError('HTTP_STATUS', `Cannot download ${url}: the server answered ${status}`, {
    hint: 'name another mirror with --mirror URL, or try again later',
  });
}

export function notFoundAnywhere(what: string, urls: readonly string[], cause?: unknown): UserError {
  return new UserError(
    'FILE_NOT_IN_ARCHIVE',
    `Cannot find ${what} on any server; tried ${urls.join(', ')}`,
    { hint: `the mirror has dropped it: ${updateHint}`, cause },
  );
}

export function noUsableMirror(suite: string, tried: readonly string[], cause: unknown): UserError {
  const reason = cause instanceof Error ? `; the last said: ${cause.message}` : '';
  return new UserError(
    'NO_MIRROR',
    `No Debian mirror serves dists/${suite}/InRelease; tried ${tried.join(', ')}${reason}`,
    { hint: 'check the network and the proxy settings, or name a mirror with --mirror URL', cause },
  );
}

export function downloadHashMismatch(url: string, wanted: string, found: string): UserError {
  return new UserError(
    'HASH_MISMATCH',
    `The file at ${url} is not the one wanted: SHA-256 is ${found}, wanted ${wanted}`,
    { hint: 'the mirror or a proxy altered it, or it is out of step: name another mirror with --mirror URL' },
  );
}

export function downloadTruncated(url: string, wanted: number, found: number): UserError {
  return new UserError(
    'DOWNLOAD_TRUNCATED',
    `The download of ${url} ended after ${found} of ${wanted} bytes`,
    { hint: 'run the same command again: it resumes where the download stopped' },
  );
}

export function downloadTooLarge(url: string, limit: number): UserError {
  return new UserError('DOWNLOAD_TOO_LARGE', `The file at ${url} is larger than ${limit} bytes`, {
    hint: 'name another mirror with --mirror URL',
  });
}

export function badSignature(url: string, reason: string, cause?: unknown): UserError {
  return new UserError('BAD_SIGNATURE', `The signature of ${url} is not good: ${reason}`, {
    hint: 'the mirror does not serve the genuine Debian archive: name another with --mirror URL',
    cause,
  });
}

export function malformedRelease(url: string, reason: string): UserError {
  return new UserError('MALFORMED_RELEASE', `The Release file ${url} cannot be used: ${reason}`, {
    hint: 'name another mirror with --mirror URL',
  });
}

export function releaseExpired(url: string, validUntil: string): UserError {
  return new UserError('RELEASE_EXPIRED', `The Release file ${url} expired on ${validUntil}`, {
    hint: 'the mirror is stale, or the clock is wrong: check the date, or name another mirror with --mirror URL',
  });
}

export function releaseFromTheFuture(url: string, date: string): UserError {
  return new UserError('RELEASE_FROM_FUTURE', `The Release file ${url} is dated ${date}, which is to come`, {
    hint: "check this machine's clock",
  });
}

export function releaseOlder(url: string, date: string, locked: string): UserError {
  return new UserError(
    'RELEASE_OLDER',
    `The Release file ${url} of ${date} is older than the one in the lock file, of ${locked}`,
    { hint: 'the mirror lags behind: try again later, or name another mirror with --mirror URL' },
  );
}

export function malformedLock(path: string, reason: string, cause?: unknown): UserError {
  return new UserError('MALFORMED_LOCK', `The lock file ${path} cannot be used: ${reason}`, {
    hint: 'restore it from version control, or delete it and run firn update',
    cause,
  });
}

export function lockNotWritable(path: string, cause: unknown): UserError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new UserError('LOCK_NOT_WRITABLE', `Cannot write the lock file ${path}: ${reason}`, {
    hint: 'make its folder writable, or name another place with --lock PATH',
    cause,
  });
}

export function indexGone(suite: string, path: string, cause: unknown): UserError {
  return new UserError(
    'INDEX_GONE',
    `Neither the mirror nor the snapshot archive has the package index ${suite}/${path} of the lock file`,
    { hint: updateHint, cause },
  );
}

export function cacheNotWritable(path: string, cause: unknown): UserError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new UserError('CACHE_NOT_WRITABLE', `Cannot write below ${path}: ${reason}`, {
    hint: 'free space on that disk, or set XDG_CACHE_HOME to a folder that can be written',
    cause,
  });
}

export function malformedIndex(what: string, reason: string, cause?: unknown): UserError {
  return new UserError('MALFORMED_INDEX', `The package index ${what} cannot be read: ${reason}`, {
    hint: updateHint,
    cause,
  });
}
