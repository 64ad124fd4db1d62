/**
 * `nix eval`: prints the value of an expression, or of an attribute of a file's.
 *
 * Flags and output are those of C++ Nix's command of the same name. As there, an expression or a
 * flake is evaluated purely unless `--impure` is given, a file is not.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { encodeUtf8 } from '#base';
import { evalTask, runEvaluation, type EvalInput, type ExpressionSource } from '#host';
import type { CommandContext, CommandUsage } from '../context.ts';
import { alreadyExists, usageError } from '../errors.ts';
import { autoArguments, evaluationProgress, evaluationRequest } from './evaluation.ts';
import { commonFlags, evaluationFlags } from './evaluation-flags.ts';
import { flakeFlags, flakeSource } from './flake-flags.ts';
import { describeFlags, parseFlags, type Flag, type ParsedFlags } from './flags.ts';
import { indentJson } from './indent-json.ts';
import { debianEntry, evaluationServices } from './services.ts';
import { settingsOf } from './settings.ts';
import { writeVersion } from './version.ts';

const table: readonly Flag[] = [
  { names: ['--expr'], operands: ['EXPR'], description: 'evaluate this expression; the operand is an attribute path in it' },
  { names: ['--apply'], operands: ['EXPR'], description: 'print the result of this function of the value' },
  { names: ['--json'], description: 'print the value as JSON' },
  { names: ['--raw'], description: 'print a string as it is, without a final newline' },
  { names: ['--write-to'], operands: ['PATH'], description: 'write a string to a new file, a set of strings to a new folder' },
  { names: ['--pretty'], description: 'print JSON on many lines (the default on a terminal)' },
  { names: ['--no-pretty'], description: 'print JSON on one line' },
  { names: ['--read-only'], description: 'compute the paths of derivations without writing them' },
  ...evaluationFlags.filter(({ names }) => !names.includes('--attr') && !names.includes('--expr')),
  ...flakeFlags,
  ...commonFlags,
];

type FileTree = string | Map<string, FileTree>;

/** For shells that complete command lines. */
export const usage: CommandUsage = { flags: table, operands: '[INSTALLABLE]' };

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const flags = parseFlags('nix eval', table, argv, context);
  if (flags.has('--help')) {
    context.stdout.write(describeFlags(
      'nix eval [FLAGS] (FLAKE[#ATTRIBUTE-PATH] | (--expr EXPR | --file FILE) [ATTRIBUTE-PATH])', 'Prints the value of an expression.', table));
    return 0;
  }
  if (flags.has('--version')) return writeVersion('nix', context, flags);
  const input = evalInput(flags, context);
  const target = flags.last('--write-to');
  const folder = target === undefined ? undefined : resolve(context.cwd, target);
  if (folder !== undefined && existsSync(folder)) throw alreadyExists(folder);
  const progress = await evaluationProgress(context, flags);
  const services = evaluationServices(flags, context, progress);
  const base = evaluationRequest(flags, context, progress);
  const printed: Uint8Array[] = [];
  const pretty = input.form === 'json' && isPretty(flags);
  try {
    const tree = await runEvaluation<FileTree | undefined>({
      ...base, services, lastEntries: [debianEntry], task: evalTask, input,
      settingOverrides: [...pureByDefault(flags), ...(base.settingOverrides ?? [])],
      ...(pretty ? { onOutput: (bytes: Uint8Array) => { printed.push(bytes); } } : {}),
    });
    if (pretty) context.stdout.write(Buffer.from(indentJson(Buffer.concat(printed).toString('latin1')), 'latin1'));
    if (folder !== undefined) writeTree(folder, tree ?? '');
  } finally {
    await services.close();
    progress.close();
  }
  return 0;
}

function evalInput(flags: ParsedFlags, context: CommandContext): EvalInput {
  if (flags.has('--raw') && flags.has('--json')) throw usageError('--raw and --json are mutually exclusive', 'nix eval');
  if (flags.operands.length > 1) throw usageError(`'${flags.operands[1]}' is one operand too many`, 'nix eval');
  const apply = flags.last('--apply');
  return {
    source: expressionSource(flags, context),
    attributePath: isFlake(flags) ? '' : encodeUtf8(flags.operands[0] ?? ''),
    autoArguments: autoArguments(flags, context),
    apply: apply === undefined ? undefined : encodeUtf8(apply),
    form: flags.has('--write-to') ? 'files' : flags.has('--json') ? 'json' : flags.has('--raw') ? 'raw' : 'plain',
    readOnly: flags.has('--read-only'),
  };
}

function isFlake(flags: ParsedFlags): boolean {
  return !flags.has('--expr') && !flags.has('--file');
}

function expressionSource(flags: ParsedFlags, context: CommandContext): ExpressionSource {
  const expression = flags.last('--expr');
  const file = flags.last('--file');
  if (expression !== undefined && file !== undefined) {
    throw usageError("'--file' and '--expr' are exclusive", 'nix eval');
  }
  if (expression !== undefined) return { kind: 'text', text: encodeUtf8(expression) };
  const settings = settingsOf(flags, context);
  if (file !== undefined && settings.flag('pure-eval', false)) {
    throw usageError("'--file' is not compatible with '--pure-eval'", 'nix eval');
  }
  if (file === '-') return { kind: 'stdin', text: readFileSync(0, 'latin1') };
  if (file !== undefined) return { kind: 'file', path: encodeUtf8(file) };
  return flakeSource(flags.operands[0] ?? '.', flags, context);
}

function pureByDefault(flags: ParsedFlags): readonly (readonly [string, string])[] {
  return flags.has('--file') ? [] : [['pure-eval', 'true']];
}

function isPretty(flags: ParsedFlags): boolean {
  if (flags.has('--no-pretty')) return false;
  return flags.has('--pretty') || process.stdout.isTTY === true;
}

function writeTree(path: string, tree: FileTree): void {
  if (typeof tree === 'string') {
    writeFileSync(path, tree, { encoding: 'latin1', flag: 'wx' });
    return;
  }
  mkdirSync(path);
  for (const [name, inner] of tree) {
    writeTree(join(path, Buffer.from(name, 'latin1').toString()), inner);
  }
}
