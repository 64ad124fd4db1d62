/**
 * Builtins on strings, versions and regular expressions.
 *
 * A string's context follows its text through all of these, but not into the parts that `match`
 * and `split` return, nor into hashes.
 */

import { Attrs } from '../attrs.ts';
import {
  coerceToString,
  forceInt,
  forceList,
  forceString,
  forceStringNoContext,
  makeString,
} from '../coerce.ts';
import { ContextCollector } from '../context.ts';
import { evalError, limitError } from '../errors.ts';
import { checkRegex, RegexError, regexMatch, regexSplit } from '../regex/index.ts';
import type { EvalServices } from '../services.ts';
import { force } from '../thunk.ts';
import { ContextString, type Slot, type Value } from '../values.ts';
import { compareVersions, parseDrvName, splitVersion } from '../version-compare.ts';
import { replaceTexts } from '../replace-texts.ts';
import { definePrimOp, type PrimOpDefinition } from './define.ts';

export const strings: readonly PrimOpDefinition[] = [
  definePrimOp({
    name: 'toString',
    args: ['e'],
    global: true,
    doc:
      'A text for *e*: strings as they are, paths without copying them to the store, sets by their' +
      ' `__toString` or `outPath`, lists element by element with spaces between, `true` as `"1"`,' +
      ' `false` and `null` as `""`.',
    run: (services, e) => {
      const value = force(e);
      if (typeof value === 'string' || value instanceof ContextString) return value;
      const collector = new ContextCollector();
      const text = coerceToString(
        value,
        services,
        collector,
        0,
        'while evaluating the first argument passed to builtins.toString',
        { coerceMore: true, copyToStore: false },
      );
      return makeString(text, collector);
    },
  }),
  definePrimOp({
    name: 'substring',
    args: ['start', 'len', 's'],
    doc:
      'The part of *s* from byte *start* on, *len* bytes long or up to the end; a negative *len*' +
      ' means up to the end.',
    run: (services, start, length, s) => substring(services, start, length, s),
  }),
  definePrimOp({
    name: 'stringLength',
    args: ['s'],
    doc: 'The number of bytes of *s*.',
    run: (services, s) => {
      const value = force(s);
      if (typeof value === 'string') return value.length;
      return coerceToString(
        value,
        services,
        new ContextCollector(),
        0,
        'while evaluating the argument passed to builtins.stringLength',
      ).length;
    },
  }),
  definePrimOp({
    name: 'concatStringsSep',
    args: ['separator', 'list'],
    doc: 'The strings in *list*, one after the other, with *separator* between them.',
    run: (services, separator, list, position) => {
      const collector = new ContextCollector();
      const glue = forceString(
        separator,
        0,
        'while evaluating the first argument (the separator string) passed to' +
          ' builtins.concatStringsSep',
        collector,
      );
      const items = forceList(
        list,
        0,
        'while evaluating the second argument (the list of strings to concat) passed to' +
          ' builtins.concatStringsSep',
      );
      const text =
        'while evaluating one element of the list of strings to concat passed to' +
        ' builtins.concatStringsSep';
      let result = '';
      for (let i = 0; i < items.length; i++) {
        const value = force(items[i]!);
        const part =
          typeof value === 'string'
            ? value
            : coerceToString(value, services, collector, 0, text);
        try {
          if (i > 0) result += glue;
          result += part;
        } catch (error) {
          throw limitError(error, position);
        }
      }
      return makeString(result, collector);
    },
  }),
  definePrimOp({
    name: 'replaceStrings',
    args: ['from', 'to', 's'],
    doc:
      '*s* with each string of *from* replaced by the string at the same place of *to*. At each' +
      ' place of *s* the first that fits is taken; replacements are not looked at again, and are' +
      ' evaluated only when used.',
    run: (_, from, to, s) => replaceStrings(from, to, s),
  }),
  definePrimOp({
    name: 'match',
    args: ['regex', 'str'],
    doc:
      'The groups of the POSIX extended regular expression *regex* if it matches all of *str*,' +
      ' `null` if it does not. A group that took no part is `null`.',
    run: (_, regex, str) => {
      const source = forceStringNoContext(
        regex,
        0,
        'while evaluating the first argument passed to builtins.match',
      );
      return withRegex(source, () => {
        const text = forceString(
          str,
          0,
          'while evaluating the second argument passed to builtins.match',
        );
        return regexMatch(source, text) ?? null;
      });
    },
  }),
  definePrimOp({
    name: 'split',
    args: ['regex', 'str'],
    doc:
      'The parts of *str* between the matches of the POSIX extended regular expression *regex*,' +
      ' and between them, for each match, the list of its groups.',
    run: (_, regex, str) => {
      const source = forceStringNoContext(
        regex,
        0,
        'while evaluating the first argument passed to builtins.split',
      );
      return withRegex(source, () => {
        const text = forceString(
          str,
          0,
          'while evaluating the second argument passed to builtins.split',
        );
        const parts = regexSplit(source, text);
        // Without a match the string itself is the only part, context and all.
        return parts.length === 1 ? [str] : parts;
      });
    },
  }),
  definePrimOp({
    name: 'parseDrvName',
    args: ['s'],
    doc:
      'Splits a package name into `name` and `version`; the version begins after the first dash' +
      ' that no letter follows.',
    run: (_, s) => {
      const { name, version } = parseDrvName(
        forceStringNoContext(
          s,
          0,
          'while evaluating the first argument passed to builtins.parseDrvName',
        ),
      );
      return drvNameForm.withSlots([name, version]);
    },
  }),
  definePrimOp({
    name: 'compareVersions',
    args: ['s1', 's2'],
    doc: '-1 if version *s1* is older than *s2*, 0 if they are equal, 1 if it is newer.',
    run: (_, s1, s2) => {
      const first = forceStringNoContext(
        s1,
        0,
        'while evaluating the first argument passed to builtins.compareVersions',
      );
      const second = forceStringNoContext(
        s2,
        0,
        'while evaluating the second argument passed to builtins.compareVersions',
      );
      return compareVersions(first, second);
    },
  }),
  definePrimOp({
    name: 'splitVersion',
    args: ['s'],
    doc: 'The components of a version, as `compareVersions` sees them.',
    run: (_, s) =>
      splitVersion(
        forceStringNoContext(
          s,
          0,
          'while evaluating the first argument passed to builtins.splitVersion',
        ),
      ),
  }),
];

