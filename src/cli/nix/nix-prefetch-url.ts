/**
 * `nix-prefetch-url`: downloads a file into the store and prints its hash.
 *
 * Flags and output are those of C++ Nix's command of the same name.
 */

import { decodeUtf8, encodeUtf8, formatHash, parseHash, parseHashAlgorithm } from '#base';
import { prefetch, prefetchSourceTask, type PrefetchQuestion, type PrefetchSource } from '#host';
import type { Workspace } from '#system';
import type { CommandContext } from '../context.ts';
import { usageError } from '../errors.ts';
import { openCommandProgress } from './progress.ts';
import { autoArguments } from './evaluation.ts';
import { commonFlags, evaluationFlags } from './evaluation-flags.ts';
import { describeFlags, parseFlags, type Flag, type ParsedFlags } from './flags.ts';
import { inform } from './profile-command.ts';
import { writeVersion } from './version.ts';
import { openWorkspace } from './workspace.ts';

const table: readonly Flag[] = [
  { names: ['--type'], operands: ['ALGORITHM'], description: 'md5, sha1, sha256 (the default), sha512 or blake3' },
  { names: ['--print-path'], description: 'print the store path too' },
  { names: ['--unpack'], description: 'unpack the archive, and hash what is in it' },
  { names: ['--executable'], description: 'make the file executable, which changes its hash' },
  { names: ['--name'], operands: ['NAME'], description: 'what the store path is called (default: as the URL ends)' },
  { names: ['--attr', '-A'], operands: ['PATH'],
    description: 'the operand is a Nix file: fetch what this attribute of it would' },
  ...evaluationFlags.filter((flag) => !['--attr', '--expr', '--file'].includes(flag.names[0])),
  ...commonFlags,
];

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const flags = parseFlags('nix-prefetch-url', table, argv, context);
  if (flags.has('--help')) {
    context.stdout.write(describeFlags(
      'nix-prefetch-url [FLAGS] URL [HASH]', 'Downloads a file into the store and prints its hash.', table));
    return 0;
  }
  if (flags.has('--version')) return writeVersion('nix-prefetch-url', context, flags);
  const [operand, hashText, ...rest] = flags.operands;
  if (rest.length > 0) throw usageError('too many arguments', 'nix-prefetch-url');
  if (operand === undefined && !flags.has('--attr')) throw usageError('you must specify a URL', 'nix-prefetch-url');
  const algorithm = parseHashAlgorithm(flags.last('--type') ?? 'sha256');
  const expected = hashText === undefined ? undefined : parseHash(hashText, algorithm);
  const progress = await openCommandProgress(flags, context);
  const workspace = openWorkspace(flags, context, progress);
  try {
    const { url, unpack, name } = await whatToFetch(flags, context, workspace, operand);
    const { storePath, hash } = await prefetch({
      url, algorithm, expected, name: flags.last('--name') ?? name,
      unpack: unpack ?? flags.has('--unpack'), executable: flags.has('--executable'),
    }, workspace.fetchOptions());
    progress.close();
    const printsPath = flags.has('--print-path') || context.env['PRINT_PATH'] === '1';
    if (!printsPath) inform(flags, context, `path is '${storePath}'`);
    context.stdout.write(`${formatHash(hash, hash.algorithm === 'md5' ? 'base16' : 'nix32')}\n`);
    if (printsPath) context.stdout.write(`${storePath}\n`);
    return 0;
  } finally {
    progress.close();
    await workspace.close();
  }
}

async function whatToFetch(
  flags: ParsedFlags, context: CommandContext, workspace: Workspace, operand: string | undefined,
): Promise<PrefetchSource> {
  const attributePath = flags.last('--attr');
  if (attributePath === undefined && operand?.startsWith('mirror://') !== true) {
    return { url: operand ?? '', unpack: undefined, name: undefined };
  }
  const question: PrefetchQuestion = attributePath === undefined ? { url: encodeUtf8(operand ?? '') } : {
    source: { kind: 'file', path: encodeUtf8(operand ?? '.') },
    attributePath: encodeUtf8(attributePath),
    autoArguments: autoArguments(flags, context),
  };
  const found = await workspace.evaluate<PrefetchSource>(prefetchSourceTask, question);
  return { ...found, url: decodeUtf8(found.url), name: found.name === undefined ? undefined : decodeUtf8(found.name) };
}
