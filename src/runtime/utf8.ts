/**
 * UTF-8 in byte strings: one character of the JavaScript string is one byte.
 */

const hasHighByte = /[\x80-\xff]/;

/** Where the byte string stops being UTF-8. */
export interface Utf8Fault {
  /** Index of the byte that cannot stand where it stands; the length if the end came too soon. */
  readonly index: number;
}

/** The first fault of a byte string; undefined when it is UTF-8. */
export function findUtf8Fault(text: string): Utf8Fault | undefined {
  if (!hasHighByte.test(text)) return undefined;
  let i = 0;
  while (i < text.length) {
    const length = sequenceLength(text, i);
    if (length < 0) return { index: i - length - 1 };
    i += length;
  }
  return undefined;
}

/**
 * Length of the UTF-8 sequence at `index`; when there is none, minus one minus the number of bytes
 * that were in order.
 */
export function sequenceLength(text: string, index: number): number {
  const first = text.charCodeAt(index);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return -1;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  for (let i = 1; i < length; i++) {
    const byte = text.charCodeAt(index + i);
    let low = 0x80;
    let high = 0xbf;
    if (i === 1) {
      if (first === 0xe0) low = 0xa0;
      else if (first === 0xed) high = 0x9f;
      else if (first === 0xf0) low = 0x90;
      else if (first === 0xf4) high = 0x8f;
    }
    if (!(byte >= low && byte <= high)) return -1 - i;
  }
  return length;
}

/** A code point as UTF-8 bytes. */
export function encodeCodePoint(code: number): string {
  if (code < 0x80) return String.fromCharCode(code);
  if (code < 0x800) return String.fromCharCode(0xc0 | (code >> 6), 0x80 | (code & 63));
  if (code < 0x10000) {
    return String.fromCharCode(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  }
  return String.fromCharCode(
    0xf0 | (code >> 18),
    0x80 | ((code >> 12) & 63),
    0x80 | ((code >> 6) & 63),
    0x80 | (code & 63),
  );
}
