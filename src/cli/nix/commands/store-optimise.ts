/** `nix store optimise`: makes files of the same content one. */

import { defineCommand } from '../command.ts';
import { optimise } from '../store-database.ts';

export const { run } = defineCommand({
  name: 'nix store optimise', summary: 'Makes files of the same content one, by hard links.', run: optimise,
});
