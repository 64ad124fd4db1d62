/**
 * Strings, indented strings and paths, read straight from the text.
 *
 * Each function starts with the literal's first token as the current one and leaves the token after
 * the literal current.
 */

import { isPathByte } from './lexer.ts';
import type { Parser } from './parser.ts';
import { Token } from './tokens.ts';
import { canonicalPathText } from './path-literal.ts';
import { type ConcatPart, type Expr, fitted, type Offset } from './tree.ts';

const DOLLAR = 36;
const BRACE = 123;
const BACKSLASH = 92;
const QUOTE = 34;
const APOSTROPHE = 39;

/** `${ expr }` with `${` as the current token. */
export function bracedExpression(parser: Parser): Expr {
  parser.lexer.advance();
  const expr = parser.expression();
  parser.expect(Token.braceClose);
  return expr;
}

/** The expression of `${ expr }` at `offset` in a literal; returns where the literal goes on. */
function interpolation(parser: Parser, offset: Offset): { value: Expr; end: Offset } {
  const { lexer } = parser;
  lexer.end = offset + 2;
  lexer.advance();
  const value = parser.expression();
  if (lexer.kind !== Token.braceClose) parser.unexpected(Token.braceClose);
  return { value, end: lexer.end };
}

function goOn(parser: Parser, offset: Offset): void {
  parser.lexer.end = offset;
  parser.lexer.advance();
}

function unexpectedEnd(parser: Parser, wanted: string): never {
  return parser.fail(
    `syntax error, unexpected end of file${wanted}`,
    parser.lexer.text.length,
  );
}

/** `"…"` */
export function quotedString(parser: Parser): Expr {
  const { text } = parser.lexer;
  const start = parser.lexer.start;
  let i = start + 1;
  const whole = scanQuoted(parser, i);
  if (text.charCodeAt(whole.end) === QUOTE) {
    goOn(parser, whole.end + 1);
    return { kind: 'string', value: whole.value };
  }
  const parts: ConcatPart[] = [];
  for (let chunk = whole; ; chunk = scanQuoted(parser, i)) {
    if (chunk.end > i) parts.push({ at: i, value: { kind: 'string', value: chunk.value } });
    i = chunk.end;
    if (text.charCodeAt(i) === QUOTE) break;
    if (i >= text.length) {
      unexpectedEnd(parser, `, expecting '"'`);
    }
    const at = i;
    const inner = interpolation(parser, i);
    parts.push({ at, value: inner.value });
    i = inner.end;
  }
  goOn(parser, i + 1);
  return { kind: 'concat', at: start + 1, interpolation: true, parts: fitted(parts) };
}

/** Plain text of a quoted string from `start` to its quote, `${` or the end of the file. */
function scanQuoted(parser: Parser, start: Offset): { value: string; end: Offset } {
  const { text } = parser.lexer;
  const length = text.length;
  let value = '';
  let from = start;
  let i = start;
  while (i < length) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) break;
    if (code === DOLLAR) {
      const next = text.charCodeAt(i + 1);
      if (next === BRACE) break;
      if (next === BACKSLASH || next === QUOTE || Number.isNaN(next)) {
        // `$\` takes the escape after it; `$"` is a dollar and the end.
        i++;
        continue;
      }
      i += 2;
      // The byte after a dollar is taken with it; a carriage return still counts as a line end.
      if (next === 13) i--;
      else if (next === 0) nullByte(parser, start, restOfQuoted(text, start));
      continue;
    }
    if (code === BACKSLASH) {
      if (i + 1 >= length) {
        i = length;
        break;
      }
      value += text.slice(from, i) + unescape(text.charCodeAt(i + 1));
      i += 2;
      from = i;
      continue;
    }
    if (code === 13) {
      value += `${text.slice(from, i)}\n`;
      i += text.charCodeAt(i + 1) === 10 ? 2 : 1;
      from = i;
      continue;
    }
    if (code === 0) nullByte(parser, start, restOfQuoted(text, start));
    i++;
  }
  return { value: value + text.slice(from, i), end: i };
}

