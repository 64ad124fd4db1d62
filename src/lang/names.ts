/**
 * Names: each identifier of all texts as one string, and which of them are keywords.
 *
 * A name is found by its hash while the text is scanned, so that a known one costs no new string.
 * The strings are ones that the engine itself keeps unique: they carry their hash, are compared by
 * address, and do not hold on to the text that they were cut out of.
 */

import { keywords, Token, type TokenKind } from './tokens.ts';

let capacity = 1 << 12;
let used = 0;
let hashes = new Int32Array(capacity);
let kinds = new Uint8Array(capacity);
let names: (string | undefined)[] = emptyPlaces(capacity);

/** To hash a word: start with 0 and add each of its bytes. */
export function addToHash(hash: number, code: number): number {
  return (Math.imul(hash, 31) + code) | 0;
}

/** Number of the name that stands in the text; it holds until the next call. */
export function findName(text: string, start: number, end: number, hash: number): number {
  const length = end - start;
  let place = firstPlace(hash);
  for (;; place = (place + 1) & (capacity - 1)) {
    const name = names[place];
    if (name === undefined) return addName(text.slice(start, end), hash, Token.identifier);
    if (hashes[place] === hash && name.length === length && standsAt(name, text, start)) return place;
  }
}

export function nameAt(place: number): string {
  return names[place]!;
}

/** Whether the name is an identifier or which keyword. */
export function kindAt(place: number): TokenKind {
  return kinds[place] as TokenKind;
}

/** The one string for a name that comes from elsewhere than an identifier. */
export function uniqueName(text: string): string {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = addToHash(hash, text.charCodeAt(i));
  return nameAt(findName(text, 0, text.length, hash));
}

function standsAt(name: string, text: string, start: number): boolean {
  for (let i = 0; i < name.length; i++) {
    if (name.charCodeAt(i) !== text.charCodeAt(start + i)) return false;
  }
  return true;
}

function addName(name: string, hash: number, kind: TokenKind): number {
  if (used * 2 >= capacity) grow();
  used++;
  return put(unique(name), hash, kind);
}

function put(name: string, hash: number, kind: TokenKind): number {
  let place = firstPlace(hash);
  while (names[place] !== undefined) place = (place + 1) & (capacity - 1);
  names[place] = name;
  hashes[place] = hash;
  kinds[place] = kind;
  return place;
}

function grow(): void {
  const old = { names, hashes, kinds };
  capacity *= 2;
  hashes = new Int32Array(capacity);
  kinds = new Uint8Array(capacity);
  names = emptyPlaces(capacity);
  old.names.forEach((name, i) => {
    if (name !== undefined) put(name, old.hashes[i]!, old.kinds[i] as TokenKind);
  });
}

function firstPlace(hash: number): number {
  return (hash ^ (hash >>> 15)) & (capacity - 1);
}

function emptyPlaces(count: number): undefined[] {
  return new Array<undefined>(count).fill(undefined);
}

/** The engine's own string of this text: that of a property's name. */
function unique(text: string): string {
  const properties = Object.create(null) as Record<string, 0>;
  properties[text] = 0;
  for (const name in properties) return name;
  return text;
}

for (const [word, kind] of keywords) {
  let hash = 0;
  for (let i = 0; i < word.length; i++) hash = addToHash(hash, word.charCodeAt(i));
  addName(word, hash, kind);
}
