/**
 * Flake references: an input and the folder in it where `flake.nix` stands.
 *
 * A reference is written as a URL, as a name for a registry to resolve, or as a path. A path on the
 * command line is searched upwards for a `flake.nix`, and means a Git repository if it is in one:
 * that is all that is looked at on disk, through the door that is given.
 */

import { nixError } from '../errors.ts';
import type { Host } from '../host.ts';
import { parentPath, resolvePath } from '../path-text.ts';
import { sameInput, textAttribute, withAttributes, type Input } from './attributes.ts';
import { checkedInput, inputFromUrl, inputToUrl } from './input.ts';
import type { InputSettings } from './scheme.ts';
import {
  BadUrl, fileToUrlPath, parseQuery, parseUrl, percentDecode, printUrl, urlPathToFile, type Url,
} from './url.ts';

export interface FlakeReference {
  readonly input: Input;
  /** Where `flake.nix` stands in the tree; empty for its top. */
  readonly directory: string;
}

export interface ReferenceOptions {
  /** Where relative paths start; without it a path must be absolute and is not looked at. */
  readonly baseDirectory?: string;
  readonly files?: Pick<Host, 'lstat' | 'readLink'>;
  /** Does not search for a `flake.nix`. */
  readonly allowMissing?: boolean;
  /** False for inputs that are no flakes: a URL may then mean a plain file. */
  readonly isFlake?: boolean;
  readonly keepRelativePaths?: boolean;
}

/** Parses a reference; a fragment is an error. */
export function parseReference(
  text: string, settings: InputSettings, options: ReferenceOptions = {},
): FlakeReference {
  const { reference, fragment } = parseReferenceWithFragment(text, settings, options);
  if (fragment !== '') {
    throw nixError('Error', `unexpected fragment '${fragment}' in flake reference '${text}'`);
  }
  return reference;
}

export interface FragmentReference {
  readonly reference: FlakeReference;
  /** What stands after `#`, decoded. */
  readonly fragment: string;
}

export function parseReferenceWithFragment(
  text: string, settings: InputSettings, options: ReferenceOptions = {},
): FragmentReference {
  return parseIdentifier(text, settings) ?? parseAsUrl(text, settings, options) ?? parsePath(text, settings, options);
}

export function referenceFromAttributes(attributes: Input, settings: InputSettings): FlakeReference {
  const directory = textAttribute(attributes, 'dir') ?? '';
  return { input: checkedInput(withAttributes(attributes, { dir: undefined }), settings), directory };
}

export function referenceAttributes({ input, directory }: FlakeReference): Input {
  return directory === '' || input.has('dir') ? input : withAttributes(input, { dir: directory });
}

export function printReference({ input, directory }: FlakeReference): string {
  return inputToUrl(input, directory === '' ? [] : [['dir', directory]]);
}

export function sameReference(a: FlakeReference, b: FlakeReference): boolean {
  return a.directory === b.directory && sameInput(a.input, b.input);
}

/** Without a `dir` in the URL that old lock files say twice. */
export function canonicalReference(reference: FlakeReference): FlakeReference {
  const text = reference.input.get('url');
  if (typeof text !== 'string') return reference;
  try {
    const url = parseUrl(text, { lenient: true });
    if (reference.directory !== '' && url.query.get('dir') === reference.directory) url.query.delete('dir');
    return { ...reference, input: withAttributes(reference.input, { url: printUrl(url) }) };
  } catch (error) {
    if (error instanceof BadUrl) return reference;
    throw error;
  }
}

const identifier = new RegExp(
  '^([a-zA-Z][a-zA-Z0-9_-]*(?:/(?:[0-9a-fA-F]{40}|[a-zA-Z0-9@][a-zA-Z0-9_./@+-]*(?:/[0-9a-fA-F]{40})?))?)' +
  '(?:#((?:[a-zA-Z0-9\\-._~!$&\'"()*+,;=:@/? ^]|%[0-9a-fA-F]{2})*))?$');

/** `nixpkgs`, `nixpkgs/branch`, `nixpkgs/branch/revision`. */
function parseIdentifier(text: string, settings: InputSettings): FragmentReference | undefined {
  const match = identifier.exec(text);
  if (match === null) return undefined;
  const url: Url = { scheme: 'flake', path: match[1]!.split('/'), query: new Map(), fragment: '' };
  return { reference: { input: inputFromUrl(url, settings), directory: '' }, fragment: percentDecode(match[2] ?? '') };
}

