/**
 * Content addresses: how a file tree was turned into bytes, and the hash of those bytes.
 *
 * In the database, in narinfo files and in `ca` fields: `text:sha256:…`, `fixed:sha256:…`,
 * `fixed:r:sha256:…`, `fixed:git:sha1:…`, the hash in nix32. In derivations the method stands as a
 * prefix of the algorithm: `r:sha256`.
 */

import {
  formatPrefixedHash, isHashAlgorithm, parseHash, type Hash, type HashAlgorithm,
} from '#base';
import { badContentAddress } from './nix-errors.ts';

/** `flat`: the file's bytes; `recursive`: the tree's NAR; `text`: a file with references; `git`. */
export type IngestionMethod = 'flat' | 'recursive' | 'text' | 'git';

export interface ContentAddress {
  readonly method: IngestionMethod;
  readonly hash: Hash;
}

export function formatContentAddress({ method, hash }: ContentAddress): string {
  const hashText = formatPrefixedHash(hash, 'nix32');
  return method === 'text' ? `text:${hashText}` : `fixed:${ingestionPrefix(method)}${hashText}`;
}

export function parseContentAddress(text: string): ContentAddress {
  const colon = text.indexOf(':');
  const kind = text.slice(0, colon);
  const rest = text.slice(colon + 1);
  if (colon >= 0 && kind === 'text') return { method: 'text', hash: parseHash(rest) };
  if (colon < 0 || kind !== 'fixed') {
    throw badContentAddress(text, "it starts neither with 'text:' nor with 'fixed:'");
  }
  for (const method of ['recursive', 'git'] as const) {
    const prefix = ingestionPrefix(method);
    if (rest.startsWith(prefix)) return { method, hash: parseHash(rest.slice(prefix.length)) };
  }
  return { method: 'flat', hash: parseHash(rest) };
}

/** What stands before the hash algorithm in derivations. */
export function ingestionPrefix(method: IngestionMethod): string {
  switch (method) {
    case 'flat': return '';
    case 'recursive': return 'r:';
    case 'git': return 'git:';
    case 'text': return 'text:';
  }
}

/** Method and algorithm as a derivation's output has them: `r:sha256`. */
export function formatMethodAlgorithm(method: IngestionMethod, algorithm: HashAlgorithm): string {
  return ingestionPrefix(method) + algorithm;
}

export function parseMethodAlgorithm(
  text: string,
): { method: IngestionMethod; algorithm: HashAlgorithm } | undefined {
  for (const method of ['recursive', 'git', 'text', 'flat'] as const) {
    const prefix = ingestionPrefix(method);
    const algorithm = text.slice(prefix.length);
    if (text.startsWith(prefix) && isHashAlgorithm(algorithm)) return { method, algorithm };
  }
  return undefined;
}
