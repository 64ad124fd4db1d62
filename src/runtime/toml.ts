/**
 * TOML 1.0 documents as values.
 *
 * Written for `builtins.fromTOML`: integers must fit 64 bits, dates and times become sets when
 * asked for, faults are reported with the line they stand in. Tables remember how they were
 * defined, because TOML forbids extending a table that was given as a value or defined twice.
 */

import { encodeUtf8 } from '#base';
import { Attrs, type AttrsEntry } from './attrs.ts';
import { encodeCodePoint } from './utf8.ts';
import { formatTomlTime } from './toml-time.ts';
import { NixFloat, type Slot, type Value } from './values.ts';

export class TomlError extends Error {}

export interface TomlOptions {
  /** Accept dates and times. */
  readonly timestamps: boolean;
}

/** The value of a document. Throws `TomlError`. */
export function parseToml(text: string, options: TomlOptions): Value {
  return new Reader(text, options).document();
}

/** How a table came to be: what may still be done to it depends on that. */
type TableOrigin = 'header' | 'implicit' | 'dotted' | 'inline';

class Table {
  readonly entries = new Map<string, Node>();
  origin: TableOrigin;
  constructor(origin: TableOrigin) {
    this.origin = origin;
  }
}

/** `[[name]]`: each header adds a table. */
class TableArray {
  readonly tables: Table[] = [];
}

type Node = Table | TableArray | Leaf | Node[];

class Leaf {
  readonly value: Value;
  constructor(value: Value) {
    this.value = value;
  }
}

const number = /[-+]?(?:inf|nan|[0-9][0-9A-Za-z_.+-]*)/y;
const time =
  /(?:\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[-+]\d{2}:\d{2})?)?|\d{2}:\d{2}:\d{2}(?:\.\d+)?)/y;
const bareKey = /[A-Za-z0-9_-]+/y;

class Reader {
  private readonly text: string;
  private readonly options: TomlOptions;
  private at = 0;
  private readonly root = new Table('header');

  constructor(text: string, options: TomlOptions) {
    this.text = text;
    this.options = options;
  }

  document(): Value {
    if (this.text.startsWith('\xef\xbb\xbf')) this.at = 3;
    let current = this.root;
    for (;;) {
      this.skipLines();
      if (this.at >= this.text.length) break;
      if (this.text[this.at] === '[') current = this.header();
      else this.keyValue(current);
      this.endOfLine();
    }
    return toValue(this.root);
  }

  // Space and lines

  private skipSpace(): void {
    while (this.text[this.at] === ' ' || this.text[this.at] === '\t') this.at++;
  }

  private skipComment(): void {
    if (this.text[this.at] !== '#') return;
    for (this.at++; this.at < this.text.length; this.at++) {
      const code = this.text.charCodeAt(this.at);
      if (code === 10 || (code === 13 && this.text[this.at + 1] === '\n')) return;
      if ((code < 32 && code !== 9) || code === 127) {
        throw this.fault('control character in a comment', 'not allowed here');
      }
    }
  }

  private takeNewline(): boolean {
    if (this.text[this.at] === '\n') this.at++;
    else if (this.text.startsWith('\r\n', this.at)) this.at += 2;
    else return false;
    return true;
  }

  private skipLines(): void {
    do {
      this.skipSpace();
      this.skipComment();
    } while (this.takeNewline());
  }

  private endOfLine(): void {
    this.skipSpace();
    this.skipComment();
    if (this.at < this.text.length && !this.takeNewline()) {
      throw this.fault('invalid line format', 'expected newline, but got this');
    }
  }

  private expect(character: string, what: string): void {
    if (this.text[this.at] !== character) throw this.fault(`missing ${what}`, 'here');
    this.at++;
  }

  // Keys and tables

  private header(): Table {
    const isArray = this.text.startsWith('[[', this.at);
    this.at += isArray ? 2 : 1;
    this.skipSpace();
    const begin = this.at;
    const path = this.key();
    this.expect(']', 'closing bracket of a table');
    if (isArray) this.expect(']', 'closing bracket of an array of tables');
    let table = this.root;
    for (const name of path.slice(0, -1)) table = this.descend(table, name, 'implicit', begin);
    const name = path[path.length - 1]!;
    const present = table.entries.get(name);
    if (isArray) {
      const array = present ?? new TableArray();
      if (!(array instanceof TableArray)) throw this.defined(path, begin);
      table.entries.set(name, array);
      const added = new Table('header');
      array.tables.push(added);
      return added;
    }
    if (present === undefined) {
      const added = new Table('header');
      table.entries.set(name, added);
      return added;
    }
    if (!(present instanceof Table) || present.origin !== 'implicit') {
      throw this.defined(path, begin);
    }
    present.origin = 'header';
    return present;
  }

