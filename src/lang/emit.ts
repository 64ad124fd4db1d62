/**
 * JavaScript for a tree: one function per file, closures for what is suspended.
 *
 * Nix variables become JavaScript variables. Everything is an expression: a `let` assigns variables
 * that its function declares, and goes on. `strict` emits code that gives a forced value, `lazy`
 * code that gives a slot without doing anything that can fail or cost.
 *
 * With `traced`, frames for `--show-trace` are added around operands and every lambda takes one
 * parameter; without, the code is as small as it can be.
 *
 * Invariant: emitted code reads a variable of its own function only after it was assigned
 * (`Variable.ready`); inner functions run later and may read any.
 */

import { NixError, type Position } from '#diagnostics';
import { emitAttrs, emitLet } from './emit-bindings.ts';
import { emitLambda } from './emit-lambda.ts';
import { emitCall, emitConcat, emitHasAttr, emitSelect } from './emit-operations.ts';
import { type Chunk, chunkSize, moduleText, newModuleState } from './module-text.ts';
import { resolve, type Scope, type Variable } from './scope.ts';
import { showExpr } from './show.ts';
import { type Expr, none, type Offset, offsetOf } from './tree.ts';

export interface EmitOptions {
  /** Position number of the first byte, for errors found here. */
  readonly base: Position;
  /** Names of the base scope. */
  readonly globals: ReadonlySet<string>;
  /** Those of them that are not computed yet. */
  readonly lazyGlobals?: ReadonlySet<string>;
  /** Names of the scope that `scopedImport` adds. */
  readonly extraNames?: readonly string[];
  readonly traced: boolean;
}

/**
 * Emits a file. Throws `NixError` for an undefined variable.
 */
export function emit(tree: Expr, options: EmitOptions): EmittedCode {
  const emitter = new Emitter(options);
  const body = emitter.functionBody((fn) => emitter.strict(tree, emitter.rootScope, fn));
  const code = emitter.module(`return (()=>${body})()`);
  return { code, chunks: emitter.finishChunks() };
}

/**
 * The text of a function that takes the support functions, the position base `B`, the scope `X` of
 * `scopedImport` and a function `Z` that gives function `i` of chunk `n`, and returns the value. A
 * chunk takes the same and returns its functions; it is compiled when first wanted.
 */
export interface EmittedCode {
  readonly code: string;
  readonly chunks: readonly string[];
}

/** A JavaScript function that is being emitted. */
export interface FunctionContext {
  /** Variables that it declares. */
  readonly variables: string[];
}

export class Emitter {
  readonly options: EmitOptions;
  readonly rootScope: Scope | undefined;
  private nextId = 0;
  private state = newModuleState();
  /** Names of outer variables that the chunk functions being emitted read, outermost first. */
  private readonly captured: Set<string>[] = [];
  private readonly chunks: string[] = [];
  /** The open chunk that small functions share. */
  private chunk: Chunk | undefined = undefined;

  constructor(options: EmitOptions) {
    this.options = options;
    this.rootScope = this.extraScope();
  }

  /** A JavaScript name that is not used yet. */
  fresh(prefix: string): string {
    return prefix + this.nextId++;
  }

  /** `name || (name = code)` for something made once per module, when first wanted. */
  once(prefix: string, code: string): string {
    const name = this.onceName(prefix);
    return `${name}||(${name}=${code})`;
  }

  onceName(prefix: string): string {
    const name = this.fresh(prefix);
    this.state.lazyNames.push(name);
    return name;
  }

  /** A module-level constant, one per text. */
  constant(code: string): string {
    let name = this.state.constants.get(code);
    if (name === undefined) {
      name = this.fresh('c');
      this.state.constants.set(code, name);
    }
    return name;
  }

  fail(kind: 'UndefinedVarError', message: string, at: Offset): never {
    throw new NixError(kind, message, at === none ? 0 : this.options.base + at);
  }

  /** A module of the current state: what it declares at its top, and a statement. */
  module(statement: string): string {
    return moduleText(this.state, statement);
  }

