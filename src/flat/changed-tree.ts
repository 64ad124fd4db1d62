/**
 * The tree of a changed file, laid beside the one that it had before.
 *
 * Thunks are told apart by their nodes, so a change should leave as many nodes as it can: what is
 * alike in both trees keeps its node, wherever it stands now; a function of which only the body has
 * changed keeps its node too and gets the new body. Attributes and bindings are laid beside each other
 * by name, all else in order. Strings, paths and `<…>` are the same words in all versions.
 *
 * All who called a function of the file run again (inputs.ts), so it may get another body. Nothing
 * else of a node that is kept ever changes: thunks of it are what they were.
 */

import type { Position } from '#diagnostics';
import { type Expr, Level, none, parameterRow, type LambdaExpr, type Resolution, type VarExpr } from '#lang';
import { encode, type Globals, type NodeMemory } from './encode.ts';
import type { Index, Word } from './heap.ts';

/** A tree with the nodes of its expressions. */
export interface KnownTree {
  readonly tree: Expr;
  readonly base: Position;
  readonly resolution: Resolution;
  readonly nodes: ReadonlyMap<Expr, Index>;
}

/** What is encoded: the tree of a version. */
export type NewTree = Omit<KnownTree, 'nodes'>;

export interface EncodedVersion {
  readonly root: Index;
  readonly known: KnownTree;
  /** Where something stood before, and where the same stands now. */
  readonly moved: ReadonlyMap<Position, Position>;
}

/** Encodes a version; `before` is the last one. */
export function encodeVersion(
  now: NewTree, before: KnownTree | undefined, globals: Globals, constants: Map<string, Word>,
): EncodedVersion {
  const pairs = new TreePairs(now, before);
  const nodes = new Map<Expr, Index>();
  const memory: NodeMemory = {
    kept: (expr) => pairs.keptNode(expr),
    keptFunction: (expr) => pairs.keptFunction(expr),
    made: (expr, node) => void nodes.set(expr, node),
    constant(key, make) {
      let word = constants.get(key);
      if (word === undefined) constants.set(key, word = make());
      return word;
    },
  };
  const root = encode(now.tree, { ...now, globals, memory });
  pairs.addKept(nodes);
  const { tree, base, resolution } = now;
  return { root, known: { tree, base, resolution, nodes }, moved: pairs.moved() };
}

/** The nodes of a tree's parts in the order in which they stand in it, 0 for those that have none. */
export function nodesInOrder({ tree, nodes }: KnownTree): number[] {
  return partsOf(tree).map((part) => nodes.get(part as never) ?? 0);
}

/** A tree read again, with the nodes that its parts had. */
export function treeWithNodes(read: NewTree, numbers: ArrayLike<number>): KnownTree {
  const nodes = new Map<Expr, Index>();
  partsOf(read.tree).forEach((part, i) => {
    if (numbers[i] !== 0) nodes.set(part as never, numbers[i]!);
  });
  const { tree, base, resolution } = read;
  return { tree, base, resolution, nodes };
}

function partsOf(tree: Expr): Part[] {
  const parts: Part[] = [];
  const visit = (one: unknown): void => {
    if (typeof one !== 'object' || one === null) return;
    if (Array.isArray(one) || one instanceof Map) return one.forEach(visit);
    parts.push(one as Part);
    for (const key of Object.keys(one)) visit((one as Part)[key]);
  };
  visit(tree);
  return parts;
}

/** Something of a tree: an expression, a binding, a parameter, a part of a text. */
type Part = Readonly<Record<string, unknown>>;

class TreePairs {
  readonly #now: NewTree;
  readonly #before: KnownTree | undefined;
  /** What stands beside each part. */
  readonly #partners = new Map<Part, Part>();
  readonly #alike = new Set<Part>();

  constructor(now: NewTree, before: KnownTree | undefined) {
    this.#now = now;
    this.#before = before;
    if (before !== undefined) this.#compare(now.tree, before.tree);
  }

  /** The node that an expression had before, if all of it is alike. */
  keptNode(expr: Expr): Index | undefined {
    return this.#alike.has(expr as never) ? this.#nodeBefore(expr) : undefined;
  }

