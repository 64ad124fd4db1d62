/**
 * Errors of the Nix formats: store paths, content addresses, derivations, NARs, narinfo files.
 *
 * The wording of the store path errors is C++ Nix's, since evaluation shows them.
 */

import { UserError } from '#base';

export function badStorePath(message: string): UserError {
  return new UserError('BAD_STORE_PATH', message);
}

export function badContentAddress(text: string, reason: string): UserError {
  return new UserError('BAD_CONTENT_ADDRESS', `'${text}' is not a content address: ${reason}`);
}

export function badDerivation(name: string, reason: string): UserError {
  return new UserError('BAD_DERIVATION', `error parsing derivation '${name}': ${reason}`);
}

/** A derivation that names the output of another as its own. */
export function foreignOutput(name: string, path: string, wanted: string): UserError {
  return new UserError('FOREIGN_OUTPUT', `derivation '${name}' has incorrect output '${path}', ${wanted}`, {
    hint: 'it was changed by hand or made to deceive: do not build it',
  });
}

export function badNar(reason: string): UserError {
  return new UserError('BAD_NAR', `bad archive: ${reason}`);
}

export function badNarInfo(source: string, reason: string): UserError {
  return new UserError('BAD_NAR_INFO', `NAR info file '${source}' is corrupt: ${reason}`);
}

export function badSigningKey(reason: string): UserError {
  return new UserError('BAD_SIGNING_KEY', `the signing key is not valid: ${reason}`, {
    hint: 'A key is written as NAME:BASE64, as nix-store --generate-binary-cache-key makes it',
  });
}
