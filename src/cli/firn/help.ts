/** `firn --help` and `firn help COMMAND`: what Firn does, by the commands people need first. */

import type { CommandContext } from '../context.ts';

const overview = `firn turns a Nix configuration into a bootable system image.

  firn build                      the minimal live installer ISO, in ./result/iso
  firn build ./host.nix           the same installer with your configuration in it
  firn update                     renew firn.lock: take the archive's newest packages
  firn repl [FILES]               evaluate what is typed, line by line
  firn cache serve                the store as a binary cache for other machines
  firn completion bash            code by which a shell completes nix's command lines

Commands of Nix, with Nix's own flags (also when firn is called by these names through a link):

  firn nix-build                  build a derivation and link it as ./result
  firn nix-instantiate            evaluate expressions, write derivations
  firn nix eval                   print the value of an expression
  firn nix-store                  query and change the store
  firn nix copy                   copy store paths into a binary cache or out of one
  firn nix-hash                   hash files and convert hashes
  firn nix-shell                  a shell, or a command, with packages at hand
  firn nix-env                    install packages into a profile; its generations
  firn nix-channel                keep names for expressions that change with time
  firn nix-collect-garbage        delete what nothing needs any more
  firn nix-prefetch-url           download a file into the store and print its hash

  firn help COMMAND               one command in full
  firn --version

The first build on a machine downloads about 400 MB of packages and takes a few minutes.
Everything is kept: a build that was interrupted goes on where it stopped.
`;

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const [topic] = argv;
  if (topic === undefined || topic === 'help' || topic.startsWith('-')) {
    context.stdout.write(overview);
    return 0;
  }
  switch (topic) {
    case 'build':
      return (await import('./build.ts')).run(['--help'], context);
    case 'cache':
      return (await import('./cache.ts')).run(['serve', '--help'], context);
    case 'completion':
      return (await import('./completion.ts')).run(['--help'], context);
    case 'update':
      return (await import('./update.ts')).run(['--help'], context);
    case 'repl':
      return (await import('../repl/repl.ts')).run(['--help'], context);
    case 'nix':
      return (await import('../nix/nix.ts')).run(['--help'], context);
    case 'nix-build':
      return (await import('../nix/nix-build.ts')).run(['--help'], context);
    case 'nix-instantiate':
      return (await import('../nix/nix-instantiate.ts')).run(['--help'], context);
    case 'nix-store':
      return (await import('../nix/nix-store.ts')).run(['--help'], context);
    case 'nix-hash':
      return (await import('../nix/nix-hash.ts')).run(['--help'], context);
    case 'nix-shell':
      return (await import('../nix/nix-shell.ts')).run(['--help'], context);
    case 'nix-env':
      return (await import('../nix/nix-env.ts')).run(['--help'], context);
    case 'nix-channel':
      return (await import('../nix/nix-channel.ts')).run(['--help'], context);
    case 'nix-collect-garbage':
      return (await import('../nix/nix-collect-garbage.ts')).run(['--help'], context);
    case 'nix-prefetch-url':
      return (await import('../nix/nix-prefetch-url.ts')).run(['--help'], context);
    default: {
      const { unknownCommand } = await import('../errors.ts');
      throw unknownCommand(topic, []);
    }
  }
}
