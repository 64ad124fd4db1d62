/** How much room text takes on a terminal, and fitting it into a width. */

/** What a program printed, as one line that cannot move the cursor. */
export function plainLine(text: string): string {
  return text.replace(/\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b./g, '')
    .replace(/^.*\r(?=.)/, '').replace(/\t/g, ' ').replace(/[\x00-\x1f\x7f-\x9f]/g, '');
}

/** Columns that plain text takes. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += widthOf(character.codePointAt(0) as number);
  return width;
}

/** Cuts plain text to at most `width` columns; a cut shows as `…`. */
export function clip(text: string, width: number): string {
  if (text.length <= width && !wideOrMark.test(text)) return text;
  if (displayWidth(text) <= width) return text;
  let taken = '';
  let columns = 0;
  for (const character of text) {
    const next = widthOf(character.codePointAt(0) as number);
    if (columns + next > width - 1) break;
    taken += character;
    columns += next;
  }
  return `${taken}…`;
}

const wideOrMark = /[\u0300-\u036f\u1100-\u{1ffff}]/u;

function widthOf(code: number): number {
  if ((code >= 0x300 && code <= 0x36f) || (code >= 0x200b && code <= 0x200f) || (code >= 0xfe00 && code <= 0xfe0f)) return 0;
  const isWide = (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf)
    || (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) || (code >= 0xfe30 && code <= 0xfe6f)
    || (code >= 0xff00 && code <= 0xff60) || (code >= 0xffe0 && code <= 0xffe6) || (code >= 0x1f300 && code <= 0x1faff)
    || (code >= 0x20000 && code <= 0x3fffd);
  return isWide ? 2 : 1;
}
