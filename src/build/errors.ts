/** The errors of building: builders that fail, outputs that are not what was promised. */
import { UserError } from '#base';

/** In C++ Nix's form: what could not be built and why; a reason that names the derivation says both. */
export function buildFailed(drvPath: string, cause: unknown): UserError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const hint = cause instanceof UserError ? cause.hint : undefined;
  const [line = '', ...more] = reason.split('\n');
  const message = reason.includes(`'${drvPath}'`) ? reason
    : [`Cannot build '${drvPath}'.`, `Reason: ${line}${/[.:]$/.test(line) ? '' : '.'}`, ...more].join('\n');
  return new UserError('BUILD_FAILED', message, { ...(hint === undefined ? {} : { hint }), cause });
}

/** What failed by itself, for exit statuses: these are made of all that failed. */
export type WithFailures = UserError & { readonly failures: readonly Error[] };

/** Of a derivation whose inputs failed; what befell them has been told. */
export function dependenciesFailed(
  drvPath: string, count: number, outputPaths: readonly string[], failures: readonly Error[],
): WithFailures {
  const outputs = outputPaths.length === 0 ? '' : `\nOutput paths:${outputPaths.map((path) => `\n  ${path}`).join('')}`;
  return withFailures(
    'DEPENDENCIES_FAILED',
    `Cannot build '${drvPath}'.\nReason: ${count} ${count === 1 ? 'dependency' : 'dependencies'} failed.${outputs}`, failures);
}

/** Of several that were wanted, named as C++ Nix names them; what befell each has been told. */
export function buildsFailed(names: readonly string[], failures: readonly Error[]): WithFailures {
  const quoted = [...new Set(names)].sort().map((name) => `'${name}'`).join(', ');
  return withFailures('BUILDS_FAILED', `build of ${quoted} failed`, failures);
}

function withFailures(code: string, message: string, failures: readonly Error[]): WithFailures {
  const hint = failures.map((failure) => (failure as UserError).hint).find((text) => text !== undefined);
  return Object.assign(new UserError(code, message, hint === undefined ? {} : { hint }), { failures });
}

export function noBuilderFor(builder: string, system: string): UserError {
  return new UserError(
    'NO_BUILDER',
    `There is no builder for ${builder} on the system ${system}`,
    { hint: 'no builder for such derivations is in use: take the output from a binary cache' },
  );
}

export function localBuildsDisabled(): UserError {
  return new UserError('NO_BUILDER', 'local builds are disabled (max-jobs = 0)', {
    hint: "set 'max-jobs' to a non-zero value to enable local builds, or configure remote builders via 'builders'",
  });
}

export function missingPath(path: string): UserError {
  return new UserError('PATH_NOT_VALID', `path '${path}' is required, but there is no substituter that can build it`, {
    hint: 'evaluate again: the path may have been removed as garbage',
  });
}

export function noSuchOutput(drvPath: string, output: string): UserError {
  return new UserError('NO_SUCH_OUTPUT', `derivation '${drvPath}' does not have output '${output}'`);
}

export function pureOnImpure(drvPath: string, input: string): UserError {
  return new UserError('IMPURE_INPUT', `pure derivation '${drvPath}' depends on impure derivation '${input}'`, {
    hint: 'give it __impure = true too, or a fixed output',
  });
}

export function missingOutput(drvPath: string, output: string): UserError {
  return new UserError('OUTPUT_MISSING', `The builder of ${drvPath} did not make its output ${output}`);
}

export function outputHashMismatch(drvPath: string, wanted: string, found: string): UserError {
  return new UserError(
    'HASH_MISMATCH',
    `hash mismatch in fixed-output derivation '${drvPath}':\n  specified: ${wanted}\n     got:    ${found}`,
    { hint: 'if the new content is what you want, give its hash' },
  );
}

export function referencesNotAllowed(drvPath: string, references: readonly string[]): UserError {
  return new UserError(
    'REFERENCES_NOT_ALLOWED',
    `The fixed output of '${drvPath}' is not allowed to refer to other store paths, but refers to ${references.join(', ')}`,
  );
}

