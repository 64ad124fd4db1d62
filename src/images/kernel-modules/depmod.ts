/**
 * The index files of a kernel's modules tree, made from what the modules say of themselves: what
 * `depmod` makes, so that `modprobe`, udev and systemd find modules by name, alias and symbol.
 *
 * Modules are numbered in the order of `modules.order` (the kernel's build order), which decides
 * between modules with the same alias; others follow in byte order of their paths. A module depends
 * on the owner of each symbol it needs. A line of `modules.dep` lists all dependencies, users
 * before what they use, in one topological order of the whole tree: modprobe loads from its end.
 * Invariant: the result depends on the modules alone, not on the order in which they are given.
 */
import { bytesOf } from '#base';
import { compareByteStrings } from '../bytes.ts';
import { malformedImage } from '../errors.ts';
import type { KernelModuleFacts } from './elf-module.ts';
import { IndexTrie } from './index-trie.ts';

export interface IndexedModule {
  /** Path relative to the modules tree: `kernel/fs/ext4/ext4.ko.xz`. */
  readonly path: string;
  readonly facts: KernelModuleFacts;
}

export interface KernelBuildFiles {
  /** Text of `modules.order`. */
  readonly order?: string;
  /** Text of `modules.builtin`. */
  readonly builtin?: string;
  /** Text of `modules.builtin.modinfo`. */
  readonly builtinInfo?: string;
}

interface Module extends IndexedModule {
  readonly name: string;
  readonly index: number;
  /** Direct dependencies, as the symbols name them. */
  readonly uses: Module[];
  users: number;
  rank: number;
}

/** The index files by name, `modules.dep` and its kind. */
export function makeModuleIndexes(
  given: readonly IndexedModule[],
  build: KernelBuildFiles = {},
): Map<string, Uint8Array> {
  const modules = numberModules(given, build.order ?? '');
  const owners = symbolOwners(modules);
  linkModules(modules, owners);
  rankModules(modules);
  const files = new Map<string, Uint8Array>();
  const text = (name: string, lines: readonly string[]): void => {
    files.set(name, bytesOf(lines.map((line) => line + '\n').join('')));
  };
  writeDependencies(modules, files, text);
  writeAliases(modules, files, text);
  writeSoftDependencies(modules, text);
  writeSymbols(owners, files, text);
  writeDeviceNames(modules, text);
  writeBuiltin(build, files);
  return files;
}

/** A module's name: its file name without suffixes, with `_` for `-`. */
export function moduleNameOf(path: string): string {
  const file = path.slice(path.lastIndexOf('/') + 1);
  return file.replace(/\.ko(\.(xz|gz|zst))?$/, '').replaceAll('-', '_');
}

/** An alias as the indexes have it: `_` for `-` outside of brackets; undefined if malformed. */
export function normalizeAlias(alias: string): string | undefined {
  let result = '';
  for (let i = 0; i < alias.length; i++) {
    const char = alias[i]!;
    if (char === ']') return undefined;
    if (char === '[') {
      const end = alias.indexOf(']', i);
      if (end < 0) return undefined;
      result += alias.slice(i, end + 1);
      i = end;
    } else {
      result += char === '-' ? '_' : char;
    }
  }
  return result;
}

const infoOf = (module: IndexedModule, key: string): string[] =>
  module.facts.info.filter(([found]) => found === key).map(([, value]) => value);

function numberModules(given: readonly IndexedModule[], order: string): Module[] {
  const places = new Map<string, number>();
  // A later line for the same module wins, as a line read later overwrites an earlier number.
  for (const [place, line] of order.split('\n').entries()) places.set(line, place);
  const placeOf = (module: IndexedModule): number =>
    places.get(module.path.replace(/\.(xz|gz|zst)$/, '')) ?? Infinity;
  const sorted = [...given].sort((a, b) => {
    const [left, right] = [placeOf(a), placeOf(b)];
    return left === right ? compareByteStrings(a.path, b.path) : left - right;
  });
  const names = new Map<string, string>();
  return sorted.map((module, index) => {
    const name = moduleNameOf(module.path);
    const twin = names.get(name);
    if (twin !== undefined) {
      throw malformedImage('modules tree', `${twin} and ${module.path} are both named ${name}`);
    }
    names.set(name, module.path);
    return { ...module, name, index, uses: [], users: 0, rank: 0 };
  });
}

function symbolOwners(modules: readonly Module[]): Map<string, Module> {
  const owners = new Map<string, Module>();
  for (const module of modules) {
    for (const symbol of module.facts.exports) owners.set(symbol, module);
  }
  return owners;
}

function linkModules(modules: readonly Module[], owners: Map<string, Module>): void {
  for (const module of modules) {
    const seen = new Set<Module>();
    for (const symbol of module.facts.imports) {
      const owner = owners.get(symbol.startsWith('.') ? symbol.slice(1) : symbol);
      if (owner === undefined || seen.has(owner)) continue;
      seen.add(owner);
      module.uses.push(owner);
      owner.users++;
    }
  }
}

