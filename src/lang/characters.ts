/**
 * Character classes of the lexical grammar, as bits of one table indexed by byte.
 */

export const isIdStart = 1;
export const isIdPart = 2;
export const isPathChar = 4;
export const isDigit = 8;
export const isUriScheme = 16;
export const isUriChar = 32;
export const isSpace = 64;

export const classes = makeClasses();

function makeClasses(): Uint8Array {
  const table = new Uint8Array(256);
  const add = (characters: string, bits: number): void => {
    for (let i = 0; i < characters.length; i++) table[characters.charCodeAt(i)]! |= bits;
  };
  const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
  const digits = '0123456789';
  add(`${letters}_`, isIdStart);
  add(`${letters}${digits}_'-`, isIdPart);
  add(`${letters}${digits}._-+`, isPathChar);
  add(digits, isDigit);
  add(`${letters}${digits}+-.`, isUriScheme);
  add(`${letters}${digits}%/?:@&=+$,-_.!~*'`, isUriChar);
  add(' \t\r\n', isSpace);
  return table;
}
