/** `nix`: dispatches to those of its subcommands that Firn has, and says which command does the rest. */

import type { CommandContext, CommandModule } from '../context.ts';
import { unknownNixCommand } from '../errors.ts';
import { writeVersion } from './version.ts';

const commands: Readonly<Record<string, () => Promise<CommandModule>>> = {
  copy: () => import('./nix-copy.ts'),
  eval: () => import('./nix-eval.ts'),
  repl: () => import('../repl/repl.ts'),
};

/** What does the same, for those that Firn does not have. */
const instead: Readonly<Record<string, string>> = {
  build: "'nix-build' builds derivations of files and expressions; flakes are not supported",
  flake: 'flakes are not supported',
  hash: "'nix-hash' does that",
  log: "'nix-store --read-log' does that",
  'path-info': "'nix-store --query' does that",
  store: "'nix-store' does that",
  derivation: "'nix-store --query' tells of derivations",
  'why-depends': "'nix-store --query --tree' and '--graph' show it",
};

const help = `usage: nix COMMAND [FLAGS]

The commands of C++ Nix's 'nix' that Firn has:

  nix copy    copy store paths into a binary cache or out of one
  nix eval    print the value of an expression
  nix repl    evaluate what is typed, line by line

'nix COMMAND --help' says more. The other commands have elder siblings: nix-build,
nix-instantiate, nix-store, nix-hash.
`;

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const rest = withoutFeatureFlags(argv);
  const [name = '--help', ...others] = rest;
  if (name === '--version') return writeVersion('nix', context);
  if (name === '--help' || name === 'help') {
    context.stdout.write(help);
    return 0;
  }
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load === undefined) throw unknownNixCommand(name, Object.keys(commands), instead[name]);
  return (await load()).run([...argv.slice(0, argv.length - rest.length), ...others], context);
}

/** Scripts say `nix --extra-experimental-features nix-command eval …`: flags with one value before the name. */
function withoutFeatureFlags(argv: readonly string[]): readonly string[] {
  let start = 0;
  while (/^--(extra-)?experimental-features$/.test(argv[start] ?? '')) start += 2;
  return argv.slice(start);
}