  /**
   * A thunk whose code stands in a chunk: V8 reads that only when it is wanted. Small ones of the
   * same large set share chunks, others have one each.
   */
  chunkThunk(code: (fn: FunctionContext) => string, kind: 'shared' | 'own'): string {
    if (this.options.traced || (kind === 'shared' && this.captured.length > 0)) {
      return this.thunk(code);
    }
    const chunk = kind === 'own' ? this.openChunk() : (this.chunk ??= this.openChunk());
    const outer = this.state;
    const firstOwn = this.nextId;
    const captured = new Set<string>();
    this.state = chunk.state;
    this.captured.push(captured);
    const body = this.functionBody(code);
    this.captured.pop();
    this.state = outer;
    const parameters = [...captured]
      .filter((name) => Number(name.slice(1)) < firstOwn)
      .join(',');
    const call = `Z(${chunk.index},${chunk.functions.length})(${parameters})`;
    chunk.functions.push(`(${parameters})=>${body}`);
    chunk.size += body.length;
    if (kind === 'own') {
      this.closeChunk(chunk);
    } else if (chunk.size > chunkSize) {
      this.closeChunk(chunk);
      this.chunk = undefined;
    }
    return `new T(()=>${call})`;
  }

  private openChunk(): Chunk {
    this.chunks.push('');
    return { index: this.chunks.length - 1, state: newModuleState(), functions: [], size: 0 };
  }

  private closeChunk(chunk: Chunk): void {
    const outer = this.state;
    this.state = chunk.state;
    this.chunks[chunk.index] = this.module(`return [${chunk.functions.join(',')}]`);
    this.state = outer;
  }

  finishChunks(): readonly string[] {
    if (this.chunk !== undefined) this.closeChunk(this.chunk);
    this.chunk = undefined;
    return this.chunks;
  }

  /** Notes that code reads a variable of a function around it. */
  read(code: string): string {
    for (const names of this.captured) names.add(code);
    return code;
  }

  /** Body of an arrow function: an expression, or a block if it declares variables. */
  functionBody(code: (fn: FunctionContext) => string, head = ''): string {
    const fn: FunctionContext = { variables: [] };
    const value = code(fn);
    if (fn.variables.length === 0 && head === '') {
      return value.startsWith('{') ? `(${value})` : value;
    }
    const variables = fn.variables.length === 0 ? '' : `var ${fn.variables.join(',')};`;
    return `{${head}${variables}return ${value}}`;
  }

  /** A position as an argument. */
  at(offset: Offset): string {
    return offset === none ? '0' : `B+${offset}`;
  }

  thunk(code: (fn: FunctionContext) => string): string {
    return `new T(()=>${this.functionBody(code)})`;
  }

  private extraScope(): Scope | undefined {
    const { extraNames } = this.options;
    if (extraNames === undefined) return undefined;
    const names = new Map<string, Variable>();
    for (const name of extraNames) {
      const code = `X.get(${JSON.stringify(name)})`;
      names.set(name, { code, owner: this, ready: true, isValue: false, used: false });
    }
    return { kind: 'names', up: undefined, names };
  }

  /** What a name refers to; globals are declared when first referred to. */
  reference(name: string, at: Offset, scope: Scope | undefined) {
    const found = resolve(scope, name);
    if (found.kind === 'variable') {
      if (found.variable.owner !== this) this.read(found.variable.code);
      return found;
    }
    if (this.options.globals.has(name)) {
      return { kind: 'variable' as const, variable: this.globalVariable(name) };
    }
    if (found.kind === 'with') return found;
    return this.fail('UndefinedVarError', `undefined variable '${name}'`, at);
  }

  /** Whether a name means the base scope's own. */
  isGlobal(name: string, scope: Scope | undefined): boolean {
    return resolve(scope, name).kind !== 'variable' && this.options.globals.has(name);
  }

  private globalVariable(name: string): Variable {
    let variable = this.state.globals.get(name);
    if (variable === undefined) {
      const code = this.fresh('g');
      const { lazyGlobals } = this.options;
      const isValue = lazyGlobals !== undefined && !lazyGlobals.has(name);
      variable = { code, owner: this, ready: true, isValue, used: true };
      this.state.globals.set(name, variable);
    }
    return variable;
  }