  /** The node that a function had before, if at most its body is another one. */
  keptFunction(expr: LambdaExpr): Index | undefined {
    const partner = this.#partners.get(expr as never) as LambdaExpr | undefined;
    if (partner === undefined) return undefined;
    const row = parameterRow(expr, false);
    const rowBefore = parameterRow(partner, false);
    if (row.length !== rowBefore.length) return undefined;
    return row.every((one, i) => this.#hasAlikeHead(one, rowBefore[i]!)) ? this.#nodeBefore(expr) : undefined;
  }

  #hasAlikeHead(one: LambdaExpr, other: LambdaExpr): boolean {
    if (this.#partners.get(one as never) !== other as never) return false;
    const { body: _, at: _at, ...head } = one;
    return Object.keys(head).every((key) => this.#isKnownAlike(one[key as keyof typeof head], other[key as keyof typeof head]));
  }

  /** Of what has been compared already, whether it was alike. */
  #isKnownAlike(one: unknown, other: unknown): boolean {
    if (typeof one !== 'object' || one === null) return one === other;
    if (!Array.isArray(one)) return this.#alike.has(one as Part);
    return Array.isArray(other) && one.length === other.length && one.every((part) => this.#isKnownAlike(part, part));
  }

  #nodeBefore(expr: Expr): Index | undefined {
    return this.#before!.nodes.get(this.#partners.get(expr as never) as never);
  }

  /** Adds the nodes of what stands in expressions that kept theirs. */
  addKept(nodes: Map<Expr, Index>): void {
    for (const part of this.#alike) {
      const expr = part as never as Expr;
      const node = nodes.has(expr) ? undefined : this.#nodeBefore(expr);
      if (node !== undefined) nodes.set(expr, node);
    }
  }

  /** Where what is alike has moved is more certain than where what stands beside each other has. */
  moved(): ReadonlyMap<Position, Position> {
    const moved = new Map<Position, Position>();
    for (const onlyAlike of [false, true]) {
      for (const [part, partner] of this.#partners) {
        if (onlyAlike && !this.#alike.has(part)) continue;
        const { at } = part;
        const { at: atBefore } = partner;
        if (typeof at !== 'number' || typeof atBefore !== 'number' || at === none || atBefore === none) continue;
        moved.set(this.#before!.base + atBefore, this.#now.base + at);
      }
    }
    return moved;
  }

  /** Whether two things are alike. All that stands beside each other in them is compared. */
  #compare(one: unknown, other: unknown): boolean {
    if (typeof one !== 'object' || one === null || typeof other !== 'object' || other === null) return one === other;
    if (one instanceof Map) return other instanceof Map && this.#compareMaps(one, other);
    if (Array.isArray(one)) return Array.isArray(other) && this.#compareArrays(one, other);
    return this.#compareParts(one as Part, other as Part);
  }

  #compareArrays(one: readonly unknown[], other: readonly unknown[]): boolean {
    let isAlike = one.length === other.length;
    for (let i = 0; i < one.length && i < other.length; i++) {
      if (!this.#compare(one[i], other[i])) isAlike = false;
    }
    return isAlike;
  }

  /** Of bindings the order counts too: it decides where their frame has them. */
  #compareMaps(one: ReadonlyMap<unknown, unknown>, other: ReadonlyMap<unknown, unknown>): boolean {
    const names = [...other.keys()];
    let isAlike = one.size === other.size;
    let i = 0;
    for (const [name, value] of one) {
      if (names[i++] !== name) isAlike = false;
      if (!other.has(name) || !this.#compare(value, other.get(name))) isAlike = false;
    }
    return isAlike;
  }

  #compareParts(one: Part, other: Part): boolean {
    if (one['kind'] !== other['kind']) return false;
    this.#partners.set(one, other);
    const isVariable = one['kind'] === 'var';
    let isAlike = true;
    for (const key of Object.keys(one)) {
      if (key === 'at') continue;
      if (isVariable && key === 'slot' && one['level'] === Level.with) continue;
      if (!this.#compare(one[key], other[key])) isAlike = false;
    }
    if (isVariable && isAlike && !this.#hasSameWiths(one as never, other as never)) isAlike = false;
    if (isAlike) this.#alike.add(one);
    return isAlike;
  }

  /** Lists of `with` are numbered through the whole file; what counts is what stands in them. */
  #hasSameWiths(one: VarExpr, other: VarExpr): boolean {
    if (one.level !== Level.with) return true;
    const list = this.#now.resolution.withs[one.slot]!;
    const listBefore = this.#before!.resolution.withs[other.slot]!;
    return list.length === listBefore.length && list.every(({ level }, i) => level === listBefore[i]!.level);
  }
}
