/**
 * `nix store add`, and its elder names `add-file` and `add-path`: copies files to the store.
 *
 * With `--scan` what is added refers to the paths of the store whose hashes stand in it. A builder
 * that calls Nix sees its inputs and what it has added, so these are what can be found there.
 */

import { basename, resolve } from 'node:path';
import { encodeUtf8, parseHashAlgorithm } from '#base';
import { makeContentAddressedPath, noReferences, type IngestionMethod } from '#formats';
import { bytePath, hashTreeNow, scanTree } from '#store';
import { usageError } from '../../errors.ts';
import { defineCommand } from '../command.ts';
import { ingestionMethodOf } from '../ingestion.ts';

const addAs = (name: string, otherwise: IngestionMethod) => defineCommand({
  name,
  operands: 'PATH',
  summary: 'Copies a file or folder to the store and prints its store path.',
  flags: [
    { names: ['--name', '-n'], operands: ['NAME'], description: "the name in the store path (default: the file's)" },
    { names: ['--mode'], operands: ['MODE'], description: 'how it is hashed: nar, flat, text or git' },
    { names: ['--hash-algo'], operands: ['ALGORITHM'], description: 'sha256 (the default), sha512, sha1, md5 or blake3' },
    { names: ['--scan'], description: 'let it refer to the paths of the store that it names' },
    { names: ['--dry-run'], description: 'print the path and copy nothing' },
  ],
  async run(session) {
    const { flags, context, store } = session;
    const [operand] = flags.operands;
    if (operand === undefined || flags.operands.length > 1) throw usageError('One path is required', name);
    const path = resolve(context.cwd, operand);
    const storeName = encodeUtf8(flags.last('--name') ?? basename(path));
    const mode = flags.last('--mode');
    const method = mode === undefined ? otherwise : ingestionMethodOf(mode);
    const algorithm = parseHashAlgorithm(flags.last('--hash-algo') ?? 'sha256');
    if (flags.has('--dry-run')) {
      if (flags.has('--scan')) throw usageError('Cannot dry-run while scanning', name);
      const hash = hashTreeNow(bytePath(path), method, algorithm);
      session.print(makeContentAddressedPath(storeName, { method, hash }, noReferences, store.storeDirectory));
      return;
    }
    const found = flags.has('--scan') ? (await scanTree(bytePath(path), store.allValidPaths())).references : [];
    session.print(store.addTree(storeName, path, { method, algorithm, references: found }));
  },
});

/** By the subcommand's name. */
export const storeAdd = {
  add: addAs('nix store add', 'recursive'),
  'add-path': addAs('nix store add-path', 'recursive'),
  'add-file': addAs('nix store add-file', 'flat'),
};
