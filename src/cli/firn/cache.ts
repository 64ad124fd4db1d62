/** `firn cache serve`: the store as a binary cache over HTTP, until Ctrl-C. */

import { resolve } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { readSettings, storeLocation } from '#host';
import { CacheServer, LocalStore, readSecretKeys } from '#store';
import type { CommandContext } from '../context.ts';
import { usageError } from '../errors.ts';

interface ServeOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly store?: string;
  readonly priority?: number;
  readonly compression: 'none' | 'zstd';
  readonly secretKeyFile: readonly string[];
  readonly verbose?: boolean;
}

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const options = parse(argv, context);
  return options === undefined ? 0 : serve(options, context);
}

async function serve(options: ServeOptions, context: CommandContext): Promise<number> {
  const { env, cwd, signal, stderr, stdout } = context;
  const settings = readSettings({ environment: env, overrides: [] });
  const keyFiles = [...options.secretKeyFile, ...settings.list('secret-key-files')].map((file) => resolve(cwd, file));
  const secretKeys = readSecretKeys([...new Set(keyFiles)]);
  const store = new LocalStore(storeLocation({ environment: env, overrides: [] }, options.store));
  try {
    const server = await CacheServer.start(store, {
      ...options.listen, compression: options.compression, secretKeys,
      ...(options.priority === undefined ? {} : { priority: options.priority }),
      ...(options.verbose === true ? { log: (line) => { stderr.write(`${line}\n`); } } : {}),
    });
    // The address on standard output, so that a script can wait for it.
    stdout.write(`${server.url}\n`);
    if (secretKeys.length === 0) {
      stderr.write('note: no secret key is given; what was built here is served without a signature\n');
    }
    if (!signal.aborted) {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    }
    stderr.write('stopping; running answers are finished first\n');
    await server.stop();
    return 0;
  } finally {
    store.close();
  }
}

function parse(argv: readonly string[], context: CommandContext): ServeOptions | undefined {
  let options: ServeOptions | undefined;
  const command = new Command('firn cache').description('Serves the store to other machines.');
  const output = {
    writeOut: (text: string) => void context.stdout.write(text),
    writeErr: () => {},
  };
  command.command('serve')
    .description('Serves the store as a binary cache over HTTP until Ctrl-C.\n\n'
      + 'Everybody who reaches the address can read every path of the store. Other machines name the '
      + 'address in their setting substituters, and the public key in trusted-public-keys.')
    .addOption(new Option('-l, --listen <host:port>', 'where to listen; port 0 takes a free one')
      .argParser(address).default({ host: '127.0.0.1', port: 5000 }, '127.0.0.1:5000'))
    .option('--secret-key-file <file>', 'sign what is served (may be repeated)', collect, [])
    .addOption(new Option('--compression <name>', 'how NARs are sent').choices(['none', 'zstd']).default('none'))
    .option('--priority <n>', 'lower ones are asked first (default: 30)', natural)
    .option('--store <path>', 'the root below which nix/store stands')
    .option('-v, --verbose', 'a line for each answer')
    .configureOutput(output)
    .exitOverride()
    .action((given: ServeOptions) => { options = given; });
  command.configureOutput(output).exitOverride();
  try {
    command.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    if (error.code === 'commander.help') throw usageError("A command is required: 'serve'", 'firn cache');
    const text = error.message.replace(/^error: /, '').replace(/\.$/, '');
    throw usageError(text.charAt(0).toUpperCase() + text.slice(1), 'firn cache serve');
  }
  return options;
}

/** `HOST:PORT`, `[IPV6]:PORT` or `:PORT`, which means all addresses. */
function address(value: string): ServeOptions['listen'] {
  const found = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(value);
  if (found === null || Number(found[3]) > 65_535) throw new InvalidArgumentError('It must be HOST:PORT');
  return { host: found[1] ?? (found[2] === '' ? '::' : found[2] as string), port: Number(found[3]) };
}

function natural(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError('It must be a number');
  return Number(value);
}

function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}
