/**
 * The flags of `nix-env`: which operation is meant, and the flags that only it has.
 *
 * The same letter means different things in different operations (`-A`, `-P`, `-s`), so the operation
 * is found first and the table made for it.
 */

import { usageError } from '../errors.ts';
import { buildFlags, commonFlags, evaluationFlags } from './evaluation-flags.ts';
import type { Flag } from './flags.ts';

export type EnvironmentOperation =
  | 'install' | 'upgrade' | 'uninstall' | 'set' | 'set-flag' | 'query' | 'switch-profile' | 'switch-generation'
  | 'rollback' | 'list-generations' | 'delete-generations';

const operations: readonly (Flag & { readonly operation: EnvironmentOperation })[] = [
  { operation: 'install', names: ['--install', '-i'], description: 'add packages to the profile' },
  { operation: 'upgrade', names: ['--upgrade', '-u'], description: 'replace packages by newer ones' },
  { operation: 'uninstall', names: ['--uninstall', '-e'], description: 'remove packages from the profile' },
  { operation: 'set', names: ['--set'], description: 'make the profile be one package and nothing else' },
  { operation: 'set-flag', names: ['--set-flag'],
    description: 'NAME VALUE PACKAGES: change meta attributes of installed packages' },
  { operation: 'query', names: ['--query', '-q'], description: 'list packages' },
  { operation: 'switch-profile', names: ['--switch-profile', '-S'], description: 'make PATH the default profile' },
  { operation: 'switch-generation', names: ['--switch-generation', '-G'],
    description: 'make the profile its generation NUMBER' },
  { operation: 'rollback', names: ['--rollback'],
    description: 'make the profile the generation before the current one' },
  { operation: 'list-generations', names: ['--list-generations'], description: 'list the generations of the profile' },
  { operation: 'delete-generations', names: ['--delete-generations'],
    description: 'delete generations: NUMBERS, old, +N (all but N), or Nd (unused for N days)' },
];

const sourceFlags: readonly Flag[] = [
  { names: ['--attr', '-A'], description: 'the operands are attribute paths, not names' },
  { names: ['--from-expression', '-E'], description: 'the operands are functions of the default expression' },
  { names: ['--from-profile'], operands: ['PATH'], description: 'take packages that another profile has' },
];

const ownFlags: Readonly<Partial<Record<EnvironmentOperation, readonly Flag[]>>> = {
  install: [
    ...sourceFlags,
    { names: ['--preserve-installed', '-P'], description: 'keep packages of the same name' },
    { names: ['--remove-all', '-r'], description: 'remove all others first' },
    { names: ['--priority'], operands: ['NUMBER'], description: 'give what is installed this priority' },
  ],
  upgrade: [
    ...sourceFlags,
    { names: ['--lt'], description: 'take newer versions only (the default)' },
    { names: ['--leq'], description: 'take the same version too, if it was built differently' },
    { names: ['--eq'], description: 'take the same version only' },
    { names: ['--always'], description: 'take older versions too' },
  ],
  set: sourceFlags,
  query: [
    { names: ['--installed'], description: "list the profile's packages (the default)" },
    { names: ['--available', '-a'], description: 'list the packages that can be installed' },
    { names: ['--status', '-s'], description: 'show whether it is installed, present, substitutable' },
    { names: ['--attr-path', '-P'], description: 'show the attribute path' },
    { names: ['--no-name'], description: 'do not show the name' },
    { names: ['--compare-versions', '-c'], description: 'compare installed with available versions' },
    { names: ['--system'], description: 'show the system' },
    { names: ['--drv-path'], description: 'show the derivation' },
    { names: ['--out-path'], description: 'show the output paths' },
    { names: ['--description'], description: 'show the description' },
    { names: ['--meta'], description: 'show all of meta (with --xml and --json)' },
    { names: ['--xml'], description: 'print XML' },
    { names: ['--json'], description: 'print JSON' },
    { names: ['--attr', '-A'], operands: ['PATH'], description: 'list only what is below this attribute path' },
  ],
};

const generalFlags: readonly Flag[] = [
  { names: ['--profile', '-p'], operands: ['PATH'],
    description: 'the profile (default: $NIX_PROFILE or ~/.nix-profile)' },
  { names: ['--file', '-f'], operands: ['FILE'],
    description: 'the expression to take packages from (default: ~/.nix-defexpr)' },
  { names: ['--dry-run'], description: 'show what would be done' },
  { names: ['--system-filter'], operands: ['SYSTEM'], description: 'take only packages for this system; * for all' },
  { names: ['--prebuilt-only', '-b'], description: 'take only packages that need not be built' },
  { names: ['--force-name'], operands: ['NAME'], description: 'the name that the package gets in the profile' },
];

// Packages are evaluated one by one: what fails is passed over.
const replaced = new Set(['--attr', '--debugger', '--expr', '--file', '--dry-run']);
const evaluation = evaluationFlags.filter((flag) => !replaced.has(flag.names[0]));
const build = buildFlags.filter((flag) => !replaced.has(flag.names[0]));
/** `-q` is --query here, not --quiet. */
const common = commonFlags.map((flag): Flag => (flag.names[0] === '--quiet' ? { ...flag, names: ['--quiet'] } : flag));

/** The flags that may stand with an operation; without one, those of all for the help text. */
export function environmentFlags(operation: EnvironmentOperation | undefined): Flag[] {
  const own = operation === undefined ? [] : ownFlags[operation] ?? [];
  return [...operations, ...own, ...generalFlags, ...evaluation, ...build, ...common];
}

/** The operation that the words name, also in a bundle such as `-qaP`; undefined if there is none. */
export function findOperation(argv: readonly string[]): EnvironmentOperation | undefined {
  const end = argv.indexOf('--');
  const found = new Set<EnvironmentOperation>();
  for (const word of end < 0 ? argv : argv.slice(0, end)) {
    const letters = /^-[A-Za-z]+$/.test(word) ? [...word.slice(1)].map((letter) => `-${letter}`) : [word];
    for (const { names, operation } of operations) {
      if (names.some((name) => letters.includes(name))) found.add(operation);
    }
  }
  if (found.size > 1) throw usageError('only one operation may be specified', 'nix-env');
  return [...found][0];
}
