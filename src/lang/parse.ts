/**
 * Parsing a text: the tree, or what is wrong with it. Faulty input never throws.
 */

import { NixError, noPosition } from '#diagnostics';
import { parseBindings } from './bindings.ts';
import { Parser, type ParseOptions } from './parser.ts';
import { Token } from './tokens.ts';
import type { AttrsExpr, Expr } from './tree.ts';

export interface ParseResult {
  readonly tree: Expr | undefined;
  readonly diagnostics: readonly NixError[];
  /** What the text does that it had better not. */
  readonly warnings: readonly NixError[];
}

/** Parses a whole expression. */
export function parse(text: string, options: ParseOptions): ParseResult {
  const parser = new Parser(text, options);
  try {
    parser.lexer.advance();
    const tree = parser.expression();
    if (parser.lexer.kind !== Token.end) parser.unexpected(Token.end);
    return { tree, diagnostics: [], warnings: parser.remarks.warnings };
  } catch (error) {
    if (error instanceof NixError) {
      return { tree: undefined, diagnostics: [error], warnings: parser.remarks.warnings };
    }
    if (error instanceof RangeError) {
      const deep = new NixError('ParseError', 'memory exhausted', noPosition);
      return { tree: undefined, diagnostics: [deep], warnings: [] };
    }
    throw error;
  }
}

/** Parses `name = value; …` as the REPL takes it. */
export function parseReplBindings(
  text: string,
  options: ParseOptions,
): { readonly bindings: AttrsExpr | undefined; readonly diagnostics: readonly NixError[] } {
  const parser = new Parser(text, options);
  try {
    parser.lexer.advance();
    const bindings = parseBindings(parser, 'repl', parser.lexer.start);
    if (parser.lexer.kind !== Token.end) parser.unexpected(Token.end);
    return { bindings, diagnostics: [] };
  } catch (error) {
    if (error instanceof NixError) return { bindings: undefined, diagnostics: [error] };
    throw error;
  }
}
