/** `--version` of the nix-* commands: scripts read the release of Nix whose language this is. */

import { nixVersion } from '#runtime';
import type { CommandContext } from '../context.ts';

export function writeVersion(command: string, context: CommandContext): number {
  context.stdout.write(`${command} (Nix) ${nixVersion}\n`);
  return 0;
}
