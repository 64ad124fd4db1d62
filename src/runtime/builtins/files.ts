/** Builtins that read files and directories, and that copy them into the store. */

import { formatHash, parseHash, UserError } from '#base';
import { Attrs, type AttrsEntry } from '../attrs.ts';
import { call2 } from '../call.ts';
import {
  coerceToPath,
  coerceToString,
  forceAttrs,
  forceBool,
  forceFunction,
  forceList,
  forceString,
  forceStringNoContext,
  makeString,
} from '../coerce.ts';
import { ContextCollector } from '../context.ts';
import { evalError } from '../errors.ts';
import type { FileType } from '../host.ts';
import { parentPath } from '../path-text.ts';
import type { EvalServices, SearchPathEntry } from '../services.ts';
import { force } from '../thunk.ts';
import { ContextString, NixPath, type Slot, type Value } from '../values.ts';
import { NixError } from '#diagnostics';
import { requireAttr } from './attrsets.ts';
import { definePrimOp, type PrimOpDefinition } from './define.ts';
import { fileNotFound, withTrace, withUserErrors } from './errors.ts';
import {
  bareContextElement,
  enclosingStorePath,
  isStorePath,
  lastPart,
  readBytes,
  realisePath,
  realiseText,
  resolveLinks,
} from './paths.ts';

export const files: readonly PrimOpDefinition[] = [
  definePrimOp({
    name: 'toPath',
    args: ['s'],
    doc: 'Old: the absolute path *s* as a canonical string. Use `/. + s` for a path value.',
    run: (services, s) => {
      const collector = new ContextCollector();
      const path = coerceToPath(
        s,
        services,
        collector,
        0,
        'while evaluating the first argument passed to builtins.toPath',
      );
      return makeString(path, collector);
    },
  }),
  definePrimOp({
    name: 'storePath',
    args: ['path'],
    doc:
      'A reference to *path*, which must be in the store already. Not available in pure' +
      ' evaluation.',
    run: (services, path) => storePath(services, path),
  }),
  definePrimOp({
    name: 'pathExists',
    args: ['path'],
    doc: 'Whether there is something at *path*; with a slash at its end, whether it is a directory.',
    run: (services, path) => pathExists(services, path),
  }),
  definePrimOp({
    name: 'baseNameOf',
    args: ['x'],
    global: true,
    doc: 'What follows the last slash of a path or string; one slash at the end does not count.',
    run: (services, x) => {
      const collector = new ContextCollector();
      const text = coerceToString(
        x,
        services,
        collector,
        0,
        'while evaluating the first argument passed to builtins.baseNameOf',
        { copyToStore: false, canonicalizePath: false },
      );
      return makeString(oldBaseName(text), collector);
    },
  }),
  definePrimOp({
    name: 'dirOf',
    args: ['s'],
    global: true,
    doc: 'What precedes the last slash: of a path a path, of a string a string.',
    run: (services, s) => {
      const value = force(s);
      if (value instanceof NixPath) return new NixPath(parentPath(value.path));
      const collector = new ContextCollector();
      const text = coerceToString(
        value,
        services,
        collector,
        0,
        "while evaluating the first argument passed to 'builtins.dirOf'",
        { copyToStore: false, canonicalizePath: false },
      );
      const slash = text.lastIndexOf('/');
      return makeString(slash < 0 ? '.' : slash === 0 ? '/' : text.slice(0, slash), collector);
    },
  }),
  definePrimOp({
    name: 'readFile',
    args: ['path'],
    doc:
      'The content of the file at *path*. Of a file in the store the result depends on those' +
      ' references of its store path that occur in the text.',
    run: (services, path) => readFile(services, path),
  }),
  definePrimOp({
    name: 'readFileType',
    args: ['path'],
    doc: 'What is at *path*: `"regular"`, `"directory"`, `"symlink"` or `"unknown"`.',
    run: (services, path) => {
      const place = realisePath(services, path, 'none');
      const real = resolveLinks(services, place, 'ancestors');
      const status = services.host.lstat(real);
      if (status === null) throw fileNotFound(place);
      return status.type;
    },
  }),
  definePrimOp({
    name: 'readDir',
    args: ['path'],
    doc: 'What is in the directory at *path*: names, each with its type as `readFileType` says it.',
    run: (services, path) => {
      const place = realisePath(services, path);
      const status = services.host.lstat(place);
      if (status === null) throw fileNotFound(place);
      if (status.type !== 'directory') throw evalError(`'${place}' is not a directory`);
      const entries: AttrsEntry[] = [];
      const prefix = place === '/' ? place : `${place}/`;
      for (const [name, type] of services.host.readDirectory(place)) {
        if (services.isVisible(prefix + name)) entries.push([name, type]);
      }
      return Attrs.fromEntries(entries);
    },
  }),
  definePrimOp({
    name: 'findFile',
    args: ['search-path', 'lookup-path'],
    doc:
      'Looks *lookup-path* up in *search-path*, a list of sets with `path` and `prefix`, as' +
      ' `<lookup-path>` does in `builtins.nixPath`.',
    run: (services, searchPath, lookupPath) => findFile(services, searchPath, lookupPath),
  }),
  definePrimOp({
    name: 'toFile',
    args: ['name', 's'],
    doc:
      'Writes the string *s* to a file called *name* in the store and returns its path. *s* may' +
      ' refer to other store paths, but not to outputs of derivations.',
    run: (services, name, s) => toFile(services, name, s),
  }),
  definePrimOp({
    name: 'filterSource',
    args: ['filter', 'path'],
    doc:
      'Copies *path* to the store, leaving out what `filter path type` returns `false` for.' +
      ' `builtins.path` can do more.',
    run: (services, filter, path) => {
      const collector = new ContextCollector();
      const root = coerceToPath(
        path,
        services,
        collector,
        0,
        "while evaluating the second argument (the path to filter) passed to" +
          " 'builtins.filterSource'",
      );
      const fn = forceFunction(
        filter,
        0,
        'while evaluating the first argument passed to builtins.filterSource',
      );
      return addPath(services, collector, {
        name: lastPart(root),
        path: root,
        filter: fn,
        recursive: true,
        sha256: undefined,
      });
    },
  }),
  definePrimOp({
    name: 'path',
    args: ['args'],
    doc:
      'Copies `path` to the store, as `name`, without what `filter path type` returns `false` for,' +
      ' as a tree or (`recursive = false`) as a flat file. With `sha256` the result must have that' +
      ' hash, and nothing is copied when it is there already.',
    run: (services, args) => pathBuiltin(services, args),
  }),
];

