/**
 * Static scopes: finds where each variable of a tree lives, and writes it into the tree.
 *
 * At run time the variables of a function, a `let` or a `rec` stand in a frame: an array whose first
 * element is the frame around it. A variable is then a number of frames to go out and a place. Only
 * what some variable means gets a place. A `with` is a frame too; it is asked only when no scope
 * around the variable, however far out, has the name, and neither has the base scope.
 */

import { NixError, type Position } from '#diagnostics';
import {
  type AttrName,
  type AttrsExpr,
  type Expr,
  type LambdaExpr,
  none,
  type Offset,
  type VarExpr,
} from './tree.ts';

/** Values of `VarExpr.level` that are no number of frames. */
export const Level = { global: -1, with: -2 } as const;

export interface ResolveOptions {
  /** Position number of the first byte, for errors found here. */
  readonly base: Position;
  /** Names of the base scope. */
  readonly globals: ReadonlySet<string>;
  /** Names of the scope that `scopedImport` adds, in the order of its frame. */
  readonly extraNames?: readonly string[];
  /** Whether every function takes one parameter: frames for `--show-trace` need that. */
  readonly curried: boolean;
  /** Whether every name gets a place, and `Resolution.scopes` is wanted. */
  readonly keepsScopes?: boolean;
}

/** A scope as a debugger sees it. */
export interface ScopeView {
  readonly up: ScopeView | undefined;
  /** They stand first in the frame. */
  readonly parameters: readonly string[];
  /** Other names with their places. */
  readonly names: ReadonlyMap<string, { readonly slot: number }> | undefined;
  /** Of a `with`, whose set is at place 1. */
  readonly withAt: Offset | undefined;
}

/** A `with` as a variable sees it. */
export interface WithPlace {
  /** Frames to go out; the set is at place 1. */
  readonly level: number;
  readonly at: Offset;
}

/** What a tree needs besides itself. */
export interface Resolution {
  /** Lists of the `with`s around a variable, innermost first, by number. */
  readonly withs: readonly (readonly WithPlace[])[];
  /** Of calls and selections the scope that they stand in, of functions and `let`s their own. */
  readonly scopes: ReadonlyMap<Expr, ScopeView> | undefined;
}

/** Most parameters that one frame takes. */
const arityLimit = 8;

/**
 * The functions in a row that take their parameters at once, into one frame. A set pattern may be
 * the last of them only.
 */
export function parameterRow(expr: LambdaExpr, curried: boolean): LambdaExpr[] {
  const row = [expr];
  if (curried) return row;
  let last = expr;
  while (
    last.formals === undefined && last.body.kind === 'lambda' && row.length < arityLimit
  ) {
    last = last.body;
    row.push(last);
  }
  return row;
}

/** Resolves a tree. Throws `NixError` for the first undefined variable. */
export function resolve(tree: Expr, options: ResolveOptions): Resolution {
  const resolver = new Resolver(options);
  resolver.visit(tree, resolver.root);
  return { withs: resolver.withs, scopes: resolver.scopes };
}

/** Something that may be given a place in a frame. */
interface Placed {
  slot: number;
}

class Scope {
  readonly up: Scope | undefined;
  /** Plain parameters: they stand first in the frame. */
  readonly parameters: readonly string[];
  readonly names: ReadonlyMap<string, Placed> | undefined;
  readonly withAt: Offset | undefined;
  /** Size of the frame so far. */
  size: number;
  /** Number of the list of `with`s that a variable here sees. */
  withs = -1;

  constructor(
    up: Scope | undefined,
    parameters: readonly string[],
    names: ReadonlyMap<string, Placed> | undefined,
    withAt?: Offset,
  ) {
    this.up = up;
    this.parameters = parameters;
    this.names = names;
    this.withAt = withAt;
    this.size = 1 + parameters.length;
  }
}

class Resolver {
  readonly withs: WithPlace[][] = [];
  readonly scopes: Map<Expr, ScopeView> | undefined;
  readonly root: Scope;
  private readonly options: ResolveOptions;

  constructor(options: ResolveOptions) {
    this.options = options;
    this.scopes = options.keepsScopes === true ? new Map() : undefined;
    this.root = new Scope(undefined, options.extraNames ?? [], undefined);
  }

