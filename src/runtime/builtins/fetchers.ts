/**
 * Builtins that fetch: they check and normalise their arguments; the host does the work.
 *
 * Attributes of the kind `final` and defaults that differ between `fetchGit` and `fetchTree` are
 * settled here, so that the host sees one form.
 */

import { Attrs, type AttrsEntry } from '../attrs.ts';
import { coerceToString, forceString, forceStringNoContext } from '../coerce.ts';
import { ContextCollector } from '../context.ts';
import { evalError, showType, typeError } from '../errors.ts';
import type { FetchAttribute, FetchResult } from '../host.ts';
import type { EvalServices } from '../services.ts';
import { force } from '../thunk.ts';
import { ContextString, NixPath, type Slot, type Value } from '../values.ts';
import { valueToJson } from '../value-json.ts';
import { definePrimOp, type PrimOpDefinition } from './define.ts';
import { featureRequired } from './errors.ts';
import { sha256Hex } from './files.ts';
import { checkStoreName } from './store-name.ts';

export const fetchers: readonly PrimOpDefinition[] = [
  definePrimOp({
    name: 'fetchurl',
    args: ['arg'],
    doc:
      'Downloads a file and returns its store path. *arg* is a URL, or a set of `url`, `name` and' +
      ' `sha256`. In pure evaluation the hash must be given.',
    run: (services, arg) => fetchUrl(services, arg, 'fetchurl', ''),
  }),
  definePrimOp({
    name: 'fetchTarball',
    args: ['args'],
    global: true,
    doc:
      'Downloads an archive, unpacks it, and returns the store path of what is in it. *args* is a' +
      ' URL, or a set of `url`, `name` and `sha256`, the hash of the unpacked tree.',
    run: (services, args) => fetchUrl(services, args, 'fetchTarball', 'source'),
  }),
  definePrimOp({
    name: 'fetchGit',
    args: ['args'],
    global: true,
    doc:
      'Fetches a revision of a Git repository and returns a set with its store path as `outPath`,' +
      ' `rev`, `shortRev`, `revCount`, `lastModified`, `narHash` and more. *args* is a URL or a set' +
      ' of `url`, `rev`, `ref`, `name`, `submodules`, `shallow`, `allRefs` and others.',
    run: (services, args) => fetchTree(services, args, true),
  }),
  definePrimOp({
    name: 'fetchMercurial',
    args: ['args'],
    global: true,
    doc:
      'Fetches a revision of a Mercurial repository. *args* is a URL or a set of `url`, `rev` and' +
      ' `name`.',
    run: (services, args) => fetchMercurial(services, args),
  }),
  definePrimOp({
    name: 'fetchTree',
    args: ['input'],
    global: true,
    feature: 'fetch-tree',
    doc:
      'Fetches a tree of any supported kind. *input* is a set with `type` (`git`, `tarball`,' +
      ' `file`, `path`, `github`, …) and what belongs to it, or, with the feature `flakes`, a' +
      ' reference as a string.',
    run: (services, input) => fetchTree(services, input, false),
  }),
  definePrimOp({
    name: 'fetchClosure',
    args: ['args'],
    feature: 'fetch-closure',
    doc:
      'Fetches the store path `fromPath` with its closure from the binary cache `fromStore`.' +
      ' `toPath` names its content-addressed form; `inputAddressed` accepts it as it is.',
    run: (services, args) => fetchClosure(services, args),
  }),
];

