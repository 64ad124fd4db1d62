/**
 * `nix`: finds the subcommand, also behind flags that stand before its name, and says which command
 * does what Firn has no subcommand for.
 */

import { dirname, resolve } from 'node:path';
import type { CommandContext, CommandModule } from '../context.ts';
import { nearest } from '../firn/nearest.ts';
import { subcommandRequired, unknownNixCommand } from '../errors.ts';
import { settingNames, booleanSettings } from './flags.ts';
import { scriptArguments } from './script-arguments.ts';
import { writeVersion } from './version.ts';

type Load = () => Promise<CommandModule>;

/** Subcommands by their names, with a space where there are two. */
export const commands: Readonly<Record<string, Load>> = {
  build: () => import('./commands/build.ts'),
  bundle: () => import('./commands/bundle.ts'),
  'config check': async () => (await import('./commands/config.ts')).configCommands.check,
  'config show': async () => (await import('./commands/config.ts')).configCommands.show,
  copy: () => import('./nix-copy.ts'),
  daemon: () => import('./nix-daemon.ts'),
  'derivation add': async () => (await import('./commands/derivation.ts')).derivationCommands.add,
  'derivation show': async () => (await import('./commands/derivation.ts')).derivationCommands.show,
  edit: () => import('./commands/edit.ts'),
  'env shell': () => import('./commands/shell.ts'),
  develop: () => import('./commands/develop.ts'),
  eval: () => import('./nix-eval.ts'),
  'flake archive': async () => (await import('./commands/flake-archive.ts')).archive,
  'flake check': () => import('./commands/flake-check.ts'),
  'flake clone': async () => (await import('./commands/flake-prefetch.ts')).clone,
  'flake info': async () => (await import('./commands/flake.ts')).flakeCommands.metadata,
  'flake init': async () => (await import('./commands/flake-init.ts')).init,
  'flake lock': async () => (await import('./commands/flake.ts')).flakeCommands.lock,
  'flake metadata': async () => (await import('./commands/flake.ts')).flakeCommands.metadata,
  'flake new': async () => (await import('./commands/flake-init.ts')).create,
  'flake prefetch': async () => (await import('./commands/flake-prefetch.ts')).prefetch,
  'flake prefetch-inputs': async () => (await import('./commands/flake-archive.ts')).prefetchInputs,
  'flake show': async () => (await import('./commands/flake.ts')).flakeCommands.show,
  'flake update': async () => (await import('./commands/flake.ts')).flakeCommands.update,
  fmt: async () => (await import('./commands/formatter.ts')).formatterCommands.fmt,
  'formatter build': async () => (await import('./commands/formatter.ts')).formatterCommands.build,
  'formatter run': async () => (await import('./commands/formatter.ts')).formatterCommands.run,
  'hash convert': async () => (await import('./commands/hash.ts')).hashCommands.convert,
  'hash file': async () => (await import('./commands/hash.ts')).hashCommands.file,
  'hash path': async () => (await import('./commands/hash.ts')).hashCommands.path,
  'hash to-base16': async () => (await import('./commands/hash.ts')).hashCommands['to-base16'],
  'hash to-base32': async () => (await import('./commands/hash.ts')).hashCommands['to-base32'],
  'hash to-base64': async () => (await import('./commands/hash.ts')).hashCommands['to-base64'],
  'hash to-sri': async () => (await import('./commands/hash.ts')).hashCommands['to-sri'],
  'key convert-secret-to-public': async () => (await import('./commands/key.ts')).keyCommands['convert-secret-to-public'],
  'key generate-secret': async () => (await import('./commands/key.ts')).keyCommands['generate-secret'],
  log: () => import('./commands/log.ts'),
  'nar cat': async () => (await import('./commands/cat.ts')).narCat,
  'nar dump-path': async () => (await import('./commands/dump-path.ts')).narPack['dump-path'],
  'nar ls': async () => (await import('./commands/ls.ts')).narLs,
  'nar pack': async () => (await import('./commands/dump-path.ts')).narPack.pack,
  'print-dev-env': () => import('./commands/print-dev-env.ts'),
  'path-info': () => import('./commands/path-info.ts'),
  'registry add': async () => (await import('./commands/registry.ts')).registryCommands.add,
  'registry list': async () => (await import('./commands/registry.ts')).registryCommands.list,
  'registry pin': async () => (await import('./commands/registry.ts')).registryCommands.pin,
  'registry remove': async () => (await import('./commands/registry.ts')).registryCommands.remove,
  'registry resolve': async () => (await import('./commands/registry.ts')).registryCommands.resolve,
  'profile add': async () => (await import('./commands/profile.ts')).profileCommands.add,
  'profile diff-closures': async () => (await import('./commands/profile.ts')).profileCommands['diff-closures'],
  'profile history': async () => (await import('./commands/profile.ts')).profileCommands.history,
  'profile install': async () => (await import('./commands/profile.ts')).profileCommands.add,
  'profile list': async () => (await import('./commands/profile.ts')).profileCommands.list,
  'profile remove': async () => (await import('./commands/profile.ts')).profileCommands.remove,
  'profile rollback': async () => (await import('./commands/profile.ts')).profileCommands.rollback,
  'profile upgrade': async () => (await import('./commands/profile.ts')).profileCommands.upgrade,
  'profile wipe-history': async () => (await import('./commands/profile.ts')).profileCommands['wipe-history'],
  repl: () => import('../repl/repl.ts'),
  run: () => import('./commands/run.ts'),
  search: () => import('./commands/search.ts'),
  shell: () => import('./commands/shell.ts'),
  'show-config': () => import('./commands/config.ts'),
  'store add': async () => (await import('./commands/store-add.ts')).storeAdd.add,
  'store add-file': async () => (await import('./commands/store-add.ts')).storeAdd['add-file'],
  'store add-path': async () => (await import('./commands/store-add.ts')).storeAdd['add-path'],
  'store build-trace delete': async () => (await import('./commands/build-trace.ts')).buildTrace.delete,
  'store build-trace info': async () => (await import('./commands/build-trace.ts')).buildTrace.info,
  'store cat': async () => (await import('./commands/cat.ts')).storeCat,
  'store copy-log': () => import('./commands/store-copy-log.ts'),
  'store copy-sigs': async () => (await import('./commands/store-sign.ts')).storeSignatures['copy-sigs'],
  'store delete': () => import('./commands/store-delete.ts'),
  'store diff-closures': () => import('./commands/diff-closures.ts'),
  'store dump-path': async () => (await import('./commands/dump-path.ts')).storeDumpPath,
  'store gc': () => import('./commands/store-gc.ts'),
  'store info': async () => (await import('./commands/store-info.ts')).storeInfo.info,
  'store ls': async () => (await import('./commands/ls.ts')).storeLs,
  'store make-content-addressed': () => import('./commands/make-content-addressed.ts'),
  'store optimise': () => import('./commands/store-optimise.ts'),
  'store optimize': () => import('./commands/store-optimise.ts'),
  'store path-from-hash-part': () => import('./commands/path-from-hash-part.ts'),
  'store ping': async () => (await import('./commands/store-info.ts')).storeInfo.ping,
  'store prefetch-file': () => import('./commands/prefetch-file.ts'),
  'store repair': () => import('./commands/store-repair.ts'),
  'store sign': async () => (await import('./commands/store-sign.ts')).storeSignatures.sign,
  'store verify': () => import('./commands/store-verify.ts'),
  'upgrade-nix': () => import('./commands/upgrade-nix.ts'),
  'why-depends': () => import('./commands/why-depends.ts'),
};