  /** Code that gives the forced value. */
  strict(expr: Expr, scope: Scope | undefined, fn: FunctionContext): string {
    switch (expr.kind) {
      case 'int':
        return typeof expr.value === 'bigint' ? `${expr.value}n` : String(expr.value);
      case 'float':
        return this.constant(`D(${floatCode(expr.value)})`);
      case 'string':
        return JSON.stringify(expr.value);
      case 'path':
        return this.constant(`P(${JSON.stringify(expr.path)})`);
      case 'var':
        return this.variable(expr.name, expr.at, scope, fn);
      case 'inheritFrom':
        throw new Error('a source of inherit stands alone');
      case 'select':
        return emitSelect(this, expr, scope, fn);
      case 'hasAttr':
        return emitHasAttr(this, expr, scope, fn);
      case 'attrs':
        return emitAttrs(this, expr, scope, fn);
      case 'list':
        return this.list(expr.elements, scope, fn);
      case 'lambda':
        return emitLambda(this, expr, scope);
      case 'call':
        return emitCall(this, expr, scope, fn);
      case 'let':
        return emitLet(this, expr, scope, fn);
      case 'with': {
        const name = this.fresh('w');
        fn.variables.push(name);
        const inner: Scope = { kind: 'with', up: scope, code: name, at: expr.at };
        return `(${name}=${this.lazy(expr.scope, scope, fn)},${this.strict(expr.body, inner, fn)})`;
      }
      case 'if': {
        const text = 'while evaluating a branch condition';
        const condition = this.condition(expr.condition, scope, fn, text);
        const then = this.strict(expr.then, scope, fn);
        return `(${condition}?${then}:${this.strict(expr.otherwise, scope, fn)})`;
      }
      case 'assert':
        return this.assertion(expr, scope, fn);
      case 'not':
      case 'binary':
        return this.operator(expr, scope, fn);
      case 'concat':
        return emitConcat(this, expr, scope, fn);
      case 'currentPosition':
        return `pos(${this.at(expr.at)})`;
    }
  }

  /** Code that gives a slot. */
  lazy(expr: Expr, scope: Scope | undefined, fn: FunctionContext): string {
    if (this.isDirect(expr, scope, fn)) {
      return expr.kind === 'var'
        ? this.directVariable(expr.name, expr.at, scope)
        : this.strict(expr, scope, fn);
    }
    return (
      this.suspended(expr, scope, fn) ??
      this.thunk((inner) => this.strict(expr, scope, inner))
    );
  }

  /** Selections from variables and variables of `with` need no code of their own. */
  private suspended(
    expr: Expr,
    scope: Scope | undefined,
    fn: FunctionContext,
  ): string | undefined {
    if (this.options.traced) return undefined;
    if (expr.kind === 'var') {
      const found = resolve(scope, expr.name);
      if (found.kind !== 'with' || this.options.globals.has(expr.name)) return undefined;
      return `V(${this.lookupArguments(expr.name, expr.at, found.scopes)})`;
    }
    if (expr.kind !== 'select' || expr.fallback !== undefined) return undefined;
    const { subject, path } = expr;
    if (subject.kind !== 'var' || !this.isDirect(subject, scope, fn)) return undefined;
    if (!path.every((part) => typeof part === 'string')) return undefined;
    const code = this.directVariable(subject.name, subject.at, scope);
    const at = this.at(expr.at);
    if (path.length === 1) return `J(${code},${JSON.stringify(path[0])},${at})`;
    return `JN(${code},${this.once('k', JSON.stringify(path))},${at})`;
  }

  private lookupArguments(
    name: string,
    at: Offset,
    scopes: readonly { readonly code: string; readonly at: Offset }[],
  ): string {
    const codes = scopes.map((s) => this.read(s.code)).join(',');
    const places = scopes.map((s) => this.at(s.at)).join(',');
    return `${JSON.stringify(name)},${this.at(at)},[${codes}],[${places}]`;
  }

  private directVariable(name: string, at: Offset, scope: Scope | undefined): string {
    const found = this.reference(name, at, scope);
    if (found.kind !== 'variable') throw new Error('not a variable');
    return found.variable.code;
  }

  /** Whether evaluating costs nothing, cannot fail, and reads nothing that is not there yet. */
  isDirect(expr: Expr, scope: Scope | undefined, fn: FunctionContext): boolean {
    switch (expr.kind) {
      case 'int':
      case 'float':
      case 'string':
      case 'path':
      case 'lambda':
        return true;
      case 'list':
        return (
          expr.elements.length <= 6 &&
          expr.elements.every((e) => e.kind !== 'lambda' && this.isDirect(e, scope, fn))
        );
      case 'attrs':
        return expr.attrs.size === 0 && expr.dynamic.length === 0;
      case 'var': {
        const found = resolve(scope, expr.name);
        if (found.kind === 'variable') {
          return found.variable.ready || found.variable.owner !== fn;
        }
        return this.options.globals.has(expr.name);
      }
      default:
        return false;
    }
  }

