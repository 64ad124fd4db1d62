/**
 * POSIX extended regular expressions: text to tree.
 *
 * The dialect is the one Nix programs are written against, which is that of the GNU C++ library's
 * `std::regex` in its `extended` grammar in the classic locale: `.` matches every byte, a
 * backslash may only stand before a special character, quantifiers may be stacked, a bracket
 * expression knows classes, equivalence classes and named collating elements, and there are no
 * back-references. Bytes compare as signed, as they do there.
 *
 * Invariant: a tree that comes out of here has been accepted whole; every refusal is a
 * `RegexError`.
 */

/** The text is not a regular expression ('syntax'), or its automaton is too large ('space'). */
export class RegexError extends Error {
  readonly kind: 'syntax' | 'space';
  constructor(kind: 'syntax' | 'space') {
    super(kind === 'syntax' ? 'invalid regular expression' : 'regular expression is too large');
    this.kind = kind;
  }
}

/** A set of bytes: 256 flags. */
export type ByteSet = Uint8Array;

export type RegexNode =
  | { readonly kind: 'byte'; readonly code: number }
  | { readonly kind: 'set'; readonly set: ByteSet }
  | { readonly kind: 'begin' }
  | { readonly kind: 'end' }
  | { readonly kind: 'group'; readonly index: number; readonly body: RegexNode }
  | { readonly kind: 'sequence'; readonly items: readonly RegexNode[] }
  | { readonly kind: 'either'; readonly left: RegexNode; readonly right: RegexNode }
  | RepeatNode;

export interface RepeatNode {
  readonly kind: 'repeat';
  readonly body: RegexNode;
  readonly min: number;
  /** `Infinity` when there is no upper bound. */
  readonly max: number;
  /** Whether it is written `{…}`: the same repetition by a sign has fewer states. */
  readonly interval: boolean;
}

export interface RegexTree {
  readonly root: RegexNode;
  readonly groupCount: number;
}

/** Parses `source` (one character per byte). Throws `RegexError`. */
export function parseRegex(source: string): RegexTree {
  const parser = new Parser(source);
  const root = parser.disjunction();
  if (!parser.atEnd()) throw new RegexError('syntax');
  return { root, groupCount: parser.groupCount };
}

/** Whether `node` can match without consuming a byte. */
export function isNullable(node: RegexNode): boolean {
  switch (node.kind) {
    case 'byte':
    case 'set':
      return false;
    case 'begin':
    case 'end':
      return true;
    case 'group':
      return isNullable(node.body);
    case 'sequence':
      return node.items.every(isNullable);
    case 'either':
      return isNullable(node.left) || isNullable(node.right);
    case 'repeat':
      return node.min === 0 || isNullable(node.body);
  }
}

function repeat(body: RegexNode, min: number, max: number): RepeatNode {
  return { kind: 'repeat', body, min, max, interval: false };
}

/** What a C++ `int` holds. */
const largestCount = 0x7fffffff;
const special = '.[\\()*+?{|^$';
const any: ByteSet = new Uint8Array(256).fill(1, 1);

class Parser {
  private readonly source: string;
  private position = 0;
  groupCount = 0;

  constructor(source: string) {
    this.source = source;
  }

  atEnd(): boolean {
    return this.position === this.source.length;
  }

  disjunction(): RegexNode {
    let left = this.sequence();
    while (this.take('|')) left = { kind: 'either', left, right: this.sequence() };
    return left;
  }

  private sequence(): RegexNode {
    const items: RegexNode[] = [];
    for (let term = this.term(); term !== undefined; term = this.term()) items.push(term);
    return items.length === 1 ? items[0]! : { kind: 'sequence', items };
  }

  private take(character: string): boolean {
    if (this.source[this.position] !== character) return false;
    this.position++;
    return true;
  }

