/**
 * Which kernel modules are needed for some of them to load, and in which order: the closure that
 * goes into an initrd.
 *
 * It is computed from the text indexes of a modules tree. A name is a module's own, one built into
 * the kernel (nothing to load), or an alias, which may be a pattern and may stand for several
 * modules. A module brings its dependencies, its soft dependencies (before and after) and its weak
 * ones; a soft or weak dependency that does not exist is no error, a root that does not is one.
 */
import { UserError } from '#base';
import { moduleNameOf, normalizeAlias } from './depmod.ts';

/** The texts of a modules tree's index files; an absent file is an empty text. */
export interface ModuleIndexTexts {
  readonly dependencies: string;
  readonly aliases: string;
  readonly softDependencies: string;
  readonly weakDependencies: string;
  readonly builtin: string;
  readonly builtinInfo: string;
}

interface SoftDependencies {
  readonly before: string[];
  readonly after: string[];
}

/**
 * An alias with wildcards. There are tens of thousands and few are ever near to a match, so the
 * plain text that they begin with is compared first, and the expression made when that is equal.
 */
interface PatternAlias {
  readonly glob: string;
  readonly prefix: string;
  readonly module: string;
  expression?: RegExp;
}

/** A modules tree's indexes, ready to be asked. */
export class ModuleIndex {
  readonly #paths = new Map<string, string>();
  readonly #dependencies = new Map<string, string[]>();
  readonly #soft = new Map<string, SoftDependencies>();
  readonly #weak = new Map<string, string[]>();
  readonly #exactAliases = new Map<string, string[]>();
  readonly #patternAliases: PatternAlias[] = [];
  readonly #builtin = new Set<string>();

  constructor(texts: ModuleIndexTexts) {
    for (const line of lines(texts.dependencies)) this.#addDependencies(line);
    for (const line of lines(texts.aliases)) this.#addAlias(line);
    for (const line of lines(texts.softDependencies)) this.#addSoft(line);
    for (const line of lines(texts.weakDependencies)) {
      const [, module = '', ...names] = line.split(/\s+/);
      this.#weak.set(module, [...(this.#weak.get(module) ?? []), ...names]);
    }
    for (const line of lines(texts.builtin)) this.#builtin.add(moduleNameOf(line));
    for (const record of texts.builtinInfo.split('\0')) {
      const match = /^[^.]+\.alias=(.+)$/.exec(record);
      if (match !== null) this.#builtin.add(normalizeAlias(match[1]!) ?? match[1]!);
    }
  }

  /** A module's path below the modules tree. */
  pathOf(module: string): string | undefined {
    return this.#paths.get(module);
  }

  get modules(): Iterable<string> {
    return this.#paths.keys();
  }

  /**
   * The modules that a name stands for; empty for one built into the kernel; undefined if the tree
   * knows no such name.
   */
  resolve(name: string): readonly string[] | undefined {
    const key = normalizeAlias(name) ?? name;
    if (this.#paths.has(key)) return [key];
    const found = new Set(this.#exactAliases.get(key));
    for (const alias of this.#patternAliases) {
      if (!key.startsWith(alias.prefix)) continue;
      alias.expression ??= globPattern(alias.glob);
      if (alias.expression.test(key)) found.add(alias.module);
    }
    if (found.size > 0) return [...found];
    return this.#builtin.has(key) ? [] : undefined;
  }

  /** The modules in an order in which each can be loaded after those before it. */
  closureOf(roots: readonly string[], options: { allowMissing?: boolean } = {}): string[] {
    const ordered = new Set<string>();
    const open = new Set<string>();
    const load = (module: string): void => {
      if (ordered.has(module) || open.has(module)) return;
      open.add(module);
      const soft = this.#soft.get(module);
      for (const name of soft?.before ?? []) this.resolve(name)?.forEach(load);
      // modules.dep lists users before what they use.
      for (const dependency of [...(this.#dependencies.get(module) ?? [])].reverse())
        load(dependency);
      ordered.add(module);
      open.delete(module);
      for (const name of soft?.after ?? []) this.resolve(name)?.forEach(load);
      for (const name of this.#weak.get(module) ?? []) this.resolve(name)?.forEach(load);
    };
    for (const root of roots) {
      const modules = this.resolve(root);
      if (modules === undefined && options.allowMissing !== true) throw this.#missing(root);
      modules?.forEach(load);
    }
    return [...ordered];
  }

  #missing(name: string): UserError {
    const key = normalizeAlias(name) ?? name;
    const near = [...this.#paths.keys()].filter(
      (other) => other.includes(key) || key.includes(other),
    );
    const suggestion = near.length > 0 ? `; similar ones are ${near.slice(0, 5).join(', ')}` : '';
    return new UserError('KERNEL_MODULE_MISSING', `The kernel has no module named ${name}`, {
      hint: `Take it out of boot.initrd.availableKernelModules or boot.initrd.kernelModules, or allow missing modules${suggestion}`,
    });
  }

  #addDependencies(line: string): void {
    const colon = line.indexOf(':');
    const path = line.slice(0, colon);
    const module = moduleNameOf(path);
    const used = line.slice(colon + 1).trim();
    this.#paths.set(module, path);
    this.#dependencies.set(module, used === '' ? [] : used.split(' ').map(moduleNameOf));
  }

  #addAlias(line: string): void {
    const [, alias = '', module = ''] = line.split(' ');
    const key = normalizeAlias(alias);
    if (key === undefined) return;
    const wildcard = key.search(/[*?[]/);
    if (wildcard >= 0) {
      this.#patternAliases.push({ glob: key, prefix: key.slice(0, wildcard), module });
    } else {
      this.#exactAliases.set(key, [...(this.#exactAliases.get(key) ?? []), module]);
    }
  }

  /** `softdep NAME pre: A B post: C` */
  #addSoft(line: string): void {
    const [, module = '', ...words] = line.split(/\s+/);
    const soft = this.#soft.get(module) ?? { before: [], after: [] };
    let list: string[] | undefined;
    for (const word of words) {
      if (word === 'pre:') list = soft.before;
      else if (word === 'post:') list = soft.after;
      else list?.push(word);
    }
    this.#soft.set(module, soft);
  }
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

function globPattern(glob: string): RegExp {
  let source = '';
  for (let i = 0; i < glob.length; i++) {
    const char = glob[i]!;
    if (char === '*') source += '.*';
    else if (char === '?') source += '.';
    else if (char === '[') {
      const end = glob.indexOf(']', i);
      source += glob.slice(i, end + 1).replace('[!', '[^');
      i = end;
    } else source += char.replace(/[\\^$.|+(){}]/g, '\\$&');
  }
  return new RegExp(`^${source}$`, 's');
}
