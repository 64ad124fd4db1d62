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
  for (const [name = '', value = ''] of flags.all('--set-env-var')) {
    if (unset.includes(name)) {
      throw usageError(`Cannot set environment variable '${name}' that is unset with '--unset-env-var'`, command);
    }
    changed.set(name, value);
  }
  for (const name of unset) changed.delete(name);
  return Object.fromEntries(changed);
}
