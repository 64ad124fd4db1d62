/** How an operand that has been begun may go on: by what it is called in the help text. */

import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { decodeUtf8, encodeUtf8, noProgress } from '#base';
import {
  completeTask, flakeRegistries, packageAttributes, type CompletionQuestion, type ExpressionSource,
} from '#host';
import { inputToUrl } from '#runtime';
import type { CommandContext, CommandUsage } from '../../context.ts';
import { CommandSession } from '../command.ts';
import { autoArguments } from '../evaluation.ts';
import { currentSystem } from '../flake-flags.ts';
import { parseFlags, settingNames, type ParsedFlags } from '../flags.ts';
import { profileOf, readElements } from '../profile-elements.ts';
import { openWorkspace } from '../workspace.ts';
import type { Completions } from './completions.ts';
import type { SplitLine } from './split-line.ts';

export interface BegunOperand {
  readonly name: string;
  readonly usage: CommandUsage;
  readonly line: SplitLine;
  readonly begun: string;
  readonly context: CommandContext;
}

export async function completeOperand(operand: BegunOperand, completions: Completions): Promise<void> {
  const { line: { target }, begun, context } = operand;
  const flag = target.kind === 'flagOperand' ? target.flag : undefined;
  const label = flag === undefined ? operand.usage.operands : flag.operands?.[target.kind === 'flagOperand' ? target.index : 0] ?? '';
  if (flag?.names[0] === '--option') {
    if (target.kind !== 'flagOperand' || target.index > 0) return;
    for (const name of settingNames) completions.addIf(name, begun, `Set the \`${name}\` setting.`);
  } else if (flag === undefined && /NAMES/.test(label) && operand.name.startsWith('profile ')) {
    for (const name of await profileNames(operand)) completions.addIf(name, begun);
  } else if (/INPUT/.test(label)) {
    for (const name of await ask(operand, { kind: 'inputs', flakes: flakesOf(operand), begun: encodeUtf8(begun) })) {
      completions.addIf(name, begun);
    }
  } else if (/INSTALLABLE/.test(label)) {
    await completeInstallable(operand, completions);
  } else if (/FLAKE/.test(label)) {
    await completeFlake(operand, completions);
  } else if (/FILE|PATH|FOLDER/.test(label)) {
    completions.kind = 'filenames';
    addFiles(begun, context, completions, false);
  }
}

async function completeInstallable(operand: BegunOperand, completions: Completions): Promise<void> {
  const { begun, line, context, usage } = operand;
  const file = line.flags.get('--file')?.[0];
  const expression = line.flags.get('--expr')?.[0];
  if (file !== undefined || expression !== undefined) {
    completions.kind = 'attrs';
    const source: ExpressionSource = file !== undefined ? { kind: 'file', path: encodeUtf8(withoutTilde(file, context)) }
      : { kind: 'text', text: encodeUtf8(expression ?? '') };
    const names = await ask(operand, { kind: 'attributes', source, autoArguments: autoArguments(flagsOf(operand), context), begun: encodeUtf8(begun) });
    for (const name of names) completions.addIf(name, begun);
    return;
  }
  const hash = begun.indexOf('#');
  if (hash < 0) return completeFlake(operand, completions);
  completions.kind = 'attrs';
  const reference = begun.slice(0, hash);
  const system = currentSystem(flagsOf(operand), context);
  const names = await ask(operand, {
    kind: 'outputs', reference: encodeUtf8(withoutTilde(reference, context)), begun: encodeUtf8(begun.slice(hash + 1)),
    attributes: (usage.attributes ?? packageAttributes)(system),
  });
  for (const name of names) completions.addIf(`${reference}#${name}`, begun);
}

/** Folders, and what registries have names for. */
async function completeFlake(operand: BegunOperand, completions: Completions): Promise<void> {
  const { begun, context } = operand;
  completions.kind = 'filenames';
  if (begun === '') completions.addIf('.', begun);
  addFiles(begun, context, completions, true);
  const workspace = openWorkspace(flagsOf(operand), context, noProgress);
  try {
    for (const { entries } of await flakeRegistries(workspace.fetchOptions())) {
      for (const { from } of entries) {
        const name = decodeUtf8(inputToUrl(from));
        completions.addIf(begun.startsWith('flake:') ? name : name.replace(/^flake:/, ''), begun);
      }
    }
  } finally {
    await workspace.close();
  }
}

/** The flakes whose inputs are meant. */
function flakesOf({ name, line, context }: BegunOperand): string[] {
  const named = line.flags.get('--flake') ?? (name === 'flake update' ? [] : line.operands);
  const flakes = name.startsWith('flake ') ? named.slice(0, 1) : named;
  return (flakes.length === 0 ? ['.'] : flakes).map((flake) => encodeUtf8(withoutTilde(flake.replace(/#.*/, ''), context)));
}

/** What the profile has, by name. */
async function profileNames(operand: BegunOperand): Promise<string[]> {
  const session = new CommandSession('nix profile', flagsOf(operand), operand.context);
  try {
    return [...(await readElements(session, profileOf(session))).keys()];
  } finally {
    await session.close();
  }
}

/** Byte strings become ordinary ones. */
async function ask(operand: BegunOperand, question: CompletionQuestion): Promise<string[]> {
  const workspace = openWorkspace(flagsOf(operand), operand.context, noProgress);
  try {
    const isFile = question.kind === 'attributes' && question.source.kind === 'file';
    const names = await workspace.evaluate<string[]>(completeTask, question, {
      quiet: true, settingOverrides: [['allow-import-from-derivation', 'false'], ...(isFile ? [] : [['pure-eval', 'true'] as const])],
    });
    return names.map(decodeUtf8);
  } finally {
    await workspace.close();
  }
}

/** Of the flags on the line, those that say how flakes are found and evaluated. */
function flagsOf({ usage, line, context }: BegunOperand): ParsedFlags {
  const known = new Set(usage.flags.map((flag) => flag.names[0]));
  const kept = ['--arg', '--argstr', '--store', '--impure', '--override-flake', '--offline', '--profile'];
  const words = [...line.flags].filter(([name]) => kept.includes(name) && known.has(name)).flatMap(([name, operands]) => [name, ...operands]);
  return parseFlags('nix', usage.flags, words, context);
}

function addFiles(begun: string, context: CommandContext, completions: Completions, onlyFolders: boolean): void {
  const place = resolve(context.cwd, withoutTilde(begun, context));
  const isFolder = begun === '' || begun.endsWith('/');
  const [folder, start] = isFolder ? [place, ''] : [dirname(place), basename(begun)];
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return;
  }
  const shown = begun.slice(0, begun.length - start.length);
  for (const name of names) {
    if (!name.startsWith(start) || (name.startsWith('.') && !start.startsWith('.'))) continue;
    if (onlyFolders && statSync(join(folder, name), { throwIfNoEntry: false })?.isDirectory() !== true) continue;
    completions.addIf(shown + name, begun);
  }
}

function withoutTilde(path: string, { env }: CommandContext): string {
  return /^~(\/|$)/.test(path) ? (env['HOME'] ?? '~') + path.slice(1) : path;
}