function oldBaseName(path: string): string {
  if (path === '') return '';
  let last = path.length - 1;
  if (path[last] === '/' && last > 0) last--;
  const slash = path.lastIndexOf('/', last);
  return path.slice(slash < 0 ? 0 : slash + 1, last + 1);
}

function storePath(services: EvalServices, slot: Slot): Value {
  if (services.settings.pureEval) {
    throw evalError("'builtins.storePath' is not allowed in pure evaluation mode");
  }
  const collector = new ContextCollector();
  let path = coerceToPath(
    slot,
    services,
    collector,
    0,
    "while evaluating the first argument passed to 'builtins.storePath'",
  );
  if (!isStorePath(services, path)) path = resolveLinks(services, path, 'full');
  const found = enclosingStorePath(services, path);
  if (found === undefined) throw evalError(`path '${path}' is not in the Nix store`);
  services.host.realise([found]);
  collector.addElement(found);
  return makeString(path, collector);
}

function pathExists(services: EvalServices, slot: Slot): boolean {
  const value = force(slot);
  const text = value instanceof ContextString ? value.text : value;
  const mustBeDirectory =
    typeof text === 'string' && (text.endsWith('/') || text.endsWith('/.'));
  try {
    const path = realisePath(services, value, mustBeDirectory ? 'full' : 'ancestors');
    const status = services.host.lstat(path);
    return status !== null && (!mustBeDirectory || status.type === 'directory');
  } catch (error) {
    if (error instanceof NixError && error.kind === 'RestrictedPathError') return false;
    throw error;
  }
}

function readFile(services: EvalServices, slot: Slot): Value {
  const path = realisePath(services, slot);
  const { host } = services;
  const text = readBytes(services, path);
  if (text.includes('\0')) {
    throw evalError(`the contents of the file '${path}' cannot be represented as a Nix string`);
  }
  const store = enclosingStorePath(services, path);
  if (store === undefined) return text;
  const collector = new ContextCollector();
  const hashAt = host.storeDirectory.length + 1;
  for (const reference of referencesOf(services, store)) {
    if (text.includes(reference.slice(hashAt, hashAt + 32))) collector.addElement(reference);
  }
  return makeString(text, collector);
}

/** What a store path refers to; nothing if it is not valid. */
function referencesOf(services: EvalServices, store: string): readonly string[] {
  try {
    return services.host.isValidPath(store) ? services.host.storePathReferences(store) : [];
  } catch (error) {
    if (error instanceof UserError) return [];
    throw error;
  }
}

function findFile(services: EvalServices, searchPath: Slot, lookupPath: Slot): Value {
  const items = forceList(
    searchPath,
    0,
    'while evaluating the first argument passed to builtins.findFile',
  );
  const entries: SearchPathEntry[] = [];
  for (const item of items) {
    const attrs = forceAttrs(
      item,
      0,
      'while evaluating an element of the list passed to builtins.findFile',
    );
    const named = attrs.get('prefix');
    const prefix =
      named === undefined
        ? ''
        : forceStringNoContext(
            named,
            0,
            'while evaluating the `prefix` attribute of an element of the list passed to' +
              ' builtins.findFile',
          );
    const collector = new ContextCollector();
    const text = coerceToString(
      requireAttr(attrs, 'path', 'in an element of the __nixPath'),
      services,
      collector,
      0,
      'while evaluating the `path` attribute of an element of the list passed to builtins.findFile',
      { copyToStore: false },
    );
    entries.push({ prefix, path: realiseText(services, text, collector) });
  }
  const wanted = forceStringNoContext(
    lookupPath,
    0,
    'while evaluating the second argument passed to builtins.findFile',
  );
  return services.findFile(entries, wanted, 0);
}