export function noSpace(path: string, cause: unknown): UserError {
  return new UserError('DISK_FULL', `The disk is full, writing below ${path}`, {
    hint: 'free space there, then run the same command again: finished parts are kept',
    cause,
  });
}

export function fileClash(path: string, first: string, second: string): UserError {
  return new UserError(
    'FILE_CLASH',
    `Two packages have different files at ${path}: ${first} and ${second}`,
    { hint: 'leave one of them out, exclude the path, or list the one to take in prefer' },
  );
}

export function badTreePath(path: string, reason: string): UserError {
  return new UserError('BAD_TREE_PATH', `The path ${JSON.stringify(path)} ${reason}`, {
    hint: 'paths in a tree are relative, without . and .. and empty names, each given once',
  });
}

export function malformedEnvironment(text: string): UserError {
  return new UserError('BUILTIN_ATTRIBUTE', `The packages of a user environment cannot be read: '${text}'`, {
    hint: 'for each: true or false, its priority, the number of its paths, the paths',
  });
}

/** Two packages of an environment have a file at one place and the same priority. */
export class EnvironmentConflict extends UserError {
  readonly first: string;
  readonly second: string;
  readonly priority: number;

  constructor(first: string, second: string, priority: number) {
    super(
      'ENVIRONMENT_CONFLICT',
      'Unable to build profile. There is a conflict for the following files:\n\n'
        + `  '${first}'\n  '${second}'`,
      {
        hint: `both have the priority ${priority}: 'nix-env --set-flag priority NUMBER INSTALLED-NAME' gives one `
          + 'of them another, and the smaller number wins',
      },
    );
    this.first = first;
    this.second = second;
    this.priority = priority;
  }
}

export function environmentClash(source: string, present: string, kind: 'directory' | 'non-directory'): UserError {
  const text = kind === 'directory'
    ? `collision between non-directory '${source}' and directory '${present}'`
    : `collision between '${source}' and non-directory '${present}'`;
  return new UserError('ENVIRONMENT_CONFLICT', text);
}

export function badChannelName(name: string): UserError {
  return new UserError(
    'BUILTIN_ATTRIBUTE', `channelName is not allowed to contain filesystem separators, got '${name}'`);
}

export function notOneChannel(archive: string, isEmpty: boolean): UserError {
  const found = isEmpty ? 'is empty' : 'contains more than one file';
  return new UserError('MALFORMED_ARCHIVE', `channel tarball '${archive}' ${found}`);
}

export function malformedSourceArchive(what: string, cause?: unknown): UserError {
  const reason = cause instanceof Error ? `: ${cause.message}` : '';
  return new UserError('MALFORMED_ARCHIVE', `failed to extract archive '${what}'${reason}`, {
    hint: 'it must be a tar archive, as it is or compressed by gzip, bzip2, xz or zstd', cause,
  });
}

export function emptySourceArchive(what: string): UserError {
  return new UserError('MALFORMED_ARCHIVE', `failed to extract archive: archive '${what}' is empty`);
}

export function fetchWithoutNetwork(name: string): UserError {
  return new UserError('FETCH_NOT_FIXED', `The download ${name} has no hash, so it may not use the network: 'builtin:fetchurl' must be a fixed-output or impure derivation`, {
    hint: 'give the derivation outputHash, outputHashAlgo and outputHashMode',
  });
}

export function localFileUnreadable(url: string, cause: unknown): UserError {
  return new UserError('READ_FAILED', `unable to download '${url}': the file cannot be read`, { cause });
}

export function malformedAttributes(name: string, cause: unknown): UserError {
  return new UserError('BUILTIN_ATTRIBUTE', `The attributes of the derivation ${name} are not JSON`, { cause });
}

export function notDeterministic(drvPath: string, path: string, kept?: string): UserError {
  const other = kept === undefined ? '' : ` from '${kept}'`;
  return new UserError(
    'NOT_DETERMINISTIC', `derivation '${drvPath}' may not be deterministic: output '${path}' differs${other}`, {
      ...(kept === undefined ? { hint: 'run it with --keep-failed to keep the second output for a comparison' } : {}),
    });
}

