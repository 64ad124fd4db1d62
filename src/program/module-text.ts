/**
 * One module of ours as the linker sees it: what it imports and exports, and its text without the
 * statements that say so.
 *
 * Nothing is parsed. Types are blanked by Node itself, and what is left of imports and exports
 * stands at the beginning of a line in a few fixed forms, which is how this program is written. A
 * line that begins like one and has another form is a fault, never skipped.
 */

import { cannotLink } from './errors.ts';

export interface ModuleText {
  /** Below the folder of sources, as `store/index.ts`. */
  readonly name: string;
  /** What must have been evaluated before it, in order. */
  readonly dependencies: readonly string[];
  readonly imports: readonly ImportedName[];
  /** Modules of Node and of packages: `const … = $require(…)`. */
  readonly foreign: readonly string[];
  /** Exported name → local one. */
  readonly exports: ReadonlyMap<string, string>;
  /** Exported names whose binding is a `function`, there before the module is evaluated. */
  readonly functions: ReadonlySet<string>;
  /** Exported names that are assigned to later. */
  readonly variables: ReadonlySet<string>;
  /** `export { x as y } from`: exported name → where it is. */
  readonly passedOn: ReadonlyMap<string, { readonly module: string; readonly name: string }>;
  /** `export * from`. */
  readonly passedOnWhole: readonly string[];
  readonly body: string;
}

export interface ImportedName {
  readonly module: string;
  readonly name: string;
  readonly local: string;
}

/** Reads a module whose types are blanked. */
export function readModule(name: string, text: string): ModuleText {
  const dependencies: string[] = [];
  const imports: ImportedName[] = [];
  const foreign: string[] = [];
  const exports = new Map<string, string>();
  const functions = new Set<string>();
  const variables = new Set<string>();
  const passedOn = new Map<string, { module: string; name: string }>();
  const passedOnWhole: string[] = [];

  const wanted = (specifier: string): string | undefined => {
    const module = resolveModule(name, specifier);
    if (module !== undefined) dependencies.push(module);
    return module;
  };
  const addImport = (specifier: string, whole: string | undefined, names: string): void => {
    const module = wanted(specifier);
    const pairs = readNames(names);
    if (module === undefined) {
      const pattern = whole ?? `{ ${pairs.map(([one, local]) => `${one}: ${local}`).join(', ')} }`;
      foreign.push(`const ${pattern} = $require('${specifier}');`);
    } else if (whole === undefined) {
      for (const [one, local] of pairs) imports.push({ module, name: one, local });
    } else {
      throw cannotLink(name, `'${specifier}' is imported as a whole`);
    }
  };
  const addPassedOn = (specifier: string, names: string | undefined): void => {
    const module = wanted(specifier);
    if (module === undefined) throw cannotLink(name, `names of '${specifier}' are passed on`);
    if (names === undefined) passedOnWhole.push(module);
    else for (const [one, exported] of readNames(names)) passedOn.set(exported, { module, name: one });
  };
  const addDeclared = (kind: string, declared: string): void => {
    exports.set(declared, declared);
    if (kind.startsWith('function')) functions.add(declared);
    if (kind === 'let') variables.add(declared);
  };

  const body = text.replaceAll(statement, (...match: unknown[]) => {
    const groups = match.at(-1) as Record<string, string | undefined>;
    const all = match[0] as string;
    const { from = '', whole, names, kind, declared } = groups;
    if (groups['import'] !== undefined) addImport(from, whole, names ?? '');
    else if (groups['on'] !== undefined) addPassedOn(from, names);
    else if (kind !== undefined && declared !== undefined) {
      addDeclared(kind, declared);
      // The linker declares what is assigned to later, where all modules see it.
      return kind === 'let' ? declared : all.replace('export', '');
    } else for (const [local, exported] of readNames(names ?? '')) exports.set(exported, local);
    return '\n'.repeat(all.split('\n').length - 1);
  });
  const odd = /^(?:import|export)\b(?!\().*|\bimport\.meta\.(?!url\b).*|^await .*/m.exec(body);
  if (odd !== null) throw cannotLink(name, odd[0]);
  return {
    name, dependencies, imports, foreign, exports, functions, variables, passedOn, passedOnWhole, body,
  };
}

/** The module of ours that a specifier means in a module; undefined if it is of Node or a package. */
export function resolveModule(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('#')) return `${specifier.slice(1)}/index.ts`;
  if (!/^\.\.?\//.test(specifier)) return undefined;
  const parts = from.split('/').slice(0, -1);
  for (const part of specifier.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}

const word = String.raw`[\w$]+`;
const statement = new RegExp([
  String.raw`^(?<import>import)\s+(?:(?:(?<whole>${word})|\{(?<names>[^}]*)\})\s*from\s+)?'(?<from>[^']+)';`,
  String.raw`^(?<on>export)\s+(?:\*|\{(?<names>[^}]*)\})\s*from\s+'(?<from>[^']+)';`,
  String.raw`^export\s+(?<kind>(?:async\s+)?function\b\*?|class|const|let)\s*(?<declared>${word})`,
  String.raw`^export\s*\{(?<names>[^}]*)\};`,
].join('|'), 'gm');

/** The pairs in `{ a, b as c }`. */
function readNames(list: string): [name: string, local: string][] {
  return list.split(',').map((one) => one.trim()).filter((one) => one !== '').map((one) => {
    const [name = '', local = name] = one.split(/\s+as\s+/);
    return [name, local];
  });
}
