/**
 * systemd's hardware database: `hwdb.d/*.hwdb` texts compiled into `hwdb.bin`, which udev searches
 * by the modalias of a device.
 *
 * Text: records of one or more match lines (globs), then indented ` KEY=value` lines, ended by an
 * empty line; `#` begins a comment. Of two values for the same match and key the later wins.
 * Binary, little-endian: a header of ten 64-bit words, the nodes of a radix trie over the match
 * strings, children before parents, then the strings. Strings are stored once, and a string that
 * another one ends with is stored as a part of it. Keys keep the blank before them.
 *
 * The layout follows from the order of the files and lines alone, and agrees byte for byte with
 * what systemd's own compiler writes for the same files.
 */
import { Writer, compareByteStrings } from '../bytes.ts';

export interface HwdbFile {
  /** As it is recorded in the database: `/usr/lib/udev/hwdb.d/20-OUI.hwdb`. */
  readonly path: string;
  /** A byte string. */
  readonly text: string;
}

export interface HwdbOptions {
  /** The version of systemd that the database says it was made by. */
  readonly toolVersion: number;
  /** Hears of lines that are ignored. */
  readonly onWarning?: (path: string, lineNumber: number, message: string) => void;
}

const headerBytes = 80;
const nodeBytes = 24;
const childBytes = 16;
const valueBytes = 32;

interface HwdbValue {
  readonly key: string;
  readonly keyAt: number;
  valueAt: number;
  pathAt: number;
  lineNumber: number;
  priority: number;
}

interface HwdbNode {
  prefixAt: number;
  prefix: string;
  children: Map<number, HwdbNode>;
  values: HwdbValue[];
}

/** Compiles the files, which must be in the order of their base names. */
export function compileHwdb(files: readonly HwdbFile[], options: HwdbOptions): Uint8Array {
  const trie = new HwdbTrie();
  for (const [index, file] of files.entries()) {
    importFile(trie, file, index + 1, options.onWarning ?? (() => {}));
  }
  return trie.encode(options.toolVersion);
}

type Warn = NonNullable<HwdbOptions['onWarning']>;

