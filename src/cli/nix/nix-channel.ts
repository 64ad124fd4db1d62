/**
 * `nix-channel`: the channels that a user is subscribed to, and their newest contents as a profile.
 *
 * The list is a file of lines `URL NAME`. An update fetches each channel's archive and installs all
 * of them into the profile `channels` by `nix-env`, so that there are generations to go back to.
 * Flags and output are those of C++ Nix's command of the same name.
 */

import { lstatSync, mkdirSync, readFileSync, readlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '#base';
import { fetchChannel, type ProfilePlaces } from '#host';
import { placeOfLink, replaceLink } from '#store';
import type { CommandContext } from '../context.ts';
import { usageError } from '../errors.ts';
import { openCommandProgress } from './progress.ts';
import { commonFlags } from './evaluation-flags.ts';
import { describeFlags, parseFlags, type Flag, type ParsedFlags } from './flags.ts';
import { placesOf } from './profile-command.ts';
import { followToStorePath } from './store-command.ts';
import { writeVersion } from './version.ts';
import { openWorkspace } from './workspace.ts';

const operations: readonly Flag[] = [
  { names: ['--add'], description: 'URL [NAME]: subscribe to a channel' },
  { names: ['--remove'], description: 'NAME: end a subscription' },
  { names: ['--list'], description: 'list the subscriptions' },
  { names: ['--update'], description: '[NAMES]: fetch the newest contents, of all channels or of these' },
  { names: ['--list-generations'], description: 'list the generations of the channels' },
  { names: ['--rollback'], description: '[NUMBER]: go back to the generation before, or to this one' },
];
const table: readonly Flag[] = [
  ...operations,
  { names: ['--option'], operands: ['NAME', 'VALUE'], description: 'set a setting of nix.conf' },
  ...commonFlags,
];

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const flags = parseFlags('nix-channel', table, argv, context);
  if (flags.has('--help')) {
    context.stdout.write(describeFlags(
      'nix-channel OPERATION [ARGUMENTS]', 'Keeps channels: names for expressions that change with time.', table));
    return 0;
  }
  if (flags.has('--version')) return writeVersion('nix-channel', context, flags);
  const places = placesOf(flags, context);
  mkdirSync(places.directory, { recursive: true });
  const last = argv.findLast((word) => operations.some(({ names }) => names[0] === word));
  const { operands } = flags;
  switch (last) {
    case '--add':
      expectOperands(operands, 1, 2, "'--add' requires one or two arguments");
      return addChannel(places, operands[0] ?? '', operands[1]);
    case '--remove':
      expectOperands(operands, 1, 1, "'--remove' requires one argument");
      return removeChannel(places, operands[0] ?? '', flags, context);
    case '--list':
      expectOperands(operands, 0, 0, "'--list' expects no arguments");
      for (const [name, url] of readChannels(places)) context.stdout.write(`${name} ${url}\n`);
      return 0;
    case '--update':
      return updateChannels(places, new Set(operands), flags, context);
    case '--list-generations':
      expectOperands(operands, 0, 0, "'--list-generations' expects no arguments");
      return onProfile(places, ['--list-generations'], flags, context);
    case '--rollback':
      expectOperands(operands, 0, 1, "'--rollback' has at most one argument");
      return onProfile(
        places, operands[0] === undefined ? ['--rollback'] : ['--switch-generation', operands[0]], flags, context);
    default:
      throw usageError('no command specified', 'nix-channel');
  }
}

/** Names to URLs, by name. */
type Channels = Map<string, string>;

