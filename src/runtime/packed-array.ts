/**
 * Arrays made at their size, to be filled at once.
 *
 * An array made by its length counts as one with holes for ever, and code that meets both kinds is
 * slower; one that grows element by element leaves garbage and has room to spare. So these are
 * copies of arrays that grew once.
 */

/** The longest ones so far, which all others are copied from. */
let nothing: undefined[] = grow(1 << 10, undefined);
let zeros: number[] = grow(1 << 10, 0);

/** An array for so many values or strings; every element must be set. */
export function packedArray<T>(length: number): T[] {
  if (length > nothing.length) nothing = grow(length * 2, undefined);
  return nothing.slice(0, length) as T[];
}

/** So many zeros. */
export function zeroes(length: number): number[] {
  if (length > zeros.length) zeros = grow(length * 2, 0);
  return zeros.slice(0, length);
}

function grow<T>(length: number, element: T): T[] {
  const array: T[] = [];
  for (let i = 0; i < length; i++) array.push(element);
  return array;
}
