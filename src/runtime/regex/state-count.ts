/**
 * How many states the GNU C++ library makes of a regular expression: it refuses more than a hundred
 * thousand, and so do we, exactly, or a program would fail with one of the two only.
 *
 * Every alternative ends in a state of its own, bounded repetition is unrolled from a copy that stays
 * behind, and states that are taken out again at the end count too.
 */

import { RegexError, type RegexNode, type RepeatNode } from './syntax.ts';

const stateLimit = 100_000;

/** Throws `RegexError` of kind 'space' when the library would refuse the tree for its size. */
export function checkSize(root: RegexNode): void {
  // The whole is a group, and a last state accepts.
  if (disjunction(root).made + 3 > stateLimit) throw new RegexError('space');
}

interface Count {
  /** States made on the way. */
  readonly made: number;
  /** Those that are left, and that a copy has again. */
  readonly left: number;
}

function disjunction(node: RegexNode): Count {
  if (node.kind !== 'either') return more(sequence(node), 1);
  return more(sum([disjunction(node.left), more(sequence(node.right), 1)]), 2);
}

function sequence(node: RegexNode): Count {
  return node.kind === 'sequence' ? sum(node.items.map(term)) : term(node);
}

function term(node: RegexNode): Count {
  switch (node.kind) {
    case 'group':
      return more(disjunction(node.body), 2);
    case 'repeat':
      return repetition(node);
    default:
      return { made: 1, left: 1 };
  }
}

function repetition({ body, min, max, interval }: RepeatNode): Count {
  const { made, left } = term(body);
  if (!interval) return more({ made, left }, max === 1 ? 2 : 1);
  const copies = max === Infinity ? (min + 1) * left + 2 : min * left + (max - min) * (left + 1) + 2;
  return { made: made + copies, left: copies };
}

function more({ made, left }: Count, states: number): Count {
  return { made: made + states, left: left + states };
}

function sum(counts: readonly Count[]): Count {
  return counts.reduce((all, one) => ({ made: all.made + one.made, left: all.left + one.left }), { made: 0, left: 0 });
}
