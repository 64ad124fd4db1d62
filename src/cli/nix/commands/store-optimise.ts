/** `nix store optimise`: makes files of the same content one. */

import { PeerStore } from '#store';
import { defineCommand } from '../command.ts';
import { optimise } from '../store-database.ts';
import { remoteOperations } from '../store-remote.ts';

export const { run, usage } = defineCommand({
  name: 'nix store optimise', summary: 'Makes files of the same content one, by hard links.',
  run: (session) => (session.store instanceof PeerStore ? remoteOperations.get('--optimise')! : optimise)(session),
});
