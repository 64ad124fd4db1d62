/**
 * `nix-env`: the packages in a profile, and a profile's generations.
 *
 * Flags and output are those of C++ Nix's command of the same name.
 */

import { usageError } from '../errors.ts';
import type { CommandContext } from '../context.ts';
import type { EnvironmentCommand } from './env-command.ts';
import { environmentFlags, findOperation, type EnvironmentOperation } from './env-flags.ts';
import { describeFlags, parseFlags } from './flags.ts';
import { chosenProfile, ensureDefaultExpressions, placesOf } from './profile-command.ts';
import { writeVersion } from './version.ts';

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const operation = findOperation(argv);
  const table = environmentFlags(operation);
  // Said before anything of the flags.
  const isWithout = operation === undefined && !argv.some((word) => ['--help', '--version'].includes(word));
  if (isWithout) throw usageError('no operation specified', 'nix-env');
  const flags = parseFlags('nix-env', table, argv, context);
  if (flags.has('--help')) {
    context.stdout.write(describeFlags(
      'nix-env OPERATION [FLAGS] [PACKAGES]',
      'Installs, upgrades and lists packages of a profile. OPERATION --help shows the flags of one operation.', table));
    return 0;
  }
  if (flags.has('--version')) return writeVersion('nix-env', context, flags);
  if (operation === undefined) throw usageError('no operation specified', 'nix-env');
  const places = placesOf(flags, context);
  ensureDefaultExpressions(places);
  if (flags.has('--dry-run')) context.stderr.write('(dry run; not doing anything)\n');
  return perform(operation, { flags, context, places, profile: chosenProfile(flags, context, places) });
}

async function perform(operation: EnvironmentOperation, command: EnvironmentCommand): Promise<number> {
  switch (operation) {
    case 'query':
      return (await import('./env-query.ts')).queryEnvironment(command);
    case 'list-generations':
      return (await import('./env-generations.ts')).listGenerations(command);
    case 'switch-generation':
      return (await import('./env-generations.ts')).switchToGeneration(command);
    case 'rollback':
      return (await import('./env-generations.ts')).rollBack(command);
    case 'delete-generations':
      return (await import('./env-generations.ts')).deleteChosenGenerations(command);
    case 'switch-profile':
      return (await import('./env-generations.ts')).switchProfile(command);
  }
  const changes = await import('./env-change.ts');
  switch (operation) {
    case 'install': return changes.changeEnvironment(command, changes.installation(command));
    case 'upgrade': return changes.changeEnvironment(command, changes.upgrade(command));
    case 'uninstall': return changes.changeEnvironment(command, { kind: 'uninstall' });
    case 'set-flag': return changes.changeEnvironment(command, changes.flagChange(command));
    case 'set': return changes.changeEnvironment(command, { kind: 'set' });
  }
}
