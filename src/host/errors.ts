/** Errors of the host: what stands between the evaluator and the world. */

import { UserError } from '#base';

export function readFailed(path: string, cause: unknown): UserError {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const reason = reasons[code] ?? (cause as Error).message;
  return new UserError('READ_FAILED', `cannot read '${path}': ${reason}`, { cause });
}

export function notRegularFile(path: string): UserError {
  return new UserError('NOT_REGULAR_FILE', `file '${path}' is not a regular file`);
}

/** The size is left out if the file is gone again. */
export function fileTooLarge(path: string, sizeBytes: number | undefined): UserError {
  const size = sizeBytes === undefined ? 'more bytes than' : `${sizeBytes} bytes, more than`;
  return new UserError('FILE_TOO_LARGE', `cannot read '${path}': it has ${size} a string can hold`);
}

export function contentMismatch(path: string, wanted: string, found: string): UserError {
  return new UserError(
    'PATH_HASH_MISMATCH',
    `hash mismatch in path '${path}' added to the store:\n  specified: ${wanted}\n  got:       ${found}`);
}

export function evaluationCrashed(reason: string, cause?: unknown): UserError {
  return new UserError('EVALUATION_CRASHED', `the evaluation stopped: ${reason}`, { cause });
}

export function outOfMemory(limitMegabytes: number): UserError {
  return new UserError('OUT_OF_MEMORY', `the evaluation needs more than ${limitMegabytes} MB of memory`, {
    hint: 'Set FIRN_HEAP_MB to allow more',
  });
}

export function cannotRealise(what: string): UserError {
  return new UserError('CANNOT_REALISE', `cannot build '${what}' during evaluation, which would be needed here`);
}

export function gitMissing(cause: unknown): UserError {
  return new UserError('GIT_MISSING', "cannot run 'git', which fetching Git repositories needs", {
    hint: 'Install it, for example by: apt install git', cause,
  });
}

export function gitFailed(args: readonly string[], messages: string): UserError {
  const command = args.find((arg, index) => !arg.startsWith('-') && !/^-[cC]$/.test(args[index - 1] ?? '')) ?? '';
  return new UserError('GIT_FAILED', `'git ${command}' failed: ${messages === '' ? 'it gives no reason' : messages}`);
}

export function gitFetchFailed(url: string, messages: string): UserError {
  return new UserError('GIT_FETCH_FAILED', `Failed to fetch git repository '${url}'`, {
    ...(messages === '' ? {} : { hint: messages }),
  });
}

export function noSuchGitObject(name: string, directory: string): UserError {
  return new UserError('NO_GIT_OBJECT', `cannot resolve Git reference '${name}' in repository '${directory}'`);
}

export function gitRevisionMissing(revision: string, ref: string, place: string): UserError {
  return new UserError(
    'NO_GIT_REVISION',
    `Cannot find Git revision '${revision}' in ref '${ref}' of repository '${place}'! Please make sure that the rev`
    + " exists on the ref you've specified or add allRefs = true; to fetchGit.");
}

export function gitTreeDirty(folder: string): UserError {
  return new UserError('GIT_TREE_DIRTY', `Git tree '${folder}' is dirty`);
}

export function shallowHasNoCount(folder: string): UserError {
  return new UserError('SHALLOW_REPOSITORY', `'${folder}' is a shallow Git repository, so 'revCount' is not available`);
}

export function notExportedWithSubmodules(): UserError {
  return new UserError('UNSUPPORTED_EXPORT', 'exportIgnore and submodules are not supported together yet');
}

export function featureOff(feature: string): UserError {
  return new UserError('FEATURE_REQUIRED',
    `experimental Nix feature '${feature}' is disabled; add '--extra-experimental-features ${feature}' to enable it`);
}

export function lfsServerUnknown(repository: string): UserError {
  return new UserError('LFS_FAILED', `nothing says which server has the Git LFS files of '${repository}'`, {
    hint: "its remote 'origin', or the setting lfs.url, must be an http, https or ssh address",
  });
}

export function lfsNotAuthenticated(host: string, reason: string): UserError {
  return new UserError('LFS_FAILED', `git-lfs-authenticate at '${host}' said nothing of use: ${reason}`);
}

export function lfsAnswerUnreadable(url: string, cause: unknown): UserError {
  return new UserError('LFS_FAILED', `what the Git LFS server at '${url}' answered is no JSON`, { cause });
}

export function lfsObjectMissing(oid: string, url: string, reason: string): UserError {
  return new UserError('LFS_FAILED', `the Git LFS server at '${url}' has no object ${oid}: ${reason}`);
}