function importFile(trie: HwdbTrie, file: HwdbFile, priority: number, onWarning: Warn): void {
  let matches: string[] = [];
  let inData = false;
  const lines = file.text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  for (const [index, raw] of lines.entries()) {
    if (raw.startsWith('#')) continue;
    const lineNumber = index + 1;
    const line = raw.replace(/#.*$/s, '').replace(/[ \t\n\v\f\r]+$/, '');
    const warn = (message: string): void => onWarning(file.path, lineNumber, message);
    if (line === '') {
      if (matches.length > 0 && !inData) warn('a record without properties');
      matches = [];
      inData = false;
    } else if (!line.startsWith(' ')) {
      if (inData) {
        warn('a match line within properties');
        matches = [];
        inData = false;
      } else {
        matches.push(line);
      }
    } else if (matches.length === 0) {
      warn('a property without a match line before it');
    } else {
      inData = true;
      const equals = line.indexOf('=');
      const key = line.slice(0, Math.max(equals, 0)).replace(/^[ \t]+(?=[ \t])/, '');
      if (key.length < 2) warn('a property that is no KEY=value');
      else {
        const value = { key, value: line.slice(equals + 1), path: file.path, priority, lineNumber };
        for (const match of matches) trie.insert(match, value);
      }
    }
  }
}

interface Property {
  readonly key: string;
  readonly value: string;
  readonly path: string;
  readonly priority: number;
  readonly lineNumber: number;
}

class HwdbTrie {
  readonly #strings = new StringPool();
  readonly #root: HwdbNode = { prefixAt: 0, prefix: '', children: new Map(), values: [] };

  insert(match: string, property: Property): void {
    let node = this.#root;
    let at = 0;
    for (;;) {
      let shared = 0;
      const { prefix } = node;
      while (shared < prefix.length && prefix.charCodeAt(shared) === match.charCodeAt(at + shared))
        shared++;
      if (shared < prefix.length) this.#split(node, shared);
      at += shared;
      if (at === match.length) break;
      const byte = match.charCodeAt(at);
      const child = node.children.get(byte);
      at++;
      if (child !== undefined) {
        node = child;
        continue;
      }
      const rest = match.slice(at);
      const leaf: HwdbNode = {
        prefixAt: this.#strings.add(rest),
        prefix: rest,
        children: new Map(),
        values: [],
      };
      node.children.set(byte, leaf);
      node = leaf;
      break;
    }
    this.#addValue(node, property);
  }

  encode(toolVersion: number): Uint8Array {
    const nodesBytes = sizeOfNodes(this.#root);
    const stringsAt = headerBytes + nodesBytes;
    const strings = this.#strings.take();
    const writer = new Writer(stringsAt + strings.length)
      .string('KSLPHHRH')
      .u64(toolVersion)
      .u64(stringsAt + strings.length)
      .u64(headerBytes)
      .u64(nodeBytes)
      .u64(childBytes)
      .u64(valueBytes)
      // The root is written last.
      .u64(stringsAt - ownSize(this.#root))
      .u64(nodesBytes)
      .u64(strings.length);
    writeNode(writer, this.#root, stringsAt);
    return writer.bytes(strings).take();
  }

  /** The node keeps the first part of its prefix; all else moves to a child. */
  #split(node: HwdbNode, length: number): void {
    const lower: HwdbNode = {
      prefixAt: node.prefixAt + length + 1,
      prefix: node.prefix.slice(length + 1),
      children: node.children,
      values: node.values,
    };
    const byte = node.prefix.charCodeAt(length);
    node.prefix = node.prefix.slice(0, length);
    node.prefixAt = this.#strings.add(node.prefix);
    node.children = new Map([[byte, lower]]);
    node.values = [];
  }

  #addValue(node: HwdbNode, property: Property): void {
    const { key, priority, lineNumber } = property;
    const keyAt = this.#strings.add(key);
    const valueAt = this.#strings.add(property.value);
    const pathAt = this.#strings.add(property.path);
    const known = node.values.find((value) => value.key === key);
    if (known !== undefined) {
      Object.assign(known, { valueAt, pathAt, priority, lineNumber });
      return;
    }
    node.values.push({ key, keyAt, valueAt, pathAt, priority, lineNumber });
    node.values.sort((a, b) => compareByteStrings(a.key, b.key));
  }
}

const ownSize = (node: HwdbNode): number =>
  nodeBytes + node.children.size * childBytes + node.values.length * valueBytes;

function sizeOfNodes(node: HwdbNode): number {
  let size = ownSize(node);
  for (const child of node.children.values()) size += sizeOfNodes(child);
  return size;
}

/** Writes the node behind its children; returns where it stands. */
function writeNode(writer: Writer, node: HwdbNode, stringsAt: number): number {
  const children = [...node.children].sort(([a], [b]) => a - b);
  const places = children.map(([, child]) => writeNode(writer, child, stringsAt));
  const place = writer.length;
  writer
    .u64(stringsAt + node.prefixAt)
    .u8(children.length)
    .zeros(7)
    .u64(node.values.length);
  for (const [index, [byte]] of children.entries()) writer.u8(byte).zeros(7).u64(places[index]!);
  for (const value of node.values) {
    writer
      .u64(stringsAt + value.keyAt)
      .u64(stringsAt + value.valueAt)
      .u64(stringsAt + value.pathAt);
    writer.u32(value.lineNumber).u16(value.priority).u16(0);
  }
  return place;
}

interface SuffixNode {
  readonly end: number;
  readonly text: string;
  readonly children: Map<number, SuffixNode>;
}

/**
 * NUL-terminated strings after one another, the empty one first. A string that ends one stored
 * before, on the path of its last characters, is not stored again.
 */
class StringPool {
  readonly #bytes = new Writer(1 << 20).u8(0);
  readonly #root: SuffixNode = { end: 0, text: '', children: new Map() };

  add(text: string): number {
    if (text === '') return 0;
    let node = this.#root;
    for (let depth = 0; ; depth++) {
      if (node.text.length >= text.length && node.text.endsWith(text))
        return node.end - text.length;
      if (depth === text.length) return node.end - text.length;
      const byte = text.charCodeAt(text.length - 1 - depth);
      const child = node.children.get(byte);
      if (child === undefined) {
        const start = this.#bytes.length;
        this.#bytes.string(text).u8(0);
        node.children.set(byte, { end: start + text.length, text, children: new Map() });
        return start;
      }
      node = child;
    }
  }

  take(): Uint8Array {
    return this.#bytes.take();
  }
}
