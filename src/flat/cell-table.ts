/**
 * A table of keys of three words: open, in one array of integers, twice as large as what is in it.
 *
 * Several words are joined to one pair by pair: each pair has a number, which is negative and so no
 * word of a value.
 */

/** Its own keys begin with this; others begin with greater words, or with words of values. */
const PAIR = -16;

const leastBits = 16;
let bits = leastBits;
let table = new Int32Array(4 << bits);
let filled = 0;
/** Where the last search ended. */
let place = 0;
let pairs = 0;

/** Forgets all keys. */
export function clearTable(): void {
  bits = leastBits;
  table = new Int32Array(4 << bits);
  filled = 0;
}

/** What stands for a key; 0 if nothing does. */
export function search(k1: number, k2: number, k3: number): number {
  const mask = (1 << bits) - 1;
  let hash = Math.imul(k1, 0x9E3779B1) ^ Math.imul(k2, 0x85EBCA6B) ^ Math.imul(k3, 0xC2B2AE35);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2C1B3C6D);
  for (let i = (hash ^ (hash >>> 13)) & mask; ; i = (i + 1) & mask) {
    place = i << 2;
    const found = table[place + 3]!;
    if (found === 0 || (table[place] === k1 && table[place + 1] === k2 && table[place + 2] === k3)) return found;
  }
}

/** Of several for the same key the first stays. */
export function insert(k1: number, k2: number, k3: number, made: number): void {
  if (search(k1, k2, k3) !== 0) return;
  table[place] = k1;
  table[place + 1] = k2;
  table[place + 2] = k3;
  table[place + 3] = made;
  if (++filled > 1 << (bits - 1)) grow();
}

function grow(): void {
  const old = table;
  bits++;
  table = new Int32Array(4 << bits);
  filled = 0;
  for (let at = 0; at < old.length; at += 4) {
    if (old[at + 3] !== 0) insert(old[at]!, old[at + 1]!, old[at + 2]!, old[at + 3]!);
  }
}

/** The number of a pair, a new one for a new pair. */
export function pairOf(a: number, b: number): number {
  const known = search(PAIR, a, b);
  if (known !== 0) return known;
  const made = PAIR - ++pairs;
  insert(PAIR, a, b, made);
  return made;
}