  visit(expr: Expr, scope: Scope): void {
    switch (expr.kind) {
      case 'var':
        return this.variable(expr, scope);
      case 'select':
        this.scopes?.set(expr, scope);
        this.visit(expr.subject, scope);
        this.visitNames(expr.path, scope);
        if (expr.fallback !== undefined) this.visit(expr.fallback, scope);
        return;
      case 'hasAttr':
        this.visit(expr.subject, scope);
        return this.visitNames(expr.path, scope);
      case 'attrs':
        if (expr.recursive) this.group(expr, scope);
        else this.bindings(expr, scope, scope);
        return;
      case 'list':
        for (const element of expr.elements) this.visit(element, scope);
        return;
      case 'lambda':
        return this.lambda(expr, scope);
      case 'call':
        this.scopes?.set(expr, scope);
        this.visit(expr.callee, scope);
        for (const arg of expr.args) this.visit(arg, scope);
        return;
      case 'let': {
        const inner = this.open(expr, new Scope(scope, [], expr.bindings.attrs));
        this.bindings(expr.bindings, inner, scope);
        this.visit(expr.body, inner);
        expr.bindings.frameSize = inner.size;
        return;
      }
      case 'with':
        this.visit(expr.scope, scope);
        return this.visit(expr.body, new Scope(scope, [], undefined, expr.at));
      case 'if':
        this.visit(expr.condition, scope);
        this.visit(expr.then, scope);
        return this.visit(expr.otherwise, scope);
      case 'assert':
        this.visit(expr.condition, scope);
        return this.visit(expr.body, scope);
      case 'not':
        return this.visit(expr.operand, scope);
      case 'binary':
        this.visit(expr.left, scope);
        return this.visit(expr.right, scope);
      case 'concat':
        for (const part of expr.parts) this.visit(part.value, scope);
        return;
      case 'int':
      case 'float':
      case 'string':
      case 'path':
      case 'inheritFrom':
      case 'currentPosition':
        return;
    }
  }

  private visitNames(path: readonly AttrName[], scope: Scope): void {
    for (const name of path) if (typeof name !== 'string') this.visit(name, scope);
  }

  private group(set: AttrsExpr, scope: Scope): void {
    const inner = this.open(set, new Scope(scope, [], set.attrs));
    this.bindings(set, inner, scope);
    set.frameSize = inner.size;
  }

  /** The parts of a set or `let`; what it inherits plainly is meant outside of it. */
  private bindings(set: AttrsExpr, inner: Scope, outer: Scope): void {
    for (const source of set.sources) this.visit(source, inner);
    for (const binding of set.attrs.values()) {
      if (binding.kind === 'plain') this.visit(binding.value, inner);
      else if (binding.kind === 'inherited') this.visit(binding.value, outer);
    }
    for (const { name } of set.dynamic) this.visit(name, inner);
    for (const { value } of set.dynamic) this.visit(value, inner);
  }

  private lambda(expr: LambdaExpr, scope: Scope): void {
    const row = parameterRow(expr, this.options.curried);
    const last = row[row.length - 1]!;
    const { formals, argument } = last;
    if (formals === undefined) {
      const inner = this.open(expr, new Scope(scope, row.map((one) => one.argument!), undefined));
      this.visit(last.body, inner);
      last.frameSize = inner.size;
      return;
    }
    const plain = row.slice(0, -1).map((one) => one.argument!);
    const names = new Map<string, Placed>();
    const whole: Placed = { slot: 0 };
    if (argument !== undefined) names.set(argument, whole);
    for (const formal of formals) names.set(formal.name, formal);
    const inner = this.open(expr, new Scope(scope, plain, names));
    for (const { fallback } of formals) {
      if (fallback !== undefined) this.visit(fallback, inner);
    }
    this.visit(last.body, inner);
    last.argumentSlot = whole.slot;
    last.frameSize = inner.size;
  }

  /** Begins the scope that an expression brings; all its names are kept if somebody may look. */
  private open(expr: Expr, scope: Scope): Scope {
    if (this.scopes === undefined) return scope;
    this.scopes.set(expr, scope);
    for (const placed of scope.names?.values() ?? []) placed.slot = scope.size++;
    return scope;
  }

  private variable(expr: VarExpr, scope: Scope): void {
    const { name } = expr;
    let level = 0;
    let hasWith = false;
    for (let at: Scope | undefined = scope; at !== undefined; at = at.up, level++) {
      const placed = at.names?.get(name);
      if (placed !== undefined) {
        if (placed.slot === 0) placed.slot = at.size++;
        expr.level = level;
        expr.slot = placed.slot;
        return;
      }
      const index = at.parameters.lastIndexOf(name);
      if (index >= 0) {
        expr.level = level;
        expr.slot = 1 + index;
        return;
      }
      if (at.withAt !== undefined) hasWith = true;
    }
    if (this.options.globals.has(name)) {
      expr.level = Level.global;
    } else if (hasWith) {
      expr.level = Level.with;
      expr.slot = this.withsOf(scope);
    } else {
      const position = expr.at === none ? 0 : this.options.base + expr.at;
      throw new NixError('UndefinedVarError', `undefined variable '${name}'`, position);
    }
  }

  private withsOf(scope: Scope): number {
    if (scope.withs >= 0) return scope.withs;
    const list: WithPlace[] = [];
    let level = 0;
    for (let at: Scope | undefined = scope; at !== undefined; at = at.up, level++) {
      if (at.withAt !== undefined) list.push({ level, at: at.withAt });
    }
    scope.withs = this.withs.push(list) - 1;
    return scope.withs;
  }
}
