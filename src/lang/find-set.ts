/** Where the set stands that a binding is in: for errors about values that came from it. */

import type { AttrsExpr, Expr, Offset } from './tree.ts';

/** The set of a tree that has a binding at an offset; undefined if there is none. */
export function setWithBinding(tree: Expr, at: Offset): AttrsExpr | undefined {
  const waiting: unknown[] = [tree];
  while (waiting.length > 0) {
    const next = waiting.pop();
    if (next === null || typeof next !== 'object') continue;
    if (isSet(next) && [...next.attrs.values(), ...next.dynamic].some((binding) => binding.at === at)) return next;
    waiting.push(...(next instanceof Map ? next.values() : Object.values(next)));
  }
  return undefined;
}

function isSet(node: object): node is AttrsExpr {
  return (node as Partial<Expr>).kind === 'attrs';
}
