/**
 * The flag grammar of the nix-* commands: a table of flags with their operands, and the parser.
 *
 * Nix's flags take zero, one or two operands (`--arg NAME EXPR`), may be repeated, may be bundled
 * (`-vv`, `-j8`), and mix freely with operands of the command. Any setting of nix.conf is a flag
 * too. docs/decisions/nix-flags.md says why this is not left to the library that parses `firn`'s
 * own flags.
 */

import { currentSettingName } from '#host';
import { usageError } from '../errors.ts';

export interface Flag {
  /** All spellings, the one that names it first, each with its dashes. */
  readonly names: readonly [string, ...string[]];
  /** What its operands are called in the help text. */
  readonly operands?: readonly string[];
  /** Takes all words that follow. */
  readonly takesRest?: boolean;
  readonly description: string;
}

export interface ParsedFlags {
  /** What is left: files, expressions, paths. */
  readonly operands: readonly string[];
  /** Settings given by `--option` or as flags of their own, in order. */
  readonly settings: readonly (readonly [name: string, value: string])[];
  has(name: string): boolean;
  /** How often a flag was given. */
  count(name: string): number;
  /** The operand of a flag's last use. */
  last(name: string): string | undefined;
  /** The operands of each use, in order. */
  all(name: string): readonly (readonly string[])[];
}

const isDigit = (character: string | undefined) => character !== undefined && /[0-9]/.test(character);

/** Parses an argument vector by a table. `settings` are the known names of nix.conf settings. */
export function parseFlags(
  command: string,
  table: readonly Flag[],
  argv: readonly string[],
  settingNames: ReadonlySet<string>,
): ParsedFlags {
  const byName = new Map(table.flatMap((flag) => flag.names.map((name) => [name, flag] as const)));
  const uses = new Map<string, string[][]>();
  const operands: string[] = [];
  const settings: [string, string][] = [];
  const rest = unbundle(argv, byName);

  while (rest.length > 0) {
    const word = rest.shift() ?? '';
    if (word === '--') {
      operands.push(...rest.splice(0));
    } else if (!word.startsWith('-') || word === '-') {
      operands.push(word);
    } else if (byName.has(word)) {
      const flag = byName.get(word)!;
      const given = flag.takesRest === true ? rest.splice(0) : takeOperands(command, word, flag.operands ?? [], rest);
      const list = uses.get(flag.names[0]) ?? [];
      uses.set(flag.names[0], list);
      list.push(given);
      if (flag.names[0] === '--option') settings.push([given[0] ?? '', given[1] ?? '']);
    } else {
      settings.push(takeSetting(command, word, rest, settingNames));
    }
  }

  return {
    operands,
    settings,
    has: (name) => uses.has(name),
    count: (name) => uses.get(name)?.length ?? 0,
    last: (name) => uses.get(name)?.at(-1)?.[0],
    all: (name) => uses.get(name) ?? [],
  };
}

/** Splits `-vv` into `-v -v` and `-j8` into `-j 8`, as Nix does. */
function unbundle(argv: readonly string[], byName: ReadonlyMap<string, Flag>): string[] {
  const words: string[] = [];
  let literal = false;
  for (const word of argv) {
    if (word === '--' || byName.get(word)?.takesRest === true) literal = true;
    const isBundle = !literal && /^-[A-Za-z]./.test(word) && !byName.has(word);
    if (!isBundle) {
      words.push(word);
      continue;
    }
    for (let index = 1; index < word.length; index += 1) {
      if (isDigit(word[index])) {
        words.push(word.slice(index));
        break;
      }
      words.push(`-${word[index]}`);
    }
  }
  return words;
}

function takeOperands(
  command: string,
  word: string,
  names: readonly string[],
  rest: string[],
): string[] {
  if (rest.length < names.length) {
    const wanted = names.length === 1 ? 'an argument' : `${names.length} arguments`;
    throw usageError(`The flag '${word}' requires ${wanted}`, command);
  }
  return rest.splice(0, names.length);
}

function takeSetting(
  command: string,
  word: string,
  rest: string[],
  settingNames: ReadonlySet<string>,
): [string, string] {
  const isNegated = word.startsWith('--no-');
  const name = isNegated ? `no-${currentSettingName(word.slice(5))}` : currentSettingName(word.replace(/^--/, ''));
  if (word.startsWith('--')) {
    if (settingNames.has(name)) {
      // A truth value may be left out: `--show-trace`, `--sandbox`.
      if (booleanSettings.has(name)) return [name, 'true'];
      return [name, takeOperands(command, word, ['value'], rest)[0] ?? ''];
    }
    if (name.startsWith('no-') && booleanSettings.has(name.slice(3))) return [name.slice(3), 'false'];
    if (name.startsWith('extra-') && settingNames.has(name.slice(6))) {
      return [name, takeOperands(command, word, ['value'], rest)[0] ?? ''];
    }
  }
  throw usageError(`The flag '${word}' is not one of ${command}'s`, command);
}

