/**
 * The evaluator: files and texts to values.
 *
 * It parses, resolves, compiles and runs, remembers the value of each file, and is the `EvalServices`
 * that builtins get. Everything is synchronous; the world is behind `Host`.
 *
 * Invariant: a file is evaluated once per evaluator, whatever path it was reached by; while it is
 * being evaluated its slot is a black hole, so that files that import each other are reported.
 */

import {
  missingPath, NixError, type Position, registerKeptSource, registerSource, renderNixError, type SourceOrigin,
} from '#diagnostics';
import { type Expr, parse, type Resolution, resolve } from '#lang';
import {
  type Attrs, baseName, type CallObserver, type Context, counters, debugging, depthNow, type FileIdentity,
  type EvalServices, type EvalSettings, force, type Host, limitError, limitCallDepth, NixPath, parentPath,
  resolvePath, restoreDepth, type SearchPathEntry, type Slot, Thunk, tracing, type Value, type WarningLabel,
} from '#runtime';
import type {
  AgainFrom, FlatMachine, FlatOptions, InputNames, MachineImage, ProgramKeeper, ReadProgram, ReadTree, Shown,
} from '#flat';
import { compile } from './code/compile.ts';
import { Unit } from './code/unit.ts';
import { importFromDerivationDisabled, noSuchFile, tooManyLinks } from './errors.ts';
import { FileAccess } from './file-access.ts';
import { Flakes } from './flakes/index.ts';
import { internalFile, internalRoot } from './internal-files.ts';
import { parseBindingsOnly, parseWithoutLastName, type ReadingOptions, type ReadText } from './reading.ts';
import { SearchPath } from './search-path.ts';

/** The `builtins` set and the names of the base scope. */
export interface BaseScope {
  readonly builtins: Attrs;
  readonly globals: ReadonlyMap<string, Slot>;
}

export interface EvaluatorOptions {
  readonly host: Host;
  /** Makes the builtins for an evaluator's services. */
  readonly builtins: (services: EvalServices) => BaseScope;
  readonly settings: EvalSettings;
  /** Suspends all that C++ Nix suspends, for printing what has not been evaluated. Default false. */
  readonly suspendsAll?: boolean;
  /** Is told of every call: for tracing and profiling. */
  readonly callObserver?: CallObserver | undefined;
  /**
   * The machine to run programs: faster, and without the frames and the exact words of errors. What
   * is thrown then says only that the program is to be run again without.
   */
  readonly machine?: (new (options: FlatOptions) => FlatMachine) | undefined;
  /** The most memory that it may take. */
  readonly machineMegabytes?: number | undefined;
  /** Keeps its programs of files between runs, if the host can identify files. */
  readonly programKeeper?: ProgramKeeper | undefined;
  /** Files that may be others in later evaluations: a machine notes what it reads. */
  readonly inputs?: InputNames | undefined;
  /** The machine goes on from an image. Excludes `inputs`. */
  readonly again?: AgainFrom | undefined;
  /** Receives lines of `builtins.trace`. */
  readonly onTrace?: (text: string) => void;
  readonly onWarning?: (text: string, label: WarningLabel) => void;
}

const linkLimit = 1024;

/** Makes an evaluator. Several may exist; `--show-trace` of the newest holds for all. */
export function createEvaluator(options: EvaluatorOptions): Evaluator {
  return new Evaluator(options);
}

export class Evaluator implements EvalServices {
  readonly host: Host;
  readonly settings: EvalSettings;
  readonly builtins: Attrs;
  private readonly options: EvaluatorOptions;
  private readonly globals: ReadonlyMap<string, Slot>;
  /** Names of the base scope. */
  readonly globalNames: ReadonlySet<string>;
  private readonly files = new Map<string, Slot>();
  private readonly resolved = new Map<string, string>();
  private readonly storeCopies = new Map<string, string>();
  private readonly access: FileAccess;
  private readonly searchPath: SearchPath;
  private readonly flat: FlatMachine | undefined;
  /** How many the parser gave. */
  private warnings = 0;

