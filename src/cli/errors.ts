/** The errors of the command line itself. */

import { UserError } from '#base';

/** A flag or operand that the command does not take; C++ Nix's words, for scripts that compare them. */
export function usageError(message: string, command: string): UserError {
  const program = command.startsWith('nix ') ? 'nix' : command;
  return new UserError('USAGE', `${message}\nTry '${program} --help' for more information.`);
}

/** `firn NAME` where there is no such command. */
export function unknownCommand(name: string, near: readonly string[]): UserError {
  const hint =
    near.length > 0 ? `did you mean ${near.join(' or ')}? 'firn --help' lists the commands`
    : "'firn --help' lists the commands";
  return new UserError('UNKNOWN_COMMAND', `There is no command '${name}'`, { hint });
}

export function unknownLogFormat(text: string): UserError {
  return new UserError('UNKNOWN_LOG_FORMAT', `option 'log-format' has an invalid value '${text}'`, {
    hint: 'it is raw, raw-with-logs, bar, bar-with-logs or internal-json',
  });
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

export function outputNotBuilt(drvPath: string, output: string): UserError {
  return new UserError('OUTPUT_NOT_BUILT', `cannot operate on output '${output}' of the unbuilt derivation '${drvPath}'`, {
    hint: 'Build it first',
  });
}

export function noSuchVariable(path: string, name: string): UserError {
  return new UserError('NO_SUCH_VARIABLE', `derivation '${path}' has no environment binding named '${name}'`);
}

export function badDestination(message: string): UserError {
  return new UserError('BAD_DESTINATION', message);
}

/** Something stands where a tree was to be restored to; undefined if the error is of another kind. */
export function destinationTaken(path: string, error: unknown): UserError | undefined {
  const cause = error instanceof UserError ? error.cause as Partial<NodeJS.ErrnoException> | undefined : undefined;
  if (cause?.code !== 'EEXIST') return undefined;
  const kind = cause.syscall === 'mkdir' ? 'directory' : cause.syscall === 'symlink' ? 'symlink' : 'regular file';
  return new UserError('ALREADY_EXISTS', `creating ${kind} "${path}": File exists`, {
    hint: 'Nothing is ever overwritten: name a place where nothing stands',
  });
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

export function programFailed(program: string, reason: string): UserError {
  return new UserError('PROGRAM_FAILED', `program '${program}' failed with ${reason}`);
}

export function severalOutputs(operand: string): UserError {
  return new UserError('SEVERAL_OUTPUTS', `building more than one derivation output is not supported, in '${operand}'`);
}

export function unexpectedArgument(argument: string, command: string): UserError {
  return new UserError('UNEXPECTED_ARGUMENT', `unexpected argument '${argument}' to ${command}`);
}

/** `nix NAME` where Firn has no such command; `instead` says what does the same. */
export function unknownNixCommand(name: string, near: readonly string[], instead: string | undefined): UserError {
  return new UserError('UNKNOWN_NIX_COMMAND', `'${name}' is not a recognised command`, {
    hint: instead ?? (near.length > 0 ? `did you mean ${near.map((one) => `'nix ${one}'`).join(' or ')}?`
      : "'nix --help' lists the commands"),
  });
}

/** `nix store` and the like, without what to do. */
export function subcommandRequired(name: string, known: readonly string[]): UserError {
  return new UserError('SUBCOMMAND_REQUIRED', `'nix ${name}' requires a sub-command.`, {
    hint: `there are ${known.join(', ')}`,
  });
}

export function pathDoesNotExist(path: string): UserError {
  return new UserError('PATH_DOES_NOT_EXIST', `path '${path}' does not exist`);
}

export function notRegularFile(path: string): UserError {
  return new UserError('NOT_REGULAR_FILE', `path '${path}' is not a regular file`);
}

export function narLacksFile(path: string): UserError {
  return new UserError('NAR_LACKS_FILE', `NAR does not contain regular file '${path}'`);
}

export function hashFormatMismatch(text: string, found: string, wanted: string): UserError {
  return new UserError(
    'HASH_FORMAT_MISMATCH', `input hash '${text}' has format '${found}', but '--from ${wanted}' was specified`);
}

export function outputPathUnknown(): UserError {
  return new UserError(
    'OUTPUT_PATH_UNKNOWN', 'Cannot use output path of floating content-addressing derivation until we know what it is (e.g. by building it)');
}

export function noPathWithHashPart(hashPart: string): UserError {
  return new UserError('NO_PATH_WITH_HASH_PART', `there is no store path corresponding to '${hashPart}'`);
}

export function unknownSetting(name: string): UserError {
  return new UserError('UNKNOWN_SETTING', `could not find setting '${name}'`);
}

export function featureRequired(feature: string): UserError {
  return new UserError('FEATURE_REQUIRED', `experimental Nix feature '${feature}' is disabled;`
    + ` add '--extra-experimental-features ${feature}' to enable it`);
}

export function cannotUpgradeItself(folder: string): UserError {
  return new UserError('NOT_UPGRADED', `Firn is upgraded where it was cloned: ${folder}`, {
    hint: `'git -C ${folder} pull' brings the newest version`,
  });
}

export function appOutsideStore(program: string): UserError {
  return new UserError('APP_OUTSIDE_STORE', `app program '${program}' is not in the Nix store`);
}

/** `nix develop` of what has another builder. */
export function needsBash(builder: string): UserError {
  return new UserError('NEEDS_BASH', "'nix develop' only works on derivations that use 'bash' as their builder", {
    hint: `this one has '${builder}'`,
  });
}

/** A report of a build environment cannot be used. */
export function badEnvironment(place: string, reason: string | Error): UserError {
  return typeof reason === 'string' ? new UserError('BAD_ENVIRONMENT', `${reason} (in '${place}')`)
    : new UserError('BAD_ENVIRONMENT', `the build environment in '${place}' cannot be read`, { cause: reason });
}

export function noEnvironment(drvPath: string): UserError {
  return new UserError('NO_ENVIRONMENT', `the build of '${drvPath}' told nothing of its environment`);
}

export function notOneDerivation(what: string, count: number): UserError {
  return new UserError(
    'NOT_ONE_DERIVATION', `'${what}' needs to evaluate to a single derivation, but it evaluated to ${count} derivations`);
}

export function checksHadErrors(): UserError {
  return new UserError('CHECKS_HAD_ERRORS', 'some errors were encountered during the evaluation');
}

/** `nix flake init` where other files stand already. */
export function templateConflicts(count: number): UserError {
  return new UserError('TEMPLATE_CONFLICTS', `encountered ${count} conflicts - see above`);
}

export function cannotCloneInto(place: string): UserError {
  return new UserError('CANNOT_CLONE', `cannot clone into existing path '${place}'`);
}

export function cannotCloneRevision(): UserError {
  return new UserError('CANNOT_CLONE', 'cloning a specific revision is not implemented', {
    hint: 'Clone the branch, and check the revision out there',
  });
}

export function cannotFindPosition(what: string, cause: unknown): UserError {
  return new UserError('NO_POSITION', `cannot find position information for '${what}'`, { cause });
}

export function noSearchResults(): UserError {
  return new UserError('NO_SEARCH_RESULTS', 'no results for the given search term(s)!');
}

/** The lines of a script that say how it is run. */
export function badShebang(message: string): UserError {
  return new UserError('BAD_SHEBANG', message);
}
