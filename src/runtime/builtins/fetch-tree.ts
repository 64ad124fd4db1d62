/**
 * `fetchTree`, `fetchGit` and `fetchMercurial`: arguments to an input, and what was fetched to a set.
 *
 * What differs between them in defaults is settled here, so that the host sees one form.
 */

import type { Position } from '#diagnostics';
import { Attrs, type AttrsEntry } from '../attrs.ts';
import { coerceToString, forceStringNoContext } from '../coerce.ts';
import { ContextCollector } from '../context.ts';
import { evalError, nixError, showType, typeError } from '../errors.ts';
import type { FetchAttribute, FetchResult } from '../host.ts';
import {
  checkedInput, checkPurity, checkUri, countRevisions, fetchInput, fixGitUrl, inputFromUrl,
  inputSettings, inputToUrl, isDirect, isFinalInput, resolveInput, type Input,
} from '../inputs/index.ts';
import type { EvalServices } from '../services.ts';
import { delay, force } from '../thunk.ts';
import { ContextString, NixPath, type Slot, type Value } from '../values.ts';
import { valueToJson } from '../value-json.ts';
import { definePrimOp, type PrimOpDefinition } from './define.ts';
import { featureRequired } from './errors.ts';
import { storePathString } from './fetchers.ts';

export const treeFetchers: readonly PrimOpDefinition[] = [
  definePrimOp({
    name: 'fetchGit',
    args: ['args'],
    global: true,
    doc:
      'Fetches a tree of a Git repository and returns a set with its store path as `outPath`, `rev`,' +
      ' `shortRev`, `revCount`, `lastModified`, `lastModifiedDate`, `narHash` and `submodules`. *args*' +
      ' is a URL, a path, or a set of `url`, `rev`, `ref`, `name`, `submodules`, `shallow`, `allRefs`,' +
      ' `exportIgnore` (on unless submodules are wanted), `lastModified`, `revCount`, `narHash`, and with' +
      ' the feature `verified-fetches` `verifyCommit`, `publicKey`, `keytype` and `publicKeys`. A local' +
      ' repository without `rev` and `ref` is taken with its uncommitted changes: then `rev` is all' +
      ' zeros, and `dirtyRev` and `dirtyShortRev` say what was changed. In pure evaluation `rev` or' +
      ' `narHash` is needed. More in [Fetchers and flakes](../fetchers-and-flakes.md).',
    run: (services, args, position) => fetchTree(services, args, position, true),
  }),
  definePrimOp({
    name: 'fetchMercurial',
    args: ['args'],
    global: true,
    doc:
      'Fetches a revision of a Mercurial repository and returns a set of `outPath`, `branch`, `rev`,' +
      ' `shortRev` and `revCount`. *args* is a URL or a set of `url`, `rev` (a revision, branch or tag)' +
      ' and `name`. A local repository without `rev` is taken with its uncommitted changes. In pure' +
      ' evaluation a revision is needed.',
    run: (services, args) => fetchMercurial(services, args),
  }),
  definePrimOp({
    name: 'fetchTree',
    args: ['input'],
    global: true,
    feature: 'fetch-tree',
    doc:
      'Fetches a tree of any supported kind and returns a set of `outPath`, `narHash` and what is known' +
      ' of it. *input* is a set with `type` (`git`, `hg`, `tarball`, `file`; with the feature `flakes`' +
      ' also `path`, `github`, `gitlab`, `sourcehut` and `indirect`) and what belongs to it, or, with the' +
      ' feature `flakes`, a reference as a string. With `narHash` the tree is checked. The kinds and' +
      ' their attributes are in [Fetchers and flakes](../fetchers-and-flakes.md).',
    run: (services, input, position) => fetchTree(services, input, position, false),
  }),
];

function fetchTree(services: EvalServices, slot: Slot, position: Position, isGit: boolean): Value {
  const who = isGit ? 'fetchGit' : 'fetchTree';
  const value = force(slot);
  let input =
    value instanceof Attrs
      ? treeInput(services, value, isGit, who)
      : referenceInput(services, value, isGit, who);
  const { pureEval, features } = services.settings;
  if (!pureEval && !isDirect(input) && features.has('flakes')) {
    input = withoutDirectory(resolveInput(services, input, 'limited'));
  }
  checkPurity(services, input, who);
  checkUri(services, inputToUrl(input));
  if (isFinalInput(input)) {
    throw nixError('Error', `input '${inputToUrl(input)}' is not allowed to use the '__final' attribute`);
  }
  return treeValue(services, fetchInput(services, input), { emptyRevision: isGit, position });
}

function withoutDirectory(input: Input): Input {
  const result = new Map(input);
  result.delete('dir');
  return result;
}