export function commitUnverifiable(input: string): UserError {
  return new UserError(
    'COMMIT_UNVERIFIED', `commit verification is required for Git repository '${input}', but it's dirty`);
}

export function commitUnverified(revision: string, messages: string): UserError {
  return new UserError(
    'COMMIT_UNVERIFIED', `Commit signature verification on commit ${revision} failed: ${messages}`);
}

export function badKeyType(type: string, known: readonly string[]): UserError {
  return new UserError(
    'BAD_KEY', `Invalid SSH key type '${type}' in publicKeys.\nPlease use one of:\n${known.map((one) => `  ${one}\n`).join('')}`);
}

export function badPublicKeys(text: string): UserError {
  return new UserError('BAD_KEY', `publicKeys is not a list of sets of 'type' and 'key': ${text}`);
}

export function cannotFetch(kind: string): UserError {
  return new UserError('CANNOT_FETCH', `this command cannot fetch (${kind})`);
}

export function downloadMismatch(url: string, wanted: string, found: string): UserError {
  return new UserError(
    'HASH_MISMATCH', `hash mismatch in file downloaded from '${url}':\n  specified: ${wanted}\n  got:       ${found}`);
}

export function unreadableDownload(url: string, cause: unknown): UserError {
  return new UserError('READ_FAILED', `unable to download '${url}': the file cannot be read`, { cause });
}

export function tarballRelative(url: string): UserError {
  return new UserError(
    'READ_FAILED', `tarball '${url}' must use an absolute path. The 'file' scheme does not support relative paths.`);
}

export function tarballMissing(path: string): UserError {
  return new UserError('READ_FAILED', `tarball "${path}" does not exist.`);
}

export function tarballIsRepository(path: string): UserError {
  return new UserError(
    'READ_FAILED', `tarball "${path}" is a git repository, not a tarball. Please use \`git+file\` as the scheme.`);
}

export function tarballIsDirectory(path: string): UserError {
  return new UserError('READ_FAILED', `tarball "${path}" is a directory, not a file.`);
}

export function immutableNotTarball(): UserError {
  return new UserError(
    'BAD_LINK', "tarball 'Link' headers that redirect to non-tarball URLs are not supported");
}

export function indirectInput(input: string): UserError {
  return new UserError('INDIRECT_INPUT', `indirect input '${input}' cannot be fetched directly`);
}

export function relativeInput(input: string): UserError {
  return new UserError('RELATIVE_INPUT', `cannot fetch input '${input}' because it uses a relative path`);
}

export function noSuchPath(path: string): UserError {
  return new UserError('READ_FAILED', `path '${path}' does not exist`);
}

export function inputMismatch(field: string, specified: string, found: string): UserError {
  return new UserError('HASH_MISMATCH', `mismatch in field '${field}' of input '${specified}', got '${found}'`);
}

export function narHashMismatch(input: string, wanted: string, found: string): UserError {
  return new UserError(
    'HASH_MISMATCH', `NAR hash mismatch in input '${input}', expected '${wanted}' but got '${found}'`);
}

export function revisionMismatch(input: string, wanted: string): UserError {
  return new UserError('REVISION_MISMATCH', `'rev' attribute mismatch in input '${input}', expected ${wanted}`);
}

export function badForgeAnswer(url: string, cause?: unknown): UserError {
  return new UserError('BAD_FORGE_ANSWER', `'${url}' does not answer with a commit`, { cause });
}

export function noSuchForgeRef(input: string, reason: string): UserError {
  return new UserError('NO_FORGE_REF', reason, { hint: `The input is '${input}'` });
}

export function badRegistry(file: string, reason: string, cause?: unknown): UserError {
  return new UserError('BAD_REGISTRY', `cannot read flake registry '${file}': ${reason}`, { cause });
}

export function registryCycle(input: string): UserError {
  return new UserError('REGISTRY_CYCLE', `cycle detected in flake registry for '${input}'`);
}

export function unknownFlake(input: string): UserError {
  return new UserError('UNKNOWN_FLAKE', `cannot find flake '${input}' in the flake registries`, {
    hint: "The setting 'flake-registry' names a global registry; there is none unless it does",
  });
}

export function hgMissing(cause: unknown): UserError {
  return new UserError('HG_MISSING', "cannot run 'hg', which fetching Mercurial repositories needs", {
    hint: 'Install it, for example by: apt install mercurial', cause,
  });
}

export function hgFailed(command: string, messages: string): UserError {
  return new UserError('HG_FAILED', `'hg ${command}' failed: ${messages === '' ? 'it gives no reason' : messages}`);
}