function fetchUrl(
  services: EvalServices,
  arg: Slot,
  who: 'fetchurl' | 'fetchTarball',
  defaultName: string,
): Value {
  const value = force(arg);
  let url: string | undefined;
  let sha256: string | undefined;
  let name = defaultName;
  let isNamed = false;
  if (value instanceof Attrs) {
    for (let i = 0; i < value.size; i++) {
      const slot = value.slotAt(i);
      const position = value.positionAt(i);
      switch (value.nameAt(i)) {
        case 'url':
          url = forceStringNoContext(slot, position, 'while evaluating the url we should fetch');
          break;
        case 'sha256':
          sha256 = sha256Hex(
            services,
            forceStringNoContext(
              slot,
              position,
              'while evaluating the sha256 of the content we should fetch',
            ),
          );
          break;
        case 'name':
          isNamed = true;
          name = forceStringNoContext(
            slot,
            position,
            'while evaluating the name of the content we should fetch',
          );
          break;
        default:
          throw evalError(`unsupported argument '${value.nameAt(i)}' to '${who}'`);
      }
    }
    if (url === undefined) throw evalError("'url' argument required");
  } else {
    url = forceStringNoContext(value, 0, 'while evaluating the url we should fetch');
  }
  if (who === 'fetchTarball' && url.startsWith('channel:')) {
    url = `https://channels.nixos.org/${url.slice(8)}/nixexprs.tar.xz`;
  }
  checkUri(services, url);
  if (name === '') name = url.slice(url.replace(/\/+$/, '').lastIndexOf('/') + 1);
  const remedy = isNamed
    ? `Please change the value for the 'name' attribute passed to '${who}', so that it can create` +
      ' a valid store path.'
    : value instanceof Attrs
      ? `Please add a valid 'name' attribute to the argument for '${who}', so that it can create a` +
        ' valid store path.'
      : `Please pass an attribute set with 'url' and 'name' attributes to '${who}',  so that it can` +
        ' create a valid store path.';
  checkStoreName(
    name,
    (reason) => `invalid store path name when fetching URL '${url}': ${reason}. ${remedy}`,
  );
  if (services.settings.pureEval && sha256 === undefined) {
    throw evalError(`in pure evaluation mode, '${who}' requires a 'sha256' argument`);
  }
  const attributes = new Map<string, FetchAttribute>([
    ['url', url],
    ['name', name],
  ]);
  if (sha256 !== undefined) attributes.set('sha256', sha256);
  return storePathString(services, services.host.fetch(who, attributes));
}

function storePathString(services: EvalServices, result: FetchResult): Value {
  services.allowStorePath(result.storePath);
  return new ContextString(result.storePath, [result.storePath]);
}

/** In restricted evaluation only what is local and allowed may be fetched. */
function checkUri(services: EvalServices, uri: string): void {
  if (!services.settings.restrictEval) return;
  const { allowedPaths } = services.settings;
  if (allowedPaths.some((prefix) => uri === prefix || uri.startsWith(`${prefix}/`))) return;
  const local = uri.startsWith('file://') ? uri.slice(7) : uri;
  if (local.startsWith('/')) services.checkAccess(local);
  else throw evalError(`access to URI '${uri}' is forbidden in restricted mode`);
}

function fetchTree(services: EvalServices, input: Slot, isGit: boolean): Value {
  const who = isGit ? 'fetchGit' : 'fetchTree';
  const value = force(input);
  const attributes =
    value instanceof Attrs
      ? treeAttributes(services, value, isGit, who)
      : treeReference(services, value, isGit, who);
  const type = attributes.get('type');
  if (isGit && attributes.get('submodules') !== true && !attributes.has('exportIgnore')) {
    attributes.set('exportIgnore', true);
  }
  if (!isGit && type === 'git' && !attributes.has('shallow')) attributes.set('shallow', true);
  if (!isGit && attributes.has('name')) {
    throw evalError(`argument 'name' isn\u00e2\u0080\u0099t supported in call to '${who}'`);
  }
  const url = attributes.get('url');
  if (services.settings.pureEval && !attributes.has('rev') && !attributes.has('narHash')) {
    throw evalError(
      `in pure evaluation mode, '${who}' doesn't fetch unlocked input '${String(url ?? type)}'`,
    );
  }
  if (typeof url === 'string') checkUri(services, url);
  return treeValue(services, services.host.fetch(who, attributes), type === 'git', isGit);
}

