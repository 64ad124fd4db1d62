/**
 * Validation: whether what a thunk has read is in this revision what it was when it was read.
 *
 * What a thunk read is made valid in the order in which it read it. If all that is the same, so is
 * its value; else it runs again. The order has validation demand exactly what the program would, so it
 * neither fails nor runs for ever where the program would not.
 *
 * Thunks that wait for others to be valid stand on the trail, and not on V8's stack: chains of a
 * million are common where a list is folded. How far each one's reads have been looked at stands in its
 * record, in the place of the revision in which it was valid, as a negative number.
 *
 * Where what it read fails now, a thunk runs again too: it may fail, catch the error, or do without.
 */

import { NixError } from '#diagnostics';
import { setValidating } from './effects.ts';
import { Unkept } from './errors.ts';
import { failNoted } from './failures.ts';
import {
  DEPTH, EDGES, FORWARD, heap, LOG, NOTED, READER, REVISION, TRAIL, type Index, type Word,
} from './heap.ts';
import { isAlike } from './contents.ts';
import { runThunk, unwind } from './machine.ts';
import { edgesEnd, FIRST_EDGE, hasShown, markShown, shownCell, VALID_IN, VALUE } from './notes.ts';
import { beginTrail, validationCounts, runAgain } from './revisions.ts';
import { collectedContext, endContext } from './texts.ts';

const H = heap;

/** What has to be put back when something fails. */
interface State {
  readonly depth: number;
  readonly reader: number;
  readonly edges: Index;
  readonly log: Index;
  readonly context: ReturnType<typeof collectedContext>;
}

function stateNow(): State {
  return { depth: H[DEPTH]!, reader: H[READER]!, edges: H[EDGES]!, log: H[LOG]!, context: collectedContext() };
}

function restore(state: State, trail: Index): void {
  unwind(trail);
  H[DEPTH] = state.depth;
  H[READER] = state.reader;
  H[EDGES] = state.edges;
  H[LOG] = state.log;
  endContext(state.context);
}

/** The value of a thunk that has a record, if it has one in this revision without failing; else 0. */
export function peekNoted(cell: Index): Word {
  const record = H[cell + 1]!;
  if (H[record + VALID_IN] === H[REVISION]) return H[record + VALUE]!;
  const state = stateNow();
  const trail = H[TRAIL]!;
  const wasValidating = setValidating(true);
  try {
    validate(cell);
  } catch (error) {
    if (error instanceof Unkept) throw error;
    restore(state, trail);
    return 0;
  } finally {
    setValidating(wasValidating);
  }
  return H[cell] === NOTED ? H[H[cell + 1]! + VALUE]! : H[cell + 1]!;
}

/** Thunks that wait for each other on the trail, from `base` on. */
class Chain {
  readonly base: Index;
  readonly #state = stateNow();
  readonly #wasValidating = setValidating(true);
  /** The place of the last one of which reads are looked at: what fails is its concern. */
  #last: Index;
  /** Whether that one has read something that is not what it was. */
  #hasChanged = false;

  constructor(base: Index) {
    this.base = base;
    this.#last = base;
  }

  /** Makes all of them valid. */
  work(): void {
    let last = this.#last;
    for (;;) {
      const cell = H[last]!;
      const record = H[cell + 1]!;
      if (!this.#hasChanged) {
        const found = lookOn(record);
        if (found > 0) {
          last = this.#last = wait(found);
          continue;
        }
        if (found === CHANGED) this.#hasChanged = true;
        else H[cell] = NOTED;
      }
      if (this.#hasChanged) {
        this.#hasChanged = false;
        this.#last = last - 2;
        // The first of them runs for whoever reads it.
        if (last === this.base) setValidating(this.#wasValidating);
        runAgain(cell, record);
      }
      H[TRAIL] = last;
      if (last === this.base) return;
      last = this.#last = last - 2;
    }
  }

  /** Has one of them run again for which this error is no reason to fail too; fails if there is none. */
  recover(error: unknown): void {
    if (error instanceof Unkept) throw error;
    const isCatchable = error instanceof NixError && error.isCatchable;
    for (let last = this.#last; last >= this.base; last -= 2) {
      // An error that no program catches ends whoever reads what fails. What was peeked at need not be read.
      if (!isCatchable && !wasPeek(H[H[last]! + 1]!)) continue;
      // What has been read up to it is noted by the thunk itself, which meets it when it runs again.
      if (isCatchable) failNoted(last + 2, error, this.#state.edges);
      restore(this.#state, last + 2);
      this.#last = last;
      this.#hasChanged = true;
      return;
    }
    throw error;
  }

  end(): void {
    setValidating(this.#wasValidating);
  }
}

/** Makes a thunk with a record valid in this revision. */
export function validate(cell: Index): void {
  const chain = new Chain(wait(cell));
  try {
    for (;;) {
      try {
        return chain.work();
      } catch (error) {
        chain.recover(error);
      }
    }
  } finally {
    chain.end();
  }
}

/** Puts a thunk on the trail whose reads are to be looked at. Its place there. */
function wait(cell: Index): Index {
  const trail = beginTrail(cell, NOTED);
  validationCounts.validated++;
  keepCursor(H[cell + 1]!, FIRST_EDGE, 0);
  return trail;
}

function keepCursor(record: Index, at: number, shown: number): void {
  H[record + VALID_IN] = -(at << 1 | shown);
}

/** Whether a thunk peeked only at what it read last. */
function wasPeek(record: Index): boolean {
  return H[record + (-H[record + VALID_IN]! >> 1)]! < 0;
}

/** What a thunk has read is, or is not, what it was. */
const UNCHANGED = 0;
const CHANGED = -1;

/** Looks at what is left of a thunk's reads; a cell that must be valid first ends it. */
function lookOn(record: Index): Index {
  const cursor = -H[record + VALID_IN]!;
  const end = edgesEnd(record);
  let shown = cursor & 1;
  for (let at = record + (cursor >> 1); at < end; at += 2) {
    const edge = H[at]!;
    const cell = edge < 0 ? -edge : edge;
    if (cell === shownCell) {
      shown = 1;
      continue;
    }
    if (H[cell] !== FORWARD && H[cell] !== NOTED) {
      // It had a value: so it has failed in this revision, or waits for this thunk. Both fail.
      keepCursor(record, at - record, shown);
      runThunk(cell);
    }
    let now = H[cell + 1]!;
    if (H[cell] === NOTED) {
      const known = now;
      if (H[known + VALID_IN] !== H[REVISION]) {
        keepCursor(record, at - record, shown);
        return cell;
      }
      now = H[known + VALUE]!;
      if (edge > 0 && hasShown(known)) shown = 1;
    }
    if (now !== H[at + 1] && !isAlike(now, H[at + 1]!)) return CHANGED;
  }
  markShown(record, shown === 1);
  H[record + VALID_IN] = H[REVISION]!;
  return UNCHANGED;
}