  /** One assertion, or one atom with its quantifiers; nothing when neither begins here. */
  private term(): RegexNode | undefined {
    if (this.take('^')) return { kind: 'begin' };
    if (this.take('$')) return { kind: 'end' };
    let node = this.atom();
    if (node === undefined) return undefined;
    for (;;) {
      if (this.take('*')) node = repeat(node, 0, Infinity);
      else if (this.take('+')) node = repeat(node, 1, Infinity);
      else if (this.take('?')) node = repeat(node, 0, 1);
      else if (this.take('{')) node = this.interval(node);
      else return node;
    }
  }

  private interval(body: RegexNode): RegexNode {
    const min = this.count();
    if (min === undefined) throw new RegexError('syntax');
    let max = min;
    if (this.take(',')) max = this.count() ?? Infinity;
    if (!this.take('}') || max < min) throw new RegexError('syntax');
    return { kind: 'repeat', body, min, max, interval: true };
  }

  private count(): number | undefined {
    const begin = this.position;
    while (isDigit(this.source.charCodeAt(this.position))) this.position++;
    if (begin === this.position) return undefined;
    const value = Number(this.source.slice(begin, this.position));
    if (value > largestCount) throw new RegexError('syntax');
    return value;
  }

  private atom(): RegexNode | undefined {
    const character = this.source[this.position];
    if (character === undefined) return undefined;
    if (character === '\0') throw new RegexError('syntax');
    if (!special.includes(character)) {
      this.position++;
      return { kind: 'byte', code: character.charCodeAt(0) };
    }
    switch (character) {
      case '.':
        this.position++;
        return { kind: 'set', set: any };
      case '\\':
        return this.escape();
      case '(':
        return this.group();
      case '[':
        this.position++;
        return { kind: 'set', set: this.bracket() };
      default:
        return undefined;
    }
  }

  private escape(): RegexNode {
    const escaped = this.source[this.position + 1];
    if (escaped === undefined || !special.includes(escaped)) throw new RegexError('syntax');
    this.position += 2;
    return { kind: 'byte', code: escaped.charCodeAt(0) };
  }

  private group(): RegexNode {
    this.position++;
    const index = this.groupCount++;
    const body = this.disjunction();
    if (!this.take(')')) throw new RegexError('syntax');
    return { kind: 'group', index, body };
  }

  /** The inside of `[…]`, after the opening bracket. */
  private bracket(): ByteSet {
    const set = new Uint8Array(256);
    const negated = this.take('^');
    // What could begin a range: a byte read and not yet put into the set, or a class.
    let last: number | 'class' | undefined;
    const push = (code: number): void => {
      if (typeof last === 'number') set[last] = 1;
      last = code;
    };
    let first = true;
    for (;;) {
      const token = this.bracketToken(first);
      if (token.kind === 'close') break;
      if (token.kind === 'byte') push(token.code);
      else if (token.kind === 'class') {
        if (typeof last === 'number') set[last] = 1;
        last = 'class';
        for (let i = 0; i < 256; i++) if (token.set[i]) set[i] = 1;
      } else if (first) push(0x2d);
      else if (this.take(']')) {
        push(0x2d);
        break;
      } else if (typeof last === 'number') {
        const upper = this.bracketToken(false);
        if (upper.kind === 'dash') addRange(set, last, 0x2d);
        else if (upper.kind === 'byte' && !upper.collating) addRange(set, last, upper.code);
        else throw new RegexError('syntax');
        last = undefined;
      } else throw new RegexError('syntax');
      first = false;
    }
    if (typeof last === 'number') set[last] = 1;
    if (negated) for (let i = 0; i < 256; i++) set[i] = set[i] ? 0 : 1;
    return set;
  }

  private bracketToken(first: boolean): BracketToken {
    const character = this.source[this.position++];
    if (character === undefined) throw new RegexError('syntax');
    if (character === '-') return { kind: 'dash' };
    if (character === ']' && !first) return { kind: 'close' };
    if (character === '[') {
      const sort = this.source[this.position];
      if (sort === undefined) throw new RegexError('syntax');
      if (sort === '.' || sort === ':' || sort === '=') return this.bracketName(sort);
    }
    return { kind: 'byte', code: character.charCodeAt(0), collating: false };
  }

