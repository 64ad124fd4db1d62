/**
 * JSON as bytes: reading it into values, and quoting strings.
 *
 * Reading follows the parser of C++ Nix to the wording: integers that fit 64 bits are integers,
 * others floats; the last of equal keys counts; a text must be UTF-8 and hold no null byte.
 *
 * Many objects of one document have the same keys in the same order, so their shape is made once
 * per document.
 */

import { Attrs } from './attrs.ts';
import { checkListLength } from './errors.ts';
import { escapeText } from './escape-text.ts';
import { formatFloatJson } from './float-text.ts';
import { encodeCodePoint, findUtf8Fault, sequenceLength } from './utf8.ts';
import { NixFloat, type Slot, type Value } from './values.ts';

/** The text is not JSON, or not such as Nix can hold. `isSyntax` tells which. */
export class JsonError extends Error {
  readonly isSyntax: boolean;
  constructor(message: string, isSyntax: boolean) {
    super(message);
    this.isSyntax = isSyntax;
  }
}

/** The value of a JSON text. Throws `JsonError`. */
export function parseJson(text: string): Value {
  return new Reader(text).document();
}

/** A byte string as JSON string. Throws `JsonError` if it is not UTF-8. */
export function quoteJson(text: string): string {
  if (!needsEscape.test(text)) return `"${text}"`;
  const fault = findUtf8Fault(text);
  if (fault !== undefined) throw badUtf8(text, fault.index);
  return `"${escapeText(text, escaped, escapeCharacter)}"`;
}

export { formatFloatJson };

