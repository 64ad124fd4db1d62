/**
 * Which servers to ask: the user's mirror, else the machine's own apt sources, else a default.
 *
 * A machine that runs Debian already knows a mirror that works from where it stands, so its apt
 * sources (one-line `.list` and deb822 `.sources`) are read for the base URL of any entry of the
 * Debian archive, whatever release the entry is for. Whether that server has the release wanted
 * shows when it is asked: servers are tried in order. URLs in derivations stay neutral
 * (`mirror://debian/pool/…`); only here they become real ones.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readParagraphs } from '#formats';
import type { ArchiveName } from './suites.ts';

/** Base URLs without trailing slash, by archive, in the order to try; and the snapshot service. */
export interface Mirrors {
  readonly debian: readonly string[];
  readonly 'debian-security': readonly string[];
  /** `https://snapshot.debian.org`, or undefined to do without. */
  readonly snapshot: string | undefined;
}

export interface MirrorChoice {
  /** The user's own choice: then no other mirror is asked. */
  readonly mirror?: string | undefined;
  /** The security archive that goes with it. Default: `<mirror>-security`. */
  readonly securityMirror?: string | undefined;
  /** The folder of the machine's apt configuration. */
  readonly aptFolder?: string | undefined;
  readonly snapshot?: string | undefined;
}

const defaultMirror = 'https://mirrors.kernel.org/debian';
const defaultSnapshot = 'https://snapshot.debian.org';

/** The servers to ask, best first. Reads the apt configuration unless a mirror is given. */
export function chooseMirrors(choice: MirrorChoice = {}): Mirrors {
  const snapshot = choice.snapshot ?? defaultSnapshot;
  if (choice.mirror !== undefined) {
    const base = trimSlash(choice.mirror);
    return {
      debian: [base],
      'debian-security': [trimSlash(choice.securityMirror ?? securityBeside(base))],
      snapshot,
    };
  }
  const entries = readAptSources(choice.aptFolder ?? '/etc/apt');
  const main = entries.filter((entry) => entry.archive === 'debian').map((entry) => entry.base);
  const security = entries
    .filter((entry) => entry.archive === 'debian-security')
    .map((entry) => entry.base);
  const debian = unique([...main, defaultMirror]);
  return {
    debian,
    'debian-security': unique([
      ...(choice.securityMirror === undefined ? [] : [trimSlash(choice.securityMirror)]),
      ...security,
      ...debian.map(securityBeside),
    ]),
    snapshot,
  };
}

/** The real URLs, best first, of `mirror://debian/PATH` or `mirror://debian-security/PATH`. */
export function resolveMirrorUrl(url: string, mirrors: Mirrors): string[] | undefined {
  const match = /^mirror:\/\/(debian|debian-security)\/(.*)$/.exec(url);
  if (!match) return undefined;
  const [, archive, path] = match as unknown as [string, ArchiveName, string];
  return mirrors[archive].map((base) => `${base}/${encodeUrlPath(path)}`);
}

/** A path of the archive as it stands in a URL; `+` and `~` may stand as they are. */
export function encodeUrlPath(path: string): string {
  return path
    .split('/')
    .map((part) => encodeURIComponent(part).replace(/%2B/g, '+').replace(/%7E/g, '~'))
    .join('/');
}

/** An entry of apt's sources that is of the Debian archive. */
export interface AptEntry {
  readonly archive: ArchiveName;
  readonly base: string;
}

/** The Debian archive entries of the configuration in `folder`, in apt's order; none if unreadable. */
export function readAptSources(folder: string): AptEntry[] {
  const entries: AptEntry[] = [];
  const files = [join(folder, 'sources.list')];
  const parts = join(folder, 'sources.list.d');
  for (const name of listFolder(parts)) files.push(join(parts, name));
  for (const file of files) {
    const text = readText(file);
    if (text === undefined) continue;
    if (file.endsWith('.list')) entries.push(...parseOneLineSources(text));
    else if (file.endsWith('.sources')) entries.push(...parseDeb822Sources(text));
  }
  return entries;
}

/** Entries of the one-line format: `deb [options] URL suite component…`. */
export function parseOneLineSources(text: string): AptEntry[] {
  const entries: AptEntry[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)\s+(.+?)\s*(?:#.*)?$/.exec(line);
    if (!match) continue;
    const [, uri, suite, areas] = match as unknown as [string, string, string, string];
    addEntry(entries, [uri], [suite], words(areas));
  }
  return entries;
}

/** Entries of the deb822 format. */
export function parseDeb822Sources(text: string): AptEntry[] {
  const entries: AptEntry[] = [];
  for (const paragraph of readParagraphs(text, wantedFields)) {
    const types = words(paragraph.get('Types'));
    if (!types.includes('deb')) continue;
    if (/^(no|false|0|off|disable|without)$/i.test(paragraph.get('Enabled') ?? '')) continue;
    addEntry(
      entries,
      words(paragraph.get('URIs')),
      words(paragraph.get('Suites')),
      words(paragraph.get('Components')),
    );
  }
  return entries;
}

const wantedFields = ['Types', 'URIs', 'Suites', 'Components', 'Enabled'];

// Codenames and aliases tell an entry of Debian's own archive from a vendor's that also names suites.
const debianSuite =
  /^(stretch|buster|bullseye|bookworm|trixie|forky|duke|sid|oldoldstable|oldstable|stable|testing|unstable)(-updates|-backports|-backports-sloppy|-proposed-updates|-security)?(\/updates)?$/;

function addEntry(
  entries: AptEntry[],
  uris: readonly string[],
  entrySuites: readonly string[],
  areas: readonly string[],
): void {
  // Third parties use Debian's codenames too, but hardly its name for the main area.
  if (!areas.includes('main')) return;
  const known = entrySuites.filter((suite) => debianSuite.test(suite));
  if (known.length === 0) return;
  for (const uri of uris) {
    // Other schemes (cdrom, file, mirror+file, tor+http) cannot be asked for another release.
    if (!/^https?:\/\//.test(uri)) continue;
    const base = trimSlash(uri);
    const isSecurity = known.every((suite) => /-security$|\/updates$/.test(suite));
    entries.push({ archive: isSecurity ? 'debian-security' : 'debian', base });
  }
}

function securityBeside(base: string): string {
  return `${base}-security`;
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}

function trimSlash(url: string): string {
  return url.replace(/\/+$/, '');
}

function unique(items: readonly string[]): string[] {
  return [...new Set(items)];
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
