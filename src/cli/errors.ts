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

/** An operand that should lead into the store does not. */
export function notInStore(operand: string): UserError {
  return new UserError('NOT_IN_STORE', `path '${operand}' is not in the Nix store`);
}

export function pathIsNotValid(path: string): UserError {
  return new UserError('PATH_NOT_VALID', `path '${path}' is not valid`, {
    hint: 'It is not in this store; --store PATH chooses another',
  });
}

export function noLog(path: string): UserError {
  return new UserError('NO_LOG', `build log of derivation '${path}' is not available`);
}

export function unknownDeriver(path: string): UserError {
  return new UserError('UNKNOWN_DERIVER', `deriver of path '${path}' is not known`);
}

export function noSuchVariable(path: string, name: string): UserError {
  return new UserError('NO_SUCH_VARIABLE', `derivation '${path}' has no environment binding named '${name}'`);
}

export function alreadyExists(path: string): UserError {
  return new UserError('ALREADY_EXISTS', `'${path}' exists already`, {
    hint: 'Nothing is ever overwritten: name a place where nothing stands',
  });
}

export function badRegistration(reason: string): UserError {
  return new UserError('BAD_REGISTRATION', `the registration cannot be read: ${reason}`);
}

export function unknownReplCommand(command: string): UserError {
  return new UserError('UNKNOWN_REPL_COMMAND', `unknown command '${command}'`, { hint: ':? lists the commands' });
}

export function unsupportedReplCommand(command: string, reason: string): UserError {
  return new UserError('UNSUPPORTED_REPL_COMMAND', `the command '${command}' is not supported: ${reason}`);
}

export function unexpectedArgument(argument: string, command: string): UserError {
  return new UserError('UNEXPECTED_ARGUMENT', `unexpected argument '${argument}' to ${command}`);
}

/** `nix NAME` where Firn has no such command; `instead` says what does the same. */
export function unknownNixCommand(name: string, known: readonly string[], instead: string | undefined): UserError {
  return new UserError('UNKNOWN_NIX_COMMAND', `Firn does not have 'nix ${name}'`, {
    hint: instead ?? `there are ${known.map((one) => `'nix ${one}'`).join(', ')}`,
  });
}
