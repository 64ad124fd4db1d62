/** The flags by which `nix shell`, `nix run` and `nix develop` change the environment of what they run. */

import type { CommandContext } from '../context.ts';
import { usageError } from '../errors.ts';
import type { Flag, ParsedFlags } from './flags.ts';

export const environmentFlags: readonly Flag[] = [
  { names: ['--ignore-env', '-i', '--ignore-environment'], description: 'start with an empty environment' },
  { names: ['--keep-env-var', '-k', '--keep'], operands: ['NAME'], description: 'with --ignore-env, keep this variable' },
  { names: ['--unset-env-var', '-u', '--unset'], operands: ['NAME'], description: 'remove this variable' },
  { names: ['--set-env-var', '-s'], operands: ['NAME', 'VALUE'], description: 'set this variable' },
];

/** Whether an entry of an environment has a value. */
export function isSetVariable(entry: [string, string | undefined]): entry is [string, string] {
  return entry[1] !== undefined;
}

/** The environment that the flags make of the present one. */
export function changedEnvironment(flags: ParsedFlags, context: CommandContext, command: string): Record<string, string> {
  const kept = flags.all('--keep-env-var').map(([name = '']) => name);
  const unset = flags.all('--unset-env-var').map(([name = '']) => name);
  const isEmpty = flags.has('--ignore-env');
  if (isEmpty && unset.length > 0) throw usageError('--unset-env-var does not make sense with --ignore-env', command);
  if (!isEmpty && kept.length > 0) throw usageError('--keep-env-var does not make sense without --ignore-env', command);
  const changed = new Map<string, string>();
  for (const [name, value] of Object.entries(context.env)) {
    if (value !== undefined && (!isEmpty || kept.includes(name))) changed.set(name, value);
  }
  const isSet = new Set<string>();
  const isUnset = new Set<string>();
  for (const [flag, [name = '', value = '']] of flags.sequence) {
    if (flag === '--set-env-var') {
      if (isUnset.has(name)) {
        throw usageError(`Cannot set environment variable '${name}' that is unset with '--unset-env-var'`, command);
      }
      if (isSet.has(name)) {
        throw usageError(`Duplicate definition of environment variable '${name}' with '--set-env-var' is ambiguous`, command);
      }
      isSet.add(name);
      changed.set(name, value);
    } else if (flag === '--unset-env-var') {
      if (isSet.has(name)) {
        throw usageError(`Cannot unset environment variable '${name}' that is set with '--set-env-var'`, command);
      }
      isUnset.add(name);
      changed.delete(name);
    }
  }
  return Object.fromEntries(changed);
}