  /** The table called `name` in `table`, made if absent; in an array the last one. */
  private descend(table: Table, name: string, origin: TableOrigin, begin: number): Table {
    const present = table.entries.get(name);
    if (present === undefined) {
      const added = new Table(origin);
      table.entries.set(name, added);
      return added;
    }
    if (present instanceof TableArray && origin === 'implicit') {
      return present.tables[present.tables.length - 1]!;
    }
    const isOpen =
      present instanceof Table &&
      present.origin !== 'inline' &&
      (origin === 'implicit' || present.origin === 'dotted');
    if (!isOpen) throw this.defined([name], begin);
    return present;
  }

  private keyValue(target: Table): void {
    const begin = this.at;
    const path = this.key();
    this.expect('=', 'equal sign after a key');
    this.skipSpace();
    const value = this.value();
    let table = target;
    for (const name of path.slice(0, -1)) table = this.descend(table, name, 'dotted', begin);
    const name = path[path.length - 1]!;
    if (table.entries.has(name)) throw this.defined(path, begin);
    table.entries.set(name, value);
  }

  /** A dotted key, with the space around it. */
  private key(): string[] {
    const path: string[] = [];
    do {
      this.skipSpace();
      path.push(this.simpleKey());
      this.skipSpace();
      if (this.text[this.at] !== '.') return path;
      this.at++;
    } while (true);
  }

  private simpleKey(): string {
    const quote = this.text[this.at];
    if (quote === '"') return this.basicString();
    if (quote === "'") return this.literalString();
    const key = this.take(bareKey);
    if (key === undefined) throw this.fault('invalid key', 'expected a key');
    return key;
  }

