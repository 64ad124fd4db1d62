/**
 * Cells that were made before, by what they were made of: what a thunk that runs again meets.
 *
 * Before such a thunk runs, the entries of its log come here; what it makes then is looked for first.
 * What is found counts as made by it too, so it is logged again. In a first revision nothing is
 * looked for, and nothing is hashed. The table is of one revision.
 *
 * Keys are three words (cell-table.ts); arguments in them are seen through thunks that have run.
 */

import { clearTable, insert, pairOf, search } from './cell-table.ts';
import {
  addBox, addString, AGAIN, boxAt, heap, MANNER, notedMakers, textAt, type Box, type Index,
  type Word,
} from './heap.ts';
import { boxContent, contentHash, contentSize, isSameContent, seenThrough } from './contents.ts';
import { Op } from './operations.ts';
import { logKind, logMade, logMadeOf, logThunk, Made, readLog, type LogReader } from './log.ts';

const H = heap;

/** Last words of keys: no words of values. */
const LITERAL = 0;
const THUNK = 1;
const FRAME = 2;
/** First words of keys that are neither nodes nor pairs. */
const APPLY = -2;
const NAMED = -3;
const PARTLY = -4;
const LIST = -5;
const SET = -6;

const texts = new Map<string, Word>();

/** Forgets all, for another revision. */
export function forgetCells(): void {
  clearTable();
  texts.clear();
}

/** The key of arguments in the heap, and of one more. */
function argumentsKey(args: Index, count: number, last: Word): number {
  let key = seenThrough(last);
  for (let i = count - 1; i >= 0; i--) key = pairOf(seenThrough(H[args + i]!), key);
  return key;
}

function partialKey(f: Word, args: Index, count: number): number {
  let key: number = f;
  for (let i = 0; i < count; i++) key = pairOf(key, seenThrough(H[args + i]!));
  return key;
}

/** The same list or set made before, or itself; `keeps` has it found from now on. */
function sameContent(isSet: boolean, word: Word, keeps: boolean): Word {
  const kind = isSet ? SET : LIST;
  const cell = word >>> 2;
  const size = contentSize(isSet, cell);
  let hash = contentHash(isSet, cell, size);
  for (;;) {
    const known = search(kind, hash, size);
    if (known === 0) {
      if (keeps) insert(kind, hash, size, word);
      return word;
    }
    if (isSameContent(isSet, cell, known >>> 2, size)) return known;
    hash = Math.imul(hash + 0x1234567, 0x2C1B3C6D);
  }
}

const recalling: LogReader = {
  kind(kind, made) {
    const cell = made >>> 2;
    switch (kind) {
      case Made.string:
        return recallText(`s${textAt(made >>> 3)}`, made);
      case Made.box: {
        const content = boxContent(boxAt(made >>> 3));
        return content === undefined ? undefined : recallText(content, made);
      }
      case Made.list:
      case Made.set:
        return void sameContent(kind === Made.set, made, true);
      case Made.named:
        return insert(pairOf(seenThrough(H[cell + 2]!), seenThrough(H[cell + 4]!)), NAMED, H[cell + 3]!, made);
      case Made.apply:
        return insert(APPLY, seenThrough(H[cell + 2]!), seenThrough(H[cell + 3]!), made);
      case Made.partial: {
        const before = H[cell + 2]! - 1;
        return insert(PARTLY, partialKey(H[cell + 1]!, cell + 3, before), seenThrough(H[cell + 3 + before]!), made);
      }
      case Made.lambda:
        return insert(H[cell]!, H[cell + 1]!, LITERAL, made);
    }
  },
  thunk: (node, frame, thunk) => insert(node, frame, THUNK, thunk),
  made(node, made) {
    if (H[node] !== Op.lambda) return insert(node, H[made]!, LITERAL, made);
    recallCall(node, H[made + H[node + 1]!]!, made);
  },
  madeOf(node, of, made) {
    switch (H[node]) {
      case Op.lambda:
        return recallCall(node, of, made);
      case Op.rec:
        insert(node, H[made]!, LITERAL, of);
        return insert(node, H[made]!, FRAME, made);
      default:
        return insert(node, of, LITERAL, made);
    }
  },
};

function recallCall(code: Index, last: Word, frame: Index): void {
  insert(code, H[frame]!, argumentsKey(frame + 1, H[code + 1]! - 1, last), frame);
}

function recallText(content: string, made: Word): void {
  if (!texts.has(content)) texts.set(content, made);
}

/** Has what was logged there met again. */
export function recallLog(start: number, count: number): void {
  readLog(start, count, recalling);
}

// What is asked before something is made. 0: make it, and log it. What is found is logged.

