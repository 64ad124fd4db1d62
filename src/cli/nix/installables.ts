/**
 * Installables: the operands of the new-style commands, and what they come to.
 *
 * An operand is a store path or a link to one, a derivation with outputs (`PATH.drv^out,dev`,
 * `PATH.drv^*`), a flake's attribute with outputs, or, with `--file` or `--expr`, an attribute path
 * with outputs. Expressions are all evaluated in one run of the evaluator.
 */

import { encodeUtf8, UserError } from '#base';
import type { Wanted } from '#build';
import { isDerivationPath, knownOutputPath, type StorePath } from '#formats';
import {
  installableTask, type DerivedPath, type ExpressionSource, type FlakeAttributes, type InstallableInput,
} from '#host';
import { readFileSync } from 'node:fs';
import { usageError, unknownDeriver } from '../errors.ts';
import type { CommandSession } from './command.ts';
import { autoArguments } from './evaluation.ts';
import { evaluationFlags } from './evaluation-flags.ts';
import { flakeFlags, flakeSource } from './flake-flags.ts';
import type { Flag } from './flags.ts';
import { describeMissing, tellMissing } from './missing.ts';
import { followToStorePath, topologicalOrder } from './store-command.ts';

/** What is valid, or will be: a path, or outputs of a derivation by name. */
export type BuiltPath =
  | { readonly kind: 'path'; readonly path: StorePath }
  | { readonly kind: 'built'; readonly drvPath: StorePath; readonly outputs: ReadonlyMap<string, StorePath> };

export interface Installable {
  readonly text: string;
  readonly derived: readonly DerivedPath[];
}

/** The flags that say what operands mean. */
export const installableFlags: readonly Flag[] = [
  { names: ['--expr'], operands: ['EXPR'], description: 'operands are attribute paths in this expression' },
  { names: ['--file', '-f'], operands: ['FILE'], description: 'operands are attribute paths in this file' },
  ...evaluationFlags.filter(({ names }) => !['--attr', '--expr', '--file', '--option'].includes(names[0])),
  ...flakeFlags,
];

/** For commands that work on store paths. */
export const storePathFlags: readonly Flag[] = [
  ...installableFlags,
  { names: ['--derivation'], description: 'take the derivations themselves instead of their outputs' },
  { names: ['--all'], description: 'take every path of the store' },
  { names: ['--stdin'], description: 'read operands from standard input, one a line' },
];

export const recursiveFlag: Flag = { names: ['--recursive', '-r'], description: 'take all that the paths need too' };
export const noRecursiveFlag: Flag = { names: ['--no-recursive'], description: 'take the paths alone' };

/** What the operands mean; without any, what `.` or the whole expression means. */
export async function resolveInstallables(
  session: CommandSession, operands: readonly string[] = operandsOf(session), attributes?: FlakeAttributes,
): Promise<Installable[]> {
  const source = expressionSource(session);
  const isEmptyList = operands.length === 0 && session.flags.has('--stdin');
  if (source !== undefined) {
    return isEmptyList ? [] : evaluateOperands(session, source, operands.length === 0 ? [''] : operands);
  }
  const found: Installable[] = [];
  for (const text of operands.length === 0 && !isEmptyList ? ['.'] : operands) {
    const stored = storedOperand(session, text);
    found.push(stored === undefined ? await flakeInstallable(session, text, attributes) : { text, derived: [stored] });
  }
  return found;
}

/** What an attribute of a flake means. */
export async function flakeInstallable(
  session: CommandSession, operand: string, attributes: FlakeAttributes | undefined,
): Promise<Installable> {
  const { text, outputs } = splitOutputs(operand);
  const input: InstallableInput = {
    source: flakeSource(text, session.flags, session.context, attributes),
    autoArguments: [],
    wanted: [{ attributePath: '', outputs }],
    readOnly: session.flags.has('--readonly-mode'),
  };
  const [derived = []] = await session.workspace().evaluate<DerivedPath[][]>(installableTask, input, {
    settingOverrides: session.flags.has('--impure') ? [] : [['pure-eval', 'true']],
  });
  return { text: operand, derived };
}

/** The operands of the command line, and with `--stdin` those of standard input. */
export function operandsOf({ flags }: CommandSession): string[] {
  const piped = flags.has('--stdin') ? readFileSync(0, 'utf8').split('\n').filter(Boolean) : [];
  return [...flags.operands, ...piped];
}

/** Builds or substitutes what the installables mean. */
export async function buildInstallables(session: CommandSession, installables: readonly Installable[]): Promise<BuiltPath[]> {
  const workspace = session.workspace();
  const derived: DerivedPath[] = [];
  for (const one of installables.flatMap((installable) => installable.derived)) {
    derived.push(one.kind === 'path' || one.through === undefined ? one : {
      kind: 'built', outputs: one.outputs,
      drvPath: await workspace.realiseChain({ drvPath: one.drvPath as StorePath, chain: one.through }),
    });
  }
  const wanted = derived.map((one): Wanted => (one.kind === 'path' ? { path: one.path as StorePath }
    : { drvPath: one.drvPath as StorePath, ...(one.outputs === 'all' ? {} : { outputs: one.outputs }) }));
  await tellMissing(workspace, wanted, await session.openProgress());
  const realised = await workspace.realise(wanted);
  return derived.map((one): BuiltPath => {
    if (one.kind === 'path') return { kind: 'path', path: one.path as StorePath };
    const drvPath = one.drvPath as StorePath;
    const outputs = realised.get(drvPath) ?? new Map<string, StorePath>();
    const wanted = one.outputs === 'all' ? [...outputs.keys()].sort() : one.outputs;
    return { kind: 'built', drvPath, outputs: new Map(wanted.map((name) => [name, outputs.get(name) as StorePath])) };
  });
}

