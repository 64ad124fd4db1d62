/**
 * The graph of locked inputs: which tree each input of a flake, and of its inputs, stands for.
 *
 * The root is the flake itself. An edge leads to a node, or follows another input by its path from
 * the root. *Invariant:* nodes are shared only where the lock file says so.
 */

import { NixError } from '#diagnostics';
import {
  isFinalInput, isLocked, narHashOf, printReference, relativePath, sameReference,
  type FlakeReference, type Input, type InputSettings,
} from '#runtime';

/** Names of inputs from the root on. */
export type InputPath = readonly string[];
export type Edge = LockNode | InputPath;

/** What the lock file says of an input. */
export interface Lock {
  readonly locked: FlakeReference;
  readonly original: FlakeReference;
  readonly isFlake: boolean;
  /** The input that a relative path starts at. */
  readonly parent: InputPath | undefined;
}

export class LockNode {
  readonly inputs = new Map<string, Edge>();
  /** Undefined for the root. */
  readonly lock: Lock | undefined;

  constructor(lock?: Lock) {
    this.lock = lock;
  }

  /** Inputs in byte order of their names. */
  sortedInputs(): [string, Edge][] {
    return [...this.inputs].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

export function isFollows(edge: Edge): edge is InputPath {
  return Array.isArray(edge);
}

export function printInputPath(path: InputPath): string {
  return path.join('/');
}

/** `a/b`: names of inputs. */
export function parseInputPath(text: string): string[] {
  const parts = text.split('/').filter((part) => part !== '');
  for (const part of parts) {
    if (!/^[a-zA-Z][a-zA-Z0-9_-]*$/.test(part)) {
      throw new NixError('Error', `invalid flake input attribute path element '${part}'`);
    }
  }
  return parts;
}

export function sameInputPath(a: InputPath | undefined, b: InputPath | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((part, index) => part === b[index]);
}

/** The node at a path, through what is followed; undefined if there is none. */
export function findInput(root: LockNode, path: InputPath, visited: InputPath[] = []): LockNode | undefined {
  const seen = visited.findIndex((one) => sameInputPath(one, path));
  if (seen >= 0) {
    const cycle = [...visited.slice(seen), path].map(printInputPath).join(' -> ');
    throw new NixError('Error', `follow cycle detected: [${cycle}]`);
  }
  visited.push(path);
  let node = root;
  for (const part of path) {
    const edge = node.inputs.get(part);
    if (edge === undefined) return undefined;
    const next = isFollows(edge) ? findInput(root, edge, visited) : edge;
    if (next === undefined) return undefined;
    node = next;
  }
  return node;
}

/** All edges by their paths, in order; a shared node's are told once. */
export function allInputs(root: LockNode): { readonly path: InputPath; readonly edge: Edge }[] {
  const done = new Set<LockNode>();
  const found: { path: InputPath; edge: Edge }[] = [];
  const visit = (prefix: InputPath, node: LockNode): void => {
    if (done.has(node)) return;
    done.add(node);
    for (const [name, edge] of node.sortedInputs()) {
      const path = [...prefix, name];
      found.push({ path, edge });
      if (!isFollows(edge)) visit(path, edge);
    }
  };
  visit([], root);
  return found.sort((a, b) => comparePaths(a.path, b.path));
}

/** Fails if something follows what is not there. */
export function checkFollows(root: LockNode): void {
  for (const { path, edge } of allInputs(root)) {
    if (isFollows(edge) && edge.length > 0 && findInput(root, edge) === undefined) {
      throw new NixError(
        'Error', `input '${printInputPath(path)}' follows a non-existent input '${printInputPath(edge)}'`);
    }
  }
}

/** An input that may give another tree some day; undefined if all are locked. */
export function unlockedInput(
  root: LockNode, settings: InputSettings, allowDirtyLocks: boolean,
): FlakeReference | undefined {
  const holds = (input: Input) => isLocked(input, settings) || (allowDirtyLocks && narHashOf(input) !== undefined);
  for (const { edge } of allInputs(root)) {
    if (isFollows(edge) || edge.lock === undefined) continue;
    const { input } = edge.lock.locked;
    if ((!holds(input) || !isFinalInput(input)) && relativePath(input) === undefined) return edge.lock.locked;
  }
  return undefined;
}

/** What is different between two graphs, for people to read. */
export function diffLocks(before: LockNode, after: LockNode): string {
  const [left, right] = [allInputs(before), allInputs(after)];
  let text = '';
  for (let i = 0, j = 0; i < left.length || j < right.length;) {
    const [a, b] = [left[i], right[j]];
    const order = a === undefined ? 1 : b === undefined ? -1 : comparePaths(a.path, b.path);
    if (order > 0) {
      text += `• Added input '${printInputPath(b!.path)}':\n    ${describe(b!.edge)}\n`;
      j++;
    } else if (order < 0) {
      text += `• Removed input '${printInputPath(a!.path)}'\n`;
      i++;
    } else {
      if (!sameEdge(a!.edge, b!.edge)) {
        text += `• Updated input '${printInputPath(a!.path)}':\n    ${describe(a!.edge)}\n  → ${describe(b!.edge)}\n`;
      }
      i++;
      j++;
    }
  }
  return text.replace(/[•→]/g, (sign) => signs[sign]!);
}

/** Messages are byte strings. */
const signs: Readonly<Record<string, string>> = { '•': '\u00e2\u0080\u00a2', '→': '\u00e2\u0086\u0092' };

function comparePaths(a: InputPath, b: InputPath): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1;
  }
  return a.length - b.length;
}

function describe(edge: Edge): string {
  if (isFollows(edge)) return `follows '${printInputPath(edge)}'`;
  const reference = edge.lock!.locked;
  const modified = reference.input.get('lastModified');
  const date = typeof modified === 'number' ? ` (${new Date(modified * 1000).toISOString().slice(0, 10)})` : '';
  return `'${printReference(reference)}'${date}`;
}

function sameEdge(a: Edge, b: Edge): boolean {
  if (isFollows(a) || isFollows(b)) return isFollows(a) && isFollows(b) && sameInputPath(a, b);
  return sameReference(a.lock!.locked, b.lock!.locked);
}
