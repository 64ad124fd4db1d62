/**
 * narinfo files: what a binary cache says of one store path, and the signatures over it.
 *
 * Signed is the fingerprint `1;path;NAR hash;NAR size;references`, by Ed25519; a signature is
 * written `key name:base64`.
 */

import {
  createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject,
} from 'node:crypto';
import {
  bytesOf, concatBytes, decodeBase64, encodeBase64, formatPrefixedHash, parseHash, type Hash,
} from '#base';
import { formatContentAddress, parseContentAddress, type ContentAddress } from './content-address.ts';
import { badNarInfo, badSigningKey } from './nix-errors.ts';
import {
  baseNameOf, defaultStoreDirectory, parseStorePath, type StorePath,
} from './store-path.ts';

/** What is known of a valid path, in a database or in a cache. */
export interface PathInfo {
  readonly path: StorePath;
  readonly narHash: Hash;
  readonly narSizeBytes: number;
  /** Sorted; may contain the path itself. */
  readonly references: readonly StorePath[];
  readonly deriver?: StorePath;
  readonly signatures: readonly string[];
  readonly contentAddress?: ContentAddress;
}

export interface NarInfo extends PathInfo {
  /** Relative to the cache. */
  readonly url: string;
  /** `none`, `xz`, `zstd`, `bzip2`, `br`, `gzip` … */
  readonly compression: string;
  readonly fileHash?: Hash;
  readonly fileSizeBytes?: number;
}

/** Parses a narinfo file; `source` names it in errors. */
export function parseNarInfo(text: string, source: string, directory = defaultStoreDirectory): NarInfo {
  const fields = new Map<string, string>();
  const signatures: string[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const colon = line.indexOf(': ');
    const end = colon < 0 && line.endsWith(':') ? line.length - 1 : colon;
    if (end < 0) throw badNarInfo(source, `there is no colon in '${line}'`);
    const key = line.slice(0, end);
    const value = line.slice(end + 2);
    if (key === 'Sig') signatures.push(value);
    else if (fields.has(key)) throw badNarInfo(source, `'${key}' stands twice`);
    else fields.set(key, value);
  }
  const required = (key: string): string => {
    const value = fields.get(key);
    if (value === undefined || value === '') throw badNarInfo(source, `'${key}' is missing`);
    return value;
  };
  const size = (key: string, value: string): number => {
    if (!/^[0-9]{1,15}$/.test(value)) throw badNarInfo(source, `'${key}' is not a size`);
    return Number(value);
  };
  try {
    const fileHash = fields.get('FileHash');
    const fileSize = fields.get('FileSize');
    const deriver = fields.get('Deriver');
    const contentAddress = fields.get('CA');
    const inStore = (base: string) => parseStorePath(`${directory}/${base}`, directory);
    return {
      path: parseStorePath(required('StorePath'), directory),
      url: required('URL'),
      compression: fields.get('Compression') ?? 'bzip2',
      ...(fileHash === undefined ? {} : { fileHash: parseHash(fileHash) }),
      ...(fileSize === undefined ? {} : { fileSizeBytes: size('FileSize', fileSize) }),
      narHash: parseHash(required('NarHash')),
      narSizeBytes: size('NarSize', required('NarSize')),
      references: (fields.get('References') ?? '').split(' ').filter(Boolean).map(inStore).sort(),
      ...(deriver === undefined || deriver === 'unknown-deriver' ? {} : { deriver: inStore(deriver) }),
      signatures,
      ...(contentAddress === undefined ? {} : { contentAddress: parseContentAddress(contentAddress) }),
    };
  } catch (error) {
    if ((error as { code?: string }).code === 'BAD_NAR_INFO') throw error;
    throw badNarInfo(source, (error as Error).message);
  }
}

