/** Flags of `nix` itself that need the experimental feature `nix-command`. */

import type { CommandContext } from '../context.ts';
import { featureRequired } from '../errors.ts';
import { commonFlags } from './evaluation-flags.ts';
import { parseFlags } from './flags.ts';
import { settingsOf } from './settings.ts';

/** Throws if the user has chosen features, and that is none of them. */
export function requireNixCommand(words: readonly string[], context: CommandContext): void {
  const flags = parseFlags('nix', commonFlags, words, context);
  const settings = settingsOf(flags, context);
  if (settings.isReplaced('experimental-features') && !settings.hasFeature('nix-command')) throw featureRequired('nix-command');
}
