/**
 * The parser: recursive descent over the lexer's tokens, making the tree and the wording of syntax
 * errors that C++ Nix's grammar gives. The first fault ends the work as a thrown `NixError`; `parse`
 * catches it.
 *
 * Invariant: `kind` is always the first token that is not consumed; strings and paths are read by
 * `text-literals.ts` straight from the text.
 */

import { parseAttrPath, parseBindings, parseFormals, type BindingsContext } from './bindings.ts';
import { Lexer } from './lexer.ts';
import { type Lints, Remarks } from './remarks.ts';
import {
  binaryOperator,
  binaryStrength,
  isNonAssociative,
  makeCall,
  primitive,
  startsSimple,
  Strength,
} from './grammar.ts';
import { indentedString, pathLiteral, quotedString } from './text-literals.ts';
import { Token, type TokenKind, tokenNames } from './tokens.ts';
import {
  type AttrsExpr,
  type Expr,
  fitted,
  type FormalParameter,
  newSet,
  none,
  type Offset,
  variable,
} from './tree.ts';

export interface ParseOptions {
  /** Position number of the first byte of the text. */
  readonly base: number;
  /** Absolute directory that relative paths start from. */
  readonly directory: string;
  /** For `~/` paths; undefined where they are not allowed (pure evaluation). */
  readonly home: string | undefined;
  /** Whether the pipe operators are on. */
  readonly pipes: boolean;
  /** What is said about literals that are accepted but frowned upon. Default: nothing. */
  readonly lints?: Lints;
}

export class Parser {
  readonly lexer: Lexer;
  readonly options: ParseOptions;
  readonly remarks: Remarks;

  constructor(text: string, options: ParseOptions) {
    this.lexer = new Lexer(text, options.base, options.pipes);
    this.options = options;
    this.remarks = new Remarks(options.base, options.lints ?? {});
  }

  fail(message: string, offset: Offset): never {
    return this.lexer.fail(message, offset);
  }

  /** Syntax error at the current token; up to four expected kinds are named. */
  unexpected(...expected: TokenKind[]): never {
    const { kind, start, end } = this.lexer;
    let message = `syntax error, unexpected ${tokenNames[kind]}`;
    if (expected.length > 0 && expected.length <= 4) {
      message += `, expecting ${expected.map((k) => tokenNames[k]).join(' or ')}`;
    }
    return this.fail(message, kind === Token.end ? end : start);
  }

  /** Consumes a token of the kind or fails. */
  expect(kind: TokenKind): void {
    if (this.lexer.kind !== kind) this.unexpected(kind);
    this.lexer.advance();
  }

  expression(): Expr {
    const { lexer } = this;
    const start = lexer.start;
    switch (lexer.kind) {
      case Token.identifier: {
        const name = lexer.name;
        lexer.advance();
        if ((lexer.kind as TokenKind) === Token.colon) {
          lexer.advance();
          return this.lambda(start, name, undefined, false);
        }
        if ((lexer.kind as TokenKind) === Token.at) {
          lexer.advance();
          if ((lexer.kind as TokenKind) !== Token.braceOpen) this.unexpected(Token.braceOpen);
          lexer.advance();
          const formals = parseFormals(this, undefined);
          this.checkFormals(formals.list, start, name);
          this.expect(Token.colon);
          return this.lambda(start, name, formals.list, formals.ellipsis);
        }
        return this.pipeline(start, this.nameExpression(name, start));
      }
      case Token.braceOpen:
        lexer.advance();
        return this.afterBrace(start);
      case Token.assert: {
        lexer.advance();
        const condition = this.expression();
        this.expect(Token.semicolon);
        return { kind: 'assert', at: start, condition, body: this.expression() };
      }
      case Token.with: {
        lexer.advance();
        const scope = this.expression();
        this.expect(Token.semicolon);
        return { kind: 'with', at: start, scope, body: this.expression() };
      }
      case Token.let: {
        lexer.advance();
        if ((lexer.kind as TokenKind) === Token.braceOpen) {
          return this.pipeline(start, this.legacyLet(start));
        }
        const bindings = parseBindings(this, 'let', start);
        lexer.advance();
        if (bindings.dynamic.length > 0) {
          this.fail('dynamic attributes not allowed in let', start);
        }
        return { kind: 'let', bindings, body: this.expression() };
      }
      case Token.if: {
        lexer.advance();
        const condition = this.expression();
        this.expect(Token.then);
        const then = this.expression();
        this.expect(Token.else);
        return { kind: 'if', at: start, condition, then, otherwise: this.expression() };
      }
      default:
        return this.pipeline(start, undefined);
    }
  }

