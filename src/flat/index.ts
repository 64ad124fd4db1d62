/**
 * flat: runs trees with all values in one array of integers, which is never collected.
 *
 * Fast, and for values only: errors have no frames and not always their words, and what is rare is
 * left to others (docs/decisions/flat-heap.md). Whoever uses it has another way when it throws.
 */

import { originOf } from '#diagnostics';
import { derivationText, emptyContext, PrimOp, Thunk, type EvalServices, type Slot, type Value } from '#runtime';
import { forgetBridged, fromSlot, fromValue, thunkOf, toSlot, toValue } from './bridge.ts';
import './builtins/control.ts';
import { nativeBuiltins } from './builtins/define.ts';
import './builtins/derivation.ts';
import './builtins/lists.ts';
import './builtins/sets.ts';
import './builtins/strings.ts';
import {
  limitDepth, primitiveArities, primitiveNames, primitives, type Primitive,
} from './calls.ts';
import { forgetShown, perform, setShow, type Shown } from './effects.ts';
import { NODE_FOREIGN, type Globals } from './encode.ts';
import { cannotKeep, forgetUnkept, Unkept, unkeptBefore } from './errors.ts';
import { forgetFailed, restoreFailed } from './failures.ts';
import {
  encodeTree, evaluateFile, evaluateText, forgetPrograms, importFlat, openPrograms, rootFrame, setGlobals, setLoader, suspendText,
  thunkOfFile, type FlatLoader, type ReadTree,
} from './files.ts';
import {
  AGAIN, alloc, boxes, DEPTH, heap, limitHeap, MANNER, newBox, newThunk, NOTING, noteFresh, PLAIN, PRIMOP, READER,
  READERS, renewHeap, REVISION, stringTexts, symbolOf, usedWords, type Word,
} from './heap.ts';
import { mayChange, newVersion, readAllChanged, readChanged, setInputLoader } from './input-files.ts';
import { forgetInputs } from './inputs.ts';
import { forgetCells, recallLog } from './known-cells.ts';
import { clearLogs, releaseLogs } from './log.ts';
import {
  prefixNow, restoreMachine, saveMachine, type AgainFrom, type MachineImage, type Prefix, type RevisionCounts,
} from './machine-image.ts';
import { evaluate, forceWord, trailMark, unwind } from './machine.ts';
import { forgetPositions } from './moved-positions.ts';
import { clearStacks } from './notes.ts';
import { LazyImage, type ProgramKeeper } from './program-image.ts';
import { setOf } from './sets.ts';
import { forgetInputThunks } from './suspend-noted.ts';
import { endContext } from './texts.ts';
import { warmUpText } from './warm-up.ts';
import { setWorld } from './world.ts';

export { Unhandled, Unkept } from './errors.ts';
export { savePrograms } from './files.ts';
export type { Shown } from './effects.ts';
export type { ReadProgram, ReadTree } from './files.ts';
export type { Block } from './kept-program.ts';
export type { AgainFrom, InputNames, MachineImage, RevisionCounts, StoredImage } from './machine-image.ts';
export type { ProgramKeeper, StoredSegment } from './program-image.ts';

const H = heap;

export interface FlatOptions extends FlatLoader {
  readonly services: EvalServices;
  /** The most that the heap may take. */
  readonly heapMegabytes?: number | undefined;
  /** The base scope: `builtins` are in `services`. */
  readonly globals: ReadonlyMap<string, Slot>;
  /** A text of our own. */
  readOwnText(text: string, name: string): ReadTree;
  /** Keeps programs of files between runs. */
  readonly keeper?: ProgramKeeper | undefined;
  /** All that decides beside a file's text and place what its tree is. */
  readonly reading: string;
  /** Shows what evaluation has to show. */
  show(shown: Shown): void;
  /** Goes on from an image. Excludes `inputs`. */
  readonly again?: AgainFrom | undefined;
}

/** Runs trees on the flat heap. The newest one in a thread works, the others do not any more. */
export class FlatMachine {
  constructor(options: FlatOptions) {
    const { services, heapMegabytes, inputs, again } = options;
    if (heapMegabytes !== undefined) limitHeap(heapMegabytes);
    noteFresh();
    H[MANNER] = PLAIN;
    H[DEPTH] = 0;
    const isNoted = inputs !== undefined || again !== undefined;
    if (isNoted) {
      renewHeap();
      beginNoting();
    }
    setWorld(services);
    setShow(options.show);
    const scope = baseScope(options);
    setGlobals(scope);
    const { keeper, reading } = options;
    const image = keeper === undefined || again !== undefined ? undefined : new LazyImage(keeper, reading, scope);
    setLoader(options, image);
    setInputLoader(options, scope);
    limitDepth(services.settings.maxCallDepth, () => warmUp(options));
    prefix = isNoted ? prefixNow() : undefined;
    if (isNoted) H[MANNER] = NOTING;
    if (again !== undefined) this.goOn(again, options);
  }

