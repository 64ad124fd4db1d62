/**
 * Store paths: `/nix/store/<32 nix32 characters>-<name>`, and how they are computed.
 *
 * A store path is kept whole, with its directory, as it stands in derivations and contexts. The
 * hash part is the SHA-256 of a fingerprint `<type>:<hash>:<store directory>:<name>`, folded to 20
 * bytes. Specification: "Complete Store Path Calculation" of the Nix manual.
 */

import {
  compressHash, encodeNix32, formatHash, formatPrefixedHash, hashOf, isNix32Code, sha256Hex,
  type Hash,
} from '#base';
import { ingestionPrefix, type ContentAddress } from './content-address.ts';
import { badStorePath } from './nix-errors.ts';

declare const storePathBrand: unique symbol;
/** A whole store path, checked: directory, hash part and name. */
export type StorePath = string & { readonly [storePathBrand]: true };

export const defaultStoreDirectory = '/nix/store';
export const hashPartLength = 32;
export const maximumNameLength = 211;
export const derivationExtension = '.drv';

/** What a content-addressed path refers to. */
export interface StoreReferences {
  readonly others: readonly StorePath[];
  readonly self: boolean;
}

export const noReferences: StoreReferences = { others: [], self: false };

/** Checks that `text` is a store path directly below `directory`; throws C++ Nix's messages. */
export function parseStorePath(text: string, directory = defaultStoreDirectory): StorePath {
  if (text === '') throw badStorePath('empty path is not a valid store path');
  const path = text.endsWith('/') || text.includes('//') ? text.replace(/\/+/g, '/').replace(/\/$/, '') : text;
  const base = path.slice(directory.length + 1);
  if (!path.startsWith(directory) || path[directory.length] !== '/' || base === '' || base.includes('/')) {
    throw badStorePath(`path '${path}' is not in the Nix store`);
  }
  checkBaseName(base);
  return path as StorePath;
}

/** As `parseStorePath`, but `undefined` for what is no store path. */
export function maybeStorePath(text: string, directory = defaultStoreDirectory): StorePath | undefined {
  if (!text.startsWith(directory)) return undefined;
  try {
    return parseStorePath(text, directory);
  } catch {
    return undefined;
  }
}

/** Splits a path at or below a store path into the store path and the rest (`''` or `/…`). */
export function splitStorePath(
  path: string,
  directory = defaultStoreDirectory,
): { storePath: StorePath; rest: string } | undefined {
  if (!isBelowStore(path, directory)) return undefined;
  const slash = path.indexOf('/', directory.length + 1);
  const storePath = maybeStorePath(slash < 0 ? path : path.slice(0, slash), directory);
  if (storePath === undefined) return undefined;
  return { storePath, rest: slash < 0 ? '' : path.slice(slash) };
}

/** Whether the path lies strictly below the store directory. */
export function isBelowStore(path: string, directory = defaultStoreDirectory): boolean {
  return path.startsWith(directory) && path[directory.length] === '/' && path.length > directory.length + 1;
}

/** The last component: hash part, `-`, name. */
export function baseNameOf(path: StorePath): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The 32 characters that identify the path. */
export function hashPartOf(path: StorePath): string {
  const at = path.lastIndexOf('/') + 1;
  return path.slice(at, at + hashPartLength);
}

/** What follows the hash part and its `-`. */
export function nameOf(path: StorePath): string {
  return path.slice(path.lastIndexOf('/') + 1 + hashPartLength + 1);
}

export function isDerivationPath(path: string): boolean {
  return path.endsWith(derivationExtension);
}

/** Throws unless `name` may stand in a store path. */
export function checkStorePathName(name: string): void {
  if (name === '') throw badStorePath('name must not be empty');
  if (name.length > maximumNameLength) {
    throw badStorePath(`name '${name}' must be no longer than ${maximumNameLength} characters`);
  }
  if (name === '.' || name === '..') throw badStorePath(`name '${name}' is not valid`);
  const dots = /^(\.\.?)-/.exec(name);
  if (dots !== null) {
    throw badStorePath(
      `name '${name}' is not valid: first dash-separated component must not be '${dots[1]}'`);
  }
  const illegal = /[^0-9a-zA-Z+\-._?=]/.exec(name);
  if (illegal !== null) throw badStorePath(`name '${name}' contains illegal character '${illegal[0]}'`);
}

/** The path for a fingerprint of the given type; `hash` is `algorithm:base16`. */
export function makeStorePath(
  type: string, hash: string, name: string, directory = defaultStoreDirectory,
): StorePath {
  const digest = hashOf('sha256', `${type}:${hash}:${directory}:${name}`).bytes;
  const hashPart = encodeNix32(compressHash(digest, 20));
  checkPathName(`${hashPart}-${name}`, name);
  return `${directory}/${hashPart}-${name}` as StorePath;
}

