/** Errors that builtins raise and evaluation proper does not, in C++ Nix's wording. */

import { UserError } from '#base';
import { type FrameShown, missingPath, NixError, type Position } from '#diagnostics';
import { nixError } from '../errors.ts';

/** `reason` is added in brackets. */
export function featureRequired(feature: string, reason = ''): NixError {
  const because = reason === '' ? '' : ` (${reason})`;
  return nixError(
    'Error',
    `experimental Nix feature '${feature}' is disabled${because};` +
      ` add '--extra-experimental-features ${feature}' to enable it`,
  );
}

export function usageError(message: string): NixError {
  return nixError('Error', message);
}

export function fileNotFound(path: string, position: Position = 0): NixError {
  return nixError('FileNotFound', missingPath(path), position);
}

/** Runs `action`; an error of reading or printing a hash becomes one of the program's. */
export function withUserErrors<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof UserError) throw nixError('Error', error.message);
    throw error;
  }
}

/** Runs `action`, adding a frame to what fails in it. */
export function withTrace<T>(
  text: string | (() => string), action: () => T, shown: FrameShown = 'usually',
): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof NixError) {
      error.addTrace(0, typeof text === 'string' ? text : text(), shown);
    }
    throw error;
  }
}
