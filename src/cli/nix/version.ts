/** `--version` of the nix-* commands: scripts read the release of Nix whose language this is. */

import type { CommandContext } from '../context.ts';

export async function writeVersion(command: string, context: CommandContext): Promise<number> {
  const { nixVersion } = await import('#runtime');
  context.stdout.write(`${command} (Nix) ${nixVersion}\n`);
  return 0;
}