export function formatNarInfo(info: NarInfo): string {
  const lines = [`StorePath: ${info.path}`, `URL: ${info.url}`, `Compression: ${info.compression}`];
  if (info.fileHash !== undefined) lines.push(`FileHash: ${formatPrefixedHash(info.fileHash, 'nix32')}`);
  if (info.fileSizeBytes !== undefined) lines.push(`FileSize: ${info.fileSizeBytes}`);
  lines.push(`NarHash: ${formatPrefixedHash(info.narHash, 'nix32')}`, `NarSize: ${info.narSizeBytes}`);
  lines.push(`References: ${info.references.map(baseNameOf).join(' ')}`);
  if (info.deriver !== undefined) lines.push(`Deriver: ${baseNameOf(info.deriver)}`);
  for (const signature of info.signatures) lines.push(`Sig: ${signature}`);
  if (info.contentAddress !== undefined) lines.push(`CA: ${formatContentAddress(info.contentAddress)}`);
  return `${lines.join('\n')}\n`;
}

/** The text that signatures of a path cover. */
export function fingerprintOf(info: PathInfo): string {
  return `1;${info.path};${formatPrefixedHash(info.narHash, 'nix32')};${info.narSizeBytes};`
    + info.references.join(',');
}

/** A name and the key's bytes in base64, as in key files: `cache.example.org-1:…`. */
export interface NamedKey {
  readonly name: string;
  readonly key: KeyObject;
}

/** A new pair of keys in the form of key files. */
export function generateSigningKey(name: string): { secret: string; public: string } {
  const { privateKey } = generateKeyPairSync('ed25519');
  const jwk = privateKey.export({ format: 'jwk' });
  const seed = base64UrlBytes(jwk.d);
  const point = base64UrlBytes(jwk.x);
  return {
    secret: `${name}:${encodeBase64(concatBytes([seed, point]))}`,
    public: `${name}:${encodeBase64(point)}`,
  };
}

export function parseSecretKey(text: string): NamedKey {
  const { name, bytes } = splitKey(text, 64);
  return { name, key: createPrivateKey({ key: jwkOf(bytes.slice(32), bytes.slice(0, 32)), format: 'jwk' }) };
}

/** The public key of a secret one, in the form of key files. */
export function publicKeyOf(secretKey: string): string {
  const { name, bytes } = splitKey(secretKey, 64);
  return `${name}:${encodeBase64(bytes.slice(32))}`;
}

export function parsePublicKey(text: string): NamedKey {
  const { name, bytes } = splitKey(text, 32);
  return { name, key: createPublicKey({ key: jwkOf(bytes), format: 'jwk' }) };
}

export function signPath(info: PathInfo, secret: NamedKey): string {
  return signText(fingerprintOf(info), secret);
}

/** A signature over any text. */
export function signText(text: string, secret: NamedKey): string {
  return `${secret.name}:${encodeBase64(sign(null, bytesOf(text), secret.key))}`;
}

/** Whether one of the keys made this signature of the path. */
export function verifySignature(info: PathInfo, signature: string, keys: readonly NamedKey[]): boolean {
  return verifyText(fingerprintOf(info), signature, keys);
}

/** Whether one of the keys signed the text. */
export function verifyText(text: string, signature: string, keys: readonly NamedKey[]): boolean {
  const colon = signature.indexOf(':');
  const bytes = decodeBase64(signature.slice(colon + 1));
  if (colon < 0 || bytes === undefined || bytes.length !== 64) return false;
  const name = signature.slice(0, colon);
  return keys.some((key) => key.name === name && verify(null, bytesOf(text), key.key, bytes));
}

function splitKey(text: string, length: number): { name: string; bytes: Uint8Array } {
  const trimmed = text.trim();
  const colon = trimmed.indexOf(':');
  if (colon <= 0) throw badSigningKey('it has no name');
  const bytes = decodeBase64(trimmed.slice(colon + 1));
  if (bytes === undefined || bytes.length !== length) {
    throw badSigningKey(`it does not hold ${length} bytes in base64`);
  }
  return { name: trimmed.slice(0, colon), bytes };
}

function jwkOf(point: Uint8Array, seed?: Uint8Array) {
  const url = (bytes: Uint8Array) => encodeBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return { kty: 'OKP', crv: 'Ed25519', x: url(point), ...(seed === undefined ? {} : { d: url(seed) }) };
}

function base64UrlBytes(text: string | undefined): Uint8Array {
  return decodeBase64((text ?? '').replaceAll('-', '+').replaceAll('_', '/')) ?? new Uint8Array(0);
}