/** The text of a quoted string up to its end or an interpolation, for a message. */
function restOfQuoted(text: string, start: Offset): string {
  const rest = /(?:[^"\\$]|\\[^]|\$(?!\{))*/y;
  rest.lastIndex = start;
  return rest.exec(text)![0];
}

function nullByte(parser: Parser, at: Offset, value: string): never {
  const shown = value.replaceAll('\0', '\xe2\x90\x80');
  return parser.fail(
    `input string '${shown}' cannot be represented as Nix string because it contains null bytes`,
    at,
  );
}

function unescape(code: number): string {
  switch (code) {
    case 110:
      return '\n';
    case 114:
      return '\r';
    case 116:
      return '\t';
    default:
      return String.fromCharCode(code);
  }
}

interface IndentedPart {
  readonly at: Offset;
  /** Text, or an expression. */
  readonly value: string | Expr;
  /** Whether its leading blanks count as indentation: false for escapes. */
  readonly indented: boolean;
}

/** `''…''` */
export function indentedString(parser: Parser): Expr {
  const { text } = parser.lexer;
  const start = parser.lexer.start;
  let i = start + 2;
  let blank = i;
  while (text.charCodeAt(blank) === 32) blank++;
  if (text.charCodeAt(blank) === 10) i = blank + 1;
  const parts: IndentedPart[] = [];
  for (;;) {
    if (i >= text.length) {
      unexpectedEnd(
        parser,
        ", expecting indented string or '${' or end of an indented string",
      );
    }
    const code = text.charCodeAt(i);
    const next = text.charCodeAt(i + 1);
    if (code === APOSTROPHE && next === APOSTROPHE) {
      const third = text.charCodeAt(i + 2);
      if (third === DOLLAR) {
        parts.push({ at: i, value: '$', indented: false });
        i += 3;
      } else if (third === APOSTROPHE) {
        parts.push({ at: i, value: "''", indented: false });
        i += 3;
      } else if (third === BACKSLASH && i + 3 < text.length) {
        parts.push({ at: i, value: unescape(text.charCodeAt(i + 3)), indented: false });
        i += 4;
      } else {
        break;
      }
    } else if (code === DOLLAR && next === BRACE) {
      const inner = interpolation(parser, i);
      parts.push({ at: i, value: inner.value, indented: false });
      i = inner.end;
    } else {
      const end = indentedRun(text, i);
      if (end > i) {
        const value = text.slice(i, end);
        if (value.includes('\0')) nullByte(parser, i, value);
        parts.push({ at: i, value, indented: true });
        i = end;
      } else {
        // A lone `$` or `'` stands for itself and ends the run.
        parts.push({ at: i, value: text[i]!, indented: false });
        i++;
      }
    }
  }
  goOn(parser, i + 2);
  return stripIndentation(parts, start);
}

/** End of the longest plain run: `$` not before `{` or `'`, `'` not before `'` or `$`. */
function indentedRun(text: string, start: Offset): Offset {
  const length = text.length;
  let i = start;
  while (i < length) {
    const code = text.charCodeAt(i);
    if (code === DOLLAR) {
      const next = text.charCodeAt(i + 1);
      if (next === BRACE || next === APOSTROPHE || i + 1 >= length) return i;
      i += 2;
    } else if (code === APOSTROPHE) {
      const next = text.charCodeAt(i + 1);
      if (next === APOSTROPHE || next === DOLLAR || i + 1 >= length) return i;
      i += 2;
    } else {
      i++;
    }
  }
  return i;
}

function stripIndentation(parts: readonly IndentedPart[], at: Offset): Expr {
  const indent = smallestIndent(parts);
  const result: ConcatPart[] = [];
  let atLineStart = true;
  let dropped = 0;
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index]!;
    const { value } = part;
    if (typeof value !== 'string') {
      atLineStart = false;
      dropped = 0;
      result.push({ at: part.at, value });
      continue;
    }
    let stripped = '';
    let from = 0;
    for (let j = 0; j < value.length; j++) {
      const code = value.charCodeAt(j);
      if (atLineStart) {
        if (code === 32) {
          if (dropped++ >= indent) continue;
          stripped += value.slice(from, j);
          from = j + 1;
        } else if (code === 10) {
          dropped = 0;
        } else {
          atLineStart = false;
          dropped = 0;
        }
      } else if (code === 10) {
        atLineStart = true;
      }
    }
    stripped += value.slice(from);
    if (index === parts.length - 1) stripped = dropLastBlankLine(stripped);
    if (stripped !== '') result.push({ at: part.at, value: { kind: 'string', value: stripped } });
  }
  if (result.length === 0) return { kind: 'string', value: '' };
  if (result.length === 1 && result[0]!.value.kind === 'string') return result[0]!.value;
  return { kind: 'concat', at, interpolation: true, parts: fitted(result) };
}