/** Elder names that C++ Nix still knows. */
const aliases: Readonly<Record<string, string>> = {
  'add-to-store': 'store add-path', 'cat-nar': 'nar cat', 'cat-store': 'store cat', 'copy-sigs': 'store copy-sigs',
  'dev-shell': 'develop', 'diff-closures': 'store diff-closures', 'dump-path': 'store dump-path', 'hash-file': 'hash file', 'hash-path': 'hash path',
  'ls-nar': 'nar ls', 'ls-store': 'store ls', 'optimise-store': 'store optimise', 'ping-store': 'store info', 'show-derivation': 'derivation show',
  'sign-paths': 'store sign', 'to-base16': 'hash to-base16', 'to-base32': 'hash to-base32', 'to-base64': 'hash to-base64',
  verify: 'store verify', doctor: 'config check',
};

/** What does the same, for those that Firn does not have. */
const instead: Readonly<Record<string, string>> = {
};

export async function run(given: readonly string[], context: CommandContext): Promise<number> {
  const wanted = Number(context.env['NIX_GET_COMPLETIONS'] ?? 0);
  if (wanted > 0) {
    const { complete } = await import('./completion/complete.ts');
    const findUsage = async (name: string) => (await (commands[name] as Load)()).usage;
    return complete(given, wanted - 1, Object.keys(commands), findUsage, context);
  }
  const [script = '', ...operands] = given;
  const spokenInScript = script === '' || script.startsWith('-') || Object.hasOwn(commands, script) ? undefined
    : scriptArguments(script, context.cwd);
  if (spokenInScript === undefined) return runCommand(given, context);
  // What a script names is found from where the script is; what it runs, runs where we are.
  const folder = dirname(resolve(context.cwd, script));
  return runCommand([...spokenInScript, script, ...operands], { ...context, cwd: folder });
}

