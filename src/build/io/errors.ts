/** What can go wrong with files of the host that go into an image. */
import { UserError } from '#base';

export function unsupportedHostFile(path: string): UserError {
  return new UserError(
    'HOST_FILE_KIND',
    `${path} is neither a file, a directory nor a symbolic link`,
    {
      hint: 'Take it out of the tree that goes into the image',
    },
  );
}

export function hostFileTooShort(path: string): UserError {
  return new UserError('HOST_FILE_CHANGED', `${path} became shorter while it was being read`, {
    hint: 'Let nothing write to the sources of an image while it is built',
  });
}

export function missingModulesTree(path: string): UserError {
  return new UserError('KERNEL_MODULES_MISSING', `There is no tree of kernel modules in ${path}`, {
    hint: 'Give a kernel package: it has one folder named by its version below lib/modules or usr/lib/modules',
  });
}

export function diskFull(path: string, writtenBytes: number, cause: unknown): UserError {
  const message = `The disk is full: only ${writtenBytes} bytes of ${path} could be written`;
  return new UserError('IMAGE_DISK_FULL', message, {
    hint: 'Make room on that disk, for example by collecting garbage, and start again',
    cause,
  });
}