function readChannels(places: ProfilePlaces): Channels {
  const channels: [string, string][] = [];
  let text;
  try {
    text = readFileSync(places.channelList, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw listFailed(places.channelList, error);
  }
  for (const line of text.split('\n')) {
    const [url, name] = line.trim().split(/ +/);
    if (url === undefined || url === '' || url.startsWith('#')) continue;
    const plain = url.replace(/\/*$/, '');
    channels.push([name ?? lastPart(plain), plain]);
  }
  return new Map(channels.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

function writeChannels(places: ProfilePlaces, channels: Channels): void {
  const lines = [...channels].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, url]) => `${url} ${name}\n`);
  try {
    mkdirSync(dirname(places.channelList), { recursive: true });
    writeFileSync(places.channelList, lines.join(''));
  } catch (error) {
    throw listFailed(places.channelList, error);
  }
}

function addChannel(places: ProfilePlaces, url: string, given: string | undefined): number {
  if (!/^(file|http|https):\/\//.test(url)) throw new UserError('BAD_CHANNEL', `invalid channel URL '${url}'`);
  const name = given ?? lastPart(url).replace(/-unstable$/, '').replace(/-stable$/, '');
  if (!/^[a-zA-Z0-9_][a-zA-Z0-9_.-]*$/.test(name)) {
    throw new UserError('BAD_CHANNEL', `invalid channel identifier '${name}'`);
  }
  writeChannels(places, readChannels(places).set(name, url));
  return 0;
}

function removeChannel(
  places: ProfilePlaces, name: string, flags: ParsedFlags, context: CommandContext,
): Promise<number> {
  const channels = readChannels(places);
  channels.delete(name);
  writeChannels(places, channels);
  return onProfile(places, ['--uninstall', name], flags, context);
}

async function updateChannels(
  places: ProfilePlaces, names: ReadonlySet<string>, flags: ParsedFlags, context: CommandContext,
): Promise<number> {
  const expressions = await channelExpressions(places, names, flags, context);
  context.stderr.write(`unpacking ${expressions.length} channels...\n`);
  await onProfile(places, [
    '--file', new URL('./unpack-channel.nix', import.meta.url).pathname, '--install', '--remove-all',
    '--from-expression', '--quiet', '--', ...expressions,
  ], flags, context);
  // An old kind of default expressions is a link; the channels have their place in a folder.
  if (lstatSync(places.defaultExpressions, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
    unlinkSync(places.defaultExpressions);
  }
  replaceLink(join(places.defaultExpressions, 'channels'), places.channels);
  return 0;
}

/** For each channel a function of the expression that unpacks one. */
async function channelExpressions(
  places: ProfilePlaces, names: ReadonlySet<string>, flags: ParsedFlags, context: CommandContext,
): Promise<string[]> {
  const progress = await openCommandProgress(flags, context);
  const workspace = openWorkspace(flags, context, progress);
  const expressions: string[] = [];
  try {
    for (const [name, url] of readChannels(places)) {
      // With the version that the URL has, so that a list of the profile says it.
      const fullName = name + (/-[0-9].*$/.exec(lastPart(url))?.[0] ?? '');
      if (names.size === 0 || names.has(name)) {
        const archive = await fetchChannel(url, workspace.fetchOptions());
        expressions.push(
          `f: f { name = "${fullName}"; channelName = "${name}"; src = builtins.storePath "${archive}"; }`);
      } else {
        const link = join(placeOfLink(workspace.store, places.channels), name);
        const kept = followToStorePath({ store: workspace.store, context }, readlinkSync(link));
        expressions.push(
          `f: rec { name = "${fullName}"; type = "derivation"; outputs = [ "out" ]; system = "builtin"; `
          + `outPath = builtins.storePath "${kept}"; out = { inherit outPath; }; }`);
      }
    }
    return expressions;
  } finally {
    progress.close();
    await workspace.close();
  }
}

/** Runs `nix-env` on the profile of the channels. */
async function onProfile(
  places: ProfilePlaces, args: readonly string[], flags: ParsedFlags, context: CommandContext,
): Promise<number> {
  const { run: runEnvironment } = await import('./nix-env.ts');
  const store = flags.last('--store');
  const settings = flags.settings.flatMap(([name, value]) => ['--option', name, value]);
  return runEnvironment(
    [...(store === undefined ? [] : ['--store', store]), ...settings, '--profile', places.channels, ...args], context);
}

function expectOperands(operands: readonly string[], least: number, most: number, message: string): void {
  if (operands.length < least || operands.length > most) throw usageError(message, 'nix-channel');
}

function lastPart(url: string): string {
  return url.replace(/\/+$/, '').split('/').at(-1) ?? '';
}

function listFailed(path: string, cause: unknown): UserError {
  const message = `the list of channels '${path}' cannot be used: ${(cause as Error).message}`;
  return new UserError('CHANNEL_LIST', message, { cause });
}
