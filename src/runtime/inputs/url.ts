/**
 * URLs as fetchers and flake references use them: parsed to decoded parts, and printed again.
 *
 * RFC 3986, with Nix's leniencies: some characters may stand unescaped in queries and fragments, and
 * `file:` means this machine with or without an empty authority. Texts are byte strings; what is
 * percent-encoded stands for bytes. A schema such as `git+https` is an application's name and a
 * transport's.
 */

import { NixError } from '#diagnostics';

export interface Url {
  scheme: string;
  /** `user@host:port`, as it was written; empty in `file:///x`, absent in `path:./x`. */
  authority?: string | undefined;
  /** Decoded segments; an absolute path starts with an empty one. */
  path: string[];
  query: Map<string, string>;
  /** Decoded. */
  fragment: string;
}

/** A text is not a URL, or not one of the kind that was wanted. */
export class BadUrl extends NixError {
  constructor(message: string) {
    super('Error', message);
  }
}

export interface ParseOptions {
  /** Lets some characters stand unescaped, as flake references on command lines have them. */
  readonly lenient?: boolean;
  readonly warn?: (text: string) => void;
}

const shape = /^([a-zA-Z][a-zA-Z0-9+.-]*):(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s;
const inPath = /^(?:[a-zA-Z0-9\-._~!$&'()*+,;=:@/]|%[0-9a-fA-F]{2})*$/;
const inQuery = /^(?:[a-zA-Z0-9\-._~!$&'()*+,;=:@/?]|%[0-9a-fA-F]{2})*$/;
const inAuthority = /^(?:[a-zA-Z0-9\-._~!$&'()*+,;=:@[\]]|%[0-9a-fA-F]{2})*$/;

export function parseUrl(text: string, options: ParseOptions = {}): Url {
  const match = shape.exec(text);
  if (match === null) throw new BadUrl(`'${text}' is not a valid URL: it has no scheme`);
  const [, scheme = '', authority, path = '', query = '', fragment = ''] = match;
  const fixedQuery = options.lenient === true ? query.replace(/[ "]/g, percent) : query;
  const fixedFragment = options.lenient === true ? fragment.replace(/[ "^]/g, percent) : fragment;
  const isValid =
    inPath.test(path) && inQuery.test(fixedQuery) && inQuery.test(fixedFragment) &&
    inAuthority.test(authority ?? '');
  if (!isValid) throw new BadUrl(`'${text}' is not a valid URL: a character in it must be escaped`);
  const lower = scheme.toLowerCase();
  const isFile = splitScheme(lower).transport === 'file';
  if (isFile && (authority ?? '') !== '') {
    throw new BadUrl(`file:// URL '${text}' has unexpected authority '${authority}'`);
  }
  return {
    scheme: lower,
    authority,
    path: (isFile && path === '' ? '/' : path).split('/').map(percentDecode),
    query: parseQuery(fixedQuery, options.warn),
    fragment: percentDecode(fixedFragment),
  };
}

/** The parameters of a query; one without an equal sign is left out, with a warning. */
export function parseQuery(query: string, warn?: (text: string) => void): Map<string, string> {
  const result = new Map<string, string>();
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const at = pair.indexOf('=');
    if (at < 0) {
      warn?.(`dubious URI query '${pair}' is missing equal sign '=', ignoring`);
      continue;
    }
    const name = percentDecode(pair.slice(0, at));
    if (!result.has(name)) result.set(name, percentDecode(pair.slice(at + 1)));
  }
  return result;
}

export function printUrl(url: Url): string {
  const start = `${url.scheme}:${url.authority === undefined ? '' : `//${url.authority}`}`;
  const path = url.path.map((part) => percentEncode(part, ':@')).join('/');
  const pairs = [...url.query].sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${percentEncode(name, ':@/?')}=${percentEncode(value, ':@/?')}`);
  const query = pairs.length === 0 ? '' : `?${pairs.join('&')}`;
  const fragment = url.fragment === '' ? '' : `#${percentEncode(url.fragment, '')}`;
  return `${start}${path}${query}${fragment}`;
}

/** `git+https` is an application and a transport; `https` a transport only. */
export function splitScheme(scheme: string): { application: string | undefined; transport: string } {
  const plus = scheme.indexOf('+');
  return plus < 0 ? { application: undefined, transport: scheme }
    : { application: scheme.slice(0, plus), transport: scheme.slice(plus + 1) };
}

/** The file that a URL's path names. */
export function urlPathToFile(path: readonly string[]): string {
  for (const part of path) {
    if (part.includes('/')) {
      throw new BadUrl(`URL path component '${part}' contains '/', which is not allowed in file names`);
    }
    if (part.includes('\0')) {
      throw new BadUrl(`URL path component '${part.replaceAll('\0', '?')}' contains NUL byte which is not allowed`);
    }
  }
  return path.join('/').replace(/\/{2,}/g, '/');
}

/** The segments of a file's path in a URL. */
export function fileToUrlPath(file: string): string[] {
  return file.replace(/\/{2,}/g, '/').split('/');
}

export function percentDecode(text: string): string {
  if (/%(?![0-9a-fA-F]{2})/.test(text)) {
    throw new BadUrl(`invalid URI parameter '${text}': a percent sign without two digits`);
  }
  return text.replace(/%([0-9a-fA-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

/** Escapes all but unreserved characters and those of `keep`. */
export function percentEncode(text: string, keep: string): string {
  return text.replace(/[^a-zA-Z0-9\-._~]/g, (one) => (keep.includes(one) ? one : percent(one)));
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

const gitSchemes = new Set(['ssh', 'http', 'https', 'file', 'ftp', 'ftps', 'git']);

/** What Git takes for a repository, as a URL: absolute paths and `host:path` too. */
export function fixGitUrl(text: string, warn?: (text: string) => void): string {
  if (text.startsWith('/')) {
    return printUrl({ scheme: 'file', authority: '', path: fileToUrlPath(text), query: new Map(), fragment: '' });
  }
  const short = scpParts(text);
  if (short !== undefined) return scpUrl(text, short.host, short.path, warn);
  const url = parseUrl(text);
  const { application, transport } = splitScheme(url.scheme);
  if (application === 'git') url.scheme = transport;
  return printUrl(url);
}

/** `user@host:path`, also with an IPv6 address in brackets. */
function scpParts(text: string): { host: string; path: string } | undefined {
  if (/^[^:]*:\/\//.test(text)) return undefined;
  const bracket = /^((?:[^/]*@)?\[[^\]]*\]):(.*)$/s.exec(text);
  if (bracket !== null) return { host: bracket[1]!, path: bracket[2]! };
  const colon = text.indexOf(':');
  const host = text.slice(0, Math.max(colon, 0));
  if (colon < 0 || host.includes('/') || gitSchemes.has(host.replace(/^git\+/, ''))) return undefined;
  return { host, path: text.slice(colon + 1) };
}

function scpUrl(text: string, host: string, path: string, warn?: (text: string) => void): string {
  if (path === '') throw new BadUrl(`SCP-style Git URL '${text}' has an empty path`);
  const segments = path.split('/');
  if (segments[0] !== '') segments.unshift('');
  const of = (parts: string[]) =>
    printUrl({ scheme: 'ssh', authority: host, path: parts, query: new Map(), fragment: '' });
  const url = of(segments);
  if (!path.startsWith('/') && !path.startsWith('~')) {
    warn?.(
      `SCP-style URL '${text}' has a relative path which cannot be faithfully converted to an SSH URL:` +
        ' we will convert it to an absolute path when making an SSH URL.\n\n' +
        `Use '${url}' to say so, or '${of(['', '~', ...segments.slice(1)])}' for a path below the remote` +
        " user's home directory.",
    );
  }
  return url;
}