  private lambda(
    at: Offset,
    argument: string | undefined,
    formals: FormalParameter[] | undefined,
    ellipsis: boolean,
  ): Expr {
    const body = this.expression();
    return {
      kind: 'lambda',
      at,
      argument,
      formals,
      ellipsis,
      body,
      name: undefined,
      frameSize: 0,
      argumentSlot: 0,
    };
  }

  /** After `{` where a function may stand: a set pattern or a set. */
  private afterBrace(start: Offset): Expr {
    const { lexer } = this;
    if (lexer.kind === Token.braceClose) {
      lexer.advance();
      const kind = lexer.kind as TokenKind;
      if (kind === Token.colon || kind === Token.at) {
        return this.patternLambda(start, { list: [], ellipsis: false });
      }
      return this.pipeline(start, newSet(start));
    }
    if (lexer.kind === Token.ellipsis) {
      return this.patternLambda(start, parseFormals(this, undefined));
    }
    if (lexer.kind === Token.identifier) {
      const name = lexer.name;
      const at = lexer.start;
      lexer.advance();
      const kind = lexer.kind as TokenKind;
      if (kind === Token.comma || kind === Token.question || kind === Token.braceClose) {
        return this.patternLambda(start, parseFormals(this, { name, at }));
      }
      return this.pipeline(start, this.setAfterBrace(start, false, { name, at }));
    }
    return this.pipeline(start, this.setAfterBrace(start, false, undefined));
  }

  private patternLambda(
    start: Offset,
    formals: { list: FormalParameter[]; ellipsis: boolean },
  ): Expr {
    const { lexer } = this;
    let argument: string | undefined;
    if (lexer.kind === Token.at) {
      lexer.advance();
      if ((lexer.kind as TokenKind) !== Token.identifier) this.unexpected(Token.identifier);
      argument = lexer.name;
      lexer.advance();
    }
    this.checkFormals(formals.list, start, argument);
    if (lexer.kind !== Token.colon) {
      if (argument === undefined) this.unexpected(Token.colon, Token.at);
      this.unexpected(Token.colon);
    }
    lexer.advance();
    return this.lambda(start, argument, formals.list, formals.ellipsis);
  }

  private checkFormals(
    formals: readonly FormalParameter[],
    start: Offset,
    argument: string | undefined,
  ): void {
    const repeated = formals.length <= shortPattern
      ? formals.find(({ name }, i) => hasName(formals, i, name))
      : repeatedAmongMany(formals);
    if (repeated !== undefined) {
      this.fail(`duplicate formal function argument '${repeated.name}'`, repeated.at);
    }
    if (argument !== undefined && formals.some((formal) => formal.name === argument)) {
      this.fail(`duplicate formal function argument '${argument}'`, start);
    }
  }

  /** Operators and pipes. `first` is an operand that was read already, from `start`. */
  private pipeline(start: Offset, first: Expr | undefined): Expr {
    const { lexer } = this;
    let left = this.operators(0, start, first);
    if (lexer.kind === Token.pipeInto) {
      while (lexer.kind === Token.pipeInto) {
        const at = lexer.start;
        lexer.advance();
        left = makeCall(at, this.operators(0, lexer.start, undefined), left);
      }
    } else if (lexer.kind === Token.pipeFrom) {
      return this.pipeFrom(left);
    }
    return left;
  }

  private pipeFrom(left: Expr): Expr {
    const { lexer } = this;
    if (lexer.kind !== Token.pipeFrom) return left;
    const at = lexer.start;
    lexer.advance();
    return makeCall(at, left, this.pipeFrom(this.operators(0, lexer.start, undefined)));
  }

