/**
 * Versions and package names as Nix reads them: components, their order, and where in
 * `name-1.2` the version begins.
 */

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isLetter(code: number): boolean {
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

const dot = 0x2e;
const dash = 0x2d;

/** The component at or after `from`, and where it ends; empty at the end. */
function componentAt(version: string, from: number): readonly [component: string, end: number] {
  let begin = from;
  while (begin < version.length) {
    const code = version.charCodeAt(begin);
    if (code !== dot && code !== dash) break;
    begin++;
  }
  let end = begin;
  if (end < version.length && isDigit(version.charCodeAt(end))) {
    while (end < version.length && isDigit(version.charCodeAt(end))) end++;
  } else {
    while (end < version.length) {
      const code = version.charCodeAt(end);
      if (isDigit(code) || code === dot || code === dash) break;
      end++;
    }
  }
  return [version.slice(begin, end), end];
}

/** Runs of digits and of other characters, without the dots and dashes between them. */
export function splitVersion(version: string): string[] {
  const components: string[] = [];
  let [component, end] = componentAt(version, 0);
  while (component !== '') {
    components.push(component);
    [component, end] = componentAt(version, end);
  }
  return components;
}

/** Numbers beyond 32 bits are text, as in C++ Nix. */
function numberOf(component: string): number | undefined {
  if (component === '' || !isDigit(component.charCodeAt(0))) return undefined;
  const value = Number(component);
  return value <= 0x7fffffff ? value : undefined;
}

function isLess(a: string, b: string): boolean {
  const x = numberOf(a);
  const y = numberOf(b);
  if (x !== undefined && y !== undefined) return x < y;
  if (a === '' && y !== undefined) return true;
  if (a === 'pre' && b !== 'pre') return true;
  if (b === 'pre') return false;
  if (y !== undefined) return true;
  if (x !== undefined) return false;
  return a < b;
}

/** -1, 0 or 1. */
export function compareVersions(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const [x, nextI] = componentAt(a, i);
    const [y, nextJ] = componentAt(b, j);
    if (isLess(x, y)) return -1;
    if (isLess(y, x)) return 1;
    i = nextI;
    j = nextJ;
  }
  return 0;
}

/** The version begins after the first dash that no letter follows. */
export function parseDrvName(text: string): { name: string; version: string } {
  for (let i = text.indexOf('-'); i >= 0; i = text.indexOf('-', i + 1)) {
    if (i + 1 < text.length && !isLetter(text.charCodeAt(i + 1))) {
      return { name: text.slice(0, i), version: text.slice(i + 1) };
    }
  }
  return { name: text, version: '' };
}