  private take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match === null) return undefined;
    this.at += match[0].length;
    return match[0];
  }

  // Values

  private value(): Node {
    const character = this.text[this.at];
    switch (character) {
      case '"':
        return new Leaf(
          this.text.startsWith('"""', this.at) ? this.longBasicString() : this.basicString(),
        );
      case "'":
        return new Leaf(
          this.text.startsWith("'''", this.at) ? this.longLiteralString() : this.literalString(),
        );
      case '[':
        return this.array();
      case '{':
        return this.inlineTable();
      case 't':
        return this.word('true', true);
      case 'f':
        return this.word('false', false);
    }
    const stamp = this.take(time);
    if (stamp !== undefined) return this.timestamp(stamp);
    const begin = this.at;
    const token = this.take(number);
    if (token === undefined) throw this.fault('unknown value', 'expected a value');
    return new Leaf(this.number(token, begin));
  }

  private word(word: string, value: boolean): Node {
    if (!this.text.startsWith(word, this.at)) throw this.fault('unknown value', 'expected a value');
    this.at += word.length;
    return new Leaf(value);
  }

  private timestamp(stamp: string): Node {
    const text = formatTomlTime(stamp);
    if (text === undefined) throw this.fault('invalid date or time', 'ends here');
    if (!this.options.timestamps) throw new TomlError('Dates and times are not supported');
    return new Leaf(
      Attrs.fromEntries([
        ['_type', 'timestamp'],
        ['value', text],
      ]),
    );
  }

  private number(token: string, begin: number): Value {
    if (/^[-+]?inf$/.test(token)) return new NixFloat(token[0] === '-' ? -Infinity : Infinity);
    if (/^[-+]?nan$/.test(token)) return new NixFloat(NaN);
    const based =
      /^0(?:x([0-9A-Fa-f]+(?:_[0-9A-Fa-f]+)*)|o([0-7]+(?:_[0-7]+)*)|b([01]+(?:_[01]+)*))$/;
    if (based.test(token)) return this.integer(BigInt(token.replaceAll('_', '')), token);
    const plain = token.replaceAll('_', '');
    if (/__|^_|_$|[^0-9]_|_[^0-9]/.test(token)) {
      this.at = begin;
      throw this.fault('invalid number', 'an underscore must stand between digits');
    }
    if (/^[-+]?(?:0|[1-9][0-9]*)$/.test(plain)) {
      return this.integer(BigInt(plain.replace(/^\+/, '')), token);
    }
    if (/^[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$/.test(plain)) {
      return new NixFloat(Number(plain));
    }
    this.at = begin;
    throw this.fault('invalid number', 'expected a number');
  }

  private integer(value: bigint, token: string): Value {
    if (BigInt.asIntN(64, value) !== value) {
      const based: Readonly<Record<string, string>> = { x: 'hex', o: 'oct', b: 'bin' };
      const kind = based[token[1] ?? ''] ?? 'dec';
      throw this.fault(
        `toml::parse_${kind}_integer: too large integer: current max digits = 2^63`,
        'must be < 2^63',
      );
    }
    const small = Number(value);
    return Number.isSafeInteger(small) ? small : value;
  }

  private array(): Node[] {
    const items: Node[] = [];
    this.at++;
    for (;;) {
      this.skipLines();
      if (this.text[this.at] === ']') break;
      items.push(this.value());
      this.skipLines();
      if (this.text[this.at] === ',') this.at++;
      else if (this.text[this.at] !== ']') {
        throw this.fault('missing array separator', "expected ',' or ']'");
      }
    }
    this.at++;
    return items;
  }

  private inlineTable(): Table {
    const table = new Table('dotted');
    this.at++;
    this.skipSpace();
    if (this.text[this.at] !== '}') {
      for (;;) {
        this.keyValue(table);
        this.skipSpace();
        if (this.text[this.at] === '}') break;
        this.expect(',', "separator, expected ',' or '}' in an inline table");
      }
    }
    this.at++;
    seal(table);
    return table;
  }

  // Strings

  private basicString(): string {
    let result = '';
    for (this.at++; ; ) {
      const character = this.text[this.at];
      if (character === '"') break;
      if (character === '\\') result += this.escape();
      else result += this.plainCharacter(character);
    }
    this.at++;
    return this.checked(result);
  }

  private longBasicString(): string {
    let result = '';
    this.at += 3;
    this.takeNewline();
    while (!this.text.startsWith('"""', this.at)) {
      const character = this.text[this.at];
      const rest = /\\[ \t]*\r?\n[ \t\r\n]*/y;
      if (character === '\\') {
        if (this.take(rest) === undefined) result += this.escape();
      } else if (this.takeNewline()) result += '\n';
      else result += this.plainCharacter(character);
    }
    return this.checked(this.closeLong(result, '"'));
  }

  private literalString(): string {
    let result = '';
    for (this.at++; this.text[this.at] !== "'"; ) {
      result += this.plainCharacter(this.text[this.at]);
    }
    this.at++;
    return result;
  }

  private longLiteralString(): string {
    let result = '';
    this.at += 3;
    this.takeNewline();
    while (!this.text.startsWith("'''", this.at)) {
      result += this.takeNewline() ? '\n' : this.plainCharacter(this.text[this.at]);
    }
    return this.closeLong(result, "'");
  }

  /** Up to two quotes may stand before the three that close. */
  private closeLong(text: string, quote: string): string {
    let result = text;
    this.at += 3;
    for (let i = 0; i < 2 && this.text[this.at] === quote; i++, this.at++) result += quote;
    return result;
  }

  private plainCharacter(character: string | undefined): string {
    const code = character?.charCodeAt(0) ?? 10;
    if ((code < 32 && code !== 9) || code === 127) {
      throw this.fault('invalid string', 'the string must be closed before this');
    }
    this.at++;
    return character!;
  }

  private escape(): string {
    const simple: Readonly<Record<string, string>> = {
      b: '\b',
      t: '\t',
      n: '\n',
      f: '\f',
      r: '\r',
      '"': '"',
      '\\': '\\',
    };
    const character = this.text[this.at + 1] ?? '';
    const plain = simple[character];
    if (plain !== undefined) {
      this.at += 2;
      return plain;
    }
    const unicode = /\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))/y;
    unicode.lastIndex = this.at;
    const match = unicode.exec(this.text);
    const code = match === null ? -1 : parseInt(match[1] ?? match[2]!, 16);
    if (code < 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
      throw this.fault('unknown escape sequence', 'this is not an escape sequence');
    }
    this.at += match![0].length;
    return encodeCodePoint(code);
  }

  private checked(text: string): string {
    if (!text.includes('\0')) return text;
    const shown = text.replaceAll('\0', encodeUtf8('␀'));
    throw new TomlError(
      `error: input string '${shown}' cannot be represented as Nix string because it contains` +
        ' null bytes',
    );
  }

  // Faults

  private defined(path: readonly string[], at: number): TomlError {
    this.at = at;
    return this.fault(`key '${path.join('.')}' is defined already`, 'defined again here');
  }

  /** An error at the present place. */
  private fault(title: string, label: string): TomlError {
    const before = this.text.slice(0, this.at);
    const lineBegin = before.lastIndexOf('\n') + 1;
    const newline = this.text.indexOf('\n', lineBegin);
    const line = this.text.slice(lineBegin, newline < 0 ? undefined : newline);
    const number = String(before.split('\n').length);
    const margin = ' '.repeat(number.length);
    return new TomlError(
      `[error] ${title}\n${margin}--> fromTOML\n ${margin} |\n ${number} | ${line}\n` +
        ` ${margin} | ${' '.repeat(this.at - lineBegin)}^-- ${label}\n`,
    );
  }
}

/** What stands in braces is complete, with all in it. */
function seal(table: Table): void {
  table.origin = 'inline';
  for (const entry of table.entries.values()) if (entry instanceof Table) seal(entry);
}

function toValue(node: Node): Value {
  if (node instanceof Leaf) return node.value;
  if (Array.isArray(node)) return node.map((item): Slot => toValue(item));
  if (node instanceof TableArray) return node.tables.map((item): Slot => toValue(item));
  const entries: AttrsEntry[] = [];
  for (const [name, entry] of node.entries) entries.push([name, toValue(entry)]);
  return Attrs.fromEntries(entries);
}