  constructor(options: EvaluatorOptions) {
    this.options = options;
    this.host = options.host;
    this.settings = options.settings;
    this.access = new FileAccess(options.host, options.settings);
    const { workingDirectory = '/', pureEval, fallbackEntries = [] } = options.settings;
    this.searchPath = new SearchPath({
      host: options.host,
      workingDirectory,
      pure: pureEval,
      fallback: pureEval ? fallbackEntries.filter(({ pinned }) => pinned === true) : fallbackEntries,
      checkVisible: (path) => this.checkVisible(path),
      allow: (path) => this.access.allowRoot(path),
      warn: (text) => this.warn(text),
    });
    tracing.observer = options.callObserver;
    tracing.on = options.settings.showTrace || tracing.observer !== undefined;
    limitCallDepth(options.settings.maxCallDepth);
    const base = options.builtins(this);
    this.builtins = base.builtins;
    this.globals = base.globals;
    this.globalNames = new Set(base.globals.keys());
    const { machine: Machine } = options;
    this.flat = Machine === undefined ? undefined : new Machine({
      services: this,
      globals: this.globals,
      heapMegabytes: options.machineMegabytes,
      resolveFile: (path) => this.resolveFile(path),
      readFile: (file) => this.readFileTree(file),
      readProgram: (file, known) => this.readProgram(file, known),
      readText: (file, known) => this.readKnownText(file, known),
      readInput: (file, was) => this.readInput(file, was),
      readUnchanged: (file) => this.readImported(file),
      show: ({ text, label }) => this.show(text, label),
      readOwnText: (text, name) => this.readTree(text, { kind: 'internal', path: name }, '/'),
      inputs: options.inputs,
      again: options.again,
      keeper: options.host.readIdentified === undefined ? undefined : options.programKeeper,
      reading: JSON.stringify([...Object.entries(this.parserSettings())]),
    });
  }

  /** Value of a file, or of `default.nix` in a directory, as `import` gives it. */
  evaluateFile(path: string): Value {
    return this.guard(() => this.importFile(path, 0));
  }

  /** The same for the file that a command is about: traces do not say that it was being evaluated. */
  evaluateMainFile(path: string): Value {
    return this.guard(() => {
      const file = this.resolveFile(path);
      return this.flat === undefined ? this.loadFile(file)() : this.flat.runFile(file, () => this.readFileTree(file));
    });
  }

  /** Value of a text; relative paths in it start at `basePath`. */
  evaluateString(
    text: string,
    basePath: string,
    origin: SourceOrigin = { kind: 'string' },
  ): Value {
    return this.guard(() => this.run(text, origin, basePath));
  }

  /** Like `evaluateString`, but evaluated when forced; faults of syntax and names are thrown now. */
  delayString(text: string, basePath: string): Thunk {
    const { flat } = this;
    if (flat === undefined) return new Thunk(this.load(text, { kind: 'string' }, basePath));
    return flat.delay(this.readKeyed(text, { kind: 'string' }, basePath));
  }

  /**
   * Value of a text, as it and the files are now; `changed` are those that are others than at the last
   * call, by the paths that they really have. The machine evaluates what depends on them only, and
   * throws `Unkept` where it cannot. What is asked of the world beside `import` must not have changed.
   */
  evaluateRevision(text: string, basePath: string, changed: readonly string[]): Value {
    return this.guard(() => {
      const read = (): ReadTree => this.readTree(text, { kind: 'string' }, basePath, { keepsScopes: true });
      return this.flat!.runRevision(text, read, changed);
    });
  }

  /** What was done cannot be known again after a change: `Unkept` if this goes on from an image. */
  cannotKeep(what: string): void {
    this.flat?.cannotKeep(what);
  }

  /** What is to be kept of the machine once the task has come to a good end; undefined where it cannot be. */
  machineImage(): MachineImage | undefined {
    return this.flat?.image();
  }

