/** Values of the flat heap as JSON text, contexts collected. */

import {
  evalError, JsonError, NixFloat, NixPath, nixError, quoteJson, showType, typeError,
} from '#runtime';
import { formatFloatJson } from '#runtime';
import { toValue } from './bridge.ts';
import {
  boxes, DEPTH, heap, stringTexts, symbolNames, symbolOf, TRUE, NULL, type Word,
} from './heap.ts';
import { apply1, enterNested } from './calls.ts';
import { forceWord, forcePlace } from './machine.ts';
import { isPathValue } from './operators.ts';
import { isString } from './texts.ts';
import { find, orderOf, SYMBOLS } from './sets.ts';
import { addContext, stringText } from './texts.ts';
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
      return quoteJson(stringTexts[value >>> 3]!);
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
      const box = boxes[value >>> 3];
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

function writeSet(value: Word, copy: boolean): string {
  const cell = value >>> 2;
  const shape = H[cell]!;
  let at = find(shape, toStringSymbol);
  if (at >= 0) {
    const text = apply1(forcePlace(cell + 1 + at), value, 0);
    if ((text & 7) === 1) return writeSet(text, copy);
    if (!isString(text) && !isPathValue(text)) throw evalError('`__toString` should return a string');
    return write(text, false);
  }
  at = find(shape, outPathSymbol);
  if (at >= 0) return write(forcePlace(cell + 1 + at), copy);
  const order = orderOf(shape);
  const count = H[shape]!;
  let text = '{';
  for (let i = 0; i < count; i++) {
    const place = H[order + i]!;
    if (i > 0) text += ',';
    text += `${quoteJson(symbolNames[H[shape + SYMBOLS + place]!]!)}:`;
    text += write(forcePlace(cell + 1 + place), copy);
  }
  return `${text}}`;
}