/** Settings whose value is a truth value (the sandbox may be `relaxed` besides). */
export const booleanSettings: ReadonlySet<string> = new Set([
  'abort-on-warn', 'accept-flake-config', 'allow-dirty', 'allow-dirty-locks',
  'allow-import-from-derivation', 'allow-new-privileges', 'allow-symlinked-store',
  'always-allow-substitutes', 'auto-allocate-uids', 'auto-optimise-store',
  'builders-use-substitutes', 'commit-lock-file', 'compress-build-log', 'debugger-on-trace',
  'debugger-on-warn', 'eval-cache', 'fallback', 'filter-syscalls', 'fsync-metadata',
  'fsync-store-paths', 'http2', 'http3', 'ignore-gc-delete-failure', 'ignore-try',
  'impersonate-linux-26', 'keep-build-log', 'keep-derivations', 'keep-env-derivations',
  'keep-failed', 'keep-going', 'keep-outputs', 'preallocate-contents', 'print-missing', 'pure-eval',
  'require-drop-supplementary-groups', 'require-sigs', 'restrict-eval', 'run-diff-hook', 'sandbox',
  'sandbox-fallback', 'show-trace', 'substitute', 'sync-before-registering', 'trace-function-calls',
  'trace-import-from-derivation', 'trace-verbose', 'trust-tarballs-from-git-forges',
  'use-case-hack', 'use-cgroups', 'use-registries', 'use-sqlite-wal', 'use-xdg-base-directories',
  'warn-dirty',
]);

/** All settings of nix.conf that may stand as flags. */
export const settingNames: ReadonlySet<string> = new Set([
  ...booleanSettings,
  'access-tokens', 'allowed-impure-host-deps', 'allowed-uris', 'allowed-users', 'bash-prompt',
  'bash-prompt-prefix', 'bash-prompt-suffix', 'build-dir', 'build-hook', 'build-poll-interval',
  'build-users-group', 'builders', 'commit-lock-file-summary', 'connect-timeout', 'cores',
  'diff-hook', 'download-attempts', 'download-buffer-size', 'download-speed', 'eval-profile-file',
  'eval-profiler', 'eval-profiler-frequency', 'eval-system', 'experimental-features',
  'external-builders', 'extra-platforms', 'filetransfer-retry-attempts', 'flake-registry',
  'gc-keep-outputs', 'gc-reserved-space', 'hashed-mirrors', 'http-connections', 'id-count',
  'ignored-acls', 'impure-env', 'json-log-path', 'lint-absolute-path-literals',
  'lint-short-path-literals', 'lint-url-literals', 'log-lines', 'max-build-log-size',
  'max-call-depth', 'max-free', 'max-jobs', 'max-silent-time', 'max-substitution-jobs', 'min-free',
  'min-free-check-interval', 'nar-buffer-size', 'narinfo-cache-meta-ttl',
  'narinfo-cache-negative-ttl', 'narinfo-cache-positive-ttl', 'netrc-file', 'nix-path',
  'nix-shell-always-looks-for-shell-nix', 'nix-shell-shebang-arguments-relative-to-script', 'plugin-files', 'post-build-hook', 'pre-build-hook',
  'sandbox-build-dir', 'sandbox-dev-shm-size', 'sandbox-paths', 'secret-key-files', 'ssl-cert-file',
  'stalled-download-timeout', 'start-id', 'store', 'substituters', 'system', 'system-features',
  'tarball-ttl', 'timeout', 'trusted-public-keys', 'trusted-substituters', 'trusted-users',
  'upgrade-nix-store-path-url', 'user-agent-suffix', 'warn-large-path-threshold',
]);

/** The text of `--help`: usage, then a paragraph a flag. */
export function describeFlags(usage: string, summary: string, table: readonly Flag[]): string {
  const rows = table.map((flag) => ({
    head: `  ${[...flag.names, ...(flag.operands ?? [])].join(' ').replaceAll(' -', ', -')}`,
    text: flag.description,
  }));
  const width = Math.min(38, Math.max(...rows.map((row) => row.head.length)) + 2);
  const lines = rows.map(({ head, text }) =>
    head.length + 2 > width ? `${head}\n${' '.repeat(width)}${text}` : `${head.padEnd(width)}${text}`,
  );
  return `usage: ${usage}\n\n${summary}\n\n${lines.join('\n')}\n`;
}