/** Topological order, modules without users first, the last found taken first. */
function rankModules(modules: readonly Module[]): void {
  const waiting = modules.map((module) => module.users);
  const ready = modules.filter((module) => module.users === 0);
  let ranked = 0;
  for (let module = ready.pop(); module !== undefined; module = ready.pop()) {
    module.rank = ranked++;
    for (const used of module.uses) {
      waiting[used.index]! -= 1;
      if (waiting[used.index] === 0) ready.push(used);
    }
  }
  if (ranked < modules.length) {
    const names = modules.filter((module) => waiting[module.index]! > 0).map(({ name }) => name);
    throw malformedImage(
      'modules tree',
      `modules need one another in a cycle: ${names.join(', ')}`,
    );
  }
  for (const module of modules) module.uses.sort((a, b) => a.rank - b.rank);
}

function allDependencies(module: Module): Module[] {
  const found = new Set<Module>();
  const visit = (user: Module): void => {
    for (const used of user.uses) {
      if (found.has(used)) continue;
      found.add(used);
      visit(used);
    }
  };
  visit(module);
  return [...found].sort((a, b) => a.rank - b.rank);
}

type TextFile = (name: string, lines: readonly string[]) => void;

function writeDependencies(
  modules: readonly Module[],
  files: Map<string, Uint8Array>,
  text: TextFile,
): void {
  const trie = new IndexTrie();
  const lines = modules.map((module) => {
    const paths = allDependencies(module).map(({ path }) => ' ' + path);
    const line = `${module.path}:${paths.join('')}`;
    trie.insert(module.name, line, module.index);
    return line;
  });
  text('modules.dep', lines);
  files.set('modules.dep.bin', trie.encode());
}

function writeAliases(
  modules: readonly Module[],
  files: Map<string, Uint8Array>,
  text: TextFile,
): void {
  const trie = new IndexTrie();
  const lines = ['# Aliases extracted from modules themselves.'];
  for (const module of modules) {
    for (const alias of infoOf(module, 'alias')) {
      lines.push(`alias ${alias} ${module.name}`);
      const key = normalizeAlias(alias);
      if (key !== undefined) trie.insert(key, module.name, module.index);
    }
  }
  text('modules.alias', lines);
  files.set('modules.alias.bin', trie.encode());
}

function writeSoftDependencies(modules: readonly Module[], text: TextFile): void {
  const collect = (title: string, key: string): string[] => [
    title,
    ...modules.flatMap((module) =>
      infoOf(module, key).map((value) => `${key} ${module.name} ${value}`),
    ),
  ];
  text(
    'modules.softdep',
    collect('# Soft dependencies extracted from modules themselves.', 'softdep'),
  );
  text(
    'modules.weakdep',
    collect('# Weak dependencies extracted from modules themselves.', 'weakdep'),
  );
}

function writeSymbols(
  owners: ReadonlyMap<string, Module>,
  files: Map<string, Uint8Array>,
  text: TextFile,
): void {
  const trie = new IndexTrie();
  const lines = ['# Aliases for symbols, used by symbol_request().'];
  const symbols = [...owners].sort(([a], [b]) => compareByteStrings(a, b));
  for (const [symbol, owner] of symbols) {
    lines.push(`alias symbol:${symbol} ${owner.name}`);
    trie.insert('symbol:' + symbol, owner.name, owner.index);
  }
  text('modules.symbols', lines);
  files.set('modules.symbols.bin', trie.encode());
}

/** Device nodes whose opening loads a module; systemd makes them from this list. */
function writeDeviceNames(modules: readonly Module[], text: TextFile): void {
  const lines: string[] = [];
  for (const module of modules) {
    let node: string | undefined;
    let number: string | undefined;
    for (const alias of infoOf(module, 'alias')) {
      const major = /^(char|block)-major-(\d+)-(\d+)/.exec(alias);
      if (alias.startsWith('devname:')) node = alias.slice('devname:'.length);
      else if (major) number = `${major[1] === 'char' ? 'c' : 'b'}${major[2]}:${major[3]}`;
      if (node !== undefined && number !== undefined) break;
    }
    if (node !== undefined && number !== undefined) lines.push(`${module.name} ${node} ${number}`);
  }
  if (lines.length > 0) lines.unshift('# Device nodes to trigger on-demand module loading.');
  text('modules.devname', lines);
}

function writeBuiltin(build: KernelBuildFiles, files: Map<string, Uint8Array>): void {
  if (build.builtin !== undefined) {
    const trie = new IndexTrie();
    for (const line of build.builtin.split('\n')) {
      if (/^[A-Za-z]/.test(line)) trie.insert(moduleNameOf(line), '', 0);
    }
    files.set('modules.builtin.bin', trie.encode());
  }
  if (build.builtinInfo === undefined) return;
  const trie = new IndexTrie();
  for (const record of build.builtinInfo.split('\0')) {
    const match = /^([^.]+)\.alias=(.+)$/.exec(record);
    const key = match === null ? undefined : normalizeAlias(match[2]!);
    if (key !== undefined) trie.insert(key, match![1]!, 0);
  }
  files.set('modules.builtin.alias.bin', trie.encode());
}
