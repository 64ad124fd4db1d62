/**
 * The flag grammar of the nix-* commands: a table of flags with their operands, and the parser.
 *
 * Nix's flags take zero, one or two operands (`--arg NAME EXPR`), may be repeated, may be bundled
 * (`-vv`, `-j8`), and mix freely with operands of the command. Any setting of nix.conf is a flag
 * too. docs/decisions/nix-flags.md says why this is not left to the library that parses `firn`'s
 * own flags.
 */

import { UserError } from '#base';
import { currentSettingName, readSettings, settingForms, type SettingKind } from '#host';
import type { CommandContext } from '../context.ts';
import { featureRequired, usageError } from '../errors.ts';

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
  /** Every flag of the table that was given, in order, by the name that names it. */
  readonly sequence: readonly (readonly [name: string, operands: readonly string[]])[];
}

const isDigit = (character: string | undefined) => character !== undefined && /[0-9]/.test(character);

/**
 * Parses an argument vector by a table. Warns of settings, from wherever, that have no effect.
 */
export function parseFlags(
  command: string,
  table: readonly Flag[],
  argv: readonly string[],
  context: Pick<CommandContext, 'env' | 'stderr'>,
): ParsedFlags {
  const byName = new Map(table.flatMap((flag) => flag.names.map((name) => [name, flag] as const)));
  const uses = new Map<string, string[][]>();
  const operands: string[] = [];
  const settings: [string, string][] = [];
  const features = new Set<string>();
  const warn = (text: string) => context.stderr.write(`warning: ${text}\n`);
  const sequence: (readonly [string, readonly string[]])[] = [];
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
      sequence.push([flag.names[0], given]);
      if (flag.names[0] === '--option') settings.push(...takeOption(given[0] ?? '', given[1] ?? '', warn));
      const kind = settingForms.get(flag.names[0].slice(2))?.kind;
      if (kind === 'number' || kind === 'jobs') settings.push([flag.names[0].slice(2), given[0] ?? '']);
    } else {
      const [name, value] = takeSetting(command, word, rest);
      const feature = settingForms.get(name)?.feature;
      if (feature !== undefined) features.add(feature);
      settings.push([name, value]);
    }
  }

  const inForce = readSettings({ environment: context.env, overrides: settings });
  for (const feature of features) if (!inForce.hasFeature(feature)) throw featureRequired(feature);
  inForce.warnings.forEach(warn);

  return {
    operands,
    settings,
    sequence,
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
    throw usageError(
      `flag '${word}' requires ${names.length} argument(s), but only ${rest.length} were given`, command);
  }
  return rest.splice(0, names.length);
}

/** What `--option` sets; a value that cannot be is warned of and sets nothing. */
function takeOption(name: string, value: string, warn: (text: string) => void): [string, string][] {
  try {
    readSettings({ environment: {}, overrides: [[name, value]] });
    return [[name, value]];
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== 'BAD_SETTING') throw error;
    warn(error.message);
    return [];
  }
}

function takeSetting(
  command: string,
  word: string,
  rest: string[],
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
  throw usageError(`${command === 'nix-env' || command === 'nix-store' ? 'unknown' : 'unrecognised'} flag '${word}'`, command);
}

const namesOfKind = (wanted: (kind: SettingKind) => boolean): ReadonlySet<string> =>
  new Set([...settingForms.values()].filter(({ kind }) => wanted(kind)).map(({ name }) => name));

/** Settings whose value is a truth value (the sandbox may be `relaxed` besides). */
export const booleanSettings = namesOfKind((kind) => kind === 'boolean' || kind === 'sandbox');

/** All settings of nix.conf; they may stand as flags. */
export const settingNames = namesOfKind(() => true);

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
