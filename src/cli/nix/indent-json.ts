/**
 * JSON on one line to JSON on many, by its characters: numbers stay as they are written, which a
 * JavaScript value would not allow.
 */

/** Two spaces a level; empty sets and lists stay on their line. */
export function indentJson(text: string): string {
  let depth = 0;
  const newLine = () => `\n${'  '.repeat(depth)}`;
  return text.replace(/"(?:[^"\\]|\\.)*"|\{\}|\[\]|[{}[\],:]/g, (token) => {
    switch (token) {
      case '{': case '[':
        depth += 1;
        return token + newLine();
      case '}': case ']':
        depth -= 1;
        return newLine() + token;
      case ',': return token + newLine();
      case ':': return ': ';
      default: return token;
    }
  });
}
