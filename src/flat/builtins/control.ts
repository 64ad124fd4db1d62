/** Builtins of the flat heap that direct evaluation, and that look at values' types. */

import { NixError } from '#diagnostics';
import {
  ContextString, importDerivation, intMultiply, nixError, NixFloat, NixPath, realisePath,
} from '#runtime';
import { fromValue, printedText, toValue } from '../bridge.ts';
import { cannotKeep, failType } from '../errors.ts';
import {
  boxAt, DEPTH, EDGES, emptyList, FALSE, heap, MANNER, newBool, newInt, newString, NULL, PLAIN, READER,
  symbolOf, TRUE, type Word,
} from '../heap.ts';
import { forceWord, forcePlace, failSince, trailMark } from '../machine.ts';
import { failNoted } from '../failures.ts';
import { evaluateAdd, evaluateArithmetic, intOf, lessThan, numberOf } from '../operators.ts';
import { emptySet, orderOf, setOf } from '../sets.ts';
import { beginContext, coerce, endContext, isString, textAlone } from '../texts.ts';
import { world } from '../world.ts';
import { importFlat } from '../files.ts';
import { define } from './define.ts';
import { intArgument } from './lists.ts';

const H = heap;

/** A path, string or the like as the runtime's builtins take it. */
export function pathSlot(word: Word): Parameters<typeof realisePath>[1] {
  const value = forceWord(word);
  if ((value & 7) === 1) {
    const outer = beginContext();
    const text = coerce(value, false, false);
    const context = endContext(outer);
    return context.length === 0 ? text : new ContextString(text, context);
  }
  return toValue(value);
}

define('import', 1, (path) => {
  const services = world();
  const file = realisePath(services, pathSlot(path), 'none');
  const derivation = importDerivation(services, file);
  return derivation === undefined ? importFlat(file) : fromValue(derivation);
});

define('throw', 1, (s) => {
  const outer = beginContext();
  const message = coerce(s, false, true);
  endContext(outer);
  throw nixError('ThrownError', message);
});

define('abort', 1, (s) => {
  const outer = beginContext();
  const message = coerce(s, false, true);
  endContext(outer);
  throw nixError('Abort', `evaluation aborted with the following error message: '${message}'`);
});

define('addErrorContext', 2, (_context, value) => forceWord(value));

const attemptSymbols = [symbolOf('success'), symbolOf('value')];

define('tryEval', 1, (e) => {
  const mark = trailMark();
  const depth = H[DEPTH]!;
  const outer = beginContext();
  const reader = H[READER]!;
  const edges = H[EDGES]!;
  try {
    const value = forceWord(e);
    endContext(outer);
    return setOf(attemptSymbols, [TRUE, value]);
  } catch (error) {
    endContext(outer);
    if (!(error instanceof NixError && error.isCatchable)) throw error;
    if (H[MANNER] === PLAIN) failSince(mark, error);
    else failNoted(mark, error, edges);
    H[READER] = reader;
    H[DEPTH] = depth;
    return setOf(attemptSymbols, [FALSE, FALSE]);
  }
});

/** What `trace` prints of a value. */
function shownText(value: Word): string {
  if (isString(value)) return textAlone(value);
  // It would tell what has been evaluated by now, and that need not be so in another revision.
  const isOpen = ((value & 7) === 1 || (value & 7) === 2) && value !== emptySet && value !== emptyList;
  if (isOpen && H[MANNER] !== PLAIN) cannotKeep('a set or list that is shown');
  return printedText(value);
}

define('trace', 2, (shown, value) => {
  world().trace(shownText(forceWord(shown)));
  return forceWord(value);
});

define('traceVerbose', 2, (shown, value) => {
  if (world().settings.traceVerbose) world().trace(shownText(forceWord(shown)));
  return forceWord(value);
});

define('seq', 2, (a, b) => {
  forceWord(a);
  return forceWord(b);
});

