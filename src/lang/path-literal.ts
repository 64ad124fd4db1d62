/**
 * The canonical form of a path literal's text.
 */

/** Removes empty, `.` and `..` parts; `..` at the root stays at the root. */
export function canonicalPathText(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return `/${parts.join('/')}`;
}
