/**
 * String contexts: which store paths a string's text depends on.
 *
 * An element is encoded as in C++ Nix: `path` (opaque), `!output!drvPath` (one output),
 * `=drvPath` (a derivation with all its outputs and sources). Paths are full store paths.
 *
 * Invariant: sorted, no duplicates, never changed; equal contexts are often the same array, which
 * makes their union free.
 */

/** Sorted set of encoded elements. */
export type Context = readonly string[];

export const emptyContext: Context = [];

/** The union of two contexts. */
export function unionContext(a: Context, b: Context): Context {
  if (a === b || b.length === 0) return a;
  if (a.length === 0) return b;
  const result: string[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const x = a[i]!;
    const y = b[j]!;
    if (x === y) {
      result.push(x);
      i++;
      j++;
    } else if (x < y) {
      result.push(x);
      i++;
    } else {
      result.push(y);
      j++;
    }
  }
  while (i < a.length) result.push(a[i++]!);
  while (j < b.length) result.push(b[j++]!);
  if (result.length === a.length) return a;
  if (result.length === b.length) return b;
  return result;
}

/** A context from elements in any order, with duplicates. */
export function contextOf(elements: Iterable<string>): Context {
  const sorted = [...new Set(elements)].sort(compareBytes);
  return sorted.length === 0 ? emptyContext : sorted;
}

function compareBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Collects the contexts of the strings that a computation reads. */
export class ContextCollector {
  context: Context = emptyContext;

  add(context: Context): void {
    this.context = unionContext(this.context, context);
  }

  addElement(element: string): void {
    this.context = unionContext(this.context, [element]);
  }
}
