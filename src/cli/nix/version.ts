/**
 * `--version` of the nix-* commands: scripts read the release of Nix whose language this is. With
 * `--verbose`, also the system and the places of settings and store.
 */

import { join } from 'node:path';
import { hostSystem, userConfigurationFiles } from '#host';
import type { CommandContext } from '../context.ts';
import { chosenStore } from './evaluation.ts';
import type { ParsedFlags } from './flags.ts';
import { settingsOf } from './settings.ts';

export async function writeVersion(
  command: string, context: CommandContext, flags?: ParsedFlags,
): Promise<number> {
  const { nixVersion } = await import('#runtime');
  context.stdout.write(`${command} (Nix) ${nixVersion}\n`);
  if (flags?.has('--verbose') === true) context.stdout.write(surroundings(flags, context));
  return 0;
}

function surroundings(flags: ParsedFlags, context: CommandContext): string {
  const { env } = context;
  const settings = settingsOf(flags, { env });
  const store = chosenStore(flags, context);
  return `System type: ${settings.text('system') ?? hostSystem()}
Additional system types: ${settings.list('extra-platforms').join(', ')}
System configuration file: ${join(env['NIX_CONF_DIR'] ?? '/etc/nix', 'nix.conf')}
User configuration files: ${userConfigurationFiles(env).join(':')}
Store directory: ${store.storeDirectory}
`;
}