  private variable(
    name: string,
    at: Offset,
    scope: Scope | undefined,
    _fn: FunctionContext,
  ): string {
    const found = this.reference(name, at, scope);
    if (found.kind === 'variable') {
      const { variable } = found;
      return variable.isValue ? variable.code : `F(${variable.code},${this.at(at)})`;
    }
    return `W(${this.lookupArguments(name, at, found.scopes)})`;
  }

  private list(
    elements: readonly Expr[],
    scope: Scope | undefined,
    fn: FunctionContext,
  ): string {
    return `[${elements.map((element) => this.lazy(element, scope, fn)).join(',')}]`;
  }

  /** Code that gives a JavaScript Boolean, checked; `text` is the frame if it is none. */
  condition(expr: Expr, scope: Scope | undefined, fn: FunctionContext, text: string): string {
    const at = this.at(offsetOf(expr));
    if (this.options.traced) {
      const inner = this.arrow((f) => this.strict(expr, scope, f));
      return `b(tr(${inner},${at},${JSON.stringify(text)}),${at},${JSON.stringify(text)})`;
    }
    const code = this.strict(expr, scope, fn);
    return this.isBoolean(expr, scope) ? code : `b(${code},${at},${JSON.stringify(text)})`;
  }

  arrow(code: (fn: FunctionContext) => string): string {
    return `()=>${this.functionBody(code)}`;
  }

  /** The value of an operand; with `traced`, a frame is added when it fails. */
  operand(expr: Expr, scope: Scope | undefined, fn: FunctionContext, text: string): string {
    if (!this.options.traced) return this.strict(expr, scope, fn);
    const at = this.at(offsetOf(expr));
    return `tr(${this.arrow((f) => this.strict(expr, scope, f))},${at},${JSON.stringify(text)})`;
  }

  private isBoolean(expr: Expr, scope: Scope | undefined): boolean {
    switch (expr.kind) {
      case 'not':
      case 'hasAttr':
        return true;
      case 'binary':
        return expr.operator !== '//' && expr.operator !== '++';
      case 'call':
        return (
          expr.callee.kind === 'var' &&
          expr.callee.name === '__lessThan' &&
          expr.args.length === 2 &&
          this.isGlobal('__lessThan', scope)
        );
      default:
        return false;
    }
  }

  private assertion(
    expr: Expr & { kind: 'assert' },
    scope: Scope | undefined,
    fn: FunctionContext,
  ): string {
    const text = 'in the condition of the assert statement';
    const condition = this.condition(expr.condition, scope, fn, text);
    const quoted = JSON.stringify(showExpr(expr.condition));
    let operands = '';
    if (expr.condition.kind === 'binary' && expr.condition.operator === '==') {
      const { left, right } = expr.condition;
      operands =
        `,${this.at(expr.condition.at)},${this.arrow((f) => this.strict(left, scope, f))}` +
        `,${this.arrow((f) => this.strict(right, scope, f))}`;
    }
    const failure = `fail(${quoted},${this.at(expr.at)}${operands})`;
    return `(${condition}?${this.strict(expr.body, scope, fn)}:${failure})`;
  }

  private operator(
    expr: Expr & { kind: 'not' | 'binary' },
    scope: Scope | undefined,
    fn: FunctionContext,
  ): string {
    if (expr.kind === 'not') {
      return `!${this.condition(expr.operand, scope, fn, "in the argument of '!'")}`;
    }
    const { operator, left, right } = expr;
    const leftText = `in the left operand of '${operator}'`;
    const rightText = `in the right operand of '${operator}'`;
    switch (operator) {
      case '==':
      case '!=': {
        const a = this.operand(left, scope, fn, leftText);
        const b = this.operand(right, scope, fn, rightText);
        return `${operator === '==' ? '' : '!'}eq(${a},${b},${this.at(expr.at)})`;
      }
      case '&&':
      case '||':
      case '->': {
        const a = this.condition(left, scope, fn, leftText);
        const b = this.condition(right, scope, fn, rightText);
        return operator === '->' ? `(!${a}||${b})` : `(${a}${operator}${b})`;
      }
      case '//': {
        const b = this.operand(right, scope, fn, rightText);
        const a = this.operand(left, scope, fn, leftText);
        return `up(${b},${a},${this.at(offsetOf(left))},${this.at(offsetOf(right))})`;
      }
      case '++': {
        const a = this.operand(left, scope, fn, leftText);
        const b = this.operand(right, scope, fn, rightText);
        return `cat(${a},${b},${this.at(expr.at)})`;
      }
    }
  }
}

function floatCode(value: number): string {
  return Number.isFinite(value) ? String(value) : '1/0';
}
