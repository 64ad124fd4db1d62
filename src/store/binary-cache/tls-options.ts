/** Which authorities of certificates are believed: those in the file, or Node's own without one. */

import { readFileSync } from 'node:fs';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { cacheFileFailed } from './errors.ts';

/** Throws CACHE_FILE_FAILED. */
export function tlsOptions(file: string | undefined): { readonly secureContext?: SecureContext } {
  if (file === undefined) return {};
  let context = contexts.get(file);
  if (context === undefined) {
    try {
      context = createSecureContext({ ca: [readFileSync(file), ...getCACertificates('extra')] });
    } catch (error) {
      throw cacheFileFailed('reading the certificates in', file, error);
    }
    contexts.set(file, context);
  }
  return { secureContext: context };
}

// A hundred certificates take a while to read.
const contexts = new Map<string, SecureContext>();
