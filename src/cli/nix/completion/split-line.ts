/** A command line that is still being typed: which word is what, as far as tables of flags tell. */

import { booleanSettings, settingNames, type Flag } from '../flags.ts';

export interface SplitLine {
  /** What the word under completion is. */
  readonly target:
    | { readonly kind: 'flag' }
    /** An operand of the command; how many stand before it. */
    | { readonly kind: 'operand'; readonly index: number }
    | { readonly kind: 'flagOperand'; readonly flag: Flag; readonly index: number };
  /** The command's operands, but for the one under completion. */
  readonly operands: readonly string[];
  /** Operands of flags, by the names that name them. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
}

/** `at` is the index of the word under completion. */
export function splitLine(table: readonly Flag[], words: readonly string[], at: number): SplitLine {
  const byName = new Map(table.flatMap((flag) => flag.names.map((name) => [name, flag] as const)));
  const operands: string[] = [];
  const flags = new Map<string, readonly string[]>();
  let target: SplitLine['target'] = { kind: 'operand', index: 0 };
  let onlyOperands = false;
  for (let position = 0; position < words.length || position === at; position++) {
    const word = words[position] ?? '';
    if (!onlyOperands && word === '--' && position !== at) {
      onlyOperands = true;
    } else if (!onlyOperands && word.startsWith('-')) {
      const flag = byName.get(word);
      const count = flag?.takesRest === true ? words.length : flag?.operands?.length ?? (takesValue(word) ? 1 : 0);
      if (position === at) target = { kind: 'flag' };
      else if (at > position && at <= position + count && flag !== undefined) {
        target = { kind: 'flagOperand', flag, index: at - position - 1 };
      } else if (flag !== undefined) {
        flags.set(flag.names[0], words.slice(position + 1, position + 1 + count));
      }
      position += position === at ? 0 : count;
    } else if (position === at) {
      target = { kind: 'operand', index: operands.length };
    } else {
      operands.push(word);
    }
  }
  return { target, operands, flags };
}

/** Whether a flag is a setting with a value. */
function takesValue(flag: string): boolean {
  const name = flag.replace(/^--(extra-)?/, '');
  return settingNames.has(name) && !booleanSettings.has(name);
}
