/** `nix store path-from-hash-part`: the store path that begins with a hash part. */

import { noPathWithHashPart, usageError } from '../../errors.ts';
import { defineCommand } from '../command.ts';

export const { run, usage } = defineCommand({
  name: 'nix store path-from-hash-part',
  operands: 'HASH-PART',
  summary: 'Prints the store path that has the hash part.',
  async run(session) {
    const [hashPart] = session.flags.operands;
    if (hashPart === undefined) throw usageError('A hash part is required', session.name);
    const path = session.store.queryPathFromHashPart(hashPart);
    if (path === undefined) throw noPathWithHashPart(hashPart);
    session.print(path);
  },
});
