/**
 * `flake.lock`: the graph of locked inputs as JSON, version 7; versions 5 and 6 are read.
 *
 * Nodes have keys made of their inputs' names. What is written is byte for byte what C++ Nix writes
 * for the same graph: two blanks a level, keys in order.
 */

import { decodeUtf8, encodeUtf8 } from '#base';
import { NixError } from '#diagnostics';
import {
  inputToJson, isLocked, narHashOf, printReference, quoteJson, referenceAttributes,
  referenceFromAttributes, relativePath, withAttributes, type FetchAttribute, type FlakeReference,
  type InputSettings,
} from '#runtime';
import { isFollows, LockNode, type Edge, type InputPath } from './lock-graph.ts';

export interface PrintedLocks {
  readonly text: string;
  readonly keys: ReadonlyMap<LockNode, string>;
}

type Json = string | number | boolean | readonly Json[] | ReadonlyMap<string, Json>;

/** The graph in a lock file's text; `path` names the file in messages. */
export function parseLockFile(text: string, path: string, settings: InputSettings): LockNode {
  let json: LockJson;
  try {
    json = JSON.parse(decodeUtf8(text)) as LockJson;
  } catch (error) {
    throw new NixError('Error', `Could not parse '${path}': ${encodeUtf8((error as Error).message)}`);
  }
  const version = json.version ?? 0;
  if (typeof version !== 'number' || version < 5 || version > 7) {
    throw new NixError('Error', `lock file '${path}' has unsupported version ${String(version)}`);
  }
  return new LockReader(json, path, settings).root();
}

/** The text of a graph without a final line end, and the keys that stand in it. */
export function printLockFile(root: LockNode): PrintedLocks {
  const keys = new Map<LockNode, string>();
  const taken = new Set<string>();
  const nodes = new Map<string, Json>();
  const add = (wanted: string, node: LockNode): string => {
    const known = keys.get(node);
    if (known !== undefined) return known;
    let key = wanted;
    for (let n = 2; taken.has(key); n++) key = `${wanted}_${n}`;
    taken.add(key);
    keys.set(node, key);
    nodes.set(key, nodeJson(node, add));
    return key;
  };
  const rootKey = add('root', root);
  const json: Json = new Map<string, Json>([['version', 7], ['root', rootKey], ['nodes', nodes]]);
  return { text: printJson(json, ''), keys };
}

function nodeJson(node: LockNode, add: (key: string, node: LockNode) => string): Json {
  const json = new Map<string, Json>();
  const inputs = new Map<string, Json>();
  for (const [name, edge] of node.sortedInputs()) inputs.set(name, isFollows(edge) ? edge : add(name, edge));
  if (inputs.size > 0) json.set('inputs', inputs);
  if (node.lock === undefined) return json;
  const { original, locked, isFlake, parent } = node.lock;
  json.set('original', withAttributes(referenceAttributes(original), { __final: undefined }));
  json.set('locked', withAttributes(referenceAttributes(locked), { __final: undefined }));
  if (!isFlake) json.set('flake', false);
  if (parent !== undefined) json.set('parent', parent);
  return json;
}