function parseAsUrl(
  text: string, settings: InputSettings, options: ReferenceOptions,
): FragmentReference | undefined {
  try {
    const url = parseUrl(text, { lenient: true, ...(settings.warn === undefined ? {} : { warn: settings.warn }) });
    if (options.baseDirectory !== undefined && (url.scheme === 'path' || url.scheme === 'git+file')) {
      const file = urlPathToFile(url.path);
      if (!file.startsWith('/')) url.path = fileToUrlPath(resolvePath(options.baseDirectory, file));
    }
    return fromUrl(url, settings, options);
  } catch (error) {
    if (error instanceof BadUrl) return undefined;
    throw error;
  }
}

function fromUrl(url: Url, settings: InputSettings, options: ReferenceOptions): FragmentReference {
  const directory = url.query.get('dir') ?? '';
  url.query.delete('dir');
  const { fragment } = url;
  const input = inputFromUrl({ ...url, fragment: '' }, settings, options.isFlake ?? true);
  return { reference: { input, directory }, fragment };
}

function parsePath(text: string, settings: InputSettings, options: ReferenceOptions): FragmentReference {
  const match = /^([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(text);
  if (match === null) throw nixError('Error', `invalid flakeref '${text}'`);
  const [, place = '', rawQuery = '', rawFragment = ''] = match;
  const query = parseQuery(rawQuery.replace(/[ "]/g, (one) => (one === ' ' ? '%20' : '%22')), settings.warn);
  const fragment = percentDecode(rawFragment);
  const { baseDirectory, files } = options;
  let path = place;
  if (baseDirectory === undefined || files === undefined) {
    if (options.keepRelativePaths !== true && !path.startsWith('/')) {
      throw new BadUrl(`flake reference '${text}' is not an absolute path`);
    }
  } else {
    path = resolvePath(baseDirectory, path);
    if (options.isFlake ?? true) {
      path = flakeFolder(withoutLinks(path, files), files, options.allowMissing ?? false, settings);
      const repository = repositoryUrl(path, text, query, fragment, files);
      if (repository !== undefined) return fromUrl(repository, settings, options);
    }
  }
  const authority = path.startsWith('/') ? '' : undefined;
  return fromUrl({ scheme: 'path', authority, path: fileToUrlPath(path), query, fragment }, settings, options);
}

type Files = Pick<Host, 'lstat' | 'readLink'>;

/** Where a path leads: a link to a flake means the flake. */
function withoutLinks(path: string, files: Files): string {
  let real = '/';
  const parts = path.split('/').filter(Boolean).reverse();
  for (let links = 0; parts.length > 0;) {
    const place = below(real, parts.pop()!);
    if (links < linkLimit && files.lstat(place)?.type === 'symlink') {
      links += 1;
      const target = resolvePath(real, files.readLink(place));
      parts.push(...target.split('/').filter(Boolean).reverse());
      real = '/';
    } else {
      real = place;
    }
  }
  return real;
}

const linkLimit = 64;

/** The folder that is meant: it, or one above it, has a `flake.nix`. */
function flakeFolder(start: string, files: Files, allowMissing: boolean, settings: InputSettings): string {
  let path = start;
  const status = files.lstat(path);
  if (status === null) throw nixError('Error', `getting status of '${path}': No such file or directory`);
  if (status.type !== 'directory') {
    if (!path.endsWith('/flake.nix')) {
      throw new BadUrl(`path "${path}" is not a flake (because it's not a directory)`);
    }
    const parent = parentPath(path);
    settings.warn?.(
      `Path '${path}' should point at the directory containing the 'flake.nix' file, not the file itself.` +
        ` Pretending that you meant '${parent}'`);
    path = parent;
  }
  if (allowMissing || files.lstat(below(path, 'flake.nix')) !== null) return path;
  for (; path !== '/'; path = parentPath(path)) {
    if (files.lstat(below(path, 'flake.nix')) !== null) return path;
    if (files.lstat(below(path, '.git')) !== null) {
      throw nixError(
        'Error',
        `path '${path}' is not part of a flake (neither it nor its parent directories contain a 'flake.nix' file)`);
    }
  }
  throw new BadUrl('could not find a flake.nix file');
}

/** The Git repository that a folder is in, as a URL that names the folder by `dir`. */
function repositoryUrl(
  folder: string, text: string, query: Map<string, string>, fragment: string, files: Files,
): Url | undefined {
  for (let root = folder; root !== '/'; root = parentPath(root)) {
    if (files.lstat(below(root, '.git')) === null) continue;
    if (root !== folder) {
      if (query.has('dir')) throw nixError('Error', `flake URL '${text}' has an inconsistent 'dir' parameter`);
      query.set('dir', folder.slice(root.length + 1));
    }
    if (files.lstat(below(root, '.git/shallow')) !== null) query.set('shallow', '1');
    return { scheme: 'git+file', authority: '', path: fileToUrlPath(root), query, fragment };
  }
  return undefined;
}

function below(folder: string, name: string): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`;
}
