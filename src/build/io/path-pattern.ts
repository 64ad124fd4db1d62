/**
 * Patterns over paths in a tree: `*` and `?` within a name, `**` over any number of names.
 *
 * A pattern that matches a folder matches all below it. Everything else stands for itself.
 */

/** Whether any pattern matches the path (relative, `/` between names) or a folder above it. */
export function compilePathPatterns(patterns: readonly string[]): (path: string) => boolean {
  if (patterns.length === 0) return () => false;
  const sources = patterns.map((pattern) => patternSource(pattern.replace(/^\/+|\/+$/g, '')));
  const expression = new RegExp(`^(?:${sources.join('|')})(?:/|$)`, 's');
  return (path) => expression.test(path);
}

function patternSource(pattern: string): string {
  let source = '';
  for (let i = 0; i < pattern.length; i++) {
    if (pattern.startsWith('**/', i)) {
      source += '(?:[^/]+/)*';
      i += 2;
    } else if (pattern.startsWith('**', i)) {
      source += '.*';
      i += 1;
    } else if (pattern[i] === '*') {
      source += '[^/]*';
    } else if (pattern[i] === '?') {
      source += '[^/]';
    } else {
      source += (pattern[i] as string).replace(/[\\^$.|+()[\]{}]/, '\\$&');
    }
  }
  return source;
}