define('deepSeq', 2, (a, b) => {
  forceDeepWord(a);
  return forceWord(b);
});

export function forceDeepWord(word: Word): void {
  const seen = new Set<Word>();
  const visit = (slot: Word): void => {
    const value = forceWord(slot);
    const tag = value & 7;
    if (tag !== 1 && tag !== 2) return;
    if (seen.has(value)) return;
    seen.add(value);
    const cell = value >>> 2;
    if (tag === 2) {
      for (let i = 1; i <= H[cell]!; i++) visit(forcePlace(cell + i));
    } else {
      const shape = H[cell]!;
      const order = orderOf(shape);
      for (let i = 0; i < H[shape]!; i++) visit(forcePlace(cell + 1 + H[order + i]!));
    }
  };
  visit(word);
}

define('lessThan', 2, (a, b) => newBool(lessThan(forceWord(a), forceWord(b))));
define('add', 2, (a, b, _c, position) => {
  const x = forceWord(a);
  if (numberOf(x) === undefined) throw failType('an integer', x, position);
  const y = forceWord(b);
  if (numberOf(y) === undefined) throw failType('an integer', y, position);
  return evaluateAdd(x, y, position);
});
define('sub', 2, (a, b, _c, position) => evaluateArithmetic(35, forceWord(a), forceWord(b), position));
define('mul', 2, (a, b, _c, position) => evaluateArithmetic(36, forceWord(a), forceWord(b), position));
define('div', 2, (a, b, _c, position) => evaluateArithmetic(37, forceWord(a), forceWord(b), position));
define('bitAnd', 2, (a, b) => newInt(shortInt(BigInt(intArgument(a)) & BigInt(intArgument(b)))));
define('bitOr', 2, (a, b) => newInt(shortInt(BigInt(intArgument(a)) | BigInt(intArgument(b)))));
define('bitXor', 2, (a, b) => newInt(shortInt(BigInt(intArgument(a)) ^ BigInt(intArgument(b)))));

/** The form in which integers are kept: a number where that is exact. */
function shortInt(value: bigint): number | bigint {
  return intMultiply(value, 1);
}

define('isNull', 1, (e) => newBool(forceWord(e) === NULL));
define('isBool', 1, (e) => {
  const value = forceWord(e);
  return newBool(value === TRUE || value === FALSE);
});
define('isInt', 1, (e) => newBool(intOf(forceWord(e)) !== undefined));
define('isFloat', 1, (e) => newBool(boxIs(forceWord(e), NixFloat)));
define('isPath', 1, (e) => newBool(boxIs(forceWord(e), NixPath)));
define('isString', 1, (e) => newBool(isString(forceWord(e))));
define('isList', 1, (e) => newBool((forceWord(e) & 7) === 2));
define('isAttrs', 1, (e) => newBool((forceWord(e) & 7) === 1));
define('isFunction', 1, (e) => newBool((forceWord(e) & 7) === 3));

function boxIs(word: Word, kind: typeof NixFloat | typeof NixPath): boolean {
  return (word & 7) === 5 && boxAt(word >>> 3) instanceof kind;
}

const typeNames = new Map(['set', 'list', 'lambda', 'string', 'path', 'float', 'int', 'bool', 'null']
  .map((name) => [name, newString(name)]));

define('typeOf', 1, (e) => typeNames.get(typeName(forceWord(e)))!);

function typeName(value: Word): string {
  switch (value & 7) {
    case 1:
      return 'set';
    case 2:
      return 'list';
    case 3:
      return 'lambda';
    case 4:
      return 'string';
    case 6:
      return 'int';
    case 7:
      return value === NULL ? 'null' : 'bool';
  }
  const box = boxAt(value >>> 3);
  if (box instanceof ContextString) return 'string';
  if (box instanceof NixPath) return 'path';
  return box instanceof NixFloat ? 'float' : 'int';
}

