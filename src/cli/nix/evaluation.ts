/** What the commands that evaluate have in common: expressions, arguments, settings, the store. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { encodeUtf8, type Progress } from '#base';
import {
  cacheDirectory, evaluationStore, namesStoreElsewhere, storeLocation, type AutoArgument, type ChosenStore,
  type EvaluationRequest, type ExpressionSource,
} from '#host';
import type { CommandContext } from '../context.ts';
import { isShown, type ClosableProgress } from '../progress/output.ts';
import type { ParsedFlags } from './flags.ts';
import { openCommandProgress, verbosityOf } from './progress.ts';
import { settingOverrides, settingsOf } from './settings.ts';

/** The part of a request that flags and environment say. */
export function evaluationRequest(
  flags: ParsedFlags, context: CommandContext, progress: Progress,
): Omit<EvaluationRequest, 'task' | 'input'> {
  return {
    environment: context.env,
    settingOverrides: settingOverrides(flags),
    includes: flags.all('-I').map(([entry = '']) => entry),
    workingDirectory: encodeUtf8(context.cwd),
    store: evaluationStores(flags, context).store,
    cacheDirectory: cacheDirectory(context.env),
    color: context.color,
    onOutput: (bytes) => { context.stdout.write(bytes); },
    progress,
    signal: context.signal,
  };
}

/** The local store that flags, settings and environment name. */
export function chosenStore(flags: ParsedFlags, context: CommandContext): ChosenStore {
  return storeLocation({ environment: context.env, overrides: settingOverrides(flags) }, flags.last('--store'));
}

/** The stores that a command works with. */
export interface NamedStores {
  /** The one of ours that an evaluation writes to. */
  readonly store: ChosenStore;
  /** The name of the one that builds, if that is behind a connection or a binary cache. */
  readonly builder: string | undefined;
  /** The one that builds, if that is another of ours. */
  readonly target: ChosenStore | undefined;
}

export function evaluationStores(flags: ParsedFlags, context: CommandContext): NamedStores {
  const builder = connectedStore(flags, context);
  const given = flags.last('--eval-store') ?? settingsOf(flags, context).text('eval-store');
  const named = given === undefined || given === '' || given === 'auto' ? undefined : given;
  if (builder !== undefined) return { store: evaluationStore(context.env, named), builder, target: undefined };
  const target = chosenStore(flags, context);
  return named === undefined ? { store: target, builder, target: undefined }
    : { store: evaluationStore(context.env, named), builder, target };
}

/** The name of the store behind a connection, or of the cache, that is meant; undefined for one of our own. */
export function connectedStore(flags: ParsedFlags, context: CommandContext): string | undefined {
  const named = flags.last('--store') ?? settingsOf(flags, context).text('store') ?? context.env['NIX_REMOTE'] ?? '';
  return namesStoreElsewhere(named) ? named : undefined;
}

/** The operands as expressions; `otherwise` is the file that is meant without operands. */
export function expressionSources(flags: ParsedFlags, otherwise = './default.nix'): ExpressionSource[] {
  const files = flags.all('--file').map(([file = '']): ExpressionSource => ({ kind: 'file', path: encodeUtf8(file) }));
  const rest = flags.operands.map((operand): ExpressionSource => {
    if (operand === '-') return { kind: 'stdin', text: readStandardInput() };
    return flags.has('--expr') ? { kind: 'text', text: encodeUtf8(operand) } : { kind: 'file', path: encodeUtf8(operand) };
  });
  const sources = [...files, ...rest];
  return sources.length > 0 || flags.has('--expr') ? sources : [{ kind: 'file', path: otherwise }];
}

/** The arguments for functions on the way to what is wanted. */
export function autoArguments(flags: ParsedFlags, context: CommandContext): AutoArgument[] {
  const pairs = (flag: string) => flags.all(flag).map(([name = '', value = '']) => ({ name: encodeUtf8(name), value }));
  return [
    ...pairs('--arg').map(({ name, value }): AutoArgument => ({ name, kind: 'expression', text: encodeUtf8(value) })),
    ...pairs('--argstr').map(({ name, value }): AutoArgument => ({ name, kind: 'string', text: encodeUtf8(value) })),
    ...pairs('--arg-from-file').map(({ name, value }): AutoArgument =>
      ({ name, kind: 'string', text: readFileSync(resolve(context.cwd, value), 'latin1') })),
    ...pairs('--arg-from-stdin').map(({ name }): AutoArgument => ({ name, kind: 'string', text: readStandardInput() })),
  ];
}

/** Messages on standard error and nothing else: what scripts expect of an evaluation. */
export function messagesOnly(context: CommandContext, flags: ParsedFlags): Progress {
  const idle = { advance() {}, detail() {}, finish() {} };
  return {
    start: () => idle,
    message(level, text) {
      if (!isShown(level, verbosityOf(flags))) return;
      context.stderr.write(level === 'error' || level === 'warning' ? `${level}: ${text}\n` : `${text}\n`);
    },
  };
}

/** Messages as `messagesOnly` shows them, or all of it in the form that `--log-format` names. */
export async function evaluationProgress(context: CommandContext, flags: ParsedFlags): Promise<ClosableProgress> {
  return flags.has('--log-format') ? openCommandProgress(flags, context)
    : { ...messagesOnly(context, flags), close: () => {} };
}

let standardInput: string | undefined;

/** All of standard input as a byte string, read once. */
function readStandardInput(): string {
  return standardInput ??= readFileSync(0, 'latin1');
}
