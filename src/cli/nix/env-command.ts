/** What an operation of `nix-env` works with, and where it takes packages from. */

import { resolve } from 'node:path';
import { encodeUtf8 } from '#base';
import type { PackageSource, ProfilePlaces } from '#host';
import type { LocalStore, PeerStore } from '#store';
import type { CommandContext } from '../context.ts';
import { autoArguments } from './evaluation.ts';
import type { ParsedFlags } from './flags.ts';
import { followToStorePath } from './store-command.ts';

export interface EnvironmentCommand {
  readonly flags: ParsedFlags;
  readonly context: CommandContext;
  readonly places: ProfilePlaces;
  /** The profile worked on: an absolute path. */
  readonly profile: string;
}

/** `operands` without a flag that says what they are may be store paths: such have a slash. */
export function packageSource(command: EnvironmentCommand, operands: readonly string[]): PackageSource {
  const { flags, context, places } = command;
  const profile = flags.last('--from-profile');
  return {
    kind: flags.has('--from-expression') ? 'functions'
      : profile !== undefined ? 'profile'
        : flags.has('--attr') ? 'attributes'
          : operands[0]?.includes('/') === true ? 'storePaths' : 'names',
    file: encodeUtf8(flags.last('--file') ?? places.defaultExpressions),
    profile: profile === undefined ? '' : encodeUtf8(resolve(context.cwd, profile)),
    autoArguments: autoArguments(flags, context),
    systemFilter: flags.last('--system-filter') ?? '*',
  };
}

/** Operands with a slash lead to store paths; names stay. */
export function operandPaths(
  { context }: EnvironmentCommand, operands: readonly string[], store: LocalStore | PeerStore,
): string[] {
  return operands.map((operand) =>
    (operand.includes('/') ? followToStorePath({ store, context }, operand) : encodeUtf8(operand)));
}
