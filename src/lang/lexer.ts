/**
 * The lexer: one token at a time, the longest match winning, as C++ Nix's flex rules say.
 *
 * Inside strings and interpolated paths the parser reads the text itself, from `end`, and then sets
 * `position` to where ordinary tokens go on. A token's text is not cut out until it is wanted.
 */

import { NixError } from '#diagnostics';
import {
  classes,
  isDigit,
  isIdPart,
  isIdStart,
  isPathChar,
  isSpace,
  isUriChar,
  isUriScheme,
} from './characters.ts';
import { addToHash, findName, kindAt, nameAt } from './names.ts';
import { Token, type TokenKind } from './tokens.ts';

const SLASH = 47;
const DOLLAR = 36;
const BRACE = 123;
const QUOTE = 39;

interface Row {
  start: number;
  end: number;
}

export class Lexer {
  readonly text: string;
  /** Position number of the first byte. */
  readonly base: number;
  readonly pipes: boolean;
  kind: TokenKind = Token.end;
  /** Offsets of the current token. */
  start = 0;
  end = 0;
  /** The current token, if it is an identifier. */
  name = '';
  /** The last row of path bytes and of scheme bytes that was passed over: rows are passed once. */
  private readonly pathRow: Row = { start: 0, end: 0 };
  private readonly schemeRow: Row = { start: 0, end: 0 };

  constructor(text: string, base: number, pipes: boolean) {
    this.text = text;
    this.base = base;
    this.pipes = pipes;
  }

  get tokenText(): string {
    return this.text.slice(this.start, this.end);
  }

  fail(message: string, offset: number): never {
    throw new NixError('ParseError', message, this.base + offset);
  }

  /** Moves to the next token from `this.end`. */
  advance(): void {
    const start = this.skipBlank(this.end);
    this.start = start;
    const code = this.text.charCodeAt(start);
    if (start >= this.text.length) {
      this.kind = Token.end;
      this.end = start;
      return;
    }
    const bits = code < 256 ? classes[code]! : 0;
    if ((bits & isIdStart) !== 0) this.scanWord(start);
    else if ((bits & isDigit) !== 0) this.scanNumber(start);
    else this.scanSymbol(start, code);
  }

  private skipBlank(from: number): number {
    const text = this.text;
    const length = text.length;
    let i = from;
    for (;;) {
      const code = text.charCodeAt(i);
      if (code === 32 || code === 10 || code === 9 || code === 13) {
        i++;
      } else if (code === 35) {
        i++;
        while (i < length) {
          const c = text.charCodeAt(i);
          if (c === 10 || c === 13) break;
          i++;
        }
      } else if (code === SLASH && text.charCodeAt(i + 1) === 42) {
        const close = text.indexOf('*/', i + 2);
        if (close < 0) return i;
        i = close + 2;
      } else {
        return i;
      }
    }
  }

  private set(kind: TokenKind, length: number): void {
    this.kind = kind;
    this.end = this.start + length;
  }

  private scanWord(start: number): void {
    const text = this.text;
    let i = start;
    let next = text.charCodeAt(i);
    let hash = 0;
    do {
      hash = addToHash(hash, next);
      next = text.charCodeAt(++i);
    } while ((classes[next]! & isIdPart) !== 0);
    this.end = i;
    // Only these can make a longer token of it: a path or a URI.
    if (next === SLASH || next === 46 || next === 43 || next === 58) {
      if (next === 58 || next === 46 || next === 43) {
        const uriEnd = this.uriEnd(start);
        if (uriEnd > i) {
          const path = this.pathEnd(start);
          if (uriEnd >= path) {
            this.kind = Token.uri;
            this.end = uriEnd;
            return;
          }
        }
      }
      if (this.tryPath(start, i)) return;
    }
    const place = findName(text, start, i, hash);
    this.name = nameAt(place);
    this.kind = kindAt(place);
  }

