/** The flags that every command takes which evaluates or builds. */

import type { Flag } from './flags.ts';

/** What says which expression, with which arguments and search path. */
export const evaluationFlags: readonly Flag[] = [
  { names: ['--attr', '-A'], operands: ['PATH'], description: 'select an attribute, for example config.system.build.isoImage' },
  { names: ['--expr', '-E'], description: 'the operands are Nix expressions, not files' },
  { names: ['--file', '-f'], operands: ['FILE'], description: 'evaluate this file' },
  { names: ['-I', '--include'], operands: ['ENTRY'], description: 'add NAME=PATH or PATH to the front of the search path' },
  { names: ['--arg'], operands: ['NAME', 'EXPR'], description: 'pass an expression as an argument of the top-level function' },
  { names: ['--argstr'], operands: ['NAME', 'STRING'], description: 'pass a string as an argument of the top-level function' },
  { names: ['--arg-from-file'], operands: ['NAME', 'FILE'], description: "pass a file's content as an argument of the top-level function" },
  { names: ['--arg-from-stdin'], operands: ['NAME'], description: 'pass standard input as an argument of the top-level function' },
  { names: ['--override-flake'], operands: ['NAME', 'FLAKE'], description: 'let a name stand for this flake, whatever registries say' },
  { names: ['--eval-store'], operands: ['STORE'], description: 'the store that derivations are written to' },
  { names: ['--impure'], description: 'allow access to mutable paths and the environment' },
  { names: ['--debugger'], description: 'stop where evaluation fails or calls builtins.break, and look around' },
  { names: ['--show-trace'], description: 'show the whole trace of an evaluation error' },
  { names: ['--option'], operands: ['NAME', 'VALUE'], description: 'set a setting of nix.conf' },
];

/** What says how builds run. */
export const buildFlags: readonly Flag[] = [
  { names: ['--max-jobs', '-j'], operands: ['N'], description: 'how many builds run at once (auto: as many as processors)' },
  { names: ['--cores'], operands: ['N'], description: 'how many processors one build may use (0: all)' },
  { names: ['--keep-going', '-k'], description: 'build what does not depend on a failure' },
  { names: ['--keep-failed', '-K'], description: "keep a failed build's temporary folder" },
  { names: ['--fallback'], description: 'build what could not be substituted' },
  { names: ['--repair'], description: 'build or fetch damaged paths again' },
  { names: ['--check'], description: 'build again what is valid already and compare' },
  { names: ['--max-silent-time'], operands: ['SECONDS'], description: 'stop a build that prints nothing for so long' },
  { names: ['--timeout'], operands: ['SECONDS'], description: 'stop a build that takes longer' },
  { names: ['--no-build-output', '-Q'], description: "do not show builders' output" },
  { names: ['--dry-run'], description: 'show what would be done' },
  { names: ['--mirror'], operands: ['URL'], description: 'the Debian mirror to use' },
  { names: ['--lock'], operands: ['FILE'], description: 'the lock file that pins the Debian archive (default: firn.lock here)' },
];

/** What says where things stand and how much is told. */
export const commonFlags: readonly Flag[] = [
  { names: ['--store'], operands: ['STORE'], description: 'the store: a folder below which nix/store stands, or a URL' },
  { names: ['--readonly-mode'], description: 'write nothing to the store' },
  { names: ['--verbose', '-v'], description: 'say more; may be repeated' },
  { names: ['--quiet', '-q'], description: 'say less' },
  { names: ['--debug'], description: 'say everything' },
  { names: ['--print-build-logs', '-L'], description: "show builders' output in full" },
  { names: ['--log-format'], operands: ['FORMAT'], description: 'raw, raw-with-logs, bar, bar-with-logs, multiline, multiline-with-logs or internal-json' },
  { names: ['--offline'], description: 'ask no server' },
  { names: ['--refresh'], description: 'take what was downloaded before for outdated' },
  { names: ['--version'], description: 'print the version' },
  { names: ['--help'], description: 'print this text' },
];