// Bytes from 0x80 are looked at only to check that they are UTF-8.
const needsEscape = /[\0-\x1f"\\\x80-\xff]/;
const escaped = /[\0-\x1f"\\]/g;

function escapeCharacter(character: string): string {
  switch (character) {
    case '"':
      return '\\"';
    case '\\':
      return '\\\\';
    case '\b':
      return '\\b';
    case '\t':
      return '\\t';
    case '\n':
      return '\\n';
    case '\f':
      return '\\f';
    case '\r':
      return '\\r';
    default:
      return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  }
}

function badUtf8(text: string, index: number): JsonError {
  const hex = (at: number): string =>
    `0x${text.charCodeAt(at).toString(16).toUpperCase().padStart(2, '0')}`;
  const message =
    index >= text.length
      ? `incomplete UTF-8 string; last byte: ${hex(text.length - 1)}`
      : `invalid UTF-8 byte at index ${index}: ${hex(index)}`;
  return new JsonError(`[json.exception.type_error.316] ${message}`, false);
}

const anyValue = "'[', '{', or a literal";
const quote = 0x22;
const backslash = 0x5c;
const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;
const maxUint64 = 2n ** 64n - 1n;

/** What a set of these keys in this order looks like when sorted. */
interface ObjectForm {
  readonly empty: Attrs;
  /** For each sorted attribute the index among the values read. */
  readonly order: readonly number[];
}

class Reader {
  private readonly text: string;
  private at = 0;
  /** Where messages begin to quote: at the last string or number. */
  private quoteFrom = 0;
  /** What a message about a faulty token says was expected, if anything. */
  private expected: string | undefined;
  private readonly forms = new Map<string, ObjectForm>();

  constructor(text: string) {
    this.text = text;
  }

  document(): Value {
    if (this.text.startsWith('\xef')) this.byteOrderMark();
    this.skipSpace();
    if (this.at >= this.text.length && this.text.length === 0) {
      throw new JsonError(
        '[json.exception.parse_error.101] parse error at line 1, column 1: attempting to parse' +
          ' an empty input; check that your input string or stream contains the expected JSON',
        true,
      );
    }
    const value = this.value();
    this.skipSpace();
    if (this.at < this.text.length) throw this.unexpected('value', 'end of input');
    return value;
  }

  private byteOrderMark(): void {
    if (!this.text.startsWith('\xef\xbb\xbf')) {
      this.at = this.text[1] === '\xbb' ? 2 : 1;
      throw this.lexicalError('value', 'invalid BOM; must be 0xEF 0xBB 0xBF if given');
    }
    this.at = 3;
  }

  private skipSpace(): void {
    const text = this.text;
    for (;;) {
      const code = text.charCodeAt(this.at);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return;
      this.at++;
    }
  }

  private value(): Value {
    this.expected = undefined;
    switch (this.text.charCodeAt(this.at)) {
      case quote:
        return this.string('value');
      case 0x7b:
        return this.object();
      case 0x5b:
        return this.array();
      case 0x74:
        return this.literal('true', true, 'value');
      case 0x66:
        return this.literal('false', false, 'value');
      case 0x6e:
        return this.literal('null', null, 'value');
      case 0x2d:
      case 0x30:
      case 0x31:
      case 0x32:
      case 0x33:
      case 0x34:
      case 0x35:
      case 0x36:
      case 0x37:
      case 0x38:
      case 0x39:
        return this.number('value');
      default:
        throw this.unexpected('value', anyValue);
    }
  }

  private array(): Slot[] {
    const items: Slot[] = [];
    this.at++;
    this.skipSpace();
    if (this.text.charCodeAt(this.at) === 0x5d) {
      this.at++;
      return items;
    }
    for (;;) {
      items.push(this.value());
      checkListLength(items.length, 0);
      this.skipSpace();
      const code = this.text.charCodeAt(this.at);
      if (code === 0x2c) {
        this.at++;
        this.skipSpace();
      } else if (code === 0x5d) {
        this.at++;
        return items;
      } else throw this.unexpected('array', "']'");
    }
  }

  private object(): Attrs {
    const names: string[] = [];
    const slots: Slot[] = [];
    this.at++;
    this.skipSpace();
    if (this.text.charCodeAt(this.at) === 0x7d) {
      this.at++;
      return Attrs.fromNames(names, slots);
    }
    for (;;) {
      if (this.text.charCodeAt(this.at) !== quote) {
        throw this.unexpected('object key', 'string literal');
      }
      this.expected = 'string literal';
      names.push(this.string('object key'));
      this.skipSpace();
      if (this.text.charCodeAt(this.at) !== 0x3a) {
        throw this.unexpected('object separator', "':'");
      }
      this.at++;
      this.skipSpace();
      slots.push(this.value());
      this.skipSpace();
      const code = this.text.charCodeAt(this.at);
      if (code === 0x2c) {
        this.at++;
        this.skipSpace();
      } else if (code === 0x7d) {
        this.at++;
        return this.assemble(names, slots);
      } else throw this.unexpected('object', "'}'");
    }
  }

  private assemble(names: string[], slots: Slot[]): Attrs {
    const key = names.join('\0');
    let form = this.forms.get(key);
    if (form === undefined) {
      const places = new Map<string, number>();
      names.forEach((name, i) => places.set(name, i));
      const sorted = [...places.keys()].sort((a, b) => (a < b ? -1 : 1));
      const order = sorted.map((name) => places.get(name)!);
      form = { empty: Attrs.fromNames(sorted, new Array<Slot>(order.length).fill(null)), order };
      this.forms.set(key, form);
    }
    return form.empty.withSlots(form.order.map((i) => slots[i]!));
  }

  private literal<T>(word: string, value: T, context: string): T {
    const begin = this.at;
    for (let i = 0; i < word.length; i++) {
      if (this.text[begin + i] !== word[i]) {
        this.at = Math.min(begin + i + 1, this.text.length + 1);
        throw this.lexicalError(context, 'invalid literal');
      }
    }
    this.at = begin + word.length;
    return value;
  }

  private number(context: string): Value {
    const text = this.text;
    const begin = (this.quoteFrom = this.at);
    const digits = (message: string): void => {
      const from = this.at;
      while (isDigit(text.charCodeAt(this.at))) this.at++;
      if (this.at === from) {
        this.at++;
        throw this.lexicalError(context, `invalid number; expected ${message}`);
      }
    };
    if (text[this.at] === '-') this.at++;
    if (text[this.at] === '0') this.at++;
    else digits("digit after '-'");
    let isInteger = true;
    if (text[this.at] === '.') {
      isInteger = false;
      this.at++;
      digits("digit after '.'");
    }
    if (text[this.at] === 'e' || text[this.at] === 'E') {
      isInteger = false;
      this.at++;
      if (text[this.at] === '+' || text[this.at] === '-') {
        this.at++;
        digits('digit after exponent sign');
      } else digits("'+', '-', or digit after exponent");
    }
    const source = text.slice(begin, this.at);
    return isInteger ? this.integer(source) : this.float(source);
  }

  private integer(source: string): Value {
    const small = Number(source);
    if (Number.isSafeInteger(small)) return small === 0 ? 0 : small;
    const exact = BigInt(source);
    if (exact >= minInt64 && exact <= maxInt64) return exact;
    if (exact > 0n && exact <= maxUint64) {
      throw new JsonError(`unsigned json number ${source} outside of Nix integer range`, false);
    }
    return this.float(source);
  }

  private float(source: string): NixFloat {
    const value = Number(source);
    if (!Number.isFinite(value)) {
      const message = `[json.exception.out_of_range.406] number overflow parsing '${source}'`;
      throw new JsonError(message, true);
    }
    return new NixFloat(value);
  }

  private string(context: string): string {
    const text = this.text;
    this.quoteFrom = this.at;
    const begin = ++this.at;
    for (let at = begin; ; at++) {
      const code = text.charCodeAt(at);
      if (code === quote) {
        this.at = at + 1;
        return text.slice(begin, at);
      }
      // Not a number at the end of the text.
      if (!(code >= 32 && code < 128 && code !== backslash)) {
        return this.longString(begin, at, context);
      }
    }
  }

  /** The rest of a string from a byte that is not plain. */
  private longString(begin: number, from: number, context: string): string {
    const text = this.text;
    let result = '';
    let plain = begin;
    let at = from;
    const fail = (consumed: number, message: string): JsonError => {
      this.at = consumed;
      return this.lexicalError(context, `invalid string: ${message}`);
    };
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === quote) break;
      if (code === backslash) {
        result += text.slice(plain, at);
        const [character, end] = this.escape(at, fail);
        result += character;
        at = plain = end;
      } else if (code < 32) {
        throw fail(at + 1, controlCharacter(code));
      } else if (code < 128) {
        at++;
      } else {
        if (Number.isNaN(code)) throw fail(at + 1, 'missing closing quote');
        const length = sequenceLength(text, at);
        if (length < 0) throw fail(at - length, 'ill-formed UTF-8 byte');
        at += length;
      }
    }
    result += text.slice(plain, at);
    this.at = at + 1;
    if (result.includes('\0')) {
      throw new JsonError(
        `input string '${result.replaceAll('\0', '\u00e2\u0090\u0080')}'` +
          ' cannot be represented as Nix string because it contains null bytes',
        false,
      );
    }
    return result;
  }

  private escape(
    at: number,
    fail: (consumed: number, message: string) => JsonError,
  ): readonly [character: string, end: number] {
    const simple = simpleEscapes[this.text[at + 1] ?? ''];
    if (simple !== undefined) return [simple, at + 2];
    if (this.text[at + 1] !== 'u') throw fail(at + 2, 'forbidden character after backslash');
    const hex = (from: number): number => {
      for (let i = 0; i < 4; i++) {
        if (!/^[0-9A-Fa-f]$/.test(this.text[from + i] ?? '')) {
          throw fail(from + i + 1, "'\\u' must be followed by 4 hex digits");
        }
      }
      return parseInt(this.text.slice(from, from + 4), 16);
    };
    const code = hex(at + 2);
    if (code >= 0xdc00 && code <= 0xdfff) {
      throw fail(at + 6, 'surrogate U+DC00..U+DFFF must follow U+D800..U+DBFF');
    }
    if (code < 0xd800 || code > 0xdbff) return [encodeCodePoint(code), at + 6];
    const lone = 'surrogate U+D800..U+DBFF must be followed by U+DC00..U+DFFF';
    if (this.text[at + 6] !== '\\') throw fail(at + 7, lone);
    if (this.text[at + 7] !== 'u') throw fail(at + 8, lone);
    const low = hex(at + 8);
    if (low < 0xdc00 || low > 0xdfff) throw fail(at + 12, lone);
    return [encodeCodePoint(0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)), at + 12];
  }

  /** An error at the token that stands here. */
  private unexpected(context: string, expected: string): JsonError {
    this.expected = expected === anyValue ? undefined : expected;
    const token = this.tokenHere(context);
    return this.syntaxError(context, `unexpected ${token}; expected ${expected}`);
  }

  /** Reads the token that stands here and names it. */
  private tokenHere(context: string): string {
    const begin = this.at;
    switch (this.text[begin]) {
      case undefined:
        this.at++;
        return 'end of input';
      case '"':
        this.string(context);
        return 'string literal';
      case 't':
        this.literal('true', true, context);
        return 'true literal';
      case 'f':
        this.literal('false', false, context);
        return 'false literal';
      case 'n':
        this.literal('null', null, context);
        return 'null literal';
      case '[':
      case ']':
      case '{':
      case '}':
      case ':':
      case ',':
        this.at++;
        return `'${this.text[begin]}'`;
    }
    const code = this.text.charCodeAt(begin);
    if (code === 0x2d || isDigit(code)) {
      this.number(context);
      return 'number literal';
    }
    this.at++;
    throw this.lexicalError(context, 'invalid literal');
  }

  /** `this.at` is the number of bytes read, one more than there are if the end was read. */
  private lexicalError(context: string, message: string): JsonError {
    const token = this.text.slice(this.quoteFrom, this.at).replace(/[\0-\x1f]/g, (character) => {
      const hex = character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
      return `<U+${hex}>`;
    });
    const expectation = this.expected === undefined ? '' : `; expected ${this.expected}`;
    return this.syntaxError(context, `${message}; last read: '${token}'${expectation}`);
  }

  private syntaxError(context: string, message: string): JsonError {
    const before = this.text.slice(0, this.at);
    const line = before.split('\n').length;
    const column = this.at - (before.lastIndexOf('\n') + 1);
    return new JsonError(
      `[json.exception.parse_error.101] parse error at line ${line}, column ${column}:` +
        ` syntax error while parsing ${context} - ${message}`,
      true,
    );
  }
}

const simpleEscapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

const controlNames: readonly string[] = [
  ...'NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI'.split(' '),
  ...'DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US'.split(' '),
];

const controlEscapes: Readonly<Record<number, string>> = {
  8: '\\b',
  9: '\\t',
  10: '\\n',
  12: '\\f',
  13: '\\r',
};

function controlCharacter(code: number): string {
  const hex = code.toString(16).toUpperCase().padStart(4, '0');
  const short = controlEscapes[code];
  return (
    `control character U+${hex} (${controlNames[code]}) must be escaped to \\u${hex}` +
    (short === undefined ? '' : ` or ${short}`)
  );
}
