/**
 * `nix store verify`: whether paths have the contents and the signatures that they should.
 *
 * The exit status adds up 1 for changed contents, 2 for a lack of trust, 4 for other failures.
 */

import { formatPrefixedHash, sameHash, UserError } from '#base';
import { parsePublicKey, verifySignature, type NamedKey, type StorePath } from '#formats';
import { isNamedByContent, measureNar, bytePath, type ValidPathInfo } from '#store';
import { pathIsNotValid, usageError } from '../../errors.ts';
import { defineCommand, type CommandSession } from '../command.ts';
import { recursiveFlag, storePathFlags, storePaths } from '../installables.ts';
import { PathInfoSources } from '../path-info-sources.ts';

export const { run, usage } = defineCommand({
  name: 'nix store verify',
  operands: 'INSTALLABLES',
  summary: 'Compares store paths with their hashes, and looks for trusted signatures.',
  flags: [
    { names: ['--no-contents'], description: 'do not compare contents' },
    { names: ['--no-trust'], description: 'do not look at signatures' },
    { names: ['--substituter', '-s'], operands: ['STORE'], description: 'take signatures from this store too' },
    { names: ['--sigs-needed', '-n'], operands: ['N'], description: 'require so many signatures by different keys' },
    recursiveFlag, ...storePathFlags,
  ],
  async run(session) {
    const { flags, settings, context } = session;
    const needed = flags.last('--sigs-needed') ?? '0';
    if (!/^\d+$/.test(needed)) throw usageError(`'${needed}' is not a number`, session.name);
    const keys = settings.list('trusted-public-keys').map(parsePublicKey);
    const sources = new PathInfoSources(session, flags.all('--substituter').map(([url = '']) => url));
    let status = 0;
    try {
      for (const path of await storePaths(session, flags.has('--recursive'))) {
        try {
          const info = session.store.queryPathInfo(path);
          if (info === undefined) throw pathIsNotValid(path);
          if (!flags.has('--no-contents') && !hasItsContents(session, info)) status |= 1;
          if (!flags.has('--no-trust') && !(await isTrusted(session, info, sources, keys, Number(needed)))) {
            context.stderr.write(`path '${path}' is untrusted\n`);
            status |= 2;
          }
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          context.stderr.write(`error: ${error.message}\n`);
          status |= 4;
        }
      }
    } finally {
      sources.close();
    }
    return status;
  },
});

function hasItsContents({ store, context }: CommandSession, info: ValidPathInfo): boolean {
  const { narHash } = measureNar(bytePath(store.physicalPath(info.path)));
  if (sameHash(narHash, info.narHash)) return true;
  context.stderr.write(`path '${info.path}' was modified! expected hash '${formatPrefixedHash(info.narHash, 'nix32')}', `
    + `got '${formatPrefixedHash(narHash, 'nix32')}'\n`);
  return false;
}

async function isTrusted(
  session: CommandSession, info: ValidPathInfo, sources: PathInfoSources, keys: readonly NamedKey[], needed: number,
): Promise<boolean> {
  if ((info.ultimate && needed === 0) || isNamedByContent(info, session.store.storeDirectory)) return true;
  const signers = new Set<string>();
  const count = (signatures: readonly string[]) => {
    for (const one of signatures) if (verifySignature(info, one, keys)) signers.add(one.slice(0, one.indexOf(':')));
  };
  count(info.signatures);
  for await (const found of sources.infosOf(info.path as StorePath)) {
    if (signers.size >= Math.max(needed, 1)) break;
    count(found.signatures);
  }
  return signers.size >= Math.max(needed, 1);
}
