/**
 * Whether a description of a path is to be believed: it has a signature by a trusted key, or the
 * path is made of its content, which is compared when it arrives.
 */

import {
  makeContentAddressedPath, nameOf, parsePublicKey, verifySignature, verifyText, type NamedKey, type PathInfo,
} from '#formats';
import type { Realisation } from '../store.ts';
import { realisationFingerprint } from './cache-realisation.ts';

export interface TrustOptions {
  /** Public keys as the setting trusted-public-keys lists them. */
  readonly trustedKeys: readonly string[];
  /** False: everything is believed. */
  readonly requireSignatures: boolean;
}

export class Trust {
  readonly #options: TrustOptions;
  #keys: readonly NamedKey[] | undefined;

  constructor(options: TrustOptions) {
    this.#options = options;
  }

  /** Whether a build came to this path: only a signature says so. */
  believesRealisation(realisation: Realisation): boolean {
    if (!this.#options.requireSignatures) return true;
    this.#keys ??= this.#options.trustedKeys.map(parsePublicKey);
    const [text, keys] = [realisationFingerprint(realisation), this.#keys];
    return realisation.signatures.slice(0, maximumSignatures).some((signature) => verifyText(text, signature, keys));
  }

  /** Throws BAD_SIGNING_KEY for a trusted key that is none. */
  believes(info: PathInfo, storeDirectory: string): boolean {
    if (!this.#options.requireSignatures || isNamedByContent(info, storeDirectory)) return true;
    this.#keys ??= this.#options.trustedKeys.map(parsePublicKey);
    const keys = this.#keys;
    return info.signatures.slice(0, maximumSignatures).some((signature) => verifySignature(info, signature, keys));
  }
}

/** More are not looked at: each costs time. */
const maximumSignatures = 64;

/** Whether the path follows from the content address. */
export function isNamedByContent(info: PathInfo, storeDirectory: string): boolean {
  if (info.contentAddress === undefined) return false;
  try {
    const references = {
      others: info.references.filter((one) => one !== info.path), self: info.references.includes(info.path),
    };
    return makeContentAddressedPath(nameOf(info.path), info.contentAddress, references, storeDirectory) === info.path;
  } catch {
    return false;
  }
}
