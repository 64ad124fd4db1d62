/** Errors of the formats that Debian packages are made of. */
import { UserError } from '#base';

/** `what` names the file or its part. */
export function malformedArchive(what: string, reason: string): UserError {
  return new UserError('MALFORMED_ARCHIVE', `The archive ${what} cannot be unpacked: ${reason}`, {
    hint: 'the file is damaged or not what it claims to be: remove it and download it again',
  });
}

export function unsafeArchive(what: string, path: string, reason: string): UserError {
  return new UserError('UNSAFE_ARCHIVE', `The archive ${what} is refused: its entry ${path} ${reason}`, {
    hint: 'no genuine package has such an entry: take the file from another source',
  });
}
