/**
 * The syntax tree, one node kind per construct of the language, as C++ Nix's parser makes it:
 * comparison and arithmetic are calls of `__lessThan`, `__sub` …, `<x>` is a call of `__findFile`,
 * attribute paths are nested sets already.
 *
 * Offsets are bytes from the start of the source; `none` (-1) marks a node that has no place of its
 * own. Invariant: `Bindings.attrs` and the formals are complete and free of duplicates.
 */

/** An offset into the source, or `none`. */
export type Offset = number;
export const none: Offset = -1;

/** A name, or an expression that gives it. */
export type AttrName = string | Expr;

export type Expr =
  | IntExpr
  | FloatExpr
  | StringExpr
  | PathExpr
  | VarExpr
  | InheritFromExpr
  | SelectExpr
  | HasAttrExpr
  | AttrsExpr
  | ListExpr
  | LambdaExpr
  | CallExpr
  | LetExpr
  | WithExpr
  | IfExpr
  | AssertExpr
  | NotExpr
  | BinaryExpr
  | ConcatExpr
  | CurrentPositionExpr;

export interface IntExpr {
  readonly kind: 'int';
  readonly value: number | bigint;
}
export interface FloatExpr {
  readonly kind: 'float';
  readonly value: number;
}
export interface StringExpr {
  readonly kind: 'string';
  readonly value: string;
}
/** An absolute path; a trailing slash stays when an interpolation follows. */
export interface PathExpr {
  readonly kind: 'path';
  readonly path: string;
}
export interface VarExpr {
  readonly kind: 'var';
  readonly at: Offset;
  readonly name: string;
  /** Filled by `resolve`: how many frames out, or one of `Level`. */
  level: number;
  /** Filled by `resolve`: place in that frame, or number of the list of `with`s. */
  slot: number;
}
/** The `index`th source of `inherit (source) …` of the bindings around it. */
export interface InheritFromExpr {
  readonly kind: 'inheritFrom';
  readonly at: Offset;
  index: number;
}
export interface SelectExpr {
  readonly kind: 'select';
  readonly at: Offset;
  readonly subject: Expr;
  readonly path: readonly AttrName[];
  readonly fallback: Expr | undefined;
}
export interface HasAttrExpr {
  readonly kind: 'hasAttr';
  readonly subject: Expr;
  readonly path: readonly AttrName[];
}
export type BindingKind = 'plain' | 'inherited' | 'inheritedFrom';
export interface Binding {
  readonly kind: BindingKind;
  readonly value: Expr;
  readonly at: Offset;
  /** Filled by `resolve`: place in the frame of its group; 0 if no variable means it. */
  slot: number;
}
export interface DynamicBinding {
  readonly name: Expr;
  readonly value: Expr;
  readonly at: Offset;
}
export interface AttrsExpr {
  readonly kind: 'attrs';
  at: Offset;
  recursive: boolean;
  readonly attrs: Map<string, Binding>;
  dynamic: readonly DynamicBinding[];
  sources: readonly Expr[];
  /** Filled by `resolve` where the names are variables: the size of their frame. */
  frameSize: number;
}
export interface ListExpr {
  readonly kind: 'list';
  readonly elements: readonly Expr[];
}
export interface FormalParameter {
  readonly name: string;
  readonly at: Offset;
  readonly fallback: Expr | undefined;
  /** Filled by `resolve`: place in the frame; 0 if no variable means it. */
  slot: number;
}
export interface LambdaExpr {
  readonly kind: 'lambda';
  readonly at: Offset;
  readonly argument: string | undefined;
  /** In the order of the text. */
  readonly formals: readonly FormalParameter[] | undefined;
  readonly ellipsis: boolean;
  readonly body: Expr;
  /** What it was bound to. */
  name: string | undefined;
  /** Filled by `resolve`: size of the frame of its body, and place of the name after `@`. */
  frameSize: number;
  argumentSlot: number;
}
export interface CallExpr {
  readonly kind: 'call';
  readonly at: Offset;
  readonly callee: Expr;
  args: Expr[];
}
export interface LetExpr {
  readonly kind: 'let';
  readonly bindings: AttrsExpr;
  readonly body: Expr;
}
export interface WithExpr {
  readonly kind: 'with';
  readonly at: Offset;
  readonly scope: Expr;
  readonly body: Expr;
}
export interface IfExpr {
  readonly kind: 'if';
  readonly at: Offset;
  readonly condition: Expr;
  readonly then: Expr;
  readonly otherwise: Expr;
}
export interface AssertExpr {
  readonly kind: 'assert';
  readonly at: Offset;
  readonly condition: Expr;
  readonly body: Expr;
}
export interface NotExpr {
  readonly kind: 'not';
  readonly operand: Expr;
}
export type BinaryOperator = '==' | '!=' | '&&' | '||' | '->' | '//' | '++';
export interface BinaryExpr {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly at: Offset;
  readonly left: Expr;
  readonly right: Expr;
}
export interface ConcatPart {
  readonly at: Offset;
  readonly value: Expr;
}
/** String interpolation (`interpolation`), path interpolation, or `+`. */
export interface ConcatExpr {
  readonly kind: 'concat';
  readonly at: Offset;
  readonly interpolation: boolean;
  readonly parts: readonly ConcatPart[];
}
export interface CurrentPositionExpr {
  readonly kind: 'currentPosition';
  readonly at: Offset;
}

/** A variable; where it lives is found by `resolve`. */
export function variable(at: Offset, name: string): VarExpr {
  return { kind: 'var', at, name, level: 0, slot: 0 };
}

/**
 * A copy of an array that takes no more room than its elements: one that grew by `push` has room
 * for 17 at least, and trees are full of small ones.
 */
export function fitted<T>(array: T[]): T[] {
  return array.slice();
}

/** Shared by the many sets that have no dynamic attributes, or inherit from no other set. */
const nothing: readonly never[] = Object.freeze([]);

/** A set without attributes. */
export function newSet(at: Offset): AttrsExpr {
  return {
    kind: 'attrs',
    at,
    recursive: false,
    attrs: new Map(),
    dynamic: nothing,
    sources: nothing,
    frameSize: 0,
  };
}

/** The place of a node as errors name it; many literals have none. */
export function offsetOf(expr: Expr): Offset {
  switch (expr.kind) {
    case 'int':
    case 'float':
    case 'string':
    case 'path':
    case 'let':
      return none;
    case 'hasAttr':
      return offsetOf(expr.subject);
    case 'not':
      return offsetOf(expr.operand);
    case 'list':
      return expr.elements.length === 0 ? none : offsetOf(expr.elements[0]!);
    default:
      return expr.at;
  }
}

/** Gives a lambda (and the lambdas that it directly returns) the name it was bound to. */
export function nameLambda(expr: Expr, name: string): void {
  let current = expr;
  while (current.kind === 'lambda') {
    current.name = name;
    current = current.body;
  }
}