function treeInput(services: EvalServices, set: Attrs, isGit: boolean, who: string): Input {
  const attributes = new Map<string, FetchAttribute>([['type', treeType(set, isGit, who)]]);
  const warn = (text: string) => services.warn(text);
  const collector = new ContextCollector();
  for (let i = 0; i < set.size; i++) {
    const name = set.nameAt(i);
    if (name === 'type') continue;
    const position = set.positionAt(i);
    const value = force(set.slotAt(i), position);
    if (typeof value === 'string' || value instanceof ContextString || value instanceof NixPath) {
      const text = coerceToString(value, services, collector, position, '', { copyToStore: false });
      attributes.set(name, isGit && name === 'url' ? fixGitUrl(text, warn) : text);
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
  if (isGit && attributes.get('submodules') !== true && !attributes.has('exportIgnore')) {
    attributes.set('exportIgnore', true);
  }
  if (!isGit && attributes.get('type') === 'git' && !attributes.has('shallow')) {
    attributes.set('shallow', true);
  }
  if (!isGit && attributes.has('name')) {
    throw evalError(`argument 'name' isn\u00e2\u0080\u0099t supported in call to '${who}'`);
  }
  return checkedInput(attributes, inputSettings(services));
}

function treeType(set: Attrs, isGit: boolean, who: string): string {
  const slot = set.get('type');
  if (slot === undefined) {
    if (isGit) return 'git';
    throw evalError(`argument 'type' is missing in call to '${who}'`);
  }
  if (isGit) throw evalError("unexpected argument 'type'");
  const text = `while evaluating the \`type\` argument passed to '${who}'`;
  return forceStringNoContext(slot, set.positionOf('type'), text);
}

function referenceInput(services: EvalServices, value: Value, isGit: boolean, who: string): Input {
  const collector = new ContextCollector();
  const context = `while evaluating the first argument passed to '${who}'`;
  const text = coerceToString(value, services, collector, 0, context, { copyToStore: false });
  const settings = inputSettings(services);
  if (isGit) {
    const attributes = new Map<string, FetchAttribute>([
      ['type', 'git'],
      ['url', fixGitUrl(text, (warning) => services.warn(warning))],
      ['exportIgnore', true],
    ]);
    return checkedInput(attributes, settings);
  }
  if (!services.settings.features.has('flakes')) {
    throw evalError(
      `passing a string argument to '${who}' requires the 'flakes' experimental feature`,
    );
  }
  return inputFromUrl(text, settings);
}

const emptyRevision = '0'.repeat(40);

export interface TreeValueOptions {
  /** Shows a tree without a revision as `fetchGit` always did: as revision zero. */
  readonly emptyRevision?: boolean;
  /** Leaves the revision out: the tree is not what it names. */
  readonly forceDirty?: boolean;
  /** Of the call, which is where the attributes come from. */
  readonly position?: Position;
}

/** The set that stands for a tree: where it is, and what is known of it. */
export function treeValue(
  services: EvalServices,
  { storePath, attributes }: FetchResult,
  options: TreeValueOptions = {},
): Attrs {
  const entries: AttrsEntry[] = [['outPath', storePathString(services, storePath)]];
  const copy = (name: string): void => {
    const value = attributes.get(name);
    if (value !== undefined) entries.push([name, value]);
  };
  copy('narHash');
  if (attributes.get('type') === 'git') {
    entries.push(['submodules', attributes.get('submodules') ?? false]);
  }
  if (options.forceDirty !== true) {
    const revision = attributes.get('rev') ?? (options.emptyRevision ? emptyRevision : undefined);
    if (typeof revision === 'string') {
      entries.push(['rev', revision], ['shortRev', revision.slice(0, 7)]);
    }
    const count = revisionCount(services, attributes) ?? (options.emptyRevision ? 0 : undefined);
    if (count !== undefined) entries.push(['revCount', count]);
  }
  copy('dirtyRev');
  copy('dirtyShortRev');
  const modified = attributes.get('lastModified');
  if (typeof modified === 'number') {
    const date = new Date(modified * 1000).toISOString().replace(/[-:T]|\..*/g, '');
    entries.push(['lastModified', modified], ['lastModifiedDate', date]);
  }
  const { position = 0 } = options;
  return Attrs.fromEntries(entries.map(([name, slot]) => [name, slot, position]));
}

/** Counting takes long in large repositories, so it waits until somebody asks. */
function revisionCount(services: EvalServices, attributes: Input): Slot | undefined {
  const known = attributes.get('revCount');
  if (typeof known === 'number') return known;
  const directory = attributes.get('revCountIn');
  if (typeof directory !== 'string') return undefined;
  return delay(() => countRevisions(services, directory, String(attributes.get('rev'))));
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
  const result = fetchInput(services, checkedInput(attributes, inputSettings(services)));
  const revision = String(result.attributes.get('rev') ?? emptyRevision);
  const entries: AttrsEntry[] = [
    ['outPath', storePathString(services, result.storePath)],
    ['rev', revision],
    ['shortRev', revision.slice(0, 12)],
  ];
  const branch = result.attributes.get('ref');
  if (branch !== undefined) entries.push(['branch', branch]);
  const count = result.attributes.get('revCount');
  if (count !== undefined) entries.push(['revCount', count]);
  return Attrs.fromEntries(entries);
}
