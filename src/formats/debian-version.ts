/**
 * Debian version numbers: how two are ordered and how a relation between them is checked.
 *
 * The order is that of Debian Policy §5.6.12 (`dpkg --compare-versions`): epoch as a number, then
 * upstream version and revision, each as alternating runs of non-digits and digits, where `~` sorts
 * before everything, even before the end. Versions are plain strings here; parsing never fails,
 * because the archive's index is the only source and dpkg is as lenient.
 */

/** The relations a dependency may state; `<` and `>` are old spellings of `<=` and `>=`. */
export type VersionRelation = '<<' | '<=' | '=' | '>=' | '>>';

/** Negative, zero or positive as `left` is older than, equal to or newer than `right`. */
export function compareDebianVersions(left: string, right: string): number {
  if (left === right) return 0;
  const a = split(left);
  const b = split(right);
  if (a.epoch !== b.epoch) return a.epoch - b.epoch;
  return compareParts(a.upstream, b.upstream) || compareParts(a.revision, b.revision);
}

/** Whether `version relation wanted` holds. */
export function satisfiesRelation(
  version: string,
  relation: VersionRelation,
  wanted: string,
): boolean {
  const order = compareDebianVersions(version, wanted);
  switch (relation) {
    case '<<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '=':
      return order === 0;
    case '>=':
      return order >= 0;
    case '>>':
      return order > 0;
  }
}

interface VersionParts {
  readonly epoch: number;
  readonly upstream: string;
  readonly revision: string;
}

function split(version: string): VersionParts {
  const colon = version.indexOf(':');
  const epoch = colon < 0 ? 0 : Number.parseInt(version.slice(0, colon), 10) || 0;
  const rest = colon < 0 ? version : version.slice(colon + 1);
  const dash = rest.lastIndexOf('-');
  return dash < 0
    ? { epoch, upstream: rest, revision: '' }
    : { epoch, upstream: rest.slice(0, dash), revision: rest.slice(dash + 1) };
}

const zero = 0x30;
const nine = 0x39;
const tilde = 0x7e;

function isDigit(code: number): boolean {
  return code >= zero && code <= nine;
}

/** Weight of a character in a non-digit run: `~` < end < letters < everything else. */
function weight(code: number): number {
  if (Number.isNaN(code) || isDigit(code)) return 0;
  if (code === tilde) return -1;
  const isLetter = (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
  return isLetter ? code : code + 256;
}

function compareParts(left: string, right: string): number {
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    while (
      (i < left.length && !isDigit(left.charCodeAt(i))) ||
      (j < right.length && !isDigit(right.charCodeAt(j)))
    ) {
      const difference = weight(left.charCodeAt(i)) - weight(right.charCodeAt(j));
      if (difference !== 0) return difference;
      i += 1;
      j += 1;
    }
    while (left.charCodeAt(i) === zero) i += 1;
    while (right.charCodeAt(j) === zero) j += 1;
    let firstDifference = 0;
    while (isDigit(left.charCodeAt(i)) && isDigit(right.charCodeAt(j))) {
      firstDifference ||= left.charCodeAt(i) - right.charCodeAt(j);
      i += 1;
      j += 1;
    }
    if (isDigit(left.charCodeAt(i))) return 1;
    if (isDigit(right.charCodeAt(j))) return -1;
    if (firstDifference !== 0) return firstDifference;
  }
  return 0;
}
