/** `nix store prefetch-file`: downloads a file into the store and tells its hash. */

import { formatHash, parseHash, parseHashAlgorithm } from '#base';
import { prefetch } from '#host';
import { usageError } from '../../errors.ts';
import { defineCommand, jsonFlags } from '../command.ts';

export const { run } = defineCommand({
  name: 'nix store prefetch-file',
  operands: 'URL',
  summary: 'Downloads a file into the store and tells its hash.',
  flags: [
    { names: ['--name'], operands: ['NAME'], description: 'what the store path is called (default: as the URL ends)' },
    { names: ['--expected-hash'], operands: ['HASH'], description: 'the hash that it must have' },
    { names: ['--hash-type'], operands: ['ALGORITHM'], description: 'sha256 (the default), sha512, sha1, md5 or blake3' },
    { names: ['--executable'], description: 'make the file executable, which changes its hash' },
    { names: ['--unpack'], description: 'unpack the archive, and hash what is in it' },
    ...jsonFlags,
  ],
  async run(session) {
    const { flags, context } = session;
    const [url, ...rest] = flags.operands;
    if (url === undefined || rest.length > 0) throw usageError('One URL is required', session.name);
    const algorithm = parseHashAlgorithm(flags.last('--hash-type') ?? 'sha256');
    const expected = flags.last('--expected-hash');
    const progress = await session.openProgress();
    const { storePath, hash } = await prefetch({
      url, algorithm, expected: expected === undefined ? undefined : parseHash(expected, algorithm),
      name: flags.last('--name'), unpack: flags.has('--unpack'), executable: flags.has('--executable'),
    }, session.workspace().fetchOptions());
    progress.close();
    const sri = formatHash(hash, 'sri');
    if (flags.has('--json')) session.printJson({ storePath, hash: sri });
    else context.stderr.write(`Downloaded '${url}' to '${storePath}' (hash '${sri}').\n`);
  },
});