  /**
   * End of the row of bytes of a class from `start` on. Every token of `1+1+1…` begins within the
   * same row, which would be passed over for each of them.
   */
  private rowEnd(row: Row, start: number, bits: number): number {
    if (start >= row.start && start < row.end) return row.end;
    const text = this.text;
    let i = start;
    while ((classes[text.charCodeAt(i)]! & bits) !== 0) i++;
    row.start = start;
    row.end = i;
    return i;
  }

  /** End of a URI at `start`, or -1. */
  private uriEnd(start: number): number {
    const text = this.text;
    let i = this.rowEnd(this.schemeRow, start, isUriScheme);
    if (text.charCodeAt(i) !== 58 || text.charCodeAt(start) === 95) return -1;
    const body = i + 1;
    i = body;
    while ((classes[text.charCodeAt(i)]! & isUriChar) !== 0) i++;
    return i > body ? i : -1;
  }

  /** End of a path at `start`, or -1; the start of an interpolated one counts with its `${`. */
  private pathEnd(start: number): number {
    const text = this.text;
    let i = this.rowEnd(this.pathRow, start, isPathChar);
    if (text.charCodeAt(i) !== SLASH) return -1;
    if (text.charCodeAt(i + 1) === DOLLAR && text.charCodeAt(i + 2) === BRACE) return i + 3;
    let end = -1;
    while (text.charCodeAt(i) === SLASH) {
      let j = i + 1;
      while ((classes[text.charCodeAt(j)]! & isPathChar) !== 0) j++;
      if (j === i + 1) {
        if (end >= 0) end = j;
        break;
      }
      end = j;
      i = j;
    }
    return end;
  }

  /** Makes the token a path if that is longer than what ends at `other`. */
  private tryPath(start: number, other: number): boolean {
    const end = this.pathEnd(start);
    if (end <= other) return false;
    this.kind = Token.path;
    const text = this.text;
    const interpolated =
      text.charCodeAt(end - 1) === BRACE && text.charCodeAt(end - 2) === DOLLAR;
    this.end = interpolated ? end - 2 : end;
    return true;
  }

  private scanNumber(start: number): void {
    const text = this.text;
    let i = start;
    while ((classes[text.charCodeAt(i)]! & isDigit) !== 0) i++;
    let kind: TokenKind = Token.int;
    const first = text.charCodeAt(start);
    if (text.charCodeAt(i) === 46) {
      const digitAfter = (classes[text.charCodeAt(i + 1)]! & isDigit) !== 0;
      if (first !== 48 || (i === start + 1 && digitAfter)) {
        kind = Token.float;
        i = this.floatEnd(i);
      }
    }
    if (this.tryPath(start, i)) return;
    this.kind = kind;
    this.end = i;
  }

  /** End of a float whose point is at `point`. */
  private floatEnd(point: number): number {
    const text = this.text;
    let i = point + 1;
    while ((classes[text.charCodeAt(i)]! & isDigit) !== 0) i++;
    const e = text.charCodeAt(i);
    if (e === 69 || e === 101) {
      let j = i + 1;
      const sign = text.charCodeAt(j);
      if (sign === 43 || sign === 45) j++;
      const digits = j;
      while ((classes[text.charCodeAt(j)]! & isDigit) !== 0) j++;
      if (j > digits) i = j;
    }
    return i;
  }

