/** `nix store sign` and `nix store copy-sigs`: adds signatures to registered paths. */

import { resolve } from 'node:path';
import { sameHash } from '#base';
import { signPath, type StorePath } from '#formats';
import { readSecretKeys } from '#store';
import { usageError } from '../../errors.ts';
import { defineCommand } from '../command.ts';
import { recursiveFlag, storePathFlags, storePaths } from '../installables.ts';
import { PathInfoSources } from '../path-info-sources.ts';

const sign = defineCommand({
  name: 'nix store sign', operands: 'INSTALLABLES', summary: 'Signs store paths.',
  flags: [
    { names: ['--key-file', '-k'], operands: ['FILE'], description: 'the file with the secret key' },
    recursiveFlag, ...storePathFlags,
  ],
  async run(session) {
    const { flags, store, context } = session;
    const file = flags.last('--key-file');
    if (file === undefined) throw usageError("The flag '--key-file' is required", session.name);
    const [key] = readSecretKeys([resolve(context.cwd, file)]);
    let added = 0;
    for (const path of await storePaths(session, flags.has('--recursive'))) {
      const info = store.queryPathInfo(path)!;
      const signature = signPath(info, key!);
      if (info.signatures.includes(signature)) continue;
      store.addSignatures(path, [signature]);
      added += 1;
    }
    context.stderr.write(`added ${added} signatures\n`);
  },
});

const copySigs = defineCommand({
  name: 'nix store copy-sigs', operands: 'INSTALLABLES', summary: 'Takes signatures of store paths from other stores.',
  flags: [
    { names: ['--substituter', '-s'], operands: ['STORE'], description: 'a store that has signatures' },
    recursiveFlag, ...storePathFlags,
  ],
  async run(session) {
    const { flags, store, context } = session;
    const urls = flags.all('--substituter').map(([url = '']) => url);
    if (urls.length === 0) throw usageError("you must specify at least one substituter using '-s'", session.name);
    const sources = new PathInfoSources(session, urls);
    let added = 0;
    try {
      for (const path of await storePaths(session, flags.has('--recursive'))) {
        const info = store.queryPathInfo(path)!;
        const fresh = new Set<string>();
        for await (const theirs of sources.infosOf(path)) {
          // Signatures of something else say nothing of ours.
          if (!sameHash(info.narHash, theirs.narHash) || info.narSizeBytes !== theirs.narSizeBytes
            || !sameReferences(info.references, theirs.references)) continue;
          for (const signature of theirs.signatures) if (!info.signatures.includes(signature)) fresh.add(signature);
        }
        if (fresh.size > 0) store.addSignatures(path, [...fresh]);
        added += fresh.size;
      }
    } finally {
      sources.close();
    }
    context.stderr.write(`imported ${added} signatures\n`);
  },
});

function sameReferences(a: readonly StorePath[], b: readonly StorePath[]): boolean {
  return [...a].sort().join('\0') === [...b].sort().join('\0');
}

/** By the subcommand's name. */
export const storeSignatures = { sign, 'copy-sigs': copySigs };
