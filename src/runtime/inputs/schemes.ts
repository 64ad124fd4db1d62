/**
 * The kinds of inputs: which attributes each takes, how it stands in a URL, when it is locked.
 *
 * Invariant: `toUrl` of what `fromUrl` gave means the same input. Schemes are asked in order of
 * their names, as C++ Nix asks them.
 */

import { nixError } from '../errors.ts';
import type { FetchAttribute } from '../host.ts';
import {
  flagAttribute, narHashOf, revisionOf, textAttribute, withAttributes,
  type Input,
} from './attributes.ts';
import { forgeScheme } from './forge-scheme.ts';
import { isLegalRef } from './git-names.ts';
import { indirectScheme } from './indirect-scheme.ts';
import type { Scheme } from './scheme.ts';
import {
  BadUrl, fileToUrlPath, fixGitUrl, parseUrl, printUrl, splitScheme, urlPathToFile, type Url,
} from './url.ts';

export type { InputSettings } from './scheme.ts';

const gitFlags = ['shallow', 'submodules', 'lfs', 'exportIgnore', 'allRefs', 'verifyCommit'];
const gitKeys = ['keytype', 'publicKey', 'publicKeys'];

const git: Scheme = {
  name: 'git',
  attributes: new Set([
    'url', 'ref', 'rev', 'lastModified', 'revCount', 'narHash', 'name', 'dirtyRev', 'dirtyShortRev',
    ...gitFlags, ...gitKeys,
  ]),
  fromUrl(url) {
    if (url.scheme !== 'git' && splitScheme(url.scheme).application !== 'git') return undefined;
    const input = new Map<string, FetchAttribute>([['type', 'git']]);
    for (const [name, value] of [...url.query]) {
      if (name === 'rev' || name === 'ref' || gitKeys.includes(name)) input.set(name, value);
      else if (gitFlags.includes(name)) input.set(name, value === '1');
      else continue;
      url.query.delete(name);
    }
    return input.set('url', printUrl(url));
  },
  check(input, settings) {
    if (['verifyCommit', ...gitKeys].some((name) => input.has(name))) settings.requireFeature('verified-fetches');
    const ref = textAttribute(input, 'ref');
    if (ref !== undefined && !isLegalRef(ref)) throw new BadUrl(`invalid Git branch/tag name '${ref}'`);
    for (const name of gitFlags) flagAttribute(input, name);
    return withAttributes(input, { url: fixGitUrl(requiredText(input, 'url'), settings.warn) });
  },
  toUrl(input) {
    const url = parseUrl(requiredText(input, 'url'));
    if (url.scheme !== 'git') url.scheme = `git+${url.scheme}`;
    setRevision(url, input);
    for (const name of ['shallow', 'lfs', 'submodules', 'exportIgnore', 'verifyCommit']) {
      if (input.get(name) === true) url.query.set(name, '1');
    }
    for (const name of gitKeys) {
      const value = textAttribute(input, name);
      if (value !== undefined) url.query.set(name, value);
    }
    if (input.has('publicKey') && !input.has('keytype')) url.query.set('keytype', 'ssh-ed25519');
    return url;
  },
  isLocked(input) {
    const revision = revisionOf(input);
    return revision !== undefined && !/^0+$/.test(revision);
  },
  override(input, ref, revision) {
    const result = overridden(input, ref, revision);
    if (result.has('rev') && !result.has('ref')) {
      throw nixError('Error', `Git input '${printUrl(git.toUrl(result))}' has a commit hash but no branch/tag name`);
    }
    return result;
  },
};

const hg: Scheme = {
  name: 'hg',
  attributes: new Set(['url', 'ref', 'rev', 'revCount', 'narHash', 'name']),
  fromUrl(url) {
    if (!/^hg\+(?:https?|ssh|file)$/.test(url.scheme)) return undefined;
    const input = new Map<string, FetchAttribute>([['type', 'hg']]);
    for (const name of ['rev', 'ref']) {
      const value = url.query.get(name);
      if (value !== undefined) input.set(name, value);
      url.query.delete(name);
    }
    return input.set('url', printUrl({ ...url, scheme: url.scheme.slice(3) }));
  },
  check(input) {
    parseUrl(requiredText(input, 'url'));
    const ref = textAttribute(input, 'ref');
    if (ref !== undefined && !/^[a-zA-Z0-9@][a-zA-Z0-9_.\/@+-]*$/.test(ref)) {
      throw new BadUrl(`invalid Mercurial branch/tag name '${ref}'`);
    }
    return input;
  },
  toUrl(input) {
    const url = parseUrl(requiredText(input, 'url'));
    url.scheme = `hg+${url.scheme}`;
    setRevision(url, input);
    return url;
  },
  isLocked: (input) => input.has('rev'),
  override: overridden,
};