  /** Operators that bind stronger than `strength`. */
  private operators(strength: number, start: Offset, first: Expr | undefined): Expr {
    const { lexer } = this;
    let left = first === undefined ? this.operand(start) : this.application(start, first);
    for (;;) {
      const kind = lexer.kind;
      const own = binaryStrength[kind]!;
      if (own === 0 || own <= strength) return left;
      const at = lexer.start;
      lexer.advance();
      left = this.rightOf(kind, own, at, start, left);
      if (isNonAssociative(own) && binaryStrength[lexer.kind] === own) this.unexpected();
    }
  }

  private rightOf(kind: TokenKind, own: number, at: Offset, start: Offset, left: Expr): Expr {
    if (kind === Token.question) {
      return { kind: 'hasAttr', subject: left, path: parseAttrPath(this) };
    }
    const isRight =
      own === Strength.implies || own === Strength.update || own === Strength.concat;
    const rightStart = this.lexer.start;
    const right = this.operators(isRight ? own - 1 : own, rightStart, undefined);
    switch (kind) {
      case Token.less:
        return primitive(at, '__lessThan', [left, right]);
      case Token.greater:
        return primitive(at, '__lessThan', [right, left]);
      case Token.lessEqual:
        return { kind: 'not', operand: primitive(at, '__lessThan', [right, left]) };
      case Token.greaterEqual:
        return { kind: 'not', operand: primitive(at, '__lessThan', [left, right]) };
      case Token.minus:
        return primitive(at, '__sub', [left, right]);
      case Token.times:
        return primitive(at, '__mul', [left, right]);
      case Token.divide:
        return primitive(at, '__div', [left, right]);
      case Token.plus:
        return {
          kind: 'concat',
          at,
          interpolation: false,
          parts: [
            { at: start, value: left },
            { at: rightStart, value: right },
          ],
        };
      default:
        return { kind: 'binary', operator: binaryOperator(kind), at, left, right };
    }
  }

  private operand(start: Offset): Expr {
    const { lexer } = this;
    if (lexer.kind === Token.not) {
      lexer.advance();
      return { kind: 'not', operand: this.operators(Strength.not, lexer.start, undefined) };
    }
    if (lexer.kind === Token.minus) {
      lexer.advance();
      const operand = this.operators(Strength.negate, lexer.start, undefined);
      return primitive(start, '__sub', [{ kind: 'int', value: 0 }, operand]);
    }
    return this.application(start, this.simple());
  }

  /** A function and its arguments; `first` has been read, its selection not. */
  private application(start: Offset, first: Expr): Expr {
    const { lexer } = this;
    let result = this.selection(start, first);
    // As the head of a call it keeps its meaning, in brackets too.
    this.remarks.forgetOr();
    if (startsSimple[lexer.kind] !== 1) return result;
    // Gathered in one array: an application may have any number of arguments.
    const args = result.kind === 'call' ? [...result.args] : [];
    while (startsSimple[lexer.kind] === 1) args.push(this.element());
    if (result.kind === 'call') result.args = fitted(args);
    else result = { kind: 'call', at: start, callee: result, args: fitted(args) };
    return result;
  }

  /** `simple`, `simple.path`, `simple.path or other`, `simple or`. */
  private selection(start: Offset, subject: Expr): Expr {
    const { lexer } = this;
    if (lexer.kind === Token.dot) {
      lexer.advance();
      const path = parseAttrPath(this);
      if ((lexer.kind as TokenKind) !== Token.orKeyword) {
        return { kind: 'select', at: start, subject, path, fallback: undefined };
      }
      lexer.advance();
      const fallback = this.element();
      return { kind: 'select', at: start, subject, path, fallback };
    }
    if (lexer.kind === Token.orKeyword) {
      const { end } = lexer;
      lexer.advance();
      const args: Expr[] = [variable(start, 'or')];
      const expr: Expr = { kind: 'call', at: start, callee: subject, args };
      this.remarks.noteOr(expr, start, end);
      return expr;
    }
    return subject;
  }

  /** One argument of a call, element of a list, or what follows `or`. */
  element(): Expr {
    const result = this.selection(this.lexer.start, this.simple());
    this.remarks.aboutOr(result, this.lexer.text);
    return result;
  }

  startsElement(): boolean {
    return startsSimple[this.lexer.kind] === 1;
  }

