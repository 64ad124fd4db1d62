/** Replacing several strings in a text at once, as `builtins.replaceStrings` does. */

/**
 * At each place the first of `from` that fits is replaced by what `replacement` gives for its index;
 * on goes it behind that. The text itself is returned if nothing fits.
 */
export function replaceTexts(
  text: string, from: readonly string[], replacement: (index: number) => string,
): string {
  if (from.includes('')) return replaceWithEmpty(text, from, replacement);
  if (from.length === 0) return text;
  return from.length === 1 ? replaceOne(text, from[0]!, replacement) : replaceSeveral(text, from, replacement);
}

function replaceOne(text: string, wanted: string, replacement: (index: number) => string): string {
  let result = '';
  let plain = 0;
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, plain)) {
    result += text.slice(plain, at) + replacement(0);
    plain = at + wanted.length;
  }
  return plain === 0 ? text : result + text.slice(plain);
}

/** Only bytes that begin one are looked at. */
function replaceSeveral(
  text: string, from: readonly string[], replacement: (index: number) => string,
): string {
  const candidates: (number[] | undefined)[] = [];
  for (let i = 0; i < from.length; i++) (candidates[from[i]!.charCodeAt(0)] ??= []).push(i);
  let result = '';
  let plain = 0;
  let at = 0;
  scan: while (at < text.length) {
    const possible = candidates[text.charCodeAt(at)];
    if (possible !== undefined) {
      for (const index of possible) {
        if (!text.startsWith(from[index]!, at)) continue;
        result += text.slice(plain, at) + replacement(index);
        plain = at += from[index]!.length;
        continue scan;
      }
    }
    at++;
  }
  return plain === 0 ? text : result + text.slice(plain);
}

/** An empty string fits everywhere, also at the end, and lets one byte pass each time. */
function replaceWithEmpty(
  text: string, from: readonly string[], replacement: (index: number) => string,
): string {
  let result = '';
  let at = 0;
  while (at <= text.length) {
    const index = from.findIndex((wanted) => text.startsWith(wanted, at));
    if (index >= 0) result += replacement(index);
    const length = index < 0 ? 0 : from[index]!.length;
    if (length > 0) at += length;
    else result += text.slice(at, ++at);
  }
  return result;
}