function smallestIndent(parts: readonly IndentedPart[]): number {
  let atLineStart = true;
  let smallest = 1000000;
  let current = 0;
  for (const { value, indented } of parts) {
    if (!indented || typeof value !== 'string') {
      if (atLineStart) {
        atLineStart = false;
        if (current < smallest) smallest = current;
      }
      continue;
    }
    for (let j = 0; j < value.length; j++) {
      const code = value.charCodeAt(j);
      if (atLineStart) {
        if (code === 32) {
          current++;
        } else if (code === 10) {
          current = 0;
        } else {
          atLineStart = false;
          if (current < smallest) smallest = current;
        }
      } else if (code === 10) {
        atLineStart = true;
        current = 0;
      }
    }
  }
  return smallest;
}

function dropLastBlankLine(text: string): string {
  const newline = text.lastIndexOf('\n');
  if (newline < 0) return text;
  for (let i = newline + 1; i < text.length; i++) if (text.charCodeAt(i) !== 32) return text;
  return text.slice(0, newline + 1);
}

/** A path, with or without interpolation. */
export function pathLiteral(parser: Parser): Expr {
  const { lexer, options } = parser;
  const { text, start } = lexer;
  const literal = lexer.tokenText;
  let i = lexer.end;
  const parts: ConcatPart[] = [];
  let hasInterpolation = false;
  for (;;) {
    if (text.charCodeAt(i) === DOLLAR && text.charCodeAt(i + 1) === BRACE) {
      hasInterpolation = true;
      const inner = interpolation(parser, i);
      parts.push({ at: i, value: inner.value });
      i = inner.end;
      continue;
    }
    const end = pathRun(text, i);
    if (end === i) break;
    parts.push({ at: i, value: { kind: 'string', value: text.slice(i, end) } });
    if (parts.length === 1) checkGap(parser, i, end);
    i = end;
  }
  if (text.charCodeAt(i - 1) === 47) parser.fail('path has a trailing slash', i);
  lintPath(parser, literal, start);
  const first = firstPath(parser, literal, options.directory);
  goOn(parser, i);
  if (!hasInterpolation && parts.length === 0) return { kind: 'path', path: first };
  parts.unshift({ at: start, value: { kind: 'path', path: first } });
  return { kind: 'concat', at: start, interpolation: false, parts };
}

/** What stands apart from the first piece, as the second does in `/a//b`, must lead to a `${`. */
function checkGap(parser: Parser, begin: Offset, end: Offset): void {
  const { text, start } = parser.lexer;
  if (text.charCodeAt(end) === DOLLAR && text.charCodeAt(end + 1) === BRACE) return;
  if (pathRun(text, end) > end) parser.fail("syntax error, unexpected string, expecting '${'", end);
  if (text.charCodeAt(end - 1) === 47) return;
  // C++ Nix says where the last token but one began, and does not count the text's end as one.
  const place = end === text.length ? start : begin;
  parser.fail("syntax error, unexpected end of path, expecting '${'", place);
}

function lintPath(parser: Parser, literal: string, start: Offset): void {
  if (literal.startsWith('/') || literal.startsWith('~')) {
    const sort = literal.startsWith('~') ? 'home' : 'absolute';
    const text =
      `${sort} path literals are not portable. Consider replacing path literal '${literal}' by a` +
      ' string, relative path, or parameter';
    parser.remarks.lint('absolute-path-literals', () => text, start);
  } else if (!literal.startsWith('.')) {
    const text =
      `relative path literal '${literal}' should be prefixed with '.' for clarity:` +
      ` './${literal}'`;
    parser.remarks.lint('short-path-literals', () => text, start);
  }
}

function firstPath(parser: Parser, literal: string, directory: string): string {
  if (literal.startsWith('~')) {
    const { home } = parser.options;
    if (home === undefined) {
      parser.fail(`the path '${literal}' can not be resolved in pure mode`, parser.lexer.start);
    }
    return home + literal.slice(1);
  }
  const path = canonicalPathText(literal.startsWith('/') ? literal : `${directory}/${literal}`);
  return literal.length > 1 && literal.endsWith('/') && path !== '/' ? `${path}/` : path;
}

/** End of the longest piece of a path at `start`. */
function pathRun(text: string, start: Offset): Offset {
  let i = start;
  while (isPathByte(text.charCodeAt(i))) i++;
  while (text.charCodeAt(i) === 47) {
    i++;
    const segment = i;
    while (isPathByte(text.charCodeAt(i))) i++;
    if (i === segment) break;
  }
  return i;
}
