/** Values of the flat heap as JSON text, contexts collected. */

import {
  evalError, formatFloatJson, JsonError, NixFloat, NixPath, nixError, quoteJson, showType,
  typeError,
} from '#runtime';
import { toValue } from './bridge.ts';
import {
  boxAt, DEPTH, heap, NULL, symbolName, symbolOf, textAt, TRUE, type Index, type Word,
} from './heap.ts';
import { apply1, enterNested } from './calls.ts';
import { forceWord, forcePlace } from './machine.ts';
import { isPathValue } from './operators.ts';
import { find, orderOf, SYMBOLS } from './sets.ts';
import { addContext, isString, stringText } from './texts.ts';
import { world } from './world.ts';

const H = heap;
const toStringSymbol = symbolOf('__toString');
const outPathSymbol = symbolOf('outPath');

/** The JSON of a value, everything in it forced. */
export function toJson(word: Word, copy = true): string {
  try {
    return write(word, copy);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw nixError('Error', `JSON serialization error: ${error.message}`);
  }
}

function write(word: Word, copy: boolean): string {
  const value = forceWord(word);
  if ((value & 7) !== 1 && (value & 7) !== 2) return writeValue(value, copy);
  enterNested();
  const text = writeValue(value, copy);
  H[DEPTH]!--;
  return text;
}

function writeValue(value: Word, copy: boolean): string {
  switch (value & 7) {
    case 4:
      return quoteJson(textAt(value >>> 3));
    case 6:
      return String(value >> 3);
    case 7:
      return value === NULL ? 'null' : value === TRUE ? 'true' : 'false';
    case 1:
      return writeSet(value, copy);
    case 2: {
      const cell = value >>> 2;
      let text = '[';
      for (let i = 1; i <= H[cell]!; i++) {
        if (i > 1) text += ',';
        text += write(forcePlace(cell + i), copy);
      }
      return `${text}]`;
    }
    case 5: {
      if (isString(value)) return quoteJson(stringText(value));
      const box = boxAt(value >>> 3);
      if (box instanceof NixFloat) return formatFloatJson(box.value);
      if (box instanceof NixPath) {
        if (!copy) return quoteJson(box.path);
        const storePath = world().copyPathToStore(box.path);
        addContext([storePath]);
        return quoteJson(storePath);
      }
      return String(box);
    }
  }
  throw typeError(`cannot convert ${showType(toValue(value))} to JSON`);
}

function writeSet(set: Word, copy: boolean): string {
  let value = set;
  let throughToString = false;
  while ((value & 7) === 1) {
    const cell = value >>> 2;
    let at = find(H[cell]!, toStringSymbol);
    if (at >= 0) {
      value = apply1(forcePlace(cell + 1 + at), value, 0);
      throughToString = true;
      continue;
    }
    at = find(H[cell]!, outPathSymbol);
    if (at < 0) {
      if (throughToString) throw evalError('`__toString` must return a string');
      return writeAttributes(cell, copy);
    }
    value = forcePlace(cell + 1 + at);
  }
  if (throughToString && !isString(value) && !isPathValue(value)) {
    throw evalError('`__toString` should return a string');
  }
  // A path that `__toString` returned stays a text.
  return write(value, copy && !throughToString);
}

function writeAttributes(cell: Index, copy: boolean): string {
  const shape = H[cell]!;
  const order = orderOf(shape);
  const count = H[shape]!;
  let text = '{';
  for (let i = 0; i < count; i++) {
    const place = H[order + i]!;
    if (i > 0) text += ',';
    text += `${quoteJson(symbolName(H[shape + SYMBOLS + place]!))}:`;
    text += write(forcePlace(cell + 1 + place), copy);
  }
  return `${text}}`;
}
