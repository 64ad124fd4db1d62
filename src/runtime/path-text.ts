/**
 * Path arithmetic on byte strings: purely textual, no link is followed.
 */

/** Removes empty, `.` and `..` parts from an absolute path; `..` at the root stays at the root. */
export function canonicalPath(path: string): string {
  if (isCanonical(path)) return path;
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** A path text resolved against an absolute directory. */
export function resolvePath(base: string, path: string): string {
  return canonicalPath(path.startsWith('/') ? path : `${base}/${path}`);
}

/** The last part of a path; the whole of it if it has no slash. */
export function baseName(path: string): string {
  const end = path.length > 1 && path.endsWith('/') ? path.length - 1 : path.length;
  return path.slice(path.lastIndexOf('/', end - 1) + 1, end);
}

/** The directory of a canonical absolute path. */
export function parentPath(path: string): string {
  const at = path.lastIndexOf('/');
  return at <= 0 ? '/' : path.slice(0, at);
}

function isCanonical(path: string): boolean {
  const length = path.length;
  if (length === 1) return path === '/';
  if (path.charCodeAt(0) !== 47 || path.charCodeAt(length - 1) === 47) return false;
  let at = 0;
  while (at >= 0 && at < length) {
    const first = path.charCodeAt(at + 1);
    if (first === 47) return false;
    if (first === 46) {
      const second = path.charCodeAt(at + 2);
      if (at + 2 >= length || second === 47) return false;
      if (second === 46 && (at + 3 >= length || path.charCodeAt(at + 3) === 47)) return false;
    }
    at = path.indexOf('/', at + 1);
  }
  return true;
}
