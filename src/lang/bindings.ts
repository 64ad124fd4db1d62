/**
 * Bindings of sets and `let`, attribute paths, and set patterns.
 *
 * `a.b.c = …` makes the nested sets at once, and two sets given for the same name are merged, with
 * C++ Nix's rules and quirks: a `rec` on the second one is lost, inherited sources are renumbered.
 */

import { showPosition } from '#diagnostics';
import { uniqueName } from './names.ts';
import type { Parser } from './parser.ts';
import { bracedExpression, quotedString } from './text-literals.ts';
import { Token, type TokenKind } from './tokens.ts';
import {
  type AttrName,
  type AttrsExpr,
  type Binding,
  type Expr,
  fitted,
  type FormalParameter,
  nameLambda,
  newSet,
  none,
  type Offset,
  variable,
} from './tree.ts';
import { showAttrPath } from './show.ts';

export type BindingsContext = 'set' | 'rec' | 'let' | 'repl';

/**
 * Bindings up to the closing token, which is checked but not consumed. `first` is the first name
 * of the first path if it was read already.
 */
export function parseBindings(
  parser: Parser,
  context: BindingsContext,
  at: Offset,
  first?: { readonly name: string; readonly at: Offset },
): AttrsExpr {
  const set = newSet(at);
  const { lexer } = parser;
  const close = closingToken(context);
  if (first !== undefined) {
    const path = parseAttrPath(parser, first.name);
    bindingValue(parser, set, path, first.at, first.name);
  }
  for (;;) {
    switch (lexer.kind) {
      case close:
        return set;
      case Token.inherit:
        parseInherit(parser, set);
        break;
      case Token.identifier:
      case Token.orKeyword:
      case Token.quote:
      case Token.dollarBrace: {
        const start = lexer.start;
        bindingValue(parser, set, parseAttrPath(parser), start, undefined);
        break;
      }
      default:
        return unexpectedInBindings(parser, context);
    }
  }
}

function closingToken(context: BindingsContext): TokenKind {
  if (context === 'let') return Token.in;
  return context === 'repl' ? Token.end : Token.braceClose;
}

function unexpectedInBindings(parser: Parser, context: BindingsContext): never {
  if (context === 'let') return parser.unexpected(Token.in, Token.inherit);
  if (context === 'rec') return parser.unexpected(Token.inherit, Token.braceClose);
  return parser.unexpected(Token.inherit);
}

function bindingValue(
  parser: Parser,
  set: AttrsExpr,
  path: AttrName[],
  at: Offset,
  _first: string | undefined,
): void {
  const { lexer } = parser;
  if (lexer.kind !== Token.assign) parser.unexpected(Token.dot, Token.assign);
  lexer.advance();
  const value = parser.expression();
  if (lexer.kind !== (Token.semicolon as TokenKind)) parser.unexpected(Token.semicolon);
  // Added only now, as the grammar does: a fault in what follows comes first.
  addBinding(parser, set, path, { kind: 'plain', value, at, slot: 0 });
  lexer.advance();
}

/** `a.b.c`, each part a name, a string or `${…}`. `first` was read already. */
export function parseAttrPath(parser: Parser, first?: string): AttrName[] {
  const { lexer } = parser;
  const path: AttrName[] = [first ?? attrName(parser)];
  while (lexer.kind === Token.dot) {
    lexer.advance();
    path.push(attrName(parser));
  }
  return path.length === 1 ? path : fitted(path);
}

function attrName(parser: Parser): AttrName {
  const { lexer } = parser;
  switch (lexer.kind) {
    case Token.identifier:
    case Token.orKeyword: {
      const name = lexer.name;
      lexer.advance();
      return name;
    }
    case Token.quote:
      return literalName(quotedString(parser));
    case Token.dollarBrace:
      return literalName(bracedExpression(parser));
    default:
      return parser.unexpected(
        Token.identifier,
        Token.orKeyword,
        Token.dollarBrace,
        Token.quote,
      );
  }
}

/** An array of a set that is being parsed, with one element more; an empty one is shared. */
function withElement<T>(array: readonly T[], element: T): readonly T[] {
  if (array.length === 0) return [element];
  (array as T[]).push(element);
  return array;
}

function literalName(expr: Expr): AttrName {
  return expr.kind === 'string' ? uniqueName(expr.value) : expr;
}

function parseInherit(parser: Parser, set: AttrsExpr): void {
  const { lexer } = parser;
  lexer.advance();
  let source: { index: number; at: Offset } | undefined;
  let sourceExpr: Expr | undefined;
  if (lexer.kind === Token.parenOpen) {
    lexer.advance();
    const at = lexer.start;
    sourceExpr = parser.expression();
    parser.expect(Token.parenClose);
    source = { index: set.sources.length, at };
  }
  const names: { name: string; at: Offset }[] = [];
  while (lexer.kind !== (Token.semicolon as TokenKind)) {
    const at = lexer.start;
    switch (lexer.kind as TokenKind) {
      case Token.identifier:
      case Token.orKeyword:
      case Token.quote:
      case Token.dollarBrace: {
        const name = attrName(parser);
        if (typeof name !== 'string') {
          parser.fail('dynamic attributes not allowed in inherit', at);
        }
        names.push({ name, at });
        break;
      }
      default:
        parser.unexpected();
    }
  }
  lexer.advance();
  if (sourceExpr !== undefined) set.sources = withElement(set.sources, sourceExpr);
  for (const { name, at } of names) {
    const previous = set.attrs.get(name);
    if (previous !== undefined) duplicate(parser, [name], at, previous.at);
    set.attrs.set(name, inheritedBinding(name, at, source));
  }
}