const path: Scheme = {
  name: 'path',
  feature: 'flakes',
  attributes: new Set(['path', 'rev', 'revCount', 'lastModified', 'narHash']),
  fromUrl(url) {
    if (url.scheme !== 'path') return undefined;
    if ((url.authority ?? '') !== '') {
      throw nixError('Error', `path URL '${printUrl(url)}' should not have an authority ('${url.authority}')`);
    }
    const input = new Map<string, FetchAttribute>([['type', 'path'], ['path', urlPathToFile(url.path)]]);
    for (const [name, value] of url.query) {
      if (name === 'rev' || name === 'narHash') input.set(name, value);
      else if (name !== 'revCount' && name !== 'lastModified') {
        throw nixError('Error', `path URL '${printUrl(url)}' has unsupported parameter '${name}'`);
      } else if (/^[0-9]+$/.test(value)) input.set(name, Number(value));
      else throw nixError('Error', `path URL '${printUrl(url)}' has invalid parameter '${name}'`);
    }
    return input;
  },
  check(input) {
    requiredText(input, 'path');
    return input;
  },
  toUrl(input) {
    const query = new Map<string, string>();
    for (const [name, value] of input) {
      if (name === 'path' || name === 'type' || name === '__final') continue;
      query.set(name, typeof value === 'boolean' ? (value ? '1' : '0') : String(value));
    }
    return { scheme: 'path', path: fileToUrlPath(requiredText(input, 'path')), query, fragment: '' };
  },
  isLocked: (input) => input.has('narHash'),
  override: refuseOverrides,
};

const archiveName = /\.(?:zip|tar|tgz|tar\.gz|tar\.xz|tar\.bz2|tar\.zst)$/;
const downloadAttributes = ['url', 'narHash', 'name', 'unpack', 'rev', 'revCount', 'lastModified'];

function downloadScheme(name: 'file' | 'tarball'): Scheme {
  return {
    name,
    attributes: new Set(downloadAttributes),
    fromUrl(url, requireTree) {
      const { application, transport } = splitScheme(url.scheme);
      if (!['file', 'http', 'https'].includes(transport)) return undefined;
      const isArchive = requireTree || archiveName.test(url.path.at(-1) ?? '');
      const kind = application ?? (isArchive ? 'tarball' : 'file');
      if (kind !== name) return undefined;
      const input = new Map<string, FetchAttribute>();
      for (const attribute of ['narHash', 'rev']) {
        const value = url.query.get(attribute);
        if (value !== undefined) input.set(attribute, value);
      }
      for (const attribute of ['revCount', 'lastModified']) {
        const value = url.query.get(attribute);
        if (value !== undefined && /^[0-9]+$/.test(value)) input.set(attribute, Number(value));
      }
      // The rest of the query is the server's.
      for (const attribute of downloadAttributes) url.query.delete(attribute);
      return input.set('type', name).set('url', printUrl({ ...url, scheme: transport }));
    },
    check: (input) => input,
    toUrl(input) {
      const url = parseUrl(requiredText(input, 'url'), { lenient: true });
      const narHash = narHashOf(input);
      if (narHash !== undefined) url.query.set('narHash', narHash);
      return url;
    },
    isLocked: (input) => input.has('narHash'),
    override: refuseOverrides,
  };
}

/** In order of names: the first that takes a URL has it. */
export const schemes: readonly Scheme[] = [
  downloadScheme('file'), git, forgeScheme('github'), forgeScheme('gitlab'), hg, indirectScheme, path,
  forgeScheme('sourcehut'), downloadScheme('tarball'),
];

export function schemeOfType(type: FetchAttribute | undefined): Scheme | undefined {
  return schemes.find((scheme) => scheme.name === type);
}

function requiredText(input: Input, name: string): string {
  const value = textAttribute(input, name);
  if (value === undefined) throw nixError('Error', `input attribute '${name}' is missing`);
  return value;
}

function setRevision(url: Url, input: Input): void {
  const revision = revisionOf(input);
  if (revision !== undefined) url.query.set('rev', revision);
  const ref = textAttribute(input, 'ref');
  if (ref !== undefined) url.query.set('ref', ref);
}

function overridden(input: Input, ref: string | undefined, revision: string | undefined): Input {
  return withAttributes(input, {
    ...(revision === undefined ? {} : { rev: revision }), ...(ref === undefined ? {} : { ref }),
  });
}

function refuseOverrides(input: Input, ref: string | undefined, revision: string | undefined): Input {
  const shown = () => printUrl(schemeOfType(input.get('type'))!.toUrl(input));
  if (ref !== undefined) {
    throw nixError('Error', `don't know how to set branch/tag name of input '${shown()}' to '${ref}'`);
  }
  if (revision !== undefined) {
    throw nixError('Error', `don't know how to set revision of input '${shown()}' to '${revision}'`);
  }
  return input;
}
