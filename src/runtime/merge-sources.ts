/**
 * Where each attribute of a merged set comes from, found by comparing names.
 *
 * Strings are compared often here, so that of two sets of very different sizes the names of the
 * smaller one are searched in the larger one.
 */

/** How many times larger one set is when the other's names are searched in it one by one. */
const searchRatio = 4;

/**
 * What `findSources` found last: `i >= 0` is the left set's attribute `i`, `i < 0` the right set's
 * `~i`. It holds until the next call.
 */
export let sources = new Int32Array(256);

/** Fills `sources` for `a // b`; returns how many attributes there are. */
export function findSources(a: readonly string[], b: readonly string[]): number {
  const longest = a.length + b.length;
  if (sources.length < longest) sources = new Int32Array(longest * 2);
  if (a.length > b.length * searchRatio) return searchRight(a, b);
  return b.length > a.length * searchRatio ? searchLeft(a, b) : walkBoth(a, b);
}

function walkBoth(a: readonly string[], b: readonly string[]): number {
  const found = sources;
  let count = 0;
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const x = a[i]!;
    const y = b[j]!;
    if (x === y) {
      i++;
      found[count++] = ~j++;
    } else if (x < y) {
      found[count++] = i++;
    } else {
      found[count++] = ~j++;
    }
  }
  while (i < a.length) found[count++] = i++;
  while (j < b.length) found[count++] = ~j++;
  return count;
}

/** The few names of the right set, each searched in the left one. */
function searchRight(a: readonly string[], b: readonly string[]): number {
  const found = sources;
  let count = 0;
  let i = 0;
  for (let j = 0; j < b.length; j++) {
    const name = b[j]!;
    const at = lowerBound(a, name, i);
    while (i < at) found[count++] = i++;
    found[count++] = ~j;
    if (i < a.length && a[i] === name) i++;
  }
  while (i < a.length) found[count++] = i++;
  return count;
}

/** The few names of the left set, each searched in the right one. */
function searchLeft(a: readonly string[], b: readonly string[]): number {
  const found = sources;
  let count = 0;
  let j = 0;
  for (let i = 0; i < a.length; i++) {
    const name = a[i]!;
    const at = lowerBound(b, name, j);
    while (j < at) found[count++] = ~j++;
    if (j === b.length || b[j] !== name) found[count++] = i;
  }
  while (j < b.length) found[count++] = ~j++;
  return count;
}

/** Index of the first name that is not before `name`, from `from` on. */
export function lowerBound(names: readonly string[], name: string, from: number): number {
  let low = from;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const candidate = names[middle]!;
    if (candidate === name) return middle;
    if (candidate < name) low = middle + 1;
    else high = middle;
  }
  return low;
}