function inheritedBinding(
  name: string,
  at: Offset,
  source: { index: number; at: Offset } | undefined,
): Binding {
  if (source === undefined) {
    return { kind: 'inherited', value: variable(at, name), at, slot: 0 };
  }
  return {
    kind: 'inheritedFrom',
    value: {
      kind: 'select',
      at,
      subject: { kind: 'inheritFrom', at: source.at, index: source.index },
      path: [name],
      fallback: undefined,
    },
    at,
    slot: 0,
  };
}

function duplicate(
  parser: Parser,
  path: readonly AttrName[],
  at: Offset,
  previous: Offset,
): never {
  const place = showPosition(parser.options.base + previous);
  return parser.fail(`attribute '${showAttrPath(path)}' already defined at ${place}`, at);
}

function addBinding(
  parser: Parser,
  root: AttrsExpr,
  path: readonly AttrName[],
  binding: Binding,
): void {
  const { value, at } = binding;
  let set = root;
  const last = path.length - 1;
  for (let i = 0; i < last; i++) {
    const name = path[i]!;
    let nested: AttrsExpr;
    if (typeof name === 'string') {
      const previous = set.attrs.get(name);
      if (previous === undefined) {
        nested = newSet(none);
        set.attrs.set(name, { kind: 'plain', value: nested, at, slot: 0 });
      } else if (previous.value.kind === 'attrs') {
        nested = previous.value;
      } else {
        duplicate(parser, path.slice(0, i + 1), at, previous.at);
      }
    } else {
      nested = newSet(none);
      set.dynamic = withElement(set.dynamic, { name, value: nested, at });
    }
    set = nested;
  }
  const name = path[last]!;
  if (typeof name === 'string') {
    insert(parser, set, path, name, binding);
  } else {
    set.dynamic = withElement(set.dynamic, { name, value, at });
  }
}

/** Adds one definition, merging two sets. `path` ends with `name` and is for messages. */
function insert(
  parser: Parser,
  set: AttrsExpr,
  path: readonly AttrName[],
  name: string,
  binding: Binding,
): void {
  const previous = set.attrs.get(name);
  if (previous === undefined) {
    set.attrs.set(name, binding);
    nameLambda(binding.value, name);
    return;
  }
  const target = previous.value;
  const added = binding.value;
  if (target.kind !== 'attrs' || added.kind !== 'attrs') {
    duplicate(parser, path, binding.at, previous.at);
  }
  const shift = target.sources.length;
  for (const [innerName, inner] of added.attrs) {
    if (inner.kind === 'inheritedFrom' && shift > 0) {
      const select = inner.value;
      if (select.kind === 'select' && select.subject.kind === 'inheritFrom') {
        select.subject.index += shift;
      }
    }
    insert(parser, target, [...path, innerName], innerName, inner);
  }
  if (added.dynamic.length > 0) target.dynamic = [...target.dynamic, ...added.dynamic];
  if (added.sources.length > 0) target.sources = [...target.sources, ...added.sources];
}

/** A set pattern after its `{`, closing brace included. `first` was read already. */
export function parseFormals(
  parser: Parser,
  first: { readonly name: string; readonly at: Offset } | undefined,
): { list: FormalParameter[]; ellipsis: boolean } {
  const { lexer } = parser;
  const list: FormalParameter[] = [];
  let pending = first;
  for (;;) {
    if (pending === undefined) {
      switch (lexer.kind) {
        case Token.braceClose:
          lexer.advance();
          return { list, ellipsis: false };
        case Token.ellipsis:
          lexer.advance();
          parser.expect(Token.braceClose);
          return { list, ellipsis: true };
        case Token.identifier:
          pending = { name: lexer.name, at: lexer.start };
          lexer.advance();
          break;
        default:
          parser.unexpected(Token.identifier, Token.ellipsis, Token.braceClose);
      }
    }
    const { name, at } = pending;
    pending = undefined;
    let fallback: Expr | undefined;
    if ((lexer.kind as TokenKind) === Token.question) {
      lexer.advance();
      fallback = parser.expression();
    }
    list.push({ name, at, fallback, slot: 0 });
    if ((lexer.kind as TokenKind) === Token.comma) {
      lexer.advance();
    } else if ((lexer.kind as TokenKind) !== Token.braceClose) {
      parser.unexpected(Token.braceClose, Token.comma);
    }
  }
}
