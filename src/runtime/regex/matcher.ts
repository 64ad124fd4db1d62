/**
 * Runs a regular expression's automaton over a byte string.
 *
 * A depth-first search with the choices of GNU's `std::regex`, which Nix programs depend on: at
 * `|` both sides are tried and the longer match wins (the left one when equal), a quantifier goes
 * round as often as it can and stops early only when that led nowhere, and a group keeps what it
 * last matched. There the search takes exponential time and recursion on the C++ stack; here every
 * branch remembers per position whether it led to a match, so that each pair is explored once:
 * time is proportional to the text's length times the automaton's size, and the stack is an array.
 *
 * Remembering is exact: from the same branch, position and loop counts the same solutions are
 * found, none longer than those of the first visit, and only a longer one replaces the earlier.
 */

import { counters } from '../counters.ts';
import { operation, type Program } from './program.ts';
import { RegexError } from './syntax.ts';

/** Group `i` spans `groups[2i]` to `groups[2i+1]`; -1 when it took no part. */
export interface RegexMatch {
  readonly begin: number;
  readonly end: number;
  readonly groups: Int32Array;
}

/** Where a search looks and what it may accept. */
interface SearchMode {
  readonly exact: boolean;
  readonly anchored: boolean;
  readonly rejectEmpty: boolean;
}

/** Whether the whole of `text` matches. */
export function matchWhole(program: Program, text: string): RegexMatch | undefined {
  return new Matcher(program, text).search(0, wholeMode);
}

/** All matches, from left to right, not overlapping; an empty one is followed by the next byte. */
export function* matchAll(program: Program, text: string): Generator<RegexMatch> {
  const matcher = new Matcher(program, text);
  let match = matcher.search(0, searchMode);
  while (match !== undefined) {
    yield match;
    let from = match.end;
    if (match.begin === match.end) {
      if (from === text.length) return;
      match = matcher.search(from, continueMode);
      if (match !== undefined) continue;
      from++;
    }
    match = matcher.search(from, searchMode);
  }
}

const wholeMode: SearchMode = { exact: true, anchored: true, rejectEmpty: false };
const searchMode: SearchMode = { exact: false, anchored: false, rejectEmpty: false };
const continueMode: SearchMode = { exact: false, anchored: true, rejectEmpty: true };

// What is left to do when the search below a state has ended: entries of the stack.
const afterMore = 0;
const afterBranch = 1;
const afterLeft = 2;
const afterRight = 3;
const restoreBegin = 4;
const restoreEnd = 5;

/** Up to this many cells the memory is a flat array, beyond it a map. */
const flatMemoryCells = 1 << 22;

/** What a search may remember in all: nested loops over nothing are refused beyond it. */
const sparseMemoryCells = 1 << 23;

class Matcher {
  private readonly program: Program;
  private readonly text: string;
  private readonly memory: Memory | undefined;
  /** How many pairs of branch and position there are. */
  private readonly pairs: number;
  /** Numbers the combinations of loop counts met so far. */
  private readonly loopStates = new Map<string, number>([['', 0]]);
  private readonly beginnings: Int32Array;
  private readonly spans: Int32Array;
  private readonly loopPosition: Int32Array;
  private readonly loopCount: Uint8Array;
  private readonly stack: number[] = [];

  constructor(program: Program, text: string) {
    this.program = program;
    this.text = text;
    this.pairs = program.branchCount * (text.length + 1);
    this.memory = this.createMemory();
    this.beginnings = new Int32Array(program.groupCount);
    this.spans = new Int32Array(program.groupCount * 2);
    this.loopPosition = new Int32Array(program.loopCount);
    this.loopCount = new Uint8Array(program.loopCount);
  }

  /** The first position at or after `from` where the expression matches, and what it matches. */
  search(from: number, mode: SearchMode): RegexMatch | undefined {
    // A match refused for being empty must not be remembered as a failure.
    if (mode.rejectEmpty) return this.explore(from, mode, this.createMemory());
    this.memory?.forgetSuccesses();
    const first = mode.anchored ? undefined : this.program.firstBytes;
    const text = this.text;
    for (let begin = from; begin <= text.length; begin++) {
      if (first !== undefined) {
        while (begin < text.length && first[text.charCodeAt(begin)] === 0) begin++;
        if (begin >= text.length) return undefined;
      }
      const found = this.explore(begin, mode, this.memory);
      if (found !== undefined || mode.anchored) return found;
    }
    return undefined;
  }

  private createMemory(): Memory | undefined {
    const { branchCount, loopCount } = this.program;
    if (branchCount === 0) return undefined;
    return loopCount === 0 && this.pairs <= flatMemoryCells
      ? new FlatMemory(this.pairs)
      : new SparseMemory();
  }