export function nothingToCheck(drvPath: string): UserError {
  return new UserError(
    'NOTHING_TO_CHECK', `some outputs of '${drvPath}' are not valid, so checking is not possible`, {
      hint: 'build it first, without --check',
    });
}

export function cannotRepair(path: string): UserError {
  return new UserError('CANNOT_REPAIR', `cannot repair path '${path}'`, {
    hint: 'no binary cache in use has it, and the derivation that made it is not in the store',
  });
}

export function hookFailed(program: string, reason: string): UserError {
  return new UserError('HOOK_FAILED', `program '${program}' ${reason}`, {
    hint: 'it is named by the setting post-build-hook',
  });
}

export function malformedOption(name: string, attribute: string, wanted: string): UserError {
  return new UserError('DERIVATION_ATTRIBUTE', `The attribute ${attribute} of the derivation ${name} must be ${wanted}`);
}

export function outputTooLarge(path: string, what: string, sizeBytes: number, limitBytes: number): UserError {
  return new UserError(
    'OUTPUT_TOO_LARGE',
    `The output ${path} is rejected: ${what} has ${sizeBytes} bytes, and the limit is ${limitBytes}`,
  );
}

export function outputCycle(name: string, output: string, from: string): UserError {
  return new UserError(
    'OUTPUT_CYCLE', `cycle detected in build of '${name}' in the references of output '${output}' from output '${from}'`, {
      hint: 'outputs may refer to each other in one direction only',
    });
}

export function pathsNotAllowed(path: string, bad: readonly string[]): UserError {
  return new UserError(
    'REFERENCES_NOT_ALLOWED',
    `output '${path}' is not allowed to refer to the following paths:\n  ${bad.join('\n  ')}`,
    { hint: 'the derivation limits its references: see its allowed and disallowed references and requisites' },
  );
}

/** In what limits an output's references, a name that is none of the outputs'. */
export function unknownCheckedOutput(output: string, specifier: string, known: readonly string[]): UserError {
  return new UserError(
    'DERIVATION_ATTRIBUTE',
    `output check for '${output}' contains output name '${specifier}', but this is not a valid output of this derivation. `
      + `(Valid outputs are [${[...known].sort().join(', ')}].)`,
  );
}

export function fixedOutputNotPlain(drvPath: string): UserError {
  return new UserError(
    'FIXED_OUTPUT_NOT_PLAIN',
    `The output of ${drvPath} must be a regular file that is not executable, since its hash is flat`,
    { hint: 'set outputHashMode to "recursive" and give the hash of the whole' },
  );
}

/** The failure of a builder that had the network. */
export function builderFailedForNow(error: UserError): UserError {
  return new UserError('BUILDER_FAILED_FOR_NOW', error.message, error.hint === undefined ? {} : { hint: error.hint });
}

/** The same failure, with what its builder said last. */
export function withLastLines(error: UserError, lines: readonly string[], drvPath: string): UserError {
  if (lines.length === 0) return error;
  const said = lines.map((line) => `> ${line}\n`).join('');
  return new UserError(
    error.code,
    `${error.message}\nLast ${lines.length} log lines:\n${said}For full logs, run:\n  nix-store -l ${drvPath}`,
    { ...(error.hint === undefined ? {} : { hint: error.hint }), cause: error },
  );
}

export function unitNotInstallable(name: string, reason: string): UserError {
  return new UserError('UNIT_NOT_INSTALLABLE', `The unit ${name} cannot be enabled: ${reason}`, {
    hint: `add its package to environment.systemPackages, or name what starts it: systemd.services.<name>.wantedBy`,
  });
}

/** Whether an error came from the operating system, as Node gives them. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).errno === 'number';
}

/** What the operating system refused a builder: the world's fault, not ours. */
export function systemFailed(cause: NodeJS.ErrnoException): UserError {
  if (cause.code === 'ENOSPC' || cause.code === 'EDQUOT') return noSpace(cause.path ?? 'the store', cause);
  const path = cause.path === undefined ? '' : ` '${cause.path}'`;
  return new UserError('FILE_FAILED', `The system refused ${cause.syscall ?? 'a call'}${path}: ${cause.code}`, {
    hint: 'check that the folder can be written to and that the disk is in order',
    cause,
  });
}
