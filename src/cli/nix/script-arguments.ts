/**
 * Scripts that name `nix` as their interpreter: the arguments in their first lines.
 *
 *     #! /usr/bin/env nix
 *     #! nix shell nixpkgs#hello --command bash
 *
 * Words end at white space. Two backticks quote, also over several lines; three and more in quotes
 * stand for one less. What a shell would give a meaning to is refused outside of quotes.
 */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { badShebang } from '../errors.ts';

/** The words of a script's `#! nix` lines; undefined for what is no script. */
export function scriptArguments(file: string, cwd: string): string[] | undefined {
  let text;
  try {
    text = readFileSync(resolve(cwd, file), 'utf8');
  } catch {
    return undefined;
  }
  if (!text.startsWith('#!')) return undefined;
  let content = '';
  for (const line of text.split('\n').slice(1)) {
    // Comments of many languages may stand between.
    if (!/^[#/\\%@*(-]/.test(line)) break;
    const match = /^#!\s*nix(?::? |$)(.*)$/.exec(line.replace(/\r$/, ''));
    if (match !== null) content += `${match[1]}\n`;
  }
  return splitWords(content);
}

export function splitWords(content: string): string[] {
  const words: string[] = [];
  let word = '';
  let rest = content;
  while (rest !== '') {
    const first = rest[0] as string;
    if (/\s/.test(first)) {
      if (word !== '') words.push(word);
      word = '';
      rest = rest.slice(1);
    } else if (rest.startsWith('``')) {
      const quoted = readQuoted(rest.slice(2));
      words.push(word + quoted.text);
      word = '';
      rest = quoted.rest;
    } else {
      if (first === '`') throw badShebang('single backtick is not a supported syntax in the nix shebang.');
      if ('$*~<>|;()[]{}\'"\\'.includes(first)) {
        throw badShebang(`unsupported unquoted character in nix shebang: ${first}. Use double backticks to escape?`);
      }
      if (first === '#' && word === '') {
        throw badShebang('unquoted nix shebang argument cannot start with #. Use double backticks to escape?');
      }
      word += first;
      rest = rest.slice(1);
    }
  }
  if (word !== '') words.push(word);
  return words;
}

/** The text up to two backticks, without a space before them, and what follows them. */
function readQuoted(from: string): { text: string; rest: string } {
  let text = '';
  for (let at = 0; at < from.length;) {
    const ticks = /^`+/.exec(from.slice(at))?.[0].length ?? 0;
    if (ticks === 2) return { text: text.replace(/ $/, ''), rest: from.slice(at + 2) };
    text += ticks > 2 ? '`'.repeat(ticks - 1) : from[at];
    at += Math.max(1, ticks);
  }
  throw badShebang('unterminated quoted string in nix shebang');
}
