/** `nix store prefetch-file`: downloads a file into the store and says its hash. */

import { formatHash, parseHash, parseHashAlgorithm } from '#base';
import { prefetch } from '#host';
import { usageError } from '../../errors.ts';
import { defineCommand, jsonFlags } from '../command.ts';

export const { run, usage } = defineCommand({
  name: 'nix store prefetch-file',
  operands: 'URL',
  summary: 'Downloads a file into the store.',
  flags: [
    { names: ['--name'], operands: ['NAME'], description: 'what the store path is called (default: as the URL ends)' },
    { names: ['--expected-hash'], operands: ['HASH'], description: 'the hash that the file must have' },
    { names: ['--hash-type', '--hash-algo'], operands: ['ALGORITHM'], description: 'sha256 (the default), sha512, sha1, md5 or blake3' },
    { names: ['--executable'], description: 'make the file executable, which changes its hash' },
    { names: ['--unpack'], description: 'unpack the archive, and add what is in it' },
    ...jsonFlags,
  ],
  async run(session) {
    const { flags } = session;
    const [url, another] = flags.operands;
    if (url === undefined || another !== undefined) throw usageError('exactly one URL is expected', session.name);
    const progress = await session.openProgress();
    const algorithm = parseHashAlgorithm(flags.last('--hash-type') ?? 'sha256');
    const expected = flags.last('--expected-hash');
    const { storePath, hash } = await prefetch({
      url, algorithm, name: flags.last('--name'), unpack: flags.has('--unpack'), executable: flags.has('--executable'),
      expected: expected === undefined ? undefined : parseHash(expected, algorithm),
    }, session.workspace().fetchOptions());
    const text = formatHash(hash, 'sri');
    progress.close();
    if (flags.has('--json')) session.printJson({ hash: text, storePath });
    else session.context.stderr.write(`Downloaded '${url}' to '${storePath}' (hash '${text}').\n`);
  },
});