  /** Goes on from an image: all is as it was there at the end, for another revision. */
  private goOn(again: AgainFrom, options: FlatOptions): void {
    const { start, count } = restoreMachine(prefix!, again, (file) => options.readUnchanged(file));
    knownReaders = H[READERS]!;
    this.beginRevision();
    this.changed = again.changed;
    // What runs outside of all thunks always runs again.
    recallLog(start, count);
  }

  private changed: readonly string[] | undefined;

  /** To be called before anything is evaluated. */
  private begin(): void {
    if (this.changed === undefined) return;
    const files = this.changed;
    this.changed = undefined;
    readAllChanged(files);
  }

  private beginRevision(): void {
    H[MANNER] = AGAIN;
    H[REVISION]!++;
    restoreFailed();
    forgetCells();
    forgetShown();
    forgetBridged();
  }

  /** The value of a tree; `scope` are the names that it sees before the base scope. */
  run(tree: ReadTree, scope?: readonly Slot[]): Value {
    this.begin();
    if (H[MANNER] !== PLAIN) refuseInput(tree);
    if (tree.mayImport === true) openPrograms();
    if (scope === undefined) return whole(() => evaluateText(tree));
    return whole(() => evaluate(encodeTree(tree), rootFrame(scope.map(fromSlot))));
  }

  /** The value of a text when it is wanted. */
  delay(tree: ReadTree): Thunk {
    if (H[MANNER] === PLAIN) return new Thunk(() => this.run(tree));
    this.begin();
    if (tree.mayImport === true) openPrograms();
    return thunkOf(suspendText(tree));
  }

  importFile(file: string): Value {
    this.begin();
    return whole(() => importFlat(file));
  }

  /** The value of a file that a command is about, evaluated even if it has been. */
  runFile(file: string, read: () => ReadTree): Value {
    if (H[MANNER] === PLAIN) return this.run(read());
    this.begin();
    return whole(() => evaluateFile(file));
  }

  /**
   * The value of a text, as it and the files are now. The first time, what is read is noted; then this
   * is another revision: `changed` are the files that are others than in the last one, by the paths
   * that they really have, and `read` gives the tree of the text, if it is another one. Of the files that may
   * change only what `import` reads is noted; whoever calls must know that nothing else has changed.
   * Throws `Unkept` where only evaluating anew can tell. After any error a further revision may follow.
   * Sets and lists of the value that are alike may be one, which printing with «repeated» would tell.
   */
  runRevision(text: string, read: () => ReadTree, changed: readonly string[]): Value {
    if (H[MANNER] === PLAIN) throw new Error('nothing was noted');
    clearStacks();
    endContext(emptyContext);
    if (this.hasRun) {
      this.beginRevision();
      const unkept = unkeptBefore();
      if (unkept !== undefined) throw new Unkept(unkept);
    }
    this.hasRun = true;
    for (const file of changed) this.unread.add(file);
    for (const file of this.unread) {
      readChanged(file);
      this.unread.delete(file);
    }
    if (text !== this.text) {
      this.text = undefined;
      const tree = read();
      if (tree.mayImport === true) openPrograms();
      newVersion(textInput, tree);
      this.text = text;
    }
    return whole(() => forceWord(thunkOfFile(textInput)));
  }

  private hasRun = false;
  /** The text whose tree is the newest version. */
  private text: string | undefined;
  /** Files that have changed, as far as they have not been read since. */
  private readonly unread = new Set<string>();

  /** Shows something, and shows it again in later revisions in which it would be shown. */
  perform(shown: Shown): void {
    perform(shown);
  }

  /** What a builtin did cannot be met again in another revision. */
  cannotKeep(what: string): void {
    if (H[MANNER] !== PLAIN) cannotKeep(what);
  }

  /** See `machineImage`. */
  image(): MachineImage | undefined {
    return machineImage();
  }
}

/** Of a machine that notes what it reads. */
let prefix: Prefix | undefined;
/** How many thunks had run in the evaluation that this one goes on from. */
let knownReaders = 0;

/** The name of the text as an input: no path of a file. */
const textInput = '';

function beginNoting(): void {
  primitives.length = primitiveNames.length = primitiveArities.length = 0;
  forgetInputs();
  forgetPositions();
  forgetInputThunks();
  forgetCells();
  forgetShown();
  forgetBridged();
  forgetUnkept();
  clearLogs();
  clearStacks();
  knownReaders = 0;
  H[READERS] = 0;
  H[REVISION] = 1;
  forgetFailed();
}

