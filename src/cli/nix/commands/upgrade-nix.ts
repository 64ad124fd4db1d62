/**
 * `nix upgrade-nix`: says how Firn is upgraded. It is no package of a profile, which C++ Nix's command
 * would put a newer one into, and leaves a C++ Nix that is one alone.
 */

import { fileURLToPath } from 'node:url';
import { cannotUpgradeItself } from '../../errors.ts';
import { defineCommand } from '../command.ts';

const folder = fileURLToPath(new URL('../../../..', import.meta.url)).replace(/\/$/, '');

export const { run, usage } = defineCommand({
  name: 'nix upgrade-nix',
  summary: 'Says how Firn is upgraded; a C++ Nix in a profile is left alone.',
  flags: [
    { names: ['--profile', '-p'], operands: ['PATH'], description: 'taken and not used' },
    { names: ['--nix-store-paths-url'], operands: ['URL'], description: 'taken and not used' },
    { names: ['--dry-run'], description: 'taken and not used' },
  ],
  run() {
    throw cannotUpgradeItself(folder);
  },
});
