/**
 * Hashes: computing them, and the text forms in which Nix reads and prints them.
 *
 * A `Hash` carries its algorithm. Four text forms exist: base16, nix32 and base64, each optionally
 * with an `algorithm:` prefix, and SRI (`algorithm-base64`). Without a form given, the length of the
 * text decides which it is. Messages follow C++ Nix, since they surface as evaluation errors.
 */

import { createHash, type Hash as NodeHash } from 'node:crypto';
import { Blake3 } from './blake3.ts';
import { bytesOf, compareBytes } from './bytes.ts';
import {
  decodeBase64, decodeHex, decodeNix32, encodeBase64, encodeHex, encodeNix32, nix32Length,
} from './encodings.ts';
import { badHash } from './hash-errors.ts';

export type HashAlgorithm = 'md5' | 'sha1' | 'sha256' | 'sha512' | 'blake3';
export type HashFormat = 'base16' | 'nix32' | 'base64' | 'sri';

export interface Hash {
  readonly algorithm: HashAlgorithm;
  readonly bytes: Uint8Array;
}

/** Lengths of the digests in bytes. */
export const hashLengths: Readonly<Record<HashAlgorithm, number>> = {
  md5: 16, sha1: 20, sha256: 32, sha512: 64, blake3: 32,
};

/** Hashes in pieces. Strings given to `update` are byte strings. */
export class Hasher {
  readonly algorithm: HashAlgorithm;
  readonly #state: NodeHash | Blake3;

  constructor(algorithm: HashAlgorithm) {
    this.algorithm = algorithm;
    this.#state = algorithm === 'blake3' ? new Blake3() : createHash(algorithm);
  }

  update(data: Uint8Array | string): this {
    if (this.#state instanceof Blake3) {
      this.#state.update(typeof data === 'string' ? bytesOf(data) : data);
    } else if (typeof data === 'string') {
      this.#state.update(data, 'latin1');
    } else {
      this.#state.update(data);
    }
    return this;
  }

  digest(): Hash {
    return { algorithm: this.algorithm, bytes: new Uint8Array(this.#state.digest()) };
  }
}

/** The hash of bytes, or of a byte string. */
export function hashOf(algorithm: HashAlgorithm, data: Uint8Array | string): Hash {
  return new Hasher(algorithm).update(data).digest();
}

/** The SHA-256 of a byte string in base16: the commonest hash of all, made without detours. */
export function sha256Hex(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex');
}

/** The algorithm called `name`; throws C++ Nix's message for an unknown one. */
export function parseHashAlgorithm(name: string): HashAlgorithm {
  if (!isHashAlgorithm(name)) {
    throw badHash(
      `unknown hash algorithm '${name}', expect 'blake3', 'md5', 'sha1', 'sha256', or 'sha512'`);
  }
  return name;
}

export function isHashAlgorithm(name: string): name is HashAlgorithm {
  return Object.hasOwn(hashLengths, name);
}

/** The text of `hash`; base16, nix32 and base64 without the algorithm's prefix. */
export function formatHash(hash: Hash, format: HashFormat): string {
  switch (format) {
    case 'base16': return encodeHex(hash.bytes);
    case 'nix32': return encodeNix32(hash.bytes);
    case 'base64': return encodeBase64(hash.bytes);
    case 'sri': return `${hash.algorithm}-${encodeBase64(hash.bytes)}`;
  }
}

/** As `formatHash`, with the prefix `algorithm:` (SRI has its own). */
export function formatPrefixedHash(hash: Hash, format: HashFormat): string {
  return format === 'sri' ? formatHash(hash, format) : `${hash.algorithm}:${formatHash(hash, format)}`;
}

/** Reads a hash in any form. `algorithm` is what the surroundings say it is, if they do. */
export function parseHash(text: string, algorithm?: HashAlgorithm): Hash {
  return parseHashWithFormat(text, algorithm).hash;
}

/** As `parseHash`, and tells in which form the hash was written. */
export function parseHashWithFormat(
  text: string,
  algorithm?: HashAlgorithm,
): { hash: Hash; format: HashFormat } {
  const separator = text.includes(':') ? ':' : '-';
  const at = text.indexOf(separator);
  const named = at < 0 ? undefined : parseHashAlgorithm(text.slice(0, at));
  const rest = text.slice(at + 1);
  const found = named ?? algorithm;
  if (found === undefined) {
    throw badHash(
      `hash '${text}' does not include a type, nor is the type otherwise known from context`);
  }
  if (named !== undefined && algorithm !== undefined && named !== algorithm) {
    throw badHash(`hash '${text}' should have type '${algorithm}'`);
  }
  const format = at >= 0 && separator === '-' ? 'sri' : formatFromLength(rest, found);
  return { hash: decodeHash(rest, found, format), format };
}

/** Reads an SRI hash (`sha256-…=`) and nothing else. */
export function parseSriHash(text: string): Hash {
  const at = text.indexOf('-');
  if (at < 0) throw badHash(`hash '${text}' is not SRI`);
  return decodeHash(text.slice(at + 1), parseHashAlgorithm(text.slice(0, at)), 'sri');
}

/** Whether both are the same hash by the same algorithm. */
export function sameHash(a: Hash, b: Hash): boolean {
  return a.algorithm === b.algorithm && compareBytes(a.bytes, b.bytes) === 0;
}

/** Folds a hash to `length` bytes by exclusive or, as store paths do. */
export function compressHash(bytes: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const folded = new Uint8Array(length);
  for (let i = 0; i < bytes.length; i++) {
    folded[i % length] = (folded[i % length] as number) ^ (bytes[i] as number);
  }
  return folded;
}

function formatFromLength(text: string, algorithm: HashAlgorithm): HashFormat {
  const length = hashLengths[algorithm];
  if (text.length === length * 2) return 'base16';
  if (text.length === nix32Length(length)) return 'nix32';
  if (text.length === Math.ceil(length / 3) * 4) return 'base64';
  throw badHash(`hash '${text}' has wrong length for hash algorithm '${algorithm}'`);
}

function decodeHash(text: string, algorithm: HashAlgorithm, format: HashFormat): Hash {
  const bytes = format === 'base16' ? decodeHex(text)
    : format === 'nix32' ? decodeNix32(text) : decodeBase64(text);
  if (bytes === undefined) throw badHash(`invalid ${formatNames[format]} hash '${text}'`);
  if (bytes.length !== hashLengths[algorithm]) {
    throw badHash(`invalid ${formatNames[format]} hash '${text}', length ${bytes.length}`
      + ` != expected length ${hashLengths[algorithm]}`);
  }
  return { algorithm, bytes };
}

const formatNames: Readonly<Record<HashFormat, string>> = {
  base16: 'base16', nix32: 'nix32', base64: 'Base64', sri: 'SRI',
};