  private scanSymbol(start: number, code: number): void {
    const text = this.text;
    const next = text.charCodeAt(start + 1);
    switch (code) {
      case 123:
        return this.set(Token.braceOpen, 1);
      case 125:
        return this.set(Token.braceClose, 1);
      case 61:
        return next === 61 ? this.set(Token.equal, 2) : this.set(Token.assign, 1);
      case 59:
        return this.set(Token.semicolon, 1);
      case 34:
        return this.set(Token.quote, 1);
      case 40:
        return this.set(Token.parenOpen, 1);
      case 41:
        return this.set(Token.parenClose, 1);
      case 91:
        return this.set(Token.bracketOpen, 1);
      case 93:
        return this.set(Token.bracketClose, 1);
      case 44:
        return this.set(Token.comma, 1);
      case 58:
        return this.set(Token.colon, 1);
      case 64:
        return this.set(Token.at, 1);
      case 63:
        return this.set(Token.question, 1);
      case 42:
        return this.set(Token.times, 1);
      case 46:
        return this.scanDot(start, next);
      case 36:
        return next === BRACE ? this.set(Token.dollarBrace, 2) : this.set(Token.invalid, 1);
      case 39:
        return next === QUOTE ? this.set(Token.indentedOpen, 2) : this.set(Token.invalid, 1);
      case 43:
        if (this.tryPath(start, next === 43 ? start + 2 : start + 1)) return;
        return next === 43 ? this.set(Token.concat, 2) : this.set(Token.plus, 1);
      case 45:
        if (this.tryPath(start, next === 62 ? start + 2 : start + 1)) return;
        return next === 62 ? this.set(Token.implies, 2) : this.set(Token.minus, 1);
      case SLASH:
        if (this.tryPath(start, next === SLASH ? start + 2 : start + 1)) return;
        return next === SLASH ? this.set(Token.update, 2) : this.set(Token.divide, 1);
      case 33:
        return next === 61 ? this.set(Token.notEqual, 2) : this.set(Token.not, 1);
      case 38:
        return next === 38 ? this.set(Token.and, 2) : this.set(Token.invalid, 1);
      case 62:
        return next === 61 ? this.set(Token.greaterEqual, 2) : this.set(Token.greater, 1);
      case 124:
        if (next === 124) return this.set(Token.or, 2);
        if (next === 62) return this.scanPipe(Token.pipeInto);
        return this.set(Token.invalid, 1);
      case 60:
        return this.scanLess(start, next);
      case 126:
        return this.scanHomePath(start, next);
      default:
        return this.set(Token.invalid, 1);
    }
  }

  private scanPipe(kind: TokenKind): void {
    if (!this.pipes) {
      this.fail(
        "experimental Nix feature 'pipe-operators' is disabled; add '--extra-experimental-features pipe-operators' to enable it",
        this.start,
      );
    }
    this.set(kind, 2);
  }

  private scanDot(start: number, next: number): void {
    const text = this.text;
    let other = start + 1;
    let kind: TokenKind = Token.dot;
    if (next === 46 && text.charCodeAt(start + 2) === 46) {
      other = start + 3;
      kind = Token.ellipsis;
    } else if ((classes[next]! & isDigit) !== 0) {
      other = this.floatEnd(start);
      kind = Token.float;
    }
    if (this.tryPath(start, other)) return;
    this.kind = kind;
    this.end = other;
  }

  private scanLess(start: number, next: number): void {
    const text = this.text;
    let i = start + 1;
    for (;;) {
      const segment = i;
      while ((classes[text.charCodeAt(i)]! & isPathChar) !== 0) i++;
      if (i === segment) break;
      const code = text.charCodeAt(i);
      if (code === 62) {
        this.kind = Token.searchPath;
        this.end = i + 1;
        return;
      }
      if (code !== SLASH) break;
      i++;
    }
    if (next === 61) this.set(Token.lessEqual, 2);
    else if (next === 124) this.scanPipe(Token.pipeFrom);
    else this.set(Token.less, 1);
  }

  private scanHomePath(start: number, next: number): void {
    if (next !== SLASH) return this.set(Token.invalid, 1);
    const text = this.text;
    if (text.charCodeAt(start + 2) === DOLLAR && text.charCodeAt(start + 3) === BRACE) {
      return this.set(Token.homePath, 2);
    }
    const end = this.pathEnd(start + 1);
    if (end < 0) return this.set(Token.invalid, 1);
    this.kind = Token.homePath;
    this.end = end;
  }
}

/** Whether a byte may stand in a path. */
export function isPathByte(code: number): boolean {
  return (classes[code]! & isPathChar) !== 0;
}

/** Whether a byte is blank. */
export function isBlankByte(code: number): boolean {
  return (classes[code]! & isSpace) !== 0;
}