/** What is imported with a scope is encoded each time, so it cannot be noted as an input. */
function refuseInput({ base }: ReadTree): void {
  const origin = originOf(base);
  if (origin?.kind === 'file' && mayChange(origin.path)) cannotKeep('scopedImport');
}

/** What is to be kept once the task has come to a good end; undefined where it cannot be kept. */
export function machineImage(): MachineImage | undefined {
  return prefix === undefined ? undefined : saveMachine(prefix);
}

/** By this can be decided whether an image is still worth its place. */
export function revisionCounts(): RevisionCounts {
  const readers = H[READERS]!;
  return H[MANNER] === AGAIN ? { again: readers - knownReaders, ofAll: knownReaders } : { again: readers, ofAll: readers };
}

function baseScope(options: FlatOptions): Globals {
  const { services, globals } = options;
  const { builtins } = services;
  const words = new Map<string, Word>();
  const symbols: number[] = [];
  const values: Word[] = [];
  let self: Word = 0;
  const box = newBox(() => self) >>> 3;
  for (let i = 0; i < builtins.size; i++) {
    const name = builtins.nameAt(i);
    const word = name === 'builtins' ? newThunk(NODE_FOREIGN, box)
      : name === 'derivation' ? newThunk(NODE_FOREIGN, newBox(() => derivation(options)) >>> 3)
        : builtin(name, builtins.slotAt(i), services);
    words.set(name, word);
    symbols.push(symbolOf(name));
    values.push(word);
  }
  self = setOf(symbols, values);
  const numbers = new Map<string, number>();
  const base: Word[] = [];
  for (const name of globals.keys()) {
    numbers.set(name, base.length);
    base.push(words.get(name.startsWith('__') && !words.has(name) ? name.slice(2) : name)!);
  }
  return { numbers, words: base };
}

/** Runs each operation, so that V8 does not give up its code of them later. */
function warmUp(options: FlatOptions): void {
  const tree = options.readOwnText(warmUpText, 'warm-up.nix');
  const depth = H[DEPTH]!;
  for (let i = 0; i < 3; i++) {
    evaluate(encodeTree(tree), rootFrame([]));
    H[DEPTH] = depth;
  }
}

/** After a failure, what was running is whole again: it may be wanted once more. */
function whole(code: () => Word): Value {
  const mark = trailMark();
  const depth = H[DEPTH]!;
  const reader = H[READER]!;
  try {
    return toValue(code());
  } catch (error) {
    unwind(mark);
    H[READER] = reader;
    throw error;
  } finally {
    H[DEPTH] = depth;
  }
}

/** Gives all memory back. No machine of this thread works any more, and none can be made. */
export function release(): void {
  forgetPrograms();
  releaseLogs();
  stringTexts.length = 0;
  boxes.length = 0;
  // Memory that is shared stays with whoever gave it.
  if (heap.buffer instanceof ArrayBuffer) heap.buffer.transfer(0);
}

/** Whether so much was done that doing it again with frames would take more than about a second. */
export function isLong(): boolean {
  return usedWords() > longWords;
}

/** About ten words are taken for each call and each thunk. */
const longWords = 10_000_000;

/** Whether so much was done that an image of it serves: about a third of a second. */
export function isWorthAnImage(): boolean {
  return usedWords() > imageWords;
}

const imageWords = 3_000_000;

function derivation(options: FlatOptions): Word {
  return evaluate(encodeTree(options.readOwnText(derivationText, 'derivation-internal.nix')), rootFrame([]));
}

function builtin(name: string, slot: Slot, services: EvalServices): Word {
  const native = nativeBuiltins.get(name);
  if (slot instanceof PrimOp) {
    return native === undefined
      ? primitive(name, slot.arity, foreign(slot, services))
      : primitive(name, native.arity, native.run);
  }
  return fromSlot(slot);
}

function primitive(name: string, arity: number, run: Primitive): Word {
  const id = primitives.push(run) - 1;
  primitiveNames.push(name);
  primitiveArities.push(arity);
  const cell = alloc(4);
  H[cell] = PRIMOP;
  H[cell + 1] = id;
  H[cell + 2] = arity;
  return (cell << 2) | 3;
}

/** A builtin of the runtime layer on bridged values. */
function foreign(primOp: PrimOp, services: EvalServices): Primitive {
  const { arity, run } = primOp;
  if (arity === 1) return (a, _b, _c, position) => fromValue(run(services, toSlot(a), position));
  if (arity === 2) return (a, b, _c, position) => fromValue(run(services, toSlot(a), toSlot(b), position));
  return (a, b, c, position) => fromValue(run(services, toSlot(a), toSlot(b), toSlot(c), position));
}

