/**
 * Scripts that name `nix-shell` as their interpreter: the arguments in their first lines, and how
 * the interpreter that they really want is called.
 *
 *     #! /usr/bin/env nix-shell
 *     #! nix-shell -i python3 -p python3
 */

import { readFileSync } from 'node:fs';
import { UserError } from '#base';

/** The words in a script's `#! nix-shell` lines; undefined for a file that is no script. */
export function shebangWords(path: string): string[] | undefined {
  let text;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  if (!text.startsWith('#!')) return undefined;
  return text.split('\n').slice(1).flatMap((line) => {
    const match = /^#!\s*nix-shell\s+(.*)$/.exec(line.trimEnd());
    return match === null ? [] : shellWords(match[1] as string);
  });
}

/** Splits as a shell does: at spaces, but not in quotes; a backslash takes the next character as it is. */
export function shellWords(text: string): string[] {
  const words: string[] = [];
  let word = '';
  let isStarted = false;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (quote === '' && /\s/.test(character)) {
      if (isStarted) words.push(word);
      word = '';
      isStarted = false;
      continue;
    }
    isStarted = true;
    if (character === '\\' && quote !== "'") {
      at += 1;
      word += text[at] ?? '';
    } else if (character === quote) {
      quote = '';
    } else if (quote === '' && (character === '"' || character === "'")) {
      quote = character;
    } else {
      word += character;
    }
  }
  if (quote !== '') throw new UserError('USAGE', 'unterminated quote in shebang line');
  if (isStarted) words.push(word);
  return words;
}

/** The shell command that lets `interpreter` run the script. */
export function interpreterCommand(interpreter: string, script: string, args: readonly string[]): string {
  const operands = [script, ...args].map(quoteForShell).join(' ');
  // Perl follows the script's first line unless it goes by another name; Ruby unless it is loaded.
  const alias = /perl/.test(interpreter) ? '-a PERL ' : '';
  const load = /ruby/.test(interpreter) ? " -e 'load(ARGV.shift)' --" : '';
  return `exec ${alias}${interpreter}${load} ${operands}`;
}

/** One word of the shell, whatever is in it. */
export function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
