/**
 * Names in a FAT directory: the short form (8.3, upper case, a fixed character set) that every
 * reader knows, and the long form (VFAT) beside it wherever the short one is not the name itself.
 *
 * Names are compared without case, so two names of one directory that differ in case alone cannot
 * stand together. Short forms are made in the order of the names and do not depend on anything else.
 */
import { UserError, decodeUtf8 } from '#base';

export interface FatName {
  /** The name for the eye, as it is stored in the long form. */
  readonly long: string;
  /** 11 characters: 8 of the base, 3 of the extension, padded with spaces. */
  readonly short: string;
  readonly needsLong: boolean;
}

const forbidden = /["*/:<>?\\|\x00-\x1f\x7f]/;
const shortSet = /^[A-Z0-9!#$%&'()@^_`{}~-]*$/;

/** Names for the entries of one directory, in the given order. `names` are byte strings. */
export function fatNames(names: readonly string[], directory: string): FatName[] {
  const folded = new Map<string, string>();
  const used = new Set<string>();
  // Names that are short by themselves must keep their short form: they come first.
  for (const name of names) {
    const own = ownShort(name);
    if (own !== undefined) used.add(own);
  }
  return names.map((bytes) => {
    const long = decodeUtf8(bytes);
    if (
      forbidden.test(long) ||
      long.length > 255 ||
      /[. ]$/.test(long) ||
      long.includes('\ufffd')
    ) {
      throw unsuitableName(directory, long);
    }
    const key = long.toUpperCase();
    const twin = folded.get(key);
    if (twin !== undefined) throw equalNames(directory, twin, long);
    folded.set(key, long);
    const own = ownShort(bytes);
    if (own !== undefined) return { long, short: own, needsLong: false };
    const short = inventShort(long, used);
    used.add(short);
    return { long, short, needsLong: true };
  });
}

/** The byte that ties a long form to its short one. */
export function shortNameChecksum(short: string): number {
  let sum = 0;
  for (let i = 0; i < 11; i++) sum = (((sum & 1) << 7) + (sum >> 1) + short.charCodeAt(i)) & 0xff;
  return sum;
}

function ownShort(name: string): string | undefined {
  const match = /^([^.]{1,8})(?:\.([^.]{1,3}))?$/.exec(name);
  if (match === null) return undefined;
  const [, base = '', extension = ''] = match;
  if (!shortSet.test(base) || !shortSet.test(extension)) return undefined;
  return base.padEnd(8) + extension.padEnd(3);
}

function inventShort(long: string, used: ReadonlySet<string>): string {
  const upper = long.toUpperCase().replace(/^\.+/, '').replaceAll(' ', '');
  const dot = upper.lastIndexOf('.');
  const clean = (text: string): string =>
    [...text]
      .filter((char) => char !== '.')
      .map((char) => (shortSet.test(char) ? char : '_'))
      .join('');
  const base = clean(dot < 0 ? upper : upper.slice(0, dot));
  const extension = dot < 0 ? '' : clean(upper.slice(dot + 1)).slice(0, 3);
  for (let number = 1; ; number++) {
    const tail = `~${number}`;
    const short = (base.slice(0, 8 - tail.length) + tail).padEnd(8) + extension.padEnd(3);
    if (!used.has(short)) return short;
  }
}

function unsuitableName(directory: string, name: string): UserError {
  return new UserError('FAT_NAME', `FAT cannot hold the name "${name}" in /${directory}`, {
    hint: 'Use at most 255 characters, none of " * / : < > ? \\ |, and no dot or space at the end',
  });
}

function equalNames(directory: string, first: string, second: string): UserError {
  return new UserError(
    'FAT_NAME_TWICE',
    `FAT cannot tell "${first}" from "${second}" in /${directory}`,
    {
      hint: 'Its names are compared without case; rename one of the two',
    },
  );
}
