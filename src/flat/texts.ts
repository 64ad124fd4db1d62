/**
 * Strings of the flat heap: coercions, and the contexts that they collect.
 *
 * While a computation reads strings, their contexts are joined in one variable of this module: who
 * wants them brackets its reading by `beginContext` and `endContext`. Whoever catches an error puts
 * back what was there.
 */

import type { Position } from '#diagnostics';
import {
  type Context, ContextString, emptyContext, evalError, formatFloat, NixFloat, NixPath,
  unionContext,
} from '#runtime';
import { failCoerce, failType } from './errors.ts';
import {
  boxAt, contextString, DEPTH, heap, newString, symbolOf, symbolOfString, textAt, TRUE, type Word,
} from './heap.ts';
import { apply1, enterNested } from './calls.ts';
import { forceWord, forcePlace } from './machine.ts';
import { find } from './sets.ts';
import { world } from './world.ts';

const H = heap;
const toStringSymbol = symbolOf('__toString');
const outPathSymbol = symbolOf('outPath');

let collected: Context = emptyContext;

export function beginContext(): Context {
  const outer = collected;
  collected = emptyContext;
  return outer;
}

export function endContext(outer: Context): Context {
  const inner = collected;
  collected = outer;
  return inner;
}

/** For whoever catches an error: `endContext` puts it back. */
export function collectedContext(): Context {
  return collected;
}

export function addContext(context: Context): void {
  collected = unionContext(collected, context);
}

/** The text of a string value; its context is collected. */
export function stringText(value: Word, position: Position = 0): string {
  if ((value & 7) === 4) return textAt(value >>> 3);
  if ((value & 7) === 5) {
    const box = boxAt(value >>> 3);
    if (box instanceof ContextString) {
      addContext(box.context);
      return box.text;
    }
  }
  throw failType('a string', value, position);
}

/** The text of a string value, whatever its context. */
export function textAlone(value: Word): string {
  if ((value & 7) === 4) return textAt(value >>> 3);
  const box = (value & 7) === 5 ? boxAt(value >>> 3) : undefined;
  if (box instanceof ContextString) return box.text;
  throw failType('a string', value, 0);
}

/** The text of a string that may have no context. */
export function bareText(word: Word): string {
  const value = forceWord(word);
  if ((value & 7) === 4) return textAt(value >>> 3);
  const text = textAlone(value);
  throw evalError(`the string '${text}' is not allowed to refer to a store path`);
}

export function isString(value: Word): boolean {
  return (value & 7) === 4 || ((value & 7) === 5 && boxAt(value >>> 3) instanceof ContextString);
}

/** The symbol that a value names; a new one for a new name, since what is made later may have it. */
export function symbolFrom(word: Word): number {
  const value = forceWord(word);
  return (value & 7) === 4 ? symbolOfString(value) : symbolOf(bareText(value));
}

/** The text of what can stand for a string; its context is collected. */
export function coerce(word: Word, more: boolean, copy: boolean, position: Position = 0): string {
  const value = forceWord(word);
  switch (value & 7) {
    case 4:
      return textAt(value >>> 3);
    case 1:
      return coerceSet(value, more, copy, position);
    case 5:
      return coerceBox(value, more, copy, position);
    case 6:
      if (more) return String(value >> 3);
      break;
    case 7:
      if (more) return value === TRUE ? '1' : '';
      break;
    case 2:
      if (more) {
        enterNested();
        const text = coerceList(value, copy, position);
        H[DEPTH]!--;
        return text;
      }
  }
  throw failCoerce(value, position);
}

function coerceBox(value: Word, more: boolean, copy: boolean, position: Position): string {
  const box = boxAt(value >>> 3);
  if (box instanceof ContextString) {
    addContext(box.context);
    return box.text;
  }
  if (box instanceof NixPath) {
    if (!copy) return box.path;
    const storePath = world().copyPathToStore(box.path);
    addContext([storePath]);
    return storePath;
  }
  if (more) {
    if (box instanceof NixFloat) return formatFloat(box.value);
    if (typeof box === 'number' || typeof box === 'bigint') return String(box);
  }
  throw failCoerce(value, position);
}

function coerceSet(value: Word, more: boolean, copy: boolean, position: Position): string {
  const cell = value >>> 2;
  let at = find(H[cell]!, toStringSymbol);
  if (at >= 0) return coerce(apply1(forcePlace(cell + 1 + at), value, position), more, copy, position);
  at = find(H[cell]!, outPathSymbol);
  if (at >= 0) return coerce(forcePlace(cell + 1 + at), more, copy, position);
  throw failCoerce(value, position);
}

function coerceList(value: Word, copy: boolean, position: Position): string {
  const cell = value >>> 2;
  const count = H[cell]!;
  let text = '';
  for (let i = 1; i <= count; i++) {
    const item = forcePlace(cell + i);
    text += coerce(item, true, copy, position);
    if (i < count && ((item & 7) !== 2 || H[item >>> 2] !== 0)) text += ' ';
  }
  return text;
}

/** A string of a text and the context collected since `outer`. */
export function madeString(text: string, outer: Context): Word {
  const context = endContext(outer);
  return context.length === 0 ? newString(text) : contextString(text, context);
}
