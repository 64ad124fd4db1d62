/**
 * What the world can do wrong to an image: entries that no image can hold, and images that cannot
 * be read. Each error names the path or the image.
 */
import { UserError, decodeUtf8 } from '#base';

const shown = (path: string): string => (path === '' ? '/' : decodeUtf8(path));

export function invalidTreePath(path: string): UserError {
  return new UserError('IMAGE_PATH_INVALID', `"${shown(path)}" is no path inside an image`, {
    hint: 'Paths are relative, with one slash between names and without "." and ".."',
  });
}

export function invalidEntry(path: string, reason: string): UserError {
  return new UserError(
    'IMAGE_ENTRY_INVALID',
    `The entry ${shown(path)} cannot go into an image: ${reason}`,
  );
}

export function conflictingEntries(path: string): UserError {
  return new UserError(
    'IMAGE_ENTRY_TWICE',
    `Two entries of an image have the path ${shown(path)}`,
    {
      hint: 'Leave one of them out',
    },
  );
}

export function parentIsNoDirectory(path: string, parent: string): UserError {
  return new UserError(
    'IMAGE_PARENT_NO_DIRECTORY',
    `The entry ${shown(path)} lies below ${shown(parent)}, which is not a directory`,
  );
}

/** `image` says which kind or file; `found` what is wrong with it. */
export function malformedImage(image: string, found: string): UserError {
  return new UserError('IMAGE_MALFORMED', `The ${image} cannot be read: ${found}`, {
    hint: 'Make the image again; this one is damaged or of another kind',
  });
}

export function unsupportedOption(message: string, hint: string): UserError {
  return new UserError('IMAGE_OPTION_UNSUPPORTED', message, { hint });
}

export function imageTooLarge(message: string, hint: string): UserError {
  return new UserError('IMAGE_TOO_LARGE', message, { hint });
}

export function contentChanged(path: string): UserError {
  return new UserError(
    'IMAGE_CONTENT_CHANGED',
    `The file ${shown(path)} changed its size while the image was being written`,
    {
      hint: 'Let nothing write to the sources of an image while it is built',
    },
  );
}