async function runCommand(argv: readonly string[], context: CommandContext): Promise<number> {
  const { before, words } = splitAtName(argv);
  // An elder name.
  if (words[0] === 'realisation') words.splice(0, 1, 'store', 'build-trace');
  const [first, second = '', third = ''] = words;
  if (before.includes('--version')) return writeVersion('nix', context);
  if (first === undefined || before.includes('--help') || first === 'help') {
    await checkGlobalFlags(before, context);
    context.stdout.write(help());
    return 0;
  }
  const alias = Object.hasOwn(aliases, first) ? aliases[first] as string : undefined;
  const name = alias ?? [`${first} ${second} ${third}`, `${first} ${second}`, first].find((one) => Object.hasOwn(commands, one));
  if (name === undefined && second === '--help' && Object.hasOwn(families, first)) {
    context.stdout.write(familyHelp(first));
    return 0;
  }
  if (name === undefined) throw unknown(first, second);
  const own = alias !== undefined ? 1 : name.split(' ').length;
  return (await (commands[name] as Load)()).run([...before, ...words.slice(own)], context);
}

/** C++ Nix has these flags only with the feature: who took it away shall not find them. */
async function checkGlobalFlags(before: readonly string[], context: CommandContext): Promise<void> {
  if (!before.some((flag) => ['--print-build-logs', '-L', '--offline', '--refresh'].includes(flag))) return;
  const { requireNixCommand } = await import('./feature-flags.ts');
  requireNixCommand(before, context);
}

/** The flags before the subcommand's name, and the words from it on. */
function splitAtName(argv: readonly string[]): { before: string[]; words: string[] } {
  let at = 0;
  while (at < argv.length && (argv[at] as string).startsWith('-')) at += 1 + operandCount(argv[at] as string);
  return { before: argv.slice(0, at), words: argv.slice(at) };
}

/** Of the flags that may stand there: settings, and a few that all commands have. */
function operandCount(flag: string): number {
  if (flag === '--option') return 2;
  if (['--log-format', '--store'].includes(flag)) return 1;
  const setting = flag.replace(/^--(extra-)?/, '');
  return settingNames.has(setting) && !booleanSettings.has(setting) ? 1 : 0;
}

/** What commands of two words are about, by the first. */
const families: Readonly<Record<string, string>> = {
  config: 'show or check the configuration', derivation: 'work with derivations', env: 'change the environment of programs',
  flake: 'manage flakes', formatter: 'build or run the formatter', hash: 'compute and convert hashes',
  key: 'make and convert keys for signatures', nar: 'make archives and look into them', profile: 'manage profiles',
  registry: 'manage the flake registries', store: 'query and change stores',
};

function familyOf(first: string): string[] {
  return Object.keys(commands).filter((name) => name.startsWith(`${first} `)).map((name) => name.slice(first.length + 1));
}

function familyHelp(first: string): string {
  const names = familyOf(first).map((name) => `  nix ${first} ${name}\n`);
  return `usage: nix ${first} COMMAND\n\n${families[first]}: its commands are\n\n${names.join('')}\n'nix ${first} COMMAND --help' says more.\n`;
}

function unknown(first: string, second: string): Error {
  const family = familyOf(first);
  if (family.length > 0 && (second === '' || second.startsWith('-'))) return subcommandRequired(first, family);
  const near = family.length > 0 ? nearest(second, family).map((name) => `${first} ${name}`)
    : nearest(first, Object.keys(commands));
  return unknownNixCommand(family.length > 0 ? `${first} ${second}` : first, near, instead[first]);
}

function help(): string {
  const names = Object.keys(commands).filter((name) => !/^(hash to-|show-config|store (add-|ping|optimize))/.test(name));
  return `usage: nix COMMAND [FLAGS] [OPERANDS]

The commands of C++ Nix's 'nix' that Firn has:

${names.map((name) => `  nix ${name}\n`).join('')}
'nix COMMAND --help' says more. docs/commands.md lists the flags of all.
`;
}
