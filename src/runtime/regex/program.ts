/**
 * A regular expression's automaton: the tree laid out as numbered states.
 *
 * States are chained by continuation: each knows where to go next, a branch also where to go first
 * (its argument). Bounded repetition is unrolled, as in the C++ library, to fewer states than there.
 * A repeat state whose body can match nothing is numbered (`loop`), because the matcher must count
 * how often it has gone round without consuming.
 */

import { checkSize } from './state-count.ts';
import { isNullable, type ByteSet, type RegexNode, type RegexTree } from './syntax.ts';

/** Operations, as small integers for the matcher's dispatch. */
export const operation = {
  byte: 0,
  set: 1,
  groupBegin: 2,
  groupEnd: 3,
  begin: 4,
  end: 5,
  either: 6,
  repeat: 7,
  accept: 8,
} as const;

export interface Program {
  readonly operations: number[];
  /** The state after this one; for a branch, the one tried second. */
  readonly next: number[];
  /** Branches: the state tried first. Bytes: the code. Sets: index. Groups: index. */
  readonly argument: number[];
  /** Branches: dense number used as key of the matcher's memory. Otherwise -1. */
  readonly branch: number[];
  /** Repeats that can go round without consuming: dense number. Otherwise -1. */
  readonly loop: number[];
  readonly sets: ByteSet[];
  readonly start: number;
  readonly groupCount: number;
  readonly branchCount: number;
  readonly loopCount: number;
  /** By branch: the numbered loops that can be met after it; none for most. */
  readonly reachableLoops: (readonly number[] | undefined)[];
  /** The bytes a match can begin with; undefined when it can be empty. */
  readonly firstBytes: ByteSet | undefined;
}

/** Lays `tree` out. Throws `RegexError` of kind 'space' when it has more states than allowed. */
export function compileProgram(tree: RegexTree): Program {
  checkSize(tree.root);
  const program = new Layout();
  const accept = program.add(operation.accept, -1, 0);
  const start = program.lay(tree.root, accept);
  return {
    operations: program.operations,
    next: program.next,
    argument: program.argument,
    branch: program.branch,
    loop: program.loop,
    sets: program.sets,
    start,
    groupCount: tree.groupCount,
    branchCount: program.branchCount,
    loopCount: program.loopCount,
    reachableLoops: program.loopCount === 0 ? [] : reachableLoops(program),
    firstBytes: isNullable(tree.root) ? undefined : firstBytes(program, start),
  };
}

/** The states that follow a state: for a branch two, for the last none. */
function successors(program: Layout, state: number): number[] {
  const following = program.next[state]!;
  if (program.branch[state]! >= 0) return [program.argument[state]!, following];
  return following < 0 ? [] : [following];
}

function reachableLoops(program: Layout): (readonly number[] | undefined)[] {
  const result: (readonly number[] | undefined)[] = [];
  for (let origin = 0; origin < program.operations.length; origin++) {
    if (program.branch[origin]! < 0) continue;
    const loops: number[] = [];
    const seen = new Set([origin]);
    for (const state of seen) {
      if (program.loop[state]! >= 0) loops.push(program.loop[state]!);
      for (const following of successors(program, state)) seen.add(following);
    }
    result[program.branch[origin]!] = loops.length === 0 ? undefined : loops;
  }
  return result;
}

function firstBytes(program: Layout, start: number): ByteSet {
  const first = new Uint8Array(256);
  const seen = new Set([start]);
  for (const state of seen) {
    const kind = program.operations[state];
    if (kind === operation.byte) first[program.argument[state]!] = 1;
    else if (kind === operation.set) {
      program.sets[program.argument[state]!]!.forEach((flag, code) => {
        if (flag) first[code] = 1;
      });
    } else for (const following of successors(program, state)) seen.add(following);
  }
  return first;
}

class Layout {
  readonly operations: number[] = [];
  readonly next: number[] = [];
  readonly argument: number[] = [];
  readonly branch: number[] = [];
  readonly loop: number[] = [];
  readonly sets: ByteSet[] = [];
  branchCount = 0;
  loopCount = 0;

  add(kind: number, next: number, argument: number): number {
    const isBranch = kind === operation.either || kind === operation.repeat;
    this.branch.push(isBranch ? this.branchCount++ : -1);
    this.loop.push(-1);
    this.next.push(next);
    this.argument.push(argument);
    return this.operations.push(kind) - 1;
  }

  /** Lays `node` so that what follows it is `next`; gives its first state. */
  lay(node: RegexNode, next: number): number {
    switch (node.kind) {
      case 'byte':
        return this.add(operation.byte, next, node.code);
      case 'set': {
        let index = this.sets.indexOf(node.set);
        if (index < 0) index = this.sets.push(node.set) - 1;
        return this.add(operation.set, next, index);
      }
      case 'begin':
        return this.add(operation.begin, next, 0);
      case 'end':
        return this.add(operation.end, next, 0);
      case 'group': {
        const end = this.add(operation.groupEnd, next, node.index);
        return this.add(operation.groupBegin, this.lay(node.body, end), node.index);
      }
      case 'sequence': {
        let following = next;
        for (let i = node.items.length - 1; i >= 0; i--) {
          following = this.lay(node.items[i]!, following);
        }
        return following;
      }
      case 'either': {
        const right = this.lay(node.right, next);
        return this.add(operation.either, right, this.lay(node.left, next));
      }
      case 'repeat':
        return this.layRepeat(node.body, node.min, node.max, next);
    }
  }

  private layRepeat(body: RegexNode, min: number, max: number, next: number): number {
    const nullable = isNullable(body);
    let following = next;
    if (max === Infinity) {
      const repeat = this.addRepeat(next, nullable);
      const again = this.lay(body, repeat);
      this.argument[repeat] = again;
      // The last obligatory round and the loop share their states.
      following = min > 0 ? again : repeat;
      min = Math.max(0, min - 1);
    } else {
      for (let i = min; i < max; i++) {
        const repeat = this.addRepeat(next, nullable);
        this.argument[repeat] = this.lay(body, following);
        following = repeat;
      }
    }
    for (let i = 0; i < min; i++) following = this.lay(body, following);
    return following;
  }

  private addRepeat(next: number, nullable: boolean): number {
    const repeat = this.add(operation.repeat, next, -1);
    if (nullable) this.loop[repeat] = this.loopCount++;
    return repeat;
  }
}