/** What the installables mean, without building: outputs whose paths are known, valid or not. */
export function knownPaths(session: CommandSession, installables: readonly Installable[]): BuiltPath[] {
  const { store } = session;
  return installables.flatMap((one) => one.derived).map((one): BuiltPath => {
    if (one.kind === 'path') return { kind: 'path', path: one.path as StorePath };
    const drvPath = one.drvPath as StorePath;
    const { outputs } = store.readDerivation(drvPath);
    const names = one.outputs === 'all' ? [...outputs.keys()].sort() : one.outputs;
    const registered = store.queryDerivationOutputs(drvPath);
    return { kind: 'built', drvPath, outputs: new Map(names.map((name) => {
      const output = outputs.get(name);
      if (output === undefined) {
        throw usageError(`derivation '${drvPath}' does not have wanted outputs '${name}'`, session.name);
      }
      return [name, knownOutputPath(output) ?? registered.get(name) as StorePath];
    })) };
  });
}

/** The store paths of what was built. */
export function outPathsOf(built: readonly BuiltPath[]): StorePath[] {
  return built.flatMap((one) => (one.kind === 'path' ? [one.path] : [...one.outputs.values()]));
}

/**
 * The valid paths that a command on store paths works with, what needs others behind them: those of
 * the operands, with their closure if `recursive`, or with `--all` every path of the store.
 */
export async function storePaths(session: CommandSession, recursive: boolean): Promise<StorePath[]> {
  const { flags, store } = session;
  if (flags.has('--all')) {
    if (flags.operands.length > 0) throw usageError("'--all' does not expect arguments", session.name);
    return topologicalOrder(store, store.allValidPaths());
  }
  const installables = await resolveInstallables(session);
  const roots = flags.has('--derivation') ? derivationsOf(session, installables)
    : outPathsOf(knownPaths(session, installables));
  return topologicalOrder(store, recursive ? store.closureOf(roots) : roots);
}

/** The derivations behind the installables; of a plain path its deriver. */
export function derivationsOf(session: CommandSession, installables: readonly Installable[]): StorePath[] {
  return installables.flatMap((one) => one.derived).map((one): StorePath => {
    if (one.kind === 'built') return one.drvPath as StorePath;
    const path = one.path as StorePath;
    if (isDerivationPath(path)) return path;
    const deriver = session.store.queryPathInfo(path)?.deriver;
    if (deriver === undefined) throw unknownDeriver(path);
    return deriver;
  });
}

/** The text that `--dry-run` shows. */
export function missingText(session: CommandSession, installables: readonly Installable[]): Promise<string> {
  const derived = installables.flatMap((one) => one.derived);
  const { substituters } = session.workspace();
  return describeMissing(session.store, knownPaths(session, installables).flatMap((one) =>
    (one.kind === 'built' ? [{ drvPath: one.drvPath, outputs: [...one.outputs.keys()] }] : [])), {
    substituters, paths: derived.flatMap((one) => (one.kind === 'path' ? [one.path as StorePath] : [])),
  });
}

/** Splits `TEXT^OUTPUTS`; undefined stands for no word on outputs. */
export function splitOutputs(text: string): { text: string; outputs: 'all' | string[] | undefined } {
  const caret = text.lastIndexOf('^');
  if (caret < 0) return { text, outputs: undefined };
  const names = text.slice(caret + 1);
  return { text: text.slice(0, caret), outputs: names === '*' ? 'all' : names.split(',').sort() };
}

export function expressionSource(session: Pick<CommandSession, 'flags' | 'name'>): ExpressionSource | undefined {
  const { flags } = session;
  const expression = flags.last('--expr');
  const file = flags.last('--file');
  if (expression !== undefined && file !== undefined) {
    throw usageError("'--file' and '--expr' are exclusive", session.name);
  }
  if (expression !== undefined) return { kind: 'text', text: encodeUtf8(expression) };
  if (file === '-') return { kind: 'stdin', text: readFileSync(0, 'latin1') };
  return file === undefined ? undefined : { kind: 'file', path: encodeUtf8(file) };
}

async function evaluateOperands(
  session: CommandSession, source: ExpressionSource, operands: readonly string[],
): Promise<Installable[]> {
  const input: InstallableInput = {
    source,
    autoArguments: autoArguments(session.flags, session.context),
    wanted: operands.map((operand) => {
      const { text, outputs } = splitOutputs(operand);
      return { attributePath: encodeUtf8(text === '.' ? '' : text), outputs };
    }),
    readOnly: session.flags.has('--readonly-mode'),
  };
  const pure = source.kind === 'text' && !session.flags.has('--impure');
  const found = await session.workspace().evaluate<DerivedPath[][]>(installableTask, input, {
    settingOverrides: pure ? [['pure-eval', 'true']] : [],
  });
  return operands.map((text, index) => ({ text, derived: found[index] ?? [] }));
}

/** A path in the store, by its name or through a link to it; undefined for what can only be a flake. */
export function storedOperand(session: CommandSession, operand: string): DerivedPath | undefined {
  const { text: whole, outputs } = splitOutputs(operand);
  const [text = '', ...through] = whole.split('^');
  if (!text.includes('/') || /^[a-z+]+:/.test(text)) return undefined;
  let path: StorePath;
  try {
    path = followToStorePath(session, text);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
  if (outputs === undefined) return { kind: 'path', path };
  return { kind: 'built', drvPath: path, outputs, ...(through.length === 0 ? {} : { through }) };
}