  /** The tree of a text, all of whose variables are known. */
  parseText(text: string, origin: SourceOrigin, directory: string): Expr {
    const base = registerSource(origin, text);
    const tree = this.readText(text, directory, base, parse);
    this.resolveTree(tree, base);
    return tree;
  }

  /** Value of an expression that sees the names of a set before the base scope: the REPL's. */
  evaluateInScope(text: string, basePath: string, scope: Attrs): Value {
    return this.guard(() => this.run(text, { kind: 'string' }, basePath, scope));
  }

  /** Of a selection along a path, the value that its last name is selected from. */
  evaluateSelectedFrom(text: string, basePath: string, scope: Attrs): Value {
    return this.guard(() => this.run(text, { kind: 'string' }, basePath, scope, parseWithoutLastName));
  }

  /** The set that bindings (`x = 1; inherit y`) make; their values see `scope`, not each other. */
  evaluateBindings(text: string, basePath: string, scope: Attrs): Value {
    return this.guard(() => this.run(text, { kind: 'string' }, basePath, scope, parseBindingsOnly));
  }

  /** Runs code of the evaluator, turning what V8 refuses for its size into a Nix error. */
  guard<T>(code: () => T): T {
    const depth = depthNow();
    try {
      return code();
    } catch (error) {
      restoreDepth(depth);
      throw limitError(error, 0);
    }
  }

  importFile(path: string, position: Position): Value {
    if (this.flat !== undefined) return this.flat.importFile(path);
    const file = this.resolveFile(path);
    let slot = this.files.get(file);
    if (slot === undefined) {
      slot = new Thunk(() => this.runImported(file));
      this.files.set(file, slot);
    }
    return force(slot, position);
  }

  private runImported(file: string): Value {
    const evaluate = this.loadFile(file);
    const text = `while evaluating the file '${file}':`;
    try {
      const { current } = debugging;
      const step = { position: 0, text, scopes: () => [] };
      return current === undefined ? evaluate() : current.step(step, evaluate);
    } catch (error) {
      if (error instanceof NixError) error.addTrace(0, text);
      throw error;
    }
  }

  /** Reads a file; the function evaluates it. */
  private loadFile(file: string): () => Value {
    return this.evaluation(this.readFileTree(file));
  }

  private readFileTree(file: string): ReadTree {
    const own = internalFile(file);
    if (own !== undefined) return this.readTree(own, { kind: 'internal', path: file }, internalRoot);
    this.checkAccess(file);
    return this.readTree(this.readImported(file), originOfFile(file), parentPath(file));
  }

  /** A file that may change, as it is or was. */
  private readInput(file: string, was?: { readonly text: string; readonly base: Position }): ReadTree {
    this.checkAccess(file);
    const text = was?.text ?? this.readImported(file);
    const base = was === undefined ? {} : { base: was.base };
    return this.readTree(text, originOfFile(file), parentPath(file), { keepsScopes: true, ...base });
  }

  private readSource(file: string): string {
    return this.reading(file, () => this.host.readFile(file));
  }

  /** The text of a file that is imported: the program gets to know its value only. */
  private readImported(file: string): string {
    const { host } = this;
    if (host.readIdentified === undefined) return this.readSource(file);
    return this.reading(file, () => host.readIdentified!(file, undefined)).text!;
  }