/** The thunk of a node in a frame. */
export function knownThunk(node: Index, frame: Index): Word {
  const found = H[MANNER] === AGAIN ? search(node, frame, THUNK) : 0;
  if (found !== 0) logThunk(node, frame, found);
  return found;
}

/** A function of a node in a frame. */
export function knownLambda(node: Index, frame: Index): Word {
  const found = H[MANNER] === AGAIN ? search(node, frame, LITERAL) : 0;
  if (found !== 0) logKind(Made.lambda, found);
  return found;
}

/** A list or set of a node in a frame. */
export function knownLiteral(node: Index, frame: Index): Word {
  const found = H[MANNER] === AGAIN ? search(node, frame, LITERAL) : 0;
  if (found !== 0) logMadeOf(node, frame, found);
  return found;
}

/** The frame of `let` or `with`. */
export function knownFrame(node: Index, outer: Index): Index {
  const found = H[MANNER] === AGAIN ? search(node, outer, LITERAL) : 0;
  if (found !== 0) logMade(node, found);
  return found;
}

/** The frame of a recursive set; `recursiveSetOf` gives its set. */
export function knownRecursive(node: Index, outer: Index): Index {
  const found = H[MANNER] === AGAIN ? search(node, outer, FRAME) : 0;
  if (found !== 0) logMadeOf(node, recursiveSetOf(node, outer), found);
  return found;
}

export function recursiveSetOf(node: Index, outer: Index): Word {
  return search(node, outer, LITERAL);
}

/** The frame of a call with `count` arguments at `args` and one more. */
export function knownCall(code: Index, outer: Index, args: Index, count: number, last: Word): Index {
  return H[MANNER] === AGAIN ? foundCall(code, outer, last, argumentsKey(args, count, last)) : 0;
}

export function knownCall1(code: Index, outer: Index, a: Word): Index {
  return H[MANNER] === AGAIN ? foundCall(code, outer, a, seenThrough(a)) : 0;
}

export function knownCall2(code: Index, outer: Index, a: Word, b: Word): Index {
  return H[MANNER] === AGAIN ? foundCall(code, outer, b, pairOf(seenThrough(a), seenThrough(b))) : 0;
}

export function knownCall3(code: Index, outer: Index, a: Word, b: Word, c: Word): Index {
  if (H[MANNER] !== AGAIN) return 0;
  return foundCall(code, outer, c, pairOf(seenThrough(a), pairOf(seenThrough(b), seenThrough(c))));
}

function foundCall(code: Index, outer: Index, last: Word, key: number): Index {
  const found = search(code, outer, key);
  if (found !== 0) logCall(code, last, found);
  return found;
}

/** The frame of a call. A set that a pattern takes apart does not stand in it. */
export function logCall(code: Index, last: Word, frame: Index): void {
  if (H[code + 2] === 0) logMade(code, frame);
  else logMadeOf(code, last, frame);
}

/** The thunk of `f x`. */
export function knownApplication(f: Word, x: Word): Word {
  const found = H[MANNER] === AGAIN ? search(APPLY, seenThrough(f), seenThrough(x)) : 0;
  if (found !== 0) logKind(Made.apply, found);
  return found;
}

/** The thunk of `f name x`. */
export function knownNamed(f: Word, name: Word, x: Word): Word {
  const found = H[MANNER] === AGAIN ? search(pairOf(seenThrough(f), seenThrough(x)), NAMED, name) : 0;
  if (found !== 0) logKind(Made.named, found);
  return found;
}

/** A function with `count` arguments at `args` and one more. */
export function knownPartial(f: Word, args: Index, count: number, last: Word): Word {
  const found = H[MANNER] === AGAIN ? search(PARTLY, partialKey(f, args, count), seenThrough(last)) : 0;
  if (found !== 0) logKind(Made.partial, found);
  return found;
}

/** A set just made, or the same one made before. */
export function notedSet(word: Word): Word {
  if (H[H[word >>> 2]!] === 0) return word;
  const found = H[MANNER] === AGAIN ? sameContent(true, word, false) : word;
  logKind(Made.set, found);
  return found;
}

notedMakers.list = (word) => {
  if (H[word >>> 2] === 0) return word;
  const found = H[MANNER] === AGAIN ? sameContent(false, word, false) : word;
  logKind(Made.list, found);
  return found;
};

notedMakers.string = (text) => {
  const found = (H[MANNER] === AGAIN ? texts.get(`s${text}`) : undefined) ?? addString(text);
  logKind(Made.string, found);
  return found;
};

notedMakers.box = (box: Box) => {
  const content = boxContent(box);
  if (content === undefined) return addBox(box);
  const found = (H[MANNER] === AGAIN ? texts.get(content) : undefined) ?? addBox(box);
  logKind(Made.box, found);
  return found;
};
