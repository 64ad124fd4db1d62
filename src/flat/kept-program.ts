/**
 * The program of a file as a block that can be kept: words with the tables of what means something
 * in one run only, and a text of all its constants.
 *
 * Indices, symbols and positions in it are the same in each run that uses it (program-image.ts).
 */

import { NixFloat, NixPath } from '#runtime';
import { Mark, type Globals } from './encode.ts';
import { boxAt, heap, newBox, newString, textAt, type Box, type Index } from './heap.ts';

const H = heap;

/** Words and a byte string. */
export interface Block {
  readonly words: Int32Array;
  readonly text: string;
}

/**
 * The block of the program at `start`, whose words are marked so: its words, and of each that is put in
 * when it is placed its place with its mark, and the length of its text or its number.
 */
export function packProgram(start: Index, size: number, marks: Int32Array): Block {
  const words = new Int32Array(size + 2 * marks.length);
  words.set(H.subarray(start, start + size));
  const texts: string[] = [];
  let at = size;
  for (let i = 0; i < marks.length; i++) {
    const place = marks[i]! >> 3;
    const kind = marks[i]! & 7;
    const word = H[place]!;
    words[place - start] = 0;
    if (kind === Mark.note) continue;
    words[at] = (place - start) * 8 + kind;
    if (kind === Mark.global) {
      words[at + 1] = marks[++i]! >> 3;
    } else {
      const text = kind === Mark.string ? textAt(word >>> 3) : boxText(boxAt(word >>> 3));
      words[at + 1] = text.length;
      texts.push(text);
    }
    at += 2;
  }
  return { words: words.subarray(0, at), text: texts.join('') };
}

/** Puts the program of a block where it stood, with this run's constants. */
export function placeProgram({ words, text }: Block, start: Index, size: number, { words: globals }: Globals): void {
  H.set(words.subarray(0, size), start);
  let from = 0;
  for (let at = size; at < words.length; at += 2) {
    const place = start + (words[at]! >> 3);
    const kind = words[at]! & 7;
    const what = words[at + 1]!;
    if (kind === Mark.global) {
      H[place] = globals[what]!;
    } else {
      const constant = text.slice(from, from += what);
      H[place] = kind === Mark.string ? newString(constant) : newBox(boxOfText(constant));
    }
  }
}

/** A constant of a program that is no string: a path, a float or a large integer. */
function boxText(box: Box): string {
  if (box instanceof NixPath) return `/${box.path}`;
  if (box instanceof NixFloat) return `.${box.value}`;
  return `${box as number | bigint}`;
}

function boxOfText(text: string): Box {
  if (text.startsWith('/')) return new NixPath(text.slice(1));
  if (text.startsWith('.')) return new NixFloat(Number(text.slice(1)));
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}
