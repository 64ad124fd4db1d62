/** The one error of reading hashes. Its messages are C++ Nix's, since evaluation shows them. */

import { UserError } from './errors.ts';

/** A text that should be a hash is not one, or one of another algorithm. */
export function badHash(message: string): UserError {
  return new UserError('BAD_HASH', message);
}