const drvNameForm = Attrs.fromNames(['name', 'version'], [null, null]);

function withRegex(source: string, run: () => Value): Value {
  try {
    // The expression is compiled before the string is looked at.
    checkRegex(source);
    return run();
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    throw evalError(
      error.kind === 'space'
        ? `memory limit exceeded by regular expression '${source}'`
        : `invalid regular expression '${source}'`,
    );
  }
}

function substring(services: EvalServices, start: Slot, length: Slot, s: Slot): Value {
  const begin = Number(
    forceInt(
      start,
      0,
      'while evaluating the first argument (the start offset) passed to builtins.substring',
    ),
  );
  if (begin < 0) throw evalError("negative start position in 'substring'");
  const count = Number(
    forceInt(
      length,
      0,
      'while evaluating the second argument (the substring length) passed to builtins.substring',
    ),
  );
  const value = force(s);
  const end = count < 0 ? Infinity : begin + count;
  if (typeof value === 'string') return value.slice(begin, end);
  if (value instanceof ContextString) {
    return new ContextString(value.text.slice(begin, end), value.context);
  }
  const collector = new ContextCollector();
  const text = coerceToString(
    value,
    services,
    collector,
    0,
    'while evaluating the third argument (the string) passed to builtins.substring',
  );
  return makeString(text.slice(begin, end), collector);
}

function replaceStrings(fromSlot: Slot, toSlot: Slot, s: Slot): Value {
  const fromList = forceList(
    fromSlot,
    0,
    'while evaluating the first argument passed to builtins.replaceStrings',
  );
  const to = forceList(
    toSlot,
    0,
    'while evaluating the second argument passed to builtins.replaceStrings',
  );
  if (fromList.length !== to.length) {
    throw evalError(
      "'from' and 'to' arguments passed to builtins.replaceStrings have different lengths",
    );
  }
  const from: string[] = [];
  for (let i = 0; i < fromList.length; i++) {
    from.push(
      forceString(
        fromList[i]!,
        0,
        'while evaluating one of the strings to replace passed to builtins.replaceStrings',
      ),
    );
  }
  const collector = new ContextCollector();
  const text = forceString(
    s,
    0,
    'while evaluating the third argument passed to builtins.replaceStrings',
    collector,
  );
  const replacements: (string | undefined)[] = [];
  const replacement = (index: number): string =>
    (replacements[index] ??= forceString(
      to[index]!,
      0,
      'while evaluating one of the replacement strings passed to builtins.replaceStrings',
      collector,
    ));
  return makeString(replaceTexts(text, from, replacement), collector);
}
