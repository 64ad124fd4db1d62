/**
 * Bytes and byte strings.
 *
 * Nix strings are byte strings. Firn keeps one as a JavaScript string with one character per byte
 * (the Latin-1 view of its bytes), so that length, substring, comparison and hashing are exact and
 * V8 stores one byte per character. Such a string is called a byte string in every layer; only
 * what is shown to a person is decoded. Invariant: a byte string has no character above U+00FF.
 */

/** The bytes of a byte string. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** The byte string of `bytes`. */
export function byteString(bytes: Uint8Array): string {
  if (bytes.length <= chunkLength) return String.fromCharCode.apply(null, bytes as never);
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += chunkLength) {
    parts.push(String.fromCharCode.apply(null, bytes.subarray(at, at + chunkLength) as never));
  }
  return parts.join('');
}

/** The UTF-8 encoding of an ordinary string, as a byte string. */
export function encodeUtf8(text: string): string {
  return isAscii(text) ? text : byteString(encoder.encode(text));
}

/** An ordinary string for the eye; bytes that are not UTF-8 become U+FFFD. */
export function decodeUtf8(text: string): string {
  return isAscii(text) ? text : lenientDecoder.decode(bytesOf(text));
}

/** As `decodeUtf8`, but `undefined` if the bytes are not UTF-8. */
export function decodeUtf8Strictly(text: string): string | undefined {
  if (isAscii(text)) return text;
  try {
    return strictDecoder.decode(bytesOf(text));
  } catch {
    return undefined;
  }
}

/** Whether each character is below U+0080, so that the byte string and the text are the same. */
export function isAscii(text: string): boolean {
  // A regular expression is compiled to a tight loop; charCodeAt in a loop is slower here.
  return !nonAscii.test(text);
}

/** Orders two byte arrays as memcmp does, the shorter first if one is a prefix of the other. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Orders two byte strings by their bytes. JavaScript's `<` does so for them. */
export function compareByteStrings(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** One array of all the bytes of `parts`. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Longer argument lists than this overflow the stack in `String.fromCharCode`. */
const chunkLength = 8192;
const nonAscii = /[^\x00-\x7f]/;
const encoder = new TextEncoder();
const lenientDecoder = new TextDecoder('utf-8', { ignoreBOM: true });
const strictDecoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });
