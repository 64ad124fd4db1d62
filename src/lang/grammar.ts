/**
 * Tables of the grammar: how strongly operators bind and what an operand begins with; and the nodes
 * that operators make.
 */

import { Token, type TokenKind } from './tokens.ts';
import {
  type BinaryOperator,
  type CallExpr,
  type Expr,
  none,
  type Offset,
  variable,
} from './tree.ts';

/** Binding strength, weakest first. Even ones associate to the left. */
export const Strength = {
  implies: 1,
  or: 2,
  and: 3,
  equality: 4,
  comparison: 5,
  update: 6,
  not: 7,
  sum: 8,
  product: 9,
  concat: 10,
  hasAttr: 11,
  negate: 12,
} as const;

/** Strength of a token as a binary operator; 0 for others. */
export const binaryStrength = new Uint8Array(64);
binaryStrength[Token.implies] = Strength.implies;
binaryStrength[Token.or] = Strength.or;
binaryStrength[Token.and] = Strength.and;
binaryStrength[Token.equal] = Strength.equality;
binaryStrength[Token.notEqual] = Strength.equality;
for (const kind of [Token.less, Token.greater, Token.lessEqual, Token.greaterEqual]) {
  binaryStrength[kind] = Strength.comparison;
}
binaryStrength[Token.update] = Strength.update;
binaryStrength[Token.plus] = Strength.sum;
binaryStrength[Token.minus] = Strength.sum;
binaryStrength[Token.times] = Strength.product;
binaryStrength[Token.divide] = Strength.product;
binaryStrength[Token.concat] = Strength.concat;
binaryStrength[Token.question] = Strength.hasAttr;

/** 1 for tokens that an operand without operators can begin with. */
export const startsSimple = new Uint8Array(64);
for (const kind of [
  Token.identifier,
  Token.int,
  Token.float,
  Token.quote,
  Token.indentedOpen,
  Token.path,
  Token.homePath,
  Token.searchPath,
  Token.uri,
  Token.parenOpen,
  Token.let,
  Token.rec,
  Token.braceOpen,
  Token.bracketOpen,
]) {
  startsSimple[kind] = 1;
}

/** Whether two operators of the strength in a row are a fault. */
export function isNonAssociative(strength: number): boolean {
  const { equality, comparison, hasAttr } = Strength;
  return strength === equality || strength === comparison || strength === hasAttr;
}

/** The operator that a token stands for. */
export function binaryOperator(kind: TokenKind): BinaryOperator {
  switch (kind) {
    case Token.equal:
      return '==';
    case Token.notEqual:
      return '!=';
    case Token.and:
      return '&&';
    case Token.or:
      return '||';
    case Token.implies:
      return '->';
    case Token.update:
      return '//';
    default:
      return '++';
  }
}

/** An operator that is a call of a builtin. */
export function primitive(at: Offset, name: string, args: Expr[]): CallExpr {
  return { kind: 'call', at, callee: variable(none, name), args };
}

/** A further argument of a call joins the call. */
export function makeCall(at: Offset, callee: Expr, arg: Expr): Expr {
  if (callee.kind === 'call') {
    callee.args = [...callee.args, arg];
    return callee;
  }
  return { kind: 'call', at, callee, args: [arg] };
}
