/**
 * Arrays made at their size, to be filled at once.
 *
 * An array made by its length counts as one with holes for ever, and code that meets both kinds is
 * slower; one that grows element by element leaves garbage and has room to spare. So these are
 * copies of arrays that grew once.
 */

const templateLimit = 64;
const templates: undefined[][] = [];
const zeroTemplates: number[][] = [];

/** An array for so many values or strings; every element must be set. */
export function packedArray<T>(length: number): T[] {
  if (length >= templateLimit) return grow(length, undefined) as T[];
  return (templates[length] ??= grow(length, undefined)).slice() as T[];
}

/** So many zeros. */
export function zeroes(length: number): number[] {
  if (length >= templateLimit) return grow(length, 0);
  return (zeroTemplates[length] ??= grow(length, 0)).slice();
}

function grow<T>(length: number, element: T): T[] {
  const array: T[] = [];
  for (let i = 0; i < length; i++) array.push(element);
  return array.slice();
}
