/**
 * Completing a line of the REPL: the word at its end is a file's path, an attribute path, or a name
 * in scope. What cannot be evaluated has no completions; nothing is said about why.
 */

import { NixError } from '#diagnostics';
import { Attrs, parentPath, printAttributeName, resolvePath, type Value } from '#runtime';
import { UserError } from '#base';
import type { EvaluationSession } from '../worker/session.ts';

export interface CompletionSource {
  /** Names in scope. */
  names(): Iterable<string>;
  /** Value of an expression in scope. */
  evaluate(text: string): Value;
}

/** The whole lines that `text` may become, in order. */
export function completeText(session: EvaluationSession, source: CompletionSource, text: string): string[] {
  const start = Math.max(...[...' \n\r\t(){}[]'].map((character) => text.lastIndexOf(character))) + 1;
  const before = text.slice(0, start);
  const word = text.slice(start);
  try {
    return completeWord(session, source, word).sort().map((one) => before + one);
  } catch (error) {
    if (error instanceof NixError || error instanceof UserError) return [];
    throw error;
  }
}

function completeWord(session: EvaluationSession, source: CompletionSource, word: string): string[] {
  if (word.includes('/')) return completeFile(session, word);
  const dot = word.lastIndexOf('.');
  if (dot < 0) return [...source.names()].filter((name) => name.startsWith(word));
  const subject = word.slice(0, dot);
  const value = source.evaluate(subject);
  if (!(value instanceof Attrs)) return [];
  const begun = word.slice(dot + 1);
  return value.names()
    .filter((name) => name.startsWith(begun))
    .map((name) => `${subject}.${printAttributeName(name)}`);
}

function completeFile(session: EvaluationSession, word: string): string[] {
  const slash = word.lastIndexOf('/');
  const begun = word.slice(slash + 1);
  const home = session.settings.homeDirectory;
  const folder = word.startsWith('~/') && home !== undefined ? home + word.slice(1, slash + 1)
    : resolvePath(session.workingDirectory, word.slice(0, slash + 1));
  const entries = session.host.readDirectory(folder === '/' ? folder : parentPath(`${folder.replace(/\/$/, '')}/x`));
  return [...entries.keys()]
    .filter((name) => name.startsWith(begun) && (begun !== '' || !name.startsWith('.')))
    .map((name) => word.slice(0, slash + 1) + name);
}