/** The path of an input-addressed output; `modulo` is the derivation's hash modulo, in base16. */
export function makeOutputPath(
  output: string, modulo: string, derivationName: string, directory = defaultStoreDirectory,
): StorePath {
  return makeStorePath(
    `output:${output}`, `sha256:${modulo}`, outputPathName(derivationName, output), directory);
}

/** The name of an output's path: the derivation's, and the output's unless it is `out`. */
export function outputPathName(derivationName: string, output: string): string {
  return output === 'out' ? derivationName : `${derivationName}-${output}`;
}

/** The path of a text (a `.drv`, or `builtins.toFile`) with its references. */
export function makeTextPath(
  name: string, text: string, references: readonly StorePath[], directory = defaultStoreDirectory,
): StorePath {
  const type = typeWithReferences('text', { others: references, self: false });
  return makeStorePath(type, `sha256:${sha256Hex(text)}`, name, directory);
}

/** The path of anything that is named by its content. */
export function makeContentAddressedPath(
  name: string,
  { method, hash }: ContentAddress,
  references: StoreReferences = noReferences,
  directory = defaultStoreDirectory,
): StorePath {
  const hashText = formatPrefixedHash(hash, 'base16');
  if (method === 'text') {
    return makeStorePath(typeWithReferences('text', references), hashText, name, directory);
  }
  if (method === 'git' && hash.algorithm !== 'sha1' && hash.algorithm !== 'sha256') {
    throw badStorePath(
      `Git file ingestion must use SHA-1 or SHA-256 hash, but instead using: ${hash.algorithm}`);
  }
  if (method === 'recursive' && hash.algorithm === 'sha256') {
    return makeStorePath(typeWithReferences('source', references), hashText, name, directory);
  }
  if (references.self || references.others.length > 0) {
    throw badStorePath(
      `fixed output derivation '${name}' is not allowed to refer to other store paths.\n`
      + "You may need to use the 'unsafeDiscardReferences' derivation attribute, see the manual for more details.");
  }
  const digest = sha256Hex(`fixed:out:${ingestionPrefix(method)}${hashText}:`);
  return makeStorePath('output:out', `sha256:${digest}`, name, directory);
}

/** The path of a source tree with the given NAR hash, no references. */
export function makeSourcePath(name: string, narHash: Hash, directory = defaultStoreDirectory): StorePath {
  return makeContentAddressedPath(name, { method: 'recursive', hash: narHash }, noReferences, directory);
}

/** What stands for an output's path in the derivation's own attributes until it is known. */
export function outputPlaceholder(output: string): string {
  return `/${formatHash(hashOf('sha256', `nix-output:${output}`), 'nix32')}`;
}

/** What stands in other derivations for the output of one whose path is not known before it is built. */
export function downstreamPlaceholder(drvPath: StorePath, output: string): string {
  return `/${encodeNix32(downstreamPlaceholderHash(drvPath, output))}`;
}

/** The hash in that. */
export function downstreamPlaceholderHash(drvPath: StorePath, output: string): Uint8Array {
  const drvName = nameOf(drvPath).slice(0, -derivationExtension.length);
  return hashOf('sha256', `nix-upstream-output:${hashPartOf(drvPath)}:${outputPathName(drvName, output)}`).bytes;
}

/** Where an output stands while it is built, if its path follows from its content: C++ Nix's choice. */
export function scratchOutputPath(drvPath: StorePath, output: string, directory = defaultStoreDirectory): StorePath {
  const drvName = nameOf(drvPath).slice(0, -derivationExtension.length);
  return makeStorePath(
    `rewrite:${drvPath.slice(drvPath.lastIndexOf('/') + 1)}:name:${output}`, `sha256:${'0'.repeat(64)}`,
    outputPathName(drvName, output), directory);
}

/** References are sorted and stand in the type, `self` last. */
function typeWithReferences(type: string, references: StoreReferences): string {
  const parts = [type, ...[...references.others].sort()];
  if (references.self) parts.push('self');
  return parts.join(':');
}

function checkBaseName(base: string): void {
  if (base.length < hashPartLength + 1) {
    throw badStorePath(`'${base}' is too short to be a valid store path`);
  }
  if (base[hashPartLength] !== '-') {
    throw badStorePath(`'${base}' can't name a store path because the hash part is not followed by a '-'`);
  }
  for (let i = 0; i < hashPartLength; i++) {
    if (!isNix32Code(base.charCodeAt(i))) {
      throw badStorePath(`store path '${base}' contains illegal base-32 character '${base[i]}'`);
    }
  }
  checkPathName(base, base.slice(hashPartLength + 1));
}

function checkPathName(base: string, name: string): void {
  if (validName.test(name) && name.length <= maximumNameLength) return;
  try {
    checkStorePathName(name);
  } catch (error) {
    throw badStorePath(`path '${base}' is not a valid store path: ${(error as Error).message}`);
  }
}

/** The common case in one step: no leading dot, only legal characters. */
const validName = /^[0-9a-zA-Z+\-_?=][0-9a-zA-Z+\-._?=]*$/;
