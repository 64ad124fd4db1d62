/** Lists that are made at once, since their elements cost nothing to make. */

import { Level } from './resolve.ts';
import type { Expr } from './tree.ts';

/** Longer lists are suspended, even if nothing in them is. */
const directListLimit = 6;
/** So are those in which lists nest deeper: each level would look through all below it again. */
const directDepthLimit = 3;

/** Whether a list of these elements, resolved trees, need not be suspended. */
export function isDirectList(elements: readonly Expr[], depth = 1): boolean {
  if (elements.length > directListLimit || depth > directDepthLimit) return false;
  return elements.every((element) => isDirect(element, depth));
}

function isDirect(expr: Expr, depth: number): boolean {
  switch (expr.kind) {
    case 'int':
    case 'float':
    case 'string':
    case 'path':
      return true;
    case 'list':
      return isDirectList(expr.elements, depth + 1);
    case 'attrs':
      return expr.attrs.size === 0 && expr.dynamic.length === 0;
    case 'var':
      return expr.level !== Level.with;
    default:
      return false;
  }
}
