/**
 * The binary index files of kernel module tools (`modules.dep.bin` and its kind): a radix trie from
 * key to values, each value with a priority.
 *
 * Layout, all numbers big-endian: magic 0xB007F457, version 0x00020001, offset of the root node,
 * then the nodes, children before parents. The high bits of a node's offset say which parts it has,
 * in this order: 0x80000000 a prefix (NUL-terminated), 0x20000000 a table of children (first and
 * last byte, then an offset per byte in that range, 0 where there is none), 0x40000000 values (a
 * count; per value its priority and NUL-terminated text). Keys are ASCII below 0x80.
 */
import { assert, byteString } from '#base';
import { Writer, viewOf } from '../bytes.ts';
import { malformedImage } from '../errors.ts';

const magic = 0xb007f457;
const version = 0x00020001;
const hasPrefix = 0x80000000;
const hasValues = 0x40000000;
const hasChildren = 0x20000000;
const offsetMask = 0x0fffffff;

interface TrieValue {
  readonly text: string;
  readonly priority: number;
}

interface TrieNode {
  prefix: string;
  children: Map<number, TrieNode>;
  values: TrieValue[];
}

/** A trie under construction. Its encoding does not depend on the order of insertion of keys. */
export class IndexTrie {
  readonly #root: TrieNode = { prefix: '', children: new Map(), values: [] };

  /** Values of one key stand by rising priority; of equal priorities the later comes first. */
  insert(key: string, text: string, priority: number): void {
    let node = this.#root;
    let at = 0;
    for (;;) {
      const shared = sharedLength(node.prefix, key, at);
      if (shared < node.prefix.length) splitNode(node, shared);
      at += shared;
      if (at === key.length) {
        addValue(node, { text, priority });
        return;
      }
      const byte = key.charCodeAt(at);
      assert(byte > 0 && byte < 128, `the index key ${key} is not ASCII`);
      const child = node.children.get(byte);
      if (child === undefined) {
        const leaf = {
          prefix: key.slice(at + 1),
          children: new Map(),
          values: [{ text, priority }],
        };
        node.children.set(byte, leaf);
        return;
      }
      node = child;
      at++;
    }
  }

  encode(): Uint8Array {
    const writer = new Writer(1 << 16).u32be(magic).u32be(version).u32be(0);
    const root = writeNode(writer, this.#root);
    const bytes = writer.take().slice();
    viewOf(bytes).setUint32(8, root);
    return bytes;
  }
}

/** Every key of an encoded index with its values, in order. For reading back. */
export function readIndexTrie(bytes: Uint8Array): Map<string, TrieValue[]> {
  const view = viewOf(bytes);
  if (bytes.length < 12 || view.getUint32(0) !== magic || view.getUint32(4) !== version) {
    throw malformedImage('module index', 'it does not begin with the magic number of version 2.1');
  }
  const found = new Map<string, TrieValue[]>();
  const stringAt = (offset: number): string =>
    byteString(bytes.subarray(offset, bytes.indexOf(0, offset)));
  const visit = (reference: number, key: string): void => {
    let at = reference & offsetMask;
    if (at === 0) return;
    if (reference & hasPrefix) {
      const prefix = stringAt(at);
      key += prefix;
      at += prefix.length + 1;
    }
    const children: [number, string][] = [];
    if (reference & hasChildren) {
      const first = view.getUint8(at);
      const last = view.getUint8(at + 1);
      at += 2;
      for (let byte = first; byte <= last; byte++, at += 4) {
        children.push([view.getUint32(at), key + String.fromCharCode(byte)]);
      }
    }
    if (reference & hasValues) {
      const count = view.getUint32(at);
      at += 4;
      const values: TrieValue[] = [];
      for (let i = 0; i < count; i++) {
        const text = stringAt(at + 4);
        values.push({ priority: view.getUint32(at), text });
        at += 5 + text.length;
      }
      found.set(key, values);
    }
    for (const [child, childKey] of children) visit(child, childKey);
  };
  visit(view.getUint32(8), '');
  return found;
}

function writeNode(writer: Writer, node: TrieNode): number {
  const bytes = [...node.children.keys()].sort((a, b) => a - b);
  const first = bytes[0] ?? 0;
  const last = bytes.at(-1) ?? 0;
  const offsets: number[] = [];
  if (bytes.length > 0) {
    for (let byte = first; byte <= last; byte++) {
      const child = node.children.get(byte);
      offsets.push(child === undefined ? 0 : writeNode(writer, child));
    }
  }
  let reference = writer.length;
  if (node.prefix !== '') {
    writer.string(node.prefix).u8(0);
    reference += hasPrefix;
  }
  if (bytes.length > 0) {
    writer.u8(first).u8(last);
    for (const offset of offsets) writer.u32be(offset);
    reference += hasChildren;
  }
  if (node.values.length > 0) {
    writer.u32be(node.values.length);
    for (const value of node.values) writer.u32be(value.priority).string(value.text).u8(0);
    reference += hasValues;
  }
  return reference;
}

function sharedLength(prefix: string, key: string, at: number): number {
  let length = 0;
  while (length < prefix.length && prefix[length] === key[at + length]) length++;
  return length;
}

/** Puts the rest of the node's prefix, its children and values one level down. */
function splitNode(node: TrieNode, length: number): void {
  const lower: TrieNode = {
    prefix: node.prefix.slice(length + 1),
    children: node.children,
    values: node.values,
  };
  node.children = new Map([[node.prefix.charCodeAt(length), lower]]);
  node.values = [];
  node.prefix = node.prefix.slice(0, length);
}

function addValue(node: TrieNode, value: TrieValue): void {
  const at = node.values.findIndex((other) => other.priority >= value.priority);
  node.values.splice(at < 0 ? node.values.length : at, 0, value);
}