/** JSON with two blanks a level and keys in byte order; strings are byte strings. */
export function printJson(json: Json, indent: string): string {
  if (typeof json === 'string') return quoteJson(json);
  if (typeof json === 'number' || typeof json === 'boolean') return String(json);
  const inner = `${indent}  `;
  if (isList(json)) {
    if (json.length === 0) return '[]';
    return `[\n${json.map((item) => inner + printJson(item, inner)).join(',\n')}\n${indent}]`;
  }
  if (json.size === 0) return '{}';
  const lines = [...json].sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${inner}${quoteJson(key)}: ${printJson(value, inner)}`);
  return `{\n${lines.join(',\n')}\n${indent}}`;
}

function isList(json: readonly Json[] | ReadonlyMap<string, Json>): json is readonly Json[] {
  return Array.isArray(json);
}

interface LockJson {
  readonly version?: number;
  readonly root?: string;
  readonly nodes?: Readonly<Record<string, NodeJson>>;
}

interface NodeJson {
  readonly inputs?: Readonly<Record<string, string | readonly string[]>>;
  readonly locked?: Readonly<Record<string, unknown>>;
  readonly info?: Readonly<Record<string, unknown>>;
  readonly original?: Readonly<Record<string, unknown>>;
  readonly flake?: boolean;
  readonly parent?: readonly string[];
}

class LockReader {
  readonly #json: LockJson;
  readonly #path: string;
  readonly #settings: InputSettings;
  readonly #nodes = new Map<string, LockNode>();

  constructor(json: LockJson, path: string, settings: InputSettings) {
    this.#json = json;
    this.#path = path;
    this.#settings = settings;
  }

  root(): LockNode {
    const key = this.#json.root;
    const json = typeof key === 'string' ? this.#nodeJson(key) : undefined;
    if (json === undefined) throw new NixError('Error', `lock file '${this.#path}' has no root node`);
    const root = new LockNode();
    this.#nodes.set(key!, root);
    this.#readInputs(root, json);
    return root;
  }

  #nodeJson(key: string): NodeJson | undefined {
    const { nodes = {} } = this.#json;
    return Object.hasOwn(nodes, key) ? nodes[key] : undefined;
  }

  #readInputs(node: LockNode, json: NodeJson): void {
    for (const [name, target] of Object.entries(json.inputs ?? {})) {
      node.inputs.set(encodeUtf8(name), this.#edge(target));
    }
  }

  #edge(target: string | readonly string[]): Edge {
    if (Array.isArray(target)) return target.map((part) => encodeUtf8(String(part)));
    const key = String(target);
    let node = this.#nodes.get(key);
    if (node === undefined) {
      const json = this.#nodeJson(key);
      if (json === undefined) throw new NixError('Error', `lock file references missing node '${encodeUtf8(key)}'`);
      node = new LockNode(this.#lock(json));
      this.#nodes.set(key, node);
      this.#readInputs(node, json);
    }
    if (node.lock === undefined) throw new NixError('Error', 'lock file contains cycle to root node');
    return node;
  }

  #lock(json: NodeJson): { locked: FlakeReference; original: FlakeReference; isFlake: boolean; parent: InputPath | undefined } {
    const locked = this.#reference(json.locked, 'locked', json.info);
    this.#checkLocked(locked);
    return {
      // Lock files name final inputs, by definition.
      locked: { ...locked, input: withAttributes(locked.input, { __final: true }) },
      original: this.#reference(json.original, 'original'),
      isFlake: json.flake ?? true,
      parent: json.parent?.map((part) => encodeUtf8(String(part))),
    };
  }

  #reference(
    json: Readonly<Record<string, unknown>> | undefined, name: string, more: Readonly<Record<string, unknown>> = {},
  ): FlakeReference {
    if (json === undefined) throw new NixError('Error', `attribute '${name}' missing in lock file`);
    const attributes = new Map<string, FetchAttribute>();
    for (const [key, value] of [...Object.entries(json), ...Object.entries(more)]) {
      if (typeof value === 'string') attributes.set(encodeUtf8(key), encodeUtf8(value));
      else if (typeof value === 'number' || typeof value === 'boolean') attributes.set(encodeUtf8(key), value);
      else throw new NixError('Error', 'unsupported input attribute type in lock file');
    }
    return referenceFromAttributes(attributes, this.#settings);
  }

  #checkLocked(reference: FlakeReference): void {
    const { input } = reference;
    if (isLocked(input, this.#settings) || relativePath(input) !== undefined) return;
    if (narHashOf(input) === undefined) {
      throw new NixError(
        'Error',
        `Lock file contains unlocked input '${inputToJson(input)}'. Use '--allow-dirty-locks' to accept this lock file.`);
    }
    this.#settings.warn?.(
      `Lock file entry '${printReference(reference)}' is unlocked (e.g. lacks a Git revision) but is checked by` +
        ' NAR hash. This is not reproducible and will break after garbage collection or when shared.');
  }
}

