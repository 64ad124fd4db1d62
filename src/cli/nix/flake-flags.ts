/** The flags that every command takes which may be given a flake, and operands that name flakes. */

import { encodeUtf8 } from '#base';
import {
  hostSystem, packageAttributes, type FlakeAttributes, type FlakeLockFlags, type FlakeSource,
} from '#host';
import type { CommandContext } from '../context.ts';
import { usageError } from '../errors.ts';
import type { Flag, ParsedFlags } from './flags.ts';
import { settingsOf } from './settings.ts';

export const flakeFlags: readonly Flag[] = [
  { names: ['--recreate-lock-file'], description: "make the flake's lock file anew" },
  { names: ['--no-update-lock-file'], description: "fail if the flake's lock file would have to change" },
  { names: ['--no-write-lock-file'], description: "do not write the flake's lock file" },
  { names: ['--no-registries'], description: 'do not look names up in flake registries' },
  { names: ['--commit-lock-file'], description: "commit changes of the flake's lock file" },
  { names: ['--update-input'], operands: ['INPUT'], description: 'lock an input of the flake anew' },
  { names: ['--override-input'], operands: ['INPUT', 'FLAKE'], description: 'take another flake for an input, this time only' },
  { names: ['--reference-lock-file'], operands: ['FILE'], description: "read this lock file instead of the flake's" },
  { names: ['--output-lock-file'], operands: ['FILE'], description: 'write the lock file here' },
  { names: ['--inputs-from'], operands: ['FLAKE'], description: "let the names of this flake's inputs stand for them" },
];

/** What the flags say of the lock file. */
export function flakeLockFlags(flags: ParsedFlags): FlakeLockFlags {
  const text = (name: string) => {
    const value = flags.last(name);
    return value === undefined ? undefined : encodeUtf8(value);
  };
  for (const name of ['--update-input', '--override-input']) {
    if (flags.all(name).some(([path]) => path === '')) {
      throw usageError(`${name} was passed a zero-length input path, which would refer to the flake itself, not an input`, 'nix flake lock');
    }
  }
  const [referenceFile, outputFile] = [text('--reference-lock-file'), text('--output-lock-file')];
  return {
    recreate: flags.has('--recreate-lock-file'),
    mayUpdate: !flags.has('--no-update-lock-file'),
    // An overridden input is for this time only.
    mayWrite: !flags.has('--no-write-lock-file') && !flags.has('--override-input'),
    ...(flags.has('--no-registries') ? { useRegistries: false } : {}),
    commit: flags.has('--commit-lock-file'),
    updates: flags.all('--update-input').map(([path = '']) => encodeUtf8(path)),
    overrides: flags.all('--override-input')
      .map(([path = '', reference = '']) => ({ path: encodeUtf8(path), reference: encodeUtf8(reference) })),
    ...(referenceFile === undefined ? {} : { referenceFile }),
    ...(outputFile === undefined ? {} : { outputFile }),
  };
}

/** The expression that an operand `REFERENCE#ATTRIBUTE` means. */
export function flakeSource(
  operand: string, flags: ParsedFlags, context: CommandContext, attributes?: FlakeAttributes,
): FlakeSource {
  return {
    kind: 'flake', reference: encodeUtf8(operand), lock: flakeLockFlags(flags),
    attributes: attributes ?? packageAttributes(currentSystem(flags, context)),
  };
}

/** The system whose packages are meant. */
export function currentSystem(flags: ParsedFlags, context: CommandContext): string {
  const settings = settingsOf(flags, context);
  return settings.text('system') || hostSystem();
}