function toFile(services: EvalServices, nameSlot: Slot, s: Slot): Value {
  const name = forceStringNoContext(
    nameSlot,
    0,
    'while evaluating the first argument passed to builtins.toFile',
  );
  const collector = new ContextCollector();
  const text = forceString(
    s,
    0,
    'while evaluating the second argument passed to builtins.toFile',
    collector,
  );
  for (const element of collector.context) {
    if (element.startsWith('!') || element.startsWith('=')) {
      throw evalError(
        `files created by builtins.toFile may not reference derivations, but ${name} references` +
          ` ${bareContextElement(services, element)}`,
      );
    }
  }
  const path = services.host.addTextToStore(name, text, collector.context);
  services.allowStorePath(path);
  return new ContextString(path, [path]);
}

interface PathToAdd {
  readonly name: string;
  readonly path: string;
  readonly filter: Value | undefined;
  readonly recursive: boolean;
  /** In base 16. */
  readonly sha256: string | undefined;
}

function addPath(services: EvalServices, collector: ContextCollector, add: PathToAdd): Value {
  return withTrace(
    () => `while adding path '${add.path}'`,
    () => {
      let path = add.path;
      let references: readonly string[] = [];
      if (collector.context.length > 0 && enclosingStorePath(services, path) !== undefined) {
        path = realiseText(services, path, collector);
        references = referencesOf(services, enclosingStorePath(services, path) ?? path);
      }
      services.checkAccess(path);
      const root = resolveLinks(services, path, 'full');
      if (services.host.lstat(root) === null) throw fileNotFound(path);
      const { filter } = add;
      const result = services.host.addPathToStore(add.name, root, {
        recursive: add.recursive,
        ...(references.length === 0 ? {} : { references }),
        ...(add.sha256 === undefined ? {} : { expectedSha256: add.sha256 }),
        ...(filter === undefined
          ? {}
          : { filter: (child: string, type: FileType) => keeps(filter, child, type) }),
      });
      services.allowStorePath(result);
      return new ContextString(result, [result]);
    },
  );
}

function keeps(filter: Value, path: string, type: FileType): boolean {
  return forceBool(
    call2(filter, path, type),
    0,
    'while evaluating the return value of the path filter function',
  );
}

function pathBuiltin(services: EvalServices, args: Slot): Value {
  const attrs = forceAttrs(args, 0, "while evaluating the argument passed to 'builtins.path'");
  const collector = new ContextCollector();
  let path: string | undefined;
  let name = '';
  let filter: Value | undefined;
  let recursive = true;
  let sha256: string | undefined;
  for (let i = 0; i < attrs.size; i++) {
    const slot = attrs.slotAt(i);
    const position = attrs.positionAt(i);
    switch (attrs.nameAt(i)) {
      case 'path':
        path = coerceToPath(
          slot,
          services,
          collector,
          position,
          "while evaluating the 'path' attribute passed to 'builtins.path'",
        );
        break;
      case 'name':
        name = forceStringNoContext(
          slot,
          position,
          'while evaluating the `name` attribute passed to builtins.path',
        );
        break;
      case 'filter':
        filter = forceFunction(
          slot,
          position,
          'while evaluating the `filter` parameter passed to builtins.path',
        );
        break;
      case 'recursive':
        recursive = forceBool(
          slot,
          position,
          'while evaluating the `recursive` attribute passed to builtins.path',
        );
        break;
      case 'sha256':
        sha256 = sha256Hex(
          services,
          forceStringNoContext(
            slot,
            position,
            'while evaluating the `sha256` attribute passed to builtins.path',
          ),
        );
        break;
      default:
        throw evalError(
          `unsupported argument '${attrs.nameAt(i)}' to 'builtins.path'`,
          position,
        );
    }
  }
  if (path === undefined) {
    throw evalError("missing required 'path' attribute in the first argument to 'builtins.path'");
  }
  if (name === '') name = lastPart(path);
  return addPath(services, collector, { name, path, filter, recursive, sha256 });
}

/** A SHA-256 in any notation as base 16; the empty text stands for zeros, with a warning. */
export function sha256Hex(services: EvalServices, text: string): string {
  if (text === '') {
    services.warn(`found empty hash, assuming 'sha256-${'A'.repeat(43)}='`);
    return '0'.repeat(64);
  }
  return withUserErrors(() => formatHash(parseHash(text, 'sha256'), 'base16'));
}
