/**
 * Bytes as text: base16, base64, and nix32.
 *
 * nix32 is Nix's own base-32: an alphabet without e, o, u and t, and the digits taken from the end
 * of the bytes, so that the first character holds the highest bits of the last byte.
 */

import { byteString, bytesOf } from './bytes.ts';

export const nix32Alphabet = '0123456789abcdfghijklmnpqrsvwxyz';

export function encodeNix32(bytes: Uint8Array): string {
  let text = '';
  for (let n = nix32Length(bytes.length) - 1; n >= 0; n--) {
    const bit = n * 5;
    const at = bit >> 3;
    const shift = bit & 7;
    const pair = (bytes[at] as number) | ((bytes[at + 1] ?? 0) << 8);
    text += nix32Alphabet[(pair >> shift) & 31];
  }
  return text;
}

/** The bytes of a nix32 text; `undefined` if a character or the padding is not valid. */
export function decodeNix32(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = new Uint8Array((text.length * 5) >> 3);
  for (let n = 0; n < text.length; n++) {
    const digit = nix32Digits[text.charCodeAt(text.length - n - 1)] ?? -1;
    if (digit < 0) return undefined;
    const bit = n * 5;
    const at = bit >> 3;
    const shift = bit & 7;
    const low = digit << shift;
    const high = digit >> (8 - shift);
    if (at < bytes.length) bytes[at] = (bytes[at] as number) | (low & 255);
    else if ((low & 255) !== 0) return undefined;
    if (at + 1 < bytes.length) bytes[at + 1] = (bytes[at + 1] as number) | high;
    else if (high !== 0) return undefined;
  }
  return bytes;
}

/** How many nix32 characters `byteLength` bytes take. */
export function nix32Length(byteLength: number): number {
  return byteLength === 0 ? 0 : Math.floor((byteLength * 8 - 1) / 5) + 1;
}

/** Whether the character code is one of nix32's 32. */
export function isNix32Code(code: number): boolean {
  return (nix32Digits[code] ?? -1) >= 0;
}

export function encodeHex(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += hexPairs[bytes[i] as number];
  return text;
}

/** The bytes of a base16 text, upper or lower case; `undefined` if it is not one. */
export function decodeHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** Padded base64 with the standard alphabet. */
export function encodeBase64(bytes: Uint8Array): string {
  return btoa(byteString(bytes));
}

/** The bytes of a base64 text, line ends skipped, padding optional; `undefined` if it is not one. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  const end = text.indexOf('=');
  const digits = (end < 0 ? text : text.slice(0, end)).replaceAll('\n', '');
  if (!/^[A-Za-z0-9+/]*$/.test(digits) || digits.length % 4 === 1) return undefined;
  return bytesOf(atob(digits));
}

const nix32Digits = new Int8Array(256).fill(-1);
for (let i = 0; i < 32; i++) nix32Digits[nix32Alphabet.charCodeAt(i)] = i;

const hexPairs = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));