  private reading<T>(file: string, read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw this.host.lstat(file) === null ? noSuchFile(file) : error;
    }
  }

  /** A file's tree for the machine, unless the file is the one whose program it knows. */
  private readProgram(file: string, known: FileIdentity | undefined): ReadProgram {
    if (internalFile(file) !== undefined) return { read: this.readFileTree(file) };
    this.checkAccess(file);
    const { text, identity } = this.reading(file, () => this.host.readIdentified!(file, known));
    if (text === undefined || (identity !== undefined && identity.hash === known?.hash)) return { identity };
    const origin = originOfFile(file);
    const base = identity === undefined ? undefined : registerKeptSource(origin, text);
    const warned = this.warnings;
    const read = this.readTree(text, origin, parentPath(file), base === undefined ? {} : { base });
    // A program that is kept is not read again, so nobody would be warned.
    const isKept = base !== undefined && this.warnings === warned;
    return { read, identity: isKept ? identity : undefined };
  }

  private readKnownText(file: string, known: FileIdentity): string {
    const { text, identity } = this.host.readIdentified!(file, undefined);
    if (text === undefined || identity?.hash !== known.hash) throw new Error(`${file} has changed meanwhile`);
    return text;
  }

  scopedImport(scope: Attrs, path: string, _position: Position): Value {
    const file = this.resolveFile(path);
    return this.run(this.readSource(file), originOfFile(file), parentPath(file), scope);
  }

  evaluateText(text: string, basePath: string): Value {
    return this.run(text, { kind: 'string' }, basePath);
  }

  evaluateInternal(name: string, text: string): Value {
    return this.run(text, { kind: 'internal', path: name }, '/');
  }

  private run(
    text: string, origin: SourceOrigin, directory: string, scope?: Attrs, read: ReadText = parse,
  ): Value {
    return this.load(text, origin, directory, scope, read)();
  }

  /** Reads a text and resolves its names; the function evaluates it. */
  private load(
    text: string, origin: SourceOrigin, directory: string, scope?: Attrs, read: ReadText = parse,
  ): () => Value {
    if (scope === undefined && read === parse) return this.evaluation(this.readKeyed(text, origin, directory));
    return this.evaluation(this.readTree(text, origin, directory, { scope, read }), scope);
  }

  /** Reads a text that is known again. */
  private readKeyed(text: string, origin: SourceOrigin, directory: string): ReadTree {
    const key = `${origin.kind} ${'path' in origin ? origin.path : ''}\0${directory}\0${text}`;
    return { ...this.readTree(text, origin, directory), key };
  }

  private readTree(
    text: string, origin: SourceOrigin, directory: string,
    { scope, read = parse, base = registerSource(origin, text), keepsScopes = false }: ReadingOptions = {},
  ): ReadTree {
    const warned = this.warnings;
    const tree = this.readText(text, directory, base, read);
    const mayImport = origin.kind === 'file' || text.includes('import');
    const resolution = this.resolveTree(tree, base, scope, keepsScopes);
    return { tree, base, resolution, text, hasWarned: this.warnings > warned, mayImport };
  }

  private evaluation(read: ReadTree, scope?: Attrs): () => Value {
    const names = scope?.names().map((_, i) => scope.slotAt(i));
    const { flat } = this;
    if (flat !== undefined) return () => flat.run(read, names);
    const { suspendsAll = false } = this.options;
    const unit = new Unit(read.base, this, this.globals, read.resolution, tracing.on, suspendsAll);
    return () => compile(unit, read.tree)([undefined, ...(names ?? [])]);
  }

  private readText(text: string, directory: string, base: Position, read: ReadText): Expr {
    const result = read(text, { base, directory, ...this.parserSettings() });
    for (const warning of result.warnings) this.warnAbout(warning);
    this.warnings += result.warnings.length;
    counters.filesParsed++;
    counters.parsedBytes += text.length;
    if (result.tree === undefined) throw result.diagnostics[0]!;
    return result.tree;
  }

  private parserSettings(): Omit<Parameters<ReadText>[1], 'base' | 'directory'> {
    const { features, pureEval, homeDirectory, lints } = this.settings;
    return {
      home: pureEval ? undefined : homeDirectory,
      pipes: features.has('pipe-operators'),
      ...(lints === undefined ? {} : { lints }),
    };
  }

  private resolveTree(tree: Expr, base: Position, scope?: Attrs, keepsScopes = false): Resolution {
    return resolve(tree, {
      base,
      globals: this.globalNames,
      curried: tracing.on,
      keepsScopes: keepsScopes || debugging.current !== undefined,
      ...(scope === undefined ? {} : { extraNames: scope.names() }),
    });
  }

  private warnAbout(warning: NixError): void {
    const label = 'warning';
    const text = renderNixError(warning, { showTrace: false, label });
    const isPlain = warning.position === 0;
    this.warn(isPlain ? warning.message : text.slice(label.length + 2), label);
  }

  /** Follows links and finds `default.nix`, as `import` does. */
  resolveFile(path: string): string {
    const known = this.resolved.get(path);
    if (known !== undefined) return known;
    if (internalFile(path) !== undefined) return path;
    let current = path;
    for (let links = 0; ; links++) {
      if (links >= linkLimit) throw tooManyLinks(path);
      const status = this.host.lstat(current);
      if (status?.type !== 'symlink') {
        if (status?.type === 'directory') current = `${current === '/' ? '' : current}/default.nix`;
        break;
      }
      current = resolvePath(parentPath(current), this.host.readLink(current));
    }
    this.resolved.set(path, current);
    return current;
  }

  nixPath(): Slot[] {
    return this.searchPath.asList(this.settings.searchPath);
  }

  findFile(entries: readonly SearchPathEntry[], name: string, position: Position): NixPath {
    return this.searchPath.find(entries, name, position);
  }

  realiseContext(context: Context, _position: Position): ReadonlyMap<string, string> {
    const builds = context.filter((element) => !element.startsWith('/'));
    if (builds.length > 0 && !this.settings.allowImportFromDerivation) {
      throw importFromDerivationDisabled(builds[0]!.replace(/^[=!]([^!/]*!)?/, ''));
    }
    if (builds.length > 0 && this.settings.traceImportFromDerivation === true) {
      const [, output, drvPath] = /^!([^!]*)!(\/.*)$/.exec(builds[0]!) ?? [];
      const built = drvPath === undefined ? builds[0]!.slice(1) : `${drvPath}^${output}`;
      this.warn(`built '${built}' during evaluation due to an import from derivation`);
    }
    if (context.length === 0) return new Map();
    const placeholders = this.host.realise(context);
    const { pureEval, restrictEval } = this.settings;
    if (pureEval || restrictEval) for (const element of builds) this.access.allowOutput(element);
    return placeholders;
  }

  checkAccess(path: string): void {
    this.access.check(path);
  }

  checkVisible(path: string): void {
    this.access.checkVisible(path);
  }

  isVisible(path: string): boolean {
    return this.access.isVisible(path);
  }

  allowStorePath(storePath: string): void {
    this.access.allowStorePath(storePath);
  }

  copyPathToStore(path: string): string {
    const known = this.storeCopies.get(path);
    if (known !== undefined) return known;
    if (path.endsWith('.drv')) {
      throw new NixError('EvalError', "file names are not allowed to end in '.drv'");
    }
    this.checkAccess(path);
    if (this.host.lstat(path) === null) {
      throw new NixError('FileNotFound', missingPath(path));
    }
    const storePath = this.host.addPathToStore(baseName(path), path, { recursive: true });
    this.storeCopies.set(path, storePath);
    this.allowStorePath(storePath);
    return storePath;
  }

  /** The flakes of this evaluation. */
  get flakes(): Flakes {
    return (this.knownFlakes ??= new Flakes(this));
  }

  private knownFlakes: Flakes | undefined;

  getFlake(reference: Slot): Value {
    return this.flakes.get(reference);
  }

  trace(text: string): void {
    this.perform({ text });
  }

  warn(text: string, label: WarningLabel = 'warning'): void {
    this.perform({ text, label });
  }

  /** A machine may have to show it again in another revision. */
  private perform(shown: Shown): void {
    if (this.flat === undefined) this.show(shown.text, shown.label);
    else this.flat.perform(shown);
  }

  private show(text: string, label: WarningLabel | undefined): void {
    if (label === undefined) this.options.onTrace?.(text);
    else this.options.onWarning?.(text, label);
  }
}

function originOfFile(path: string): SourceOrigin {
  return { kind: 'file', path };
}
