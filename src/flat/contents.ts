/**
 * Contents of values, one level deep: whether two words are alike, and what they are found by.
 *
 * What stands in a list or set is compared as words, seen through thunks that have run; positions as
 * they are true now. So what is alike can be put in the place of the other: nobody will see it.
 */

import { ContextString, NixFloat, NixPath } from '#runtime';
import { boxAt, FORWARD, heap, textAt, type Box, type Index, type Word } from './heap.ts';
import { isSamePosition } from './moved-positions.ts';
import { SYMBOLS } from './sets.ts';

const H = heap;

/** The word, or the value of a thunk that has run and has no notes. */
export function seenThrough(word: Word): Word {
  if ((word & 7) !== 0 || word === 0) return word;
  const cell = word >>> 2;
  return H[cell] === FORWARD ? H[cell + 1]! : word;
}

/** A text that tells what is in a box; undefined for what has an identity. */
export function boxContent(box: Box): string | undefined {
  if (box instanceof ContextString) return `c${box.context.length} ${box.context.join('\0')}\0${box.text}`;
  if (box instanceof NixPath) return `p${box.path}`;
  // Equality tells one that is no number from itself elsewhere.
  if (box instanceof NixFloat && Number.isNaN(box.value)) return undefined;
  if (box instanceof NixFloat) return `f${Object.is(box.value, -0) ? '-0' : box.value}`;
  return typeof box === 'number' || typeof box === 'bigint' ? `n${box}` : undefined;
}

/** How many words the cell of a list or set has. */
export function contentSize(isSet: boolean, cell: Index): number {
  return 1 + (isSet ? H[H[cell]!]! : H[cell]!);
}

/** A few of many words decide: what has the same number is compared. */
export function contentHash(isSet: boolean, cell: Index, size: number): number {
  let hash = size;
  const step = size > 24 ? size >> 4 : 1;
  if (isSet) {
    const symbols = H[cell]! + SYMBOLS;
    for (let i = 0; i < size - 1; i += step) hash = mixed(hash, H[symbols + i]!);
  }
  for (let i = 1; i < size; i += step) hash = mixed(hash, seenThrough(H[cell + i]!));
  return hash;
}

function mixed(hash: number, word: number): number {
  return (Math.imul(hash ^ word, 0x9E3779B1) + (hash >>> 15)) | 0;
}

/** Whether the cells of two lists or sets, the first of such a size, have the same contents. */
export function isSameContent(isSet: boolean, a: Index, b: Index, size: number): boolean {
  if (a === b) return true;
  if (contentSize(isSet, b) !== size) return false;
  for (let i = 1; i < size; i++) if (seenThrough(H[a + i]!) !== seenThrough(H[b + i]!)) return false;
  return !isSet || isSameShape(H[a]!, H[b]!);
}

function isSameShape(a: Index, b: Index): boolean {
  if (a === b) return true;
  const count = H[a]!;
  const x = a + SYMBOLS;
  const y = b + SYMBOLS;
  for (let i = 0; i < count; i++) if (H[x + i] !== H[y + i]) return false;
  for (let i = count; i < 2 * count; i++) {
    if (H[x + i] !== H[y + i] && !isSamePosition(H[x + i]!, H[y + i]!)) return false;
  }
  return true;
}

/** Larger sets are told apart by their words only: comparing them may cost more than it saves. */
const largestSet = 4096;

/** Whether values are the same though their words may differ. */
export function isAlike(a: Word, b: Word): boolean {
  if (a === b) return true;
  const tag = a & 7;
  if (tag !== (b & 7)) return false;
  switch (tag) {
    case 4:
      return textAt(a >>> 3) === textAt(b >>> 3);
    case 5: {
      const content = boxContent(boxAt(a >>> 3));
      return content !== undefined && content === boxContent(boxAt(b >>> 3));
    }
    case 1:
    case 2: {
      const isSet = tag === 1;
      const size = contentSize(isSet, a >>> 2);
      return (!isSet || size < largestSet) && isSameContent(isSet, a >>> 2, b >>> 2, size);
    }
    default:
      return false;
  }
}
