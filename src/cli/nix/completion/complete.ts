/**
 * Completion of command lines by the protocol of C++ Nix: with `NIX_GET_COMPLETIONS=N` the program
 * runs nothing, but prints what its Nth word may become. The first line says what kind of words they
 * are (`normal`, `filenames`, `attrs`); each of the others is a word, a tab, and a description.
 *
 * What a word means follows from the tables of flags: from what a flag's operands, or the command's
 * own, are called in the help text.
 */

import type { CommandContext, CommandUsage } from '../../context.ts';
import type { Flag } from '../flags.ts';
import { completeOperand } from './operands.ts';
import { Completions } from './completions.ts';
import { splitLine } from './split-line.ts';

/** Loads what may stand on a command's line; undefined for a command that tells nothing. */
export type FindUsage = (name: string) => Promise<CommandUsage | undefined>;

/** `words` are those behind the program's name, `at` is the index of the one that is completed. */
export async function complete(
  words: readonly string[], at: number, names: readonly string[], findUsage: FindUsage, context: CommandContext,
): Promise<number> {
  const completions = new Completions();
  await completeWord(words, at, names, findUsage, context, completions);
  context.stdout.write(completions.print());
  return 0;
}

async function completeWord(
  words: readonly string[], at: number, names: readonly string[], findUsage: FindUsage, context: CommandContext,
  completions: Completions,
): Promise<void> {
  const begun = words[at] ?? '';
  const [first = '', second = ''] = words;
  if (at === 0) {
    if (begun.startsWith('-')) addFlags(generalFlags, begun, completions);
    else for (const name of names.map((one) => one.split(' ')[0] as string)) completions.addIf(name, begun);
    return;
  }
  const family = names.filter((name) => name.startsWith(`${first} `)).map((name) => name.slice(first.length + 1).split(' ')[0] as string);
  if (at === 1 && family.length > 0 && !begun.startsWith('-')) {
    for (const name of family) completions.addIf(name, begun);
    return;
  }
  const name = names.includes(`${first} ${second}`) ? `${first} ${second}` : first;
  const usage = names.includes(name) ? await findUsage(name) : undefined;
  if (usage === undefined) return;
  const own = name.split(' ').length;
  const line = splitLine(usage.flags, words.slice(own), at - own);
  if (line.target.kind === 'flag') addFlags(usage.flags, begun, completions);
  else await completeOperand({ name, usage, line, begun, context }, completions);
}

function addFlags(flags: readonly Flag[], begun: string, completions: Completions): void {
  for (const { names, description } of flags) {
    for (const name of names) {
      if (begun === '-' ? /^-[^-]/.test(name) : name.startsWith('--')) completions.addIf(name, begun, description);
    }
  }
  if (begun === '-') completions.addIf('--', begun);
}

const generalFlags: readonly Flag[] = [
  { names: ['--help'], description: 'print what there is' },
  { names: ['--version'], description: 'print the version' },
];
