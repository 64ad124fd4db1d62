/** Builtins on strings of the flat heap. */

import {
  checkRegex, compareVersions, ContextString, evalError, parseDrvName, RegexError, regexMatch,
  regexSplit, replaceTexts, splitVersion,
} from '#runtime';
import {
  boxAt, contextString, emptyString, heap, listOf, newBool, newInt, newString, NULL, symbolOf,
  textAt, type Word,
} from '../heap.ts';
import { forceWord, forcePlace } from '../machine.ts';
import { setOf } from '../sets.ts';
import {
  bareText, beginContext, coerce, endContext, isString, madeString, textAlone, stringText,
} from '../texts.ts';
import { define } from './define.ts';
import { intArgument, listCell } from './lists.ts';

const H = heap;

define('toString', 1, (argument) => {
  const value = forceWord(argument);
  if (isString(value)) return value;
  const outer = beginContext();
  const text = coerce(value, true, false);
  return madeString(text, outer);
});

define('substring', 3, (start, length, s) => {
  const begin = Number(intArgument(start));
  if (begin < 0) throw evalError("negative start position in 'substring'");
  const count = Number(intArgument(length));
  const value = forceWord(s);
  const end = count < 0 ? Infinity : begin + count;
  if ((value & 7) === 4) {
    const text = textAt(value >>> 3);
    if (begin === 0 && end >= text.length) return value;
    return begin >= text.length ? emptyString : newString(text.slice(begin, end));
  }
  const outer = beginContext();
  const text = coerce(value, false, true);
  return madeString(text.slice(begin, end), outer);
});

define('stringLength', 1, (s) => {
  const value = forceWord(s);
  if ((value & 7) === 4) return newInt(textAt(value >>> 3).length);
  const outer = beginContext();
  const text = coerce(value, false, true);
  endContext(outer);
  return newInt(text.length);
});

define('concatStringsSep', 2, (separator, list) => {
  const outer = beginContext();
  const glue = stringText(forceWord(separator));
  const cell = listCell(list);
  const count = H[cell]!;
  let text = '';
  for (let i = 1; i <= count; i++) {
    if (i > 1) text += glue;
    const item = forcePlace(cell + i);
    text += (item & 7) === 4 ? textAt(item >>> 3) : coerce(item, false, true);
  }
  return madeString(text, outer);
});

define('replaceStrings', 3, (fromList, toList, s) => {
  const fromCell = listCell(fromList);
  const toCell = listCell(toList);
  const count = H[fromCell]!;
  if (count !== H[toCell]) {
    throw evalError("'from' and 'to' arguments passed to builtins.replaceStrings have different lengths");
  }
  const from: string[] = [];
  for (let i = 1; i <= count; i++) from.push(textAlone(forcePlace(fromCell + i)));
  const outer = beginContext();
  const value = forceWord(s);
  const text = stringText(value);
  const replacement = (index: number) => stringText(forcePlace(toCell + 1 + index));
  const result = replaceTexts(text, from, replacement);
  if (result === text && (value & 7) === 4) {
    const context = endContext(outer);
    return context.length === 0 ? value : contextString(text, context);
  }
  return madeString(result, outer);
});

function withRegex(source: string, run: () => Word): Word {
  try {
    checkRegex(source);
    return run();
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    throw evalError(error.kind === 'space'
      ? `memory limit exceeded by regular expression '${source}'`
      : `invalid regular expression '${source}'`);
  }
}

function groupsOf(groups: readonly (string | null)[]): Word {
  return listOf(groups.map((group) => (group === null ? NULL : newString(group))));
}

define('match', 2, (regex, s) => {
  const source = bareText(regex);
  return withRegex(source, () => {
    const groups = regexMatch(source, textAlone(forceWord(s)));
    return groups === undefined ? NULL : groupsOf(groups);
  });
});

define('split', 2, (regex, s) => {
  const source = bareText(regex);
  return withRegex(source, () => {
    const value = forceWord(s);
    const parts = regexSplit(source, textAlone(value));
    if (parts.length === 1) return listOf([value]);
    return listOf(parts.map((part) => (typeof part === 'string' ? newString(part) : groupsOf(part))));
  });
});

const drvNameSymbols = [symbolOf('name'), symbolOf('version')];

define('parseDrvName', 1, (s) => {
  const { name, version } = parseDrvName(bareText(s));
  return setOf(drvNameSymbols, [newString(name), newString(version)]);
});

define('compareVersions', 2, (a, b) => newInt(compareVersions(bareText(a), bareText(b))));

define('splitVersion', 1, (s) => listOf(splitVersion(bareText(s)).map(newString)));

define('unsafeDiscardStringContext', 1, (s) => {
  const value = forceWord(s);
  if ((value & 7) === 4) return value;
  const outer = beginContext();
  const text = coerce(value, false, true);
  endContext(outer);
  return newString(text);
});

define('hasContext', 1, (s) => {
  const value = forceWord(s);
  textAlone(value);
  return newBool((value & 7) === 5 && boxAt(value >>> 3) instanceof ContextString);
});