  private nameExpression(name: string, at: Offset): Expr {
    return name === '__curPos' ? { kind: 'currentPosition', at } : variable(at, name);
  }

  private simple(): Expr {
    const { lexer } = this;
    const start = lexer.start;
    switch (lexer.kind) {
      case Token.identifier: {
        const name = lexer.name;
        lexer.advance();
        return this.nameExpression(name, start);
      }
      case Token.int:
        return this.integer(start);
      case Token.float: {
        const value = Number(lexer.tokenText);
        if (!Number.isFinite(value)) this.fail(`invalid float '${lexer.tokenText}'`, start);
        lexer.advance();
        return { kind: 'float', value };
      }
      case Token.quote:
        return quotedString(this);
      case Token.indentedOpen:
        return indentedString(this);
      case Token.path:
      case Token.homePath:
        return pathLiteral(this);
      case Token.searchPath: {
        const value = lexer.tokenText.slice(1, -1);
        lexer.advance();
        return {
          kind: 'call',
          at: start,
          callee: variable(none, '__findFile'),
          args: [
            variable(none, '__nixPath'),
            { kind: 'string', value },
          ],
        };
      }
      case Token.uri: {
        const value = lexer.tokenText;
        const say = (isFatal: boolean): string =>
          `URL literals are ${isFatal ? 'disallowed' : 'discouraged'}. Consider using a string` +
          ` literal "${value}" instead`;
        this.remarks.lint('url-literals', say, start);
        lexer.advance();
        return { kind: 'string', value };
      }
      case Token.parenOpen: {
        lexer.advance();
        const inner = this.expression();
        this.expect(Token.parenClose);
        return inner;
      }
      case Token.let:
        lexer.advance();
        if ((lexer.kind as TokenKind) !== Token.braceOpen) this.unexpected(Token.braceOpen);
        return this.legacyLet(start);
      case Token.rec: {
        lexer.advance();
        this.expect(Token.braceOpen);
        return this.setAfterBrace(start, true, undefined);
      }
      case Token.braceOpen:
        lexer.advance();
        if ((lexer.kind as TokenKind) === Token.braceClose) {
          lexer.advance();
          return newSet(start);
        }
        return this.setAfterBrace(start, false, undefined);
      case Token.bracketOpen: {
        lexer.advance();
        const elements: Expr[] = [];
        while (startsSimple[lexer.kind] === 1) elements.push(this.element());
        if ((lexer.kind as TokenKind) !== Token.bracketClose) this.unexpected();
        lexer.advance();
        return { kind: 'list', elements: fitted(elements) };
      }
      default:
        return this.unexpected();
    }
  }

  private integer(start: Offset): Expr {
    const text = this.lexer.tokenText;
    let value: number | bigint = Number(text);
    if (!Number.isSafeInteger(value)) {
      value = BigInt(text);
      if (value > 0x7fffffffffffffffn) this.fail(`invalid integer '${text}'`, start);
    }
    this.lexer.advance();
    return { kind: 'int', value };
  }

  private setAfterBrace(
    start: Offset,
    recursive: boolean,
    first: { name: string; at: Offset } | undefined,
  ): AttrsExpr {
    const context: BindingsContext = recursive ? 'rec' : 'set';
    const set = parseBindings(this, context, start, first);
    this.lexer.advance();
    set.recursive = recursive;
    return set;
  }

  /** `let { …; body = …; }`, from its brace on. */
  private legacyLet(start: Offset): Expr {
    this.lexer.advance();
    const subject = this.setAfterBrace(start, true, undefined);
    return { kind: 'select', at: start, subject, path: ['body'], fallback: undefined };
  }
}

/** Up to this length names are compared with each other, which is cheap: each is one string. */
const shortPattern = 20;

/** Whether one of the first `count` formals has the name. */
function hasName(formals: readonly FormalParameter[], count: number, name: string): boolean {
  for (let i = 0; i < count; i++) if (formals[i]!.name === name) return true;
  return false;
}

function repeatedAmongMany(formals: readonly FormalParameter[]): FormalParameter | undefined {
  const seen = new Set<string>();
  return formals.find(({ name }) => {
    const isRepeated = seen.has(name);
    seen.add(name);
    return isRepeated;
  });
}
