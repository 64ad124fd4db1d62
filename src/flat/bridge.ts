/**
 * The bridge between the flat heap and values of the runtime layer, for builtins that are rare, and
 * for tasks that print: both ways lazily, one level at a time.
 */

import type { Position } from '#diagnostics';
import {
  Attrs, type AttrsEntry, call, type Formal, type LambdaInfo, ContextString, emptyAttrs,
  force as forceSlot, Lambda, NixFloat, NixPath, PrimOp, PrimOpApp, printValue, type Slot, Thunk, type Value,
} from '#runtime';
import { NODE_FOREIGN } from './encode.ts';
import {
  alloc, boxAt, DEPTH, FOREIGN, FORWARD, heap, listOf, MANNER, newBool, newBox, newInt, newString,
  newThunk, NOTED, NOTING, NULL, PLAIN, PRIMOP, READER, settled, symbolName, symbolOf, textAt, TRUE, type Index,
  type Word,
} from './heap.ts';
import { apply1, primitiveNames } from './calls.ts';
import { cannotKeep } from './errors.ts';
import { forceWord, trailMark, unwind } from './machine.ts';
import { VALUE } from './notes.ts';
import { truePosition } from './positions.ts';
import { orderOf, positionAt, setOf, SYMBOLS } from './sets.ts';
import { world } from './world.ts';

const H = heap;

/** The value of a forced word. */
export function toValue(word: Word): Value {
  switch (word & 7) {
    case 4:
      return textAt(word >>> 3);
    case 5:
      return boxAt(word >>> 3) as Value;
    case 6:
      return word >> 3;
    case 7:
      return word === NULL ? null : word === TRUE;
    case 2: {
      const known = isShared() ? listsOf.get(word)?.deref() : undefined;
      if (known !== undefined) return known;
      const cell = word >>> 2;
      const list: Slot[] = [];
      for (let i = 1; i <= H[cell]!; i++) list.push(toSlot(H[cell + i]!));
      if (isShared()) listsOf.set(word, new WeakRef(list));
      wordsOf.set(list, word);
      return list;
    }
    case 1:
      return toAttrs(word);
    case 3:
      return toFunction(word);
    default:
      throw new Error('a thunk is no value');
  }
}

function toAttrs(word: Word): Attrs {
  const known = isShared() ? attrsOf.get(word)?.deref() : undefined;
  if (known !== undefined) return known;
  const cell = word >>> 2;
  const shape = H[cell]!;
  const count = H[shape]!;
  if (count === 0) return emptyAttrs;
  const order = orderOf(shape);
  const entries: AttrsEntry[] = [];
  for (let i = 0; i < count; i++) {
    const at = H[order + i]!;
    entries.push([symbolName(H[shape + SYMBOLS + at]!), toSlot(H[cell + 1 + at]!), truePosition(positionAt(shape, at))]);
  }
  const attrs = Attrs.fromEntries(entries);
  if (isShared()) attrsOf.set(word, new WeakRef(attrs));
  wordsOf.set(attrs, word);
  return attrs;
}

/** Sets and functions that came from the heap, and what they were there. */
const wordsOf = new WeakMap<object, Word>();
const attrsOf = new Map<Word, WeakRef<Attrs>>();
const listsOf = new Map<Word, WeakRef<Slot[]>>();

/**
 * Whether there may be one value for a word, which remembers what it has come to. Where it is noted
 * what thunks read, each running one must read for itself; only what is printed at the end is shared.
 */
function isShared(): boolean {
  return H[MANNER] === PLAIN || H[READER] === 0;
}

/** What words have come to may be something else from now on. */
export function forgetBridged(): void {
  for (const map of [attrsOf, listsOf, slotsOf]) map.clear();
}

function toFunction(word: Word): Value {
  const cell = word >>> 2;
  const code = H[cell]!;
  if (code > 0) return toLambda(word, code, 0);
  if (code === FOREIGN) return boxAt(H[cell + 1]!) as Value;
  // A primitive operation is a builtin that the runtime layer has too.
  if (code === PRIMOP) return world().builtins.get(primitiveNames[H[cell + 1]!]!) as PrimOp;
  const f = H[cell + 1]!;
  const count = H[cell + 2]!;
  const target = H[f >>> 2]!;
  if (target > 0) return toLambda(word, target, count);
  const args: Slot[] = [];
  for (let i = 0; i < count; i++) args.push(toSlot(H[cell + 3 + i]!));
  return new PrimOpApp(toFunction(f) as PrimOp, args);
}

/** A function of the program, `given` of whose parameters have arguments already. */
function toLambda(word: Word, code: Index, given: number): Lambda {
  const run = (_: unknown, x: Slot): Value => toValue(apply1(word, fromSlot(x), 0));
  const f = new Lambda(run as never, null, 1, infoOf(code, given));
  wordsOf.set(f, word);
  return f;
}

function infoOf(code: Index, given: number): LambdaInfo {
  const isPattern = H[code + 2] !== 0 && H[code + 1] === given + 1;
  const name = H[code + 6]!;
  const further = code + 11 + 4 * H[code + 9]! + 2 * (given - 1);
  const argument = given === 0 ? H[code + 10]! : H[further + 1]!;
  const formals: Formal[] = [];
  for (let i = 0; isPattern && i < H[code + 9]!; i++) {
    const formal = code + 11 + 4 * i;
    formals.push({
      name: symbolName(H[formal]!), hasDefault: H[formal + 2] !== 0, position: truePosition(H[formal + 3]!),
    });
  }
  formals.sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    position: truePosition(given === 0 ? H[code + 5]! : H[further]!),
    name: name === 0 ? undefined : symbolName(name),
    argument: argument === 0 ? undefined : symbolName(argument),
    formals: isPattern ? formals : undefined,
    ellipsis: isPattern && H[code + 8] !== 0,
    next: undefined,
  };
}

