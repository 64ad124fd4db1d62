/**
 * Escaping characters of texts of any length.
 *
 * V8 ends the process, and throws nothing, where a pattern has more than about a hundred million
 * matches in one text. So long texts are worked on in pieces.
 */

/** Well below the matches that V8 can bear, and long enough to cost nothing. */
const pieceLength = 1 << 24;
const dollar = 0x24;

/**
 * The text with each match of a global pattern replaced. A match is one character; only for `$` may
 * the pattern look at what follows.
 */
export function escapeText(text: string, pattern: RegExp, escape: (match: string) => string): string {
  if (text.length <= pieceLength) return text.replace(pattern, escape);
  let result = '';
  for (let from = 0; from < text.length;) {
    let to = Math.min(from + pieceLength, text.length);
    while (to < text.length && text.charCodeAt(to - 1) === dollar) to++;
    result += text.slice(from, to).replace(pattern, escape);
    from = to;
  }
  return result;
}