export function hgTreeDirty(folder: string): UserError {
  return new UserError('HG_TREE_DIRTY', `Mercurial tree "${folder}" is unclean`);
}

export function notStorePath(text: string): UserError {
  return new UserError('NOT_IN_STORE', `path '${text}' is not in the Nix store`);
}

export function closureUrl(): UserError {
  return new UserError('BAD_CLOSURE', "'fetchClosure' only supports http:// and https:// stores");
}

export function closureParameters(url: string): UserError {
  return new UserError('BAD_CLOSURE', `'fetchClosure' does not support URL query parameters (in '${url}')`);
}

export function closureInputAddressed(path: string): UserError {
  return new UserError(
    'BAD_CLOSURE',
    `The 'fromPath' value '${path}' is input-addressed, but 'inputAddressed' is set to 'false' (default).\n\n`
    + 'If you do intend to fetch an input-addressed store path, add\n\n    inputAddressed = true;\n\n'
    + "to the 'fetchClosure' arguments. Its signature is then checked against 'trusted-public-keys'");
}

export function closureNotInputAddressed(path: string): UserError {
  return new UserError(
    'BAD_CLOSURE',
    `The store object referred to by 'fromPath' at '${path}' is not input-addressed, but 'inputAddressed' is set to`
    + " 'true'.\n\nRemove the 'inputAddressed' attribute (it defaults to 'false') to expect 'fromPath' to be"
    + ' content-addressed');
}

export function closureRewrittenTo(from: string, to: string): UserError {
  return new UserError(
    'BAD_CLOSURE',
    `rewriting '${from}' to content-addressed form yielded '${to}'\n`
    + "Use this value for the 'toPath' attribute passed to 'fetchClosure'");
}

export function closureUnexpected(from: string, to: string, wanted: string): UserError {
  return new UserError(
    'BAD_CLOSURE',
    `rewriting '${from}' to content-addressed form yielded '${to}', while '${wanted}' was expected`);
}

export function closureToPathInputAddressed(path: string): UserError {
  return new UserError(
    'BAD_CLOSURE',
    `The 'toPath' value '${path}' is input-addressed, so it can't possibly be the result of rewriting to a`
    + " content-addressed path.\n\nSet 'toPath' to an empty string to make Nix report the correct content-addressed"
    + ' path.');
}

export function namelessUrl(url: string): UserError {
  return new UserError('NAMELESS_URL', `cannot figure out file name for '${url}'`, {
    hint: 'Give one by --name NAME',
  });
}

export function emptyArchive(url: string): UserError {
  return new UserError('MALFORMED_ARCHIVE', `archive '${url}' is empty`);
}

export function unexpectedFragment(fragment: string, reference: string): UserError {
  return new UserError('BAD_REFERENCE', `unexpected fragment '${fragment}' in flake reference '${reference}'`);
}

export function commitWithOutputFile(): UserError {
  return new UserError('LOCK_FLAGS', "'--commit-lock-file' and '--output-lock-file' are incompatible");
}

export function vcsFailed(program: string, args: readonly string[], reason: string): UserError {
  return new UserError('LOCK_NOT_TRACKED', `'${program} ${args.join(' ')}' failed: ${reason}`);
}

export function badSetting(file: string, line: string): UserError {
  return new UserError('BAD_SETTING', `syntax error in configuration line '${line}' in "${file}"`, {
    hint: 'A line is NAME = VALUE, or include FILE',
  });
}

export function missingInclude(included: string, file: string): UserError {
  return new UserError('MISSING_INCLUDE', `file "${included}" included from "${file}" not found`);
}

export function invalidSetting(message: string): UserError {
  return new UserError('BAD_SETTING', message);
}

export function profileNotWritten(path: string, cause: unknown): UserError {
  return new UserError('PROFILE_NOT_WRITTEN', `cannot write the profile to '${path}'`, { cause });
}

export function statisticsNotWritten(path: string, cause: unknown): UserError {
  return new UserError('STATISTICS_NOT_WRITTEN', `cannot write the statistics to '${path}'`, { cause });
}

export function storeNotLocal(name: string): UserError {
  return new UserError('STORE_NOT_LOCAL', `don't know how to open Nix store '${name}'`, {
    hint: 'This command works on a local store: a folder, local?root=FOLDER or auto',
  });
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or directory',
  EACCES: 'permission is denied',
  ENOTDIR: 'a part of the path is not a directory',
  EISDIR: 'it is a directory',
  ELOOP: 'there are too many symbolic links',
  ENAMETOOLONG: 'the name is too long',
};

export function pathNotValid(path: string): UserError {
  return new UserError('PATH_NOT_VALID', `path '${path}' is not valid`);
}