/** A slot that counts as forced; it looks for its value each time that it is wanted. */
class ReadingSlot {
  readonly code = null;
  readonly word: Word;

  constructor(word: Word) {
    this.word = word;
  }

  get value(): Value {
    return toValue(forceWhole(this.word));
  }
}
// So it is a thunk to all who read it, without a place for a value.
Object.setPrototypeOf(ReadingSlot.prototype, Thunk.prototype);

/** A slot that counts as forced; its value is made when it is looked at. */
function knownSlot(word: Word): Slot {
  const known = isShared() ? slotsOf.get(word)?.deref() : undefined;
  if (known !== undefined) return known;
  let value: Value | undefined;
  const slot = Object.create(Thunk.prototype, {
    code: { value: null },
    value: { get: () => (value ??= toValue(word)) },
  }) as Thunk;
  if (isShared()) slotsOf.set(word, new WeakRef(slot));
  return slot;
}

const slotsOf = new Map<Word, WeakRef<Thunk>>();

/** The value of a word; what was running when it fails is whole again, since others may catch the error. */
function forceWhole(word: Word): Word {
  const mark = trailMark();
  const depth = H[DEPTH]!;
  const reader = H[READER]!;
  try {
    return forceWord(word);
  } catch (error) {
    unwind(mark);
    H[READER] = reader;
    H[DEPTH] = depth;
    throw error;
  }
}

/** One slot for a thunk, wherever it stands: printing tells by it what was printed before. */
function suspendedSlot(word: Word): Slot {
  const known = settled(word);
  if (known !== word) return toSlot(known);
  // In a first revision what has a value has been evaluated by this one.
  if (H[MANNER] === NOTING && H[word >>> 2] === NOTED) return toSlot(H[H[(word >>> 2) + 1]! + VALUE]!);
  // Where it is noted what is made, whoever gives it back gives the thunk that it was.
  const slot = H[MANNER] === PLAIN ? new Thunk(() => toValue(forceWhole(word))) : thunkOf(word);
  slotsOf.set(word, new WeakRef(slot));
  return slot;
}

/** A value as it is printed: what has not been evaluated is not for that. */
export function printedText(word: Word): string {
  const reader = H[READER]!;
  // As outside of all thunks: what has no value yet is a thunk there.
  H[READER] = 0;
  try {
    return printValue(toValue(word), world(), {});
  } finally {
    H[READER] = reader;
  }
}

/** A runtime's thunk of a word that it can be taken for again. */
export function thunkOf(word: Word): Thunk {
  const slot = new Thunk(() => toValue(forceWhole(word)));
  wordsOf.set(slot, word);
  return slot;
}

export function toSlot(word: Word): Slot {
  switch (word & 7) {
    case 0:
      if (!isShared()) return H[word >>> 2] === FORWARD ? toSlot(settled(word)) : new ReadingSlot(word) as never;
      return slotsOf.get(word)?.deref() ?? suspendedSlot(word);
    case 1:
    case 2:
      return knownSlot(word);
    default:
      return toValue(word);
  }
}

/** A word of a forced value. */
export function fromValue(value: Value): Word {
  switch (typeof value) {
    case 'string':
      return newString(value);
    case 'number':
    case 'bigint':
      return newInt(value);
    case 'boolean':
      return newBool(value);
  }
  if (value === null) return NULL;
  if (value instanceof ContextString || value instanceof NixPath || value instanceof NixFloat) return newBox(value);
  const known = wordsOf.get(value);
  if (known !== undefined) return known;
  if (Array.isArray(value)) return listOf(value.map(fromSlot));
  if (value instanceof Attrs) {
    const symbols: number[] = [];
    const words: Word[] = [];
    const positions: number[] = [];
    for (let i = 0; i < value.size; i++) {
      symbols.push(symbolOf(value.nameAt(i)));
      words.push(fromSlot(value.slotAt(i)));
      positions.push(value.positionAt(i));
    }
    return setOf(symbols, words, positions);
  }
  const cell = alloc(2);
  H[cell] = FOREIGN;
  H[cell + 1] = newBox(value) >>> 3;
  return (cell << 2) | 3;
}

export function fromSlot(slot: Slot): Word {
  if (!(slot instanceof Thunk)) return fromValue(slot);
  if (slot instanceof ReadingSlot) return settled(slot.word);
  const known = wordsOf.get(slot);
  if (known !== undefined) return settled(known);
  if (H[MANNER] !== PLAIN && slot.code !== null) cannotKeep('what a builtin has suspended');
  if (slot.code === null) return fromValue(slot.value);
  return newThunk(NODE_FOREIGN, newBox(() => fromValue(forceSlot(slot))) >>> 3);
}

/** Runs a computation of V8's side. */
export function runForeign(box: number): Word {
  return forceWord((boxAt(box) as () => Word)());
}

/** Applies a function of V8's side. */
export function callForeign(box: number, a: Word, position: Position): Word {
  return fromValue(call(boxAt(box) as Value, toSlot(a), position));
}

