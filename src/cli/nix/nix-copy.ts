/**
 * `nix copy`: copies store paths with all they refer to into a binary cache, or out of one.
 *
 * Written are caches in folders (`--to file:///…`); read are those and HTTP ones (`--from`). What is
 * read needs a signature by a trusted key, unless --no-check-sigs says otherwise.
 */

import { resolve } from 'node:path';
import { isDerivationPath, knownOutputPath, type StorePath } from '#formats';
import { cacheDirectory, cacheOptions, readSettings } from '#host';
import {
  CacheSubstituter, LocalStore, parseCacheUrl, readSecretKeys, writeBinaryCache,
} from '#store';
import type { CommandContext } from '../context.ts';
import { usageError } from '../errors.ts';
import { openCommandProgress } from './progress.ts';
import { chosenStore, settingOverrides } from './evaluation.ts';
import { commonFlags } from './evaluation-flags.ts';
import { describeFlags, parseFlags, settingNames, type Flag, type ParsedFlags } from './flags.ts';
import { followToStorePath, validPath, type StoreCommand } from './store-command.ts';
import { writeVersion } from './version.ts';

const table: readonly Flag[] = [
  { names: ['--to'], operands: ['URL'], description: 'the binary cache to write: file:///FOLDER, with ?compression=zstd|xz|br|gzip|none' },
  { names: ['--from'], operands: ['URL'], description: 'the binary cache to read: file:///FOLDER, http:// or https://' },
  { names: ['--all'], description: 'with --to: all paths of the store' },
  { names: ['--derivation'], description: 'derivations themselves instead of their outputs' },
  { names: ['--no-check-sigs'], description: 'take paths without a trusted signature' },
  { names: ['--recursive', '-r'], description: 'accepted and ignored: closures are always copied' },
  { names: ['--option'], operands: ['NAME', 'VALUE'], description: 'set a setting of nix.conf' },
  ...commonFlags,
];

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const flags = parseFlags('nix copy', table, argv, settingNames);
  if (flags.has('--help')) {
    context.stdout.write(describeFlags(
      'nix copy --to URL | --from URL [FLAGS] PATHS',
      'Copies store paths with all they refer to, into a binary cache or out of one.', table));
    return 0;
  }
  if (flags.has('--version')) return writeVersion('nix', context);
  const [to, from] = [flags.last('--to'), flags.last('--from')];
  if ((to === undefined) === (from === undefined)) throw usageError('Either --to or --from is required', 'nix copy');
  if (flags.operands.length === 0 && !flags.has('--all')) throw usageError('No path is given', 'nix copy');
  const progress = await openCommandProgress(flags, context, 'new');
  const store = new LocalStore(chosenStore(flags, context));
  const command: StoreCommand = {
    flags, context, store, openProgress: async () => progress,
    print: (line) => { context.stdout.write(`${line}\n`); },
  };
  try {
    if (to !== undefined) await copyTo(command, to);
    else await copyFrom(command, from as string);
    return 0;
  } finally {
    progress.close();
    store.close();
  }
}

async function copyTo(command: StoreCommand, text: string): Promise<void> {
  const { flags, context, store } = command;
  const url = parseCacheUrl(text);
  if (url.directory === undefined) throw usageError('Only caches in folders can be written: --to file:///FOLDER', 'nix copy');
  const settings = settingsOf(flags, context);
  const keyFiles = [...url.secretKeyFiles, ...settings.list('secret-key-files')].map((file) => resolve(context.cwd, file));
  const paths = flags.has('--all') ? store.allValidPaths() : flags.operands.flatMap((operand) => wantedOf(command, operand));
  const progress = await command.openProgress();
  await writeBinaryCache(store, paths, url.directory, {
    secretKeys: readSecretKeys([...new Set(keyFiles)]), progress, signal: context.signal,
    ...(url.compression === undefined ? {} : { compression: url.compression }),
    ...(url.compressionLevel === undefined ? {} : { level: url.compressionLevel }),
  });
}

async function copyFrom(command: StoreCommand, text: string): Promise<void> {
  const { flags, context, store } = command;
  if (flags.has('--all')) throw usageError('--all goes with --to', 'nix copy');
  const options = cacheOptions(settingsOf(flags, context), context.env, cacheDirectory(context.env), [text]);
  const cache = new CacheSubstituter({
    ...options, requireSignatures: options.requireSignatures && !flags.has('--no-check-sigs'),
  });
  try {
    const paths = flags.operands.map((operand) => followToStorePath(command, operand));
    await cache.require(paths, store, { progress: await command.openProgress(), signal: context.signal });
  } finally {
    cache.close();
  }
}

/** A valid path; of a derivation its outputs, all of them or those after `^`. */
function wantedOf(command: StoreCommand, operand: string): StorePath[] {
  const [name = '', chosen] = operand.split('^');
  const path = validPath(command, name);
  if (!isDerivationPath(path) || command.flags.has('--derivation')) return [path];
  const { outputs } = command.store.readDerivation(path);
  const names = chosen === undefined || chosen === '*' ? [...outputs.keys()] : chosen.split(',');
  return names.map((output) => {
    const found = outputs.get(output);
    const known = (found === undefined ? undefined : knownOutputPath(found))
      ?? command.store.queryDerivationOutputs(path).get(output);
    return validPath(command, known ?? `${path}!${output}`);
  });
}

function settingsOf(flags: ParsedFlags, context: CommandContext) {
  return readSettings({ environment: context.env, overrides: settingOverrides(flags) });
}
