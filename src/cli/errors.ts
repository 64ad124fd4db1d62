/** The errors of the command line itself. */

import { UserError } from '#base';

/** A flag or operand that the command does not take. */
export function usageError(message: string, command: string): UserError {
  return new UserError('USAGE', message, { hint: `see '${command} --help'` });
}

/** `firn NAME` where there is no such command. */
export function unknownCommand(name: string, near: readonly string[]): UserError {
  const hint =
    near.length > 0 ? `did you mean ${near.join(' or ')}? 'firn --help' lists the commands`
    : "'firn --help' lists the commands";
  return new UserError('UNKNOWN_COMMAND', `There is no command '${name}'`, { hint });
}