function treeAttributes(
  services: EvalServices,
  set: Attrs,
  isGit: boolean,
  who: string,
): Map<string, FetchAttribute> {
  const attributes = new Map<string, FetchAttribute>();
  const typeSlot = set.get('type');
  if (typeSlot !== undefined) {
    if (isGit) throw evalError("unexpected argument 'type'");
    attributes.set(
      'type',
      forceStringNoContext(
        typeSlot,
        set.positionOf('type'),
        `while evaluating the \`type\` argument passed to '${who}'`,
      ),
    );
  } else if (isGit) attributes.set('type', 'git');
  else throw evalError(`argument 'type' is missing in call to '${who}'`);
  const collector = new ContextCollector();
  for (let i = 0; i < set.size; i++) {
    const name = set.nameAt(i);
    if (name === 'type') continue;
    const position = set.positionAt(i);
    const value = force(set.slotAt(i), position);
    if (typeof value === 'string' || value instanceof ContextString || value instanceof NixPath) {
      const text = coerceToString(value, services, collector, position, '', { copyToStore: false });
      attributes.set(name, isGit && name === 'url' ? fixGitUrl(text) : text);
    } else if (typeof value === 'boolean') attributes.set(name, value);
    else if (typeof value === 'number') {
      if (value < 0) {
        throw evalError(`negative value given for '${who}' argument '${name}': ${value}`);
      }
      attributes.set(name, value);
    } else if (name === 'publicKeys') {
      if (!services.settings.features.has('verified-fetches')) {
        throw featureRequired('verified-fetches');
      }
      attributes.set(name, valueToJson(value, services, collector));
    } else {
      throw typeError(
        `argument '${name}' to '${who}' is ${showType(value)} while a string, Boolean or integer` +
          ' is expected',
      );
    }
  }
  return attributes;
}

function treeReference(
  services: EvalServices,
  value: Value,
  isGit: boolean,
  who: string,
): Map<string, FetchAttribute> {
  const text = coerceToString(
    value,
    services,
    new ContextCollector(),
    0,
    `while evaluating the first argument passed to '${who}'`,
    { copyToStore: false },
  );
  if (isGit) {
    return new Map<string, FetchAttribute>([
      ['type', 'git'],
      ['url', fixGitUrl(text)],
    ]);
  }
  if (!services.settings.features.has('flakes')) {
    throw evalError(
      `passing a string argument to '${who}' requires the 'flakes' experimental feature`,
    );
  }
  return new Map<string, FetchAttribute>([['reference', text]]);
}

const gitSchemes = new Set(['ssh', 'http', 'https', 'file', 'ftp', 'ftps', 'git']);

/** What Git takes for a repository as a URL: absolute paths and `host:path` too. */
function fixGitUrl(text: string): string {
  if (text.startsWith('/')) return `file://${encodeURI(text)}`;
  const colon = text.indexOf(':');
  const before = text.slice(0, Math.max(colon, 0));
  const isShort =
    colon >= 0 && !before.includes('/') && !gitSchemes.has(before.replace(/^git\+/, ''));
  if (isShort) return `ssh://${before}/${text.slice(colon + 1).replace(/^\//, '')}`;
  if (!/^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(text)) throw evalError(`'${text}' is not a valid URL`);
  return text.replace(/^git\+/, '');
}

const emptyRevision = '0'.repeat(40);

/** The set that `fetchTree` and `fetchGit` return. */
function treeValue(
  services: EvalServices,
  result: FetchResult,
  isGitTree: boolean,
  isFetchGit: boolean,
): Value {
  const found = result.attributes;
  const entries: AttrsEntry[] = [['outPath', storePathString(services, result)]];
  const copy = (name: string): void => {
    const value = found.get(name);
    if (value !== undefined) entries.push([name, value]);
  };
  copy('narHash');
  if (isGitTree) entries.push(['submodules', found.get('submodules') ?? false]);
  const revision = found.get('rev') ?? (isFetchGit ? emptyRevision : undefined);
  if (typeof revision === 'string') {
    entries.push(['rev', revision], ['shortRev', revision.slice(0, 7)]);
  }
  const count = found.get('revCount') ?? (isFetchGit ? 0 : undefined);
  if (count !== undefined) entries.push(['revCount', count]);
  copy('dirtyRev');
  copy('dirtyShortRev');
  const modified = found.get('lastModified');
  if (typeof modified === 'number') {
    const date = new Date(modified * 1000).toISOString().replace(/[-:T]|\..*/g, '');
    entries.push(['lastModified', modified], ['lastModifiedDate', date]);
  }
  return Attrs.fromEntries(entries);
}

