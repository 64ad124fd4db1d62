/**
 * Errors that evaluation as a whole raises.
 */

import { missingPath, NixError } from '#diagnostics';

export function tooManyLinks(path: string): NixError {
  return new NixError(
    'Error',
    `too many symbolic links encountered while traversing the path '${path}'`,
  );
}

export function noSuchFile(path: string): NixError {
  return new NixError('FileNotFound', missingPath(path));
}

export function notInSearchPath(name: string, pure: boolean): NixError {
  return new NixError(
    'ThrownError',
    pure
      ? `cannot look up '<${name}>' in pure evaluation mode (use '--impure' to override)`
      : `file '${name}' was not found in the Nix search path (add it using $NIX_PATH or -I)`,
  );
}

export function forbiddenPath(path: string, mode: 'pure' | 'restricted'): NixError {
  return new NixError(
    'RestrictedPathError',
    mode === 'pure'
      ? `access to absolute path '${path}' is forbidden in pure evaluation mode (use '--impure' to override)`
      : `access to absolute path '${path}' is forbidden in restricted mode`,
  );
}

export function importFromDerivationDisabled(path: string): NixError {
  return new NixError(
    'IFDError',
    `cannot build '${path}' during evaluation because the option 'allow-import-from-derivation' is disabled`,
  );
}
