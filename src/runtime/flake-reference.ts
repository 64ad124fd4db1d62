/**
 * Flake references: the URL form and the set form of the same thing.
 *
 * Only notation: nothing is looked up or fetched. A reference is a map of attributes with `type`;
 * the query of a URL gives further ones, `dir` among them.
 */

export type ReferenceAttribute = string | number | boolean;
export type FlakeReference = Map<string, ReferenceAttribute>;

/** The text is not a flake reference, or the attributes make none. */
export class FlakeReferenceError extends Error {}

const forges = ['github', 'gitlab', 'sourcehut'];
const revision = /^[0-9a-f]{40}$/;
const flakeId = /^([a-zA-Z][a-zA-Z0-9_-]*)((?:\/[^/?#]+){0,2})$/;
const archive = /\.(?:zip|tar|tgz|tar\.gz|tar\.xz|tar\.bz2|tar\.zst)$/;
const flags = new Set(['allRefs', 'submodules', 'shallow', 'exportIgnore', 'lfs', 'verifyCommit']);
const numbers = new Set(['lastModified', 'revCount']);

/** The attributes of a reference in URL form. */
export function parseFlakeReference(text: string): FlakeReference {
  if (text.includes('#')) {
    const [url, fragment] = text.split('#', 2) as [string, string];
    if (fragment !== '') {
      throw new FlakeReferenceError(
        `unexpected fragment '${fragment}' in flake reference '${text}'`,
      );
    }
    return parseFlakeReference(url);
  }
  if (flakeId.test(text)) return parseIndirect(text);
  const question = text.indexOf('?');
  const place = question < 0 ? text : text.slice(0, question);
  const query = question < 0 ? '' : text.slice(question + 1);
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):(.*)$/s.exec(place);
  const reference =
    scheme === null ? parsePath(place, text) : parseScheme(scheme[1]!, scheme[2]!, place, query);
  addQuery(reference, query);
  return reference;
}

function parseIndirect(text: string): FlakeReference {
  const [, id, rest] = flakeId.exec(text)!;
  const reference: FlakeReference = new Map<string, ReferenceAttribute>([
    ['type', 'indirect'],
    ['id', id!],
  ]);
  addRefOrRevision(reference, rest!.split('/').slice(1), text);
  return reference;
}

/** One part is a branch or a revision, two are both. */
function addRefOrRevision(
  reference: FlakeReference,
  parts: readonly string[],
  text: string,
): void {
  if (parts.length === 0) return;
  const last = parts[parts.length - 1]!;
  if (revision.test(last)) reference.set('rev', last);
  else if (parts.length === 1) reference.set('ref', last);
  else throw new FlakeReferenceError(`in flake URL '${text}', '${last}' is not a commit hash`);
  if (parts.length === 2) reference.set('ref', parts[0]!);
}

function parsePath(place: string, text: string): FlakeReference {
  if (!place.startsWith('/')) {
    throw new FlakeReferenceError(`flake reference '${text}' is not an absolute path`);
  }
  return new Map<string, ReferenceAttribute>([
    ['type', 'path'],
    ['path', decode(place)],
  ]);
}

function parseScheme(scheme: string, rest: string, place: string, query: string): FlakeReference {
  const of = (type: string, name: string, value: string): FlakeReference =>
    new Map<string, ReferenceAttribute>([
      ['type', type],
      [name, value],
    ]);
  if (forges.includes(scheme)) return parseForge(scheme, rest, place);
  if (scheme === 'flake') return parseIndirect(rest);
  if (scheme === 'path') return of('path', 'path', decode(rest.replace(/^\/\/(?=\/)/, '')));
  const [tool, transport] = scheme.includes('+') ? scheme.split('+', 2) : ['', scheme];
  const url = `${transport}:${rest}`;
  const ownQuery = query
    .split('&')
    .filter((pair) => pair !== '' && !/^(?:dir|narHash|ref|rev|lastModified|revCount)=/.test(pair));
  const full = ownQuery.length === 0 ? url : `${url}?${ownQuery.join('&')}`;
  switch (tool) {
    case 'git':
      return of('git', 'url', url);
    case 'hg':
      return of('hg', 'url', url);
    case 'tarball':
      return of('tarball', 'url', full);
    case 'file':
      return of('file', 'url', full);
  }
  if (transport === 'git' || transport === 'ssh') return of('git', 'url', url);
  if (['http', 'https', 'file'].includes(transport!)) {
    return of(archive.test(rest) || transport !== 'file' ? 'tarball' : 'file', 'url', full);
  }
  throw new FlakeReferenceError(`input '${place}' is unsupported`);
}

function parseForge(type: string, rest: string, place: string): FlakeReference {
  const parts = rest.split('/').map(decode);
  if (parts.length < 2 || parts[0] === '' || parts[1] === '') {
    throw new FlakeReferenceError(`URL '${place}' is invalid`);
  }
  const reference: FlakeReference = new Map<string, ReferenceAttribute>([
    ['type', type],
    ['owner', parts[0]!],
    ['repo', parts[1]!],
  ]);
  const reached = parts.slice(2).join('/');
  if (reached !== '') reference.set(revision.test(reached) ? 'rev' : 'ref', reached);
  return reference;
}

function addQuery(reference: FlakeReference, query: string): void {
  const type = reference.get('type');
  const keepsQuery = type === 'tarball' || type === 'file';
  const general = /^(?:dir|narHash|ref|rev|lastModified|revCount)$/;
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const at = pair.indexOf('=');
    const name = at < 0 ? pair : pair.slice(0, at);
    const value = at < 0 ? '' : decode(pair.slice(at + 1));
    if (keepsQuery && !general.test(name)) continue;
    if (flags.has(name)) reference.set(name, value === '1' || value === 'true');
    else if (numbers.has(name)) reference.set(name, Number(value));
    else reference.set(name, value);
  }
}

/** The URL form of a reference. */
export function formatFlakeReference(reference: FlakeReference): string {
  const rest = new Map(reference);
  const take = (name: string): string => {
    const value = rest.get(name);
    rest.delete(name);
    return value === undefined ? '' : String(value);
  };
  const type = take('type');
  if (type === '') throw new FlakeReferenceError("argument 'type' is missing");
  let text: string;
  if (forges.includes(type)) {
    const [owner, repo] = [take('owner'), take('repo')];
    const reached = take('ref') || take('rev');
    text = `${type}:${owner}/${repo}${reached === '' ? '' : `/${reached}`}`;
  } else if (type === 'indirect') {
    const parts = [take('id'), take('ref'), take('rev')].filter((part) => part !== '');
    text = `flake:${parts.join('/')}`;
  } else if (type === 'path') text = `path:${encodeURI(take('path'))}`;
  else if (type === 'git' || type === 'hg') {
    const url = take('url');
    text = url.startsWith(`${type}:`) ? url : `${type}+${url}`;
  } else if (type === 'tarball' || type === 'file') {
    const url = take('url');
    const isArchive = archive.test(url.replace(/\?.*$/, ''));
    text = isArchive === (type === 'tarball') ? url : `${type}+${url}`;
  } else {
    throw new FlakeReferenceError(`input type '${type}' is not supported`);
  }
  const query = [...rest.keys()].sort().map((name) => {
    const value = rest.get(name)!;
    const shown = typeof value === 'boolean' ? (value ? '1' : '0') : String(value);
    return `${name}=${encodeURIComponent(shown).replaceAll('%2F', '/')}`;
  });
  if (query.length === 0) return text;
  return `${text}${text.includes('?') ? '&' : '?'}${query.join('&')}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new FlakeReferenceError(`invalid URI parameter '${text}'`);
  }
}