  /** `[:alpha:]`, `[.hyphen.]`, `[=a=]`. */
  private bracketName(sort: '.' | ':' | '='): BracketToken {
    const end = this.source.indexOf(sort, this.position + 1);
    if (end < 0 || this.source[end + 1] !== ']') throw new RegexError('syntax');
    const name = this.source.slice(this.position + 1, end);
    this.position = end + 2;
    if (sort === ':') {
      const set = classes.get(name.toLowerCase());
      if (set === undefined) throw new RegexError('syntax');
      return { kind: 'class', set };
    }
    const code = collatingNames.indexOf(name);
    if (code < 0) throw new RegexError('syntax');
    if (sort === '.') return { kind: 'byte', code, collating: true };
    const set = new Uint8Array(256);
    for (let i = 0; i < 256; i++) if (lower(i) === lower(code)) set[i] = 1;
    return { kind: 'class', set };
  }
}

type BracketToken =
  | { readonly kind: 'close' }
  | { readonly kind: 'dash' }
  | { readonly kind: 'byte'; readonly code: number; readonly collating: boolean }
  | { readonly kind: 'class'; readonly set: ByteSet };

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function lower(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code + 32 : code;
}

function addRange(set: ByteSet, from: number, to: number): void {
  const signed = (code: number): number => (code > 127 ? code - 256 : code);
  if (signed(from) > signed(to)) throw new RegexError('syntax');
  for (let code = signed(from); code <= signed(to); code++) set[code & 255] = 1;
}

function classOf(test: RegExp): ByteSet {
  const set = new Uint8Array(256);
  for (let code = 0; code < 128; code++) if (test.test(String.fromCharCode(code))) set[code] = 1;
  return set;
}

const classes: ReadonlyMap<string, ByteSet> = new Map([
  ['d', classOf(/[0-9]/)],
  ['w', classOf(/[0-9A-Za-z_]/)],
  ['s', classOf(/[ \t-\r]/)],
  ['alnum', classOf(/[0-9A-Za-z]/)],
  ['alpha', classOf(/[A-Za-z]/)],
  ['blank', classOf(/[ \t]/)],
  ['cntrl', classOf(/[\0-\x1f\x7f]/)],
  ['digit', classOf(/[0-9]/)],
  ['graph', classOf(/[!-~]/)],
  ['lower', classOf(/[a-z]/)],
  ['print', classOf(/[ -~]/)],
  ['punct', classOf(/[!-/:-@[-`{-~]/)],
  ['space', classOf(/[ \t-\r]/)],
  ['upper', classOf(/[A-Z]/)],
  ['xdigit', classOf(/[0-9A-Fa-f]/)],
]);

/** The portable character set's names, by code. */
const collatingNames: readonly string[] = [
  ...'NUL SOH STX ETX EOT ENQ ACK alert backspace tab newline vertical-tab form-feed'.split(' '),
  ...'carriage-return SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC IS4 IS3'.split(' '),
  ...'IS2 IS1 space exclamation-mark quotation-mark number-sign dollar-sign'.split(' '),
  ...'percent-sign ampersand apostrophe left-parenthesis right-parenthesis asterisk'.split(' '),
  ...'plus-sign comma hyphen period slash zero one two three four five six seven'.split(' '),
  ...'eight nine colon semicolon less-than-sign equals-sign greater-than-sign'.split(' '),
  ...'question-mark commercial-at A B C D E F G H I J K L M N O P Q R S T U V W X'.split(' '),
  ...'Y Z left-square-bracket backslash right-square-bracket circumflex underscore'.split(' '),
  ...'grave-accent a b c d e f g h i j k l m n o p q r s t u v w x y z'.split(' '),
  ...'left-curly-bracket vertical-line right-curly-bracket tilde DEL'.split(' '),
];