  private explore(
    begin: number,
    mode: SearchMode,
    memory: Memory | undefined,
  ): RegexMatch | undefined {
    const { operations, next, argument, branch, loop, sets } = this.program;
    const { text, beginnings, spans, stack, loopPosition, loopCount } = this;
    const length = text.length;
    spans.fill(-1);
    loopCount.fill(0);
    let best: RegexMatch | undefined;
    let state = this.program.start;
    let position = begin;
    let tried = 0;

    for (;;) {
      // Descend until a state answers.
      let answer: boolean;
      descend: for (;;) {
        switch (operations[state]) {
          case operation.byte:
            if (text.charCodeAt(position) !== argument[state]) {
              answer = false;
              break descend;
            }
            position++;
            break;
          case operation.set:
            if (position >= length || sets[argument[state]!]![text.charCodeAt(position)] === 0) {
              answer = false;
              break descend;
            }
            position++;
            break;
          case operation.groupBegin: {
            const group = argument[state]!;
            stack.push(beginnings[group]!, group, restoreBegin);
            beginnings[group] = position;
            break;
          }
          case operation.groupEnd: {
            const group = argument[state]!;
            stack.push(spans[group * 2]!, spans[group * 2 + 1]!, group, restoreEnd);
            spans[group * 2] = beginnings[group]!;
            spans[group * 2 + 1] = position;
            break;
          }
          case operation.begin:
            if (position !== 0) {
              answer = false;
              break descend;
            }
            break;
          case operation.end:
            if (position !== length) {
              answer = false;
              break descend;
            }
            break;
          case operation.accept:
            answer = mode.exact ? position === length : true;
            if (mode.rejectEmpty && position === begin) answer = false;
            if (answer && (best === undefined || best.end < position)) {
              best = { begin, end: position, groups: spans.slice() };
            }
            break descend;
          default: {
            const key = this.key(branch[state]!, position);
            const known = memory!.recall(key);
            if (known !== undefined) {
              answer = known;
              break descend;
            }
            tried++;
            if (operations[state] === operation.either) {
              stack.push(key, state, position, afterLeft);
              state = argument[state]!;
              continue descend;
            }
            const counter = loop[state]!;
            if (counter < 0) {
              stack.push(key, state, position, -1, 0, 0, afterMore);
              state = argument[state]!;
              continue descend;
            }
            const rounds = loopPosition[counter] === position ? loopCount[counter]! : 0;
            if (rounds >= 2) {
              stack.push(key, afterBranch);
              break;
            }
            stack.push(
              key,
              state,
              position,
              counter,
              loopPosition[counter]!,
              loopCount[counter]!,
              afterMore,
            );
            loopPosition[counter] = position;
            loopCount[counter] = rounds + 1;
            state = argument[state]!;
            continue descend;
          }
        }
        state = next[state]!;
      }

      // Climb until there is something more to try.
      climb: for (;;) {
        if (stack.length === 0) {
          counters.regexBranches += tried;
          return best;
        }
        switch (stack.pop()) {
          case afterMore: {
            const count = stack.pop()!;
            const at = stack.pop()!;
            const counter = stack.pop()!;
            if (counter >= 0) {
              loopPosition[counter] = at;
              loopCount[counter] = count;
            }
            position = stack.pop()!;
            state = next[stack.pop()!]!;
            if (answer) {
              memory!.remember(stack.pop()!, true);
              break;
            }
            stack.push(afterBranch);
            break climb;
          }
          case afterBranch:
            memory!.remember(stack.pop()!, answer);
            break;
          case afterLeft:
            position = stack.pop()!;
            state = next[stack.pop()!]!;
            stack.push(answer ? 1 : 0, afterRight);
            break climb;
          case afterRight:
            if (stack.pop() === 1) answer = true;
            memory!.remember(stack.pop()!, answer);
            break;
          case restoreBegin: {
            const group = stack.pop()!;
            beginnings[group] = stack.pop()!;
            break;
          }
          case restoreEnd: {
            const group = stack.pop()!;
            spans[group * 2 + 1] = stack.pop()!;
            spans[group * 2] = stack.pop()!;
            break;
          }
        }
      }
    }
  }

  /** What a branch's outcome depends on: itself, the position, and rounds made without consuming. */
  private key(branch: number, position: number): number {
    const pair = position * this.program.branchCount + branch;
    const loops = this.program.reachableLoops[branch];
    if (loops === undefined) return pair;
    let rounds = '';
    for (const loop of loops) {
      const count = this.loopPosition[loop] === position ? this.loopCount[loop]! : 0;
      if (count > 0) rounds += `${loop}:${count} `;
    }
    let state = this.loopStates.get(rounds);
    if (state === undefined) this.loopStates.set(rounds, (state = this.loopStates.size));
    return state * this.pairs + pair;
  }
}

/**
 * The outcomes so far. A failure holds for every later search of the same text, a success only
 * within its own search: there it led to a match that began elsewhere.
 */
interface Memory {
  recall(key: number): boolean | undefined;
  remember(key: number, outcome: boolean): void;
  forgetSuccesses(): void;
}

class FlatMemory implements Memory {
  private readonly cells: Int32Array;
  private epoch = 1;
  private readonly failure = -1;

  constructor(cells: number) {
    this.cells = new Int32Array(cells);
  }
  recall(key: number): boolean | undefined {
    const cell = this.cells[key];
    return cell === this.epoch ? true : cell === this.failure ? false : undefined;
  }
  remember(key: number, outcome: boolean): void {
    this.cells[key] = outcome ? this.epoch : this.failure;
  }
  forgetSuccesses(): void {
    this.epoch++;
  }
}

class SparseMemory implements Memory {
  private readonly failures = new Set<number>();
  private readonly successes = new Set<number>();

  recall(key: number): boolean | undefined {
    return this.successes.has(key) ? true : this.failures.has(key) ? false : undefined;
  }
  remember(key: number, outcome: boolean): void {
    (outcome ? this.successes : this.failures).add(key);
    if (this.failures.size > sparseMemoryCells || this.successes.size > sparseMemoryCells) {
      throw new RegexError('space');
    }
  }
  forgetSuccesses(): void {
    this.successes.clear();
  }
}