function fetchMercurial(services: EvalServices, args: Slot): Value {
  const value = force(args);
  const attributes = new Map<string, FetchAttribute>([
    ['type', 'hg'],
    ['name', 'source'],
  ]);
  const collector = new ContextCollector();
  let url = '';
  if (value instanceof Attrs) {
    for (let i = 0; i < value.size; i++) {
      const slot = value.slotAt(i);
      const position = value.positionAt(i);
      const name = value.nameAt(i);
      const text = `while evaluating the \`${name}\` attribute passed to builtins.fetchMercurial`;
      if (name === 'url') {
        url = coerceToString(slot, services, collector, position, text, { copyToStore: false });
      } else if (name === 'name') {
        attributes.set('name', forceStringNoContext(slot, position, text));
      } else if (name === 'rev') {
        const revision = forceStringNoContext(slot, position, text);
        attributes.set(/^[0-9a-fA-F]{40}$/.test(revision) ? 'rev' : 'ref', revision);
      } else {
        throw evalError(`unsupported argument '${name}' to 'fetchMercurial'`, position);
      }
    }
    if (url === '') throw evalError("'url' argument required");
  } else {
    url = coerceToString(
      value,
      services,
      collector,
      0,
      'while evaluating the first argument passed to builtins.fetchMercurial',
      { copyToStore: false },
    );
  }
  checkUri(services, url);
  if (services.settings.pureEval && !attributes.has('rev')) {
    throw evalError("in pure evaluation mode, 'fetchMercurial' requires a Mercurial revision");
  }
  attributes.set('url', url.includes('://') ? url : `file://${url}`);
  const result = services.host.fetch('fetchMercurial', attributes);
  const revision = String(result.attributes.get('rev') ?? emptyRevision);
  const entries: AttrsEntry[] = [
    ['outPath', storePathString(services, result)],
    ['rev', revision],
    ['shortRev', revision.slice(0, 12)],
  ];
  const branch = result.attributes.get('ref');
  if (branch !== undefined) entries.push(['branch', branch]);
  const count = result.attributes.get('revCount');
  if (count !== undefined) entries.push(['revCount', count]);
  return Attrs.fromEntries(entries);
}

function fetchClosure(services: EvalServices, args: Slot): Value {
  const value = force(args);
  if (!(value instanceof Attrs)) {
    throw typeError(`expected a set but found ${showType(value)}`).addTrace(
      0,
      'while evaluating the argument passed to builtins.fetchClosure',
    );
  }
  const attributes = new Map<string, FetchAttribute>();
  for (let i = 0; i < value.size; i++) {
    const name = value.nameAt(i);
    const position = value.positionAt(i);
    const text = `while evaluating the attribute '${name}' passed to builtins.fetchClosure`;
    const item = force(value.slotAt(i), position);
    switch (name) {
      case 'fromPath':
      case 'toPath':
        attributes.set(name, forceString(item, position, text));
        break;
      case 'fromStore':
        attributes.set(name, forceStringNoContext(item, position, text));
        break;
      case 'inputAddressed':
        attributes.set(name, item === true);
        break;
      default:
        throw evalError(`attribute '${name}' isn't supported in call to 'fetchClosure'`, position);
    }
  }
  for (const name of ['fromPath', 'fromStore']) {
    if (!attributes.has(name)) {
      throw evalError(`attribute '${name}' is missing in call to 'fetchClosure'`);
    }
  }
  return storePathString(services, services.host.fetch('fetchClosure', attributes));
}
