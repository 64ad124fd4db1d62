/** `nix store dump-path` (the NAR of a store path) and `nix nar pack` (of any file or folder). */

import { resolve } from 'node:path';
import { bytePath, narPieces } from '#store';
import { usageError } from '../../errors.ts';
import { defineCommand } from '../command.ts';
import { installableFlags, knownPaths, outPathsOf, resolveInstallables } from '../installables.ts';
import { writeAll } from '../write-all.ts';

export const storeDumpPath = defineCommand({
  name: 'nix store dump-path', operands: 'INSTALLABLE', summary: 'Writes the NAR of a store path to standard output.',
  flags: installableFlags,
  async run(session) {
    const paths = outPathsOf(knownPaths(session, await resolveInstallables(session)));
    const [path] = paths;
    if (path === undefined || paths.length > 1) throw usageError('this command requires exactly one store path', session.name);
    for await (const piece of session.store.narOf(path)) await writeAll(session.context.stdout, piece);
  },
});

const pack = (name: string) => defineCommand({
  name, operands: 'PATH', summary: 'Writes the NAR of a file or folder to standard output.',
  async run(session) {
    const [operand] = session.flags.operands;
    if (operand === undefined) throw usageError('A path is required', name);
    for (const piece of narPieces(bytePath(resolve(session.context.cwd, operand)))) {
      await writeAll(session.context.stdout, piece);
    }
  },
});

/** By the subcommand's name. */
export const narPack = { pack: pack('nix nar pack'), 'dump-path': pack('nix nar dump-path') };
