/** Errors of building on other machines. */

import { UserError } from '#base';

export function badMachine(line: string, reason: string): UserError {
  return new UserError('BAD_MACHINE', `bad machine specification '${line}': ${reason}`, {
    hint: 'A line has a store, systems, an ssh key, the builds at once, a speed, and features: '
      + 'ssh://builder x86_64-linux /root/.ssh/key 4 1 kvm',
  });
}

export function machinesUnreadable(file: string, reason: string, cause?: unknown): UserError {
  return new UserError('MACHINES_UNREADABLE', `the list of machines '${file}' cannot be read: ${reason}`, { cause });
}

/** `code` is the one that the failure would have had here. */
export function builtElsewhereFailed(
  drvPath: string, machine: string, reason: string, code = 'REMOTE_BUILD_FAILED',
): UserError {
  return new UserError(code, `build of '${drvPath}' on '${machine}' failed: ${reason}`);
}

export function outputNotReturned(drvPath: string, machine: string, output: string): UserError {
  return new UserError(
    'REMOTE_OUTPUT_MISSING', `'${machine}' says that it built '${drvPath}', but has no output '${output}'`);
}
