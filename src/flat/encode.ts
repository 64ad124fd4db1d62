/** From resolved trees to nodes of the flat heap (operations.ts says what these are). */

import type { Position } from '#diagnostics';
import {
  type AttrName, type AttrsExpr, type Binding, type ConcatExpr, type Expr, isDirectList, Level,
  none, type LambdaExpr, parameterRow, type Resolution, showExpr, type VarExpr,
} from '#lang';
import { NixFloat, NixPath } from '#runtime';
import {
  alloc, allocKept, heap, newBox, newInt, newString, newThunk, symbolOf, type Index, type Word,
} from './heap.ts';
import { Op } from './operations.ts';
import { emptySet, noNames, SYMBOLS } from './sets.ts';

const H = heap;

/**
 * What a word of a program that is kept may be that means something in this run only: a note of the
 * machine's, a string, a box, a name of the base scope.
 */
export const Mark = { note: 0, string: 1, box: 2, global: 3 } as const;

/** Whether the program that is encoded is to be kept. */
let isKept = false;
/** Of its words each place times eight and its mark; behind that of a name the name's number. */
let marks = new Int32Array(1 << 14);
let markCount = 0;

function mark(place: Index, kind: number): void {
  if (!isKept) return;
  if (markCount === marks.length) {
    const more = new Int32Array(2 * markCount);
    more.set(marks);
    marks = more;
  }
  marks[markCount++] = place * 8 + kind;
}

function room(size: number): Index {
  return isKept ? allocKept(size) : alloc(size);
}

export const NODE_APPLY = node(Op.apply);
export const NODE_APPLY_NAMED = node(Op.applyNamed);
export const NODE_FOREIGN = node(Op.foreign);
export const NODE_IMPORT = node(Op.import);
export const NODE_LINE = node(Op.line);
export const NODE_COLUMN = node(Op.column);

function node(...words: readonly number[]): Index {
  const at = room(words.length);
  for (let i = 0; i < words.length; i++) H[at + i] = words[i]!;
  return at;
}

/** The base scope: numbers of its names, and their values. */
export interface Globals {
  readonly numbers: ReadonlyMap<string, number>;
  readonly words: readonly Word[];
}

export interface Encoding {
  readonly base: Position;
  readonly resolution: Resolution;
  readonly globals: Globals;
  /** Of a file that may change. */
  readonly memory?: NodeMemory;
}

/** What is known of the nodes of a file that may change (changed-tree.ts). */
export interface NodeMemory {
  /** The node that an expression keeps. */
  kept(expr: Expr): Index | undefined;
  /** The node that a function keeps, though its body may be another one. */
  keptFunction(expr: LambdaExpr): Index | undefined;
  made(expr: Expr, node: Index): void;
  /** A constant, which is the same in all versions. */
  constant(key: string, make: () => Word): Word;
}

/** The node of a tree. */
export function encode(tree: Expr, encoding: Encoding): Index {
  return new Encoder(encoding).expr(tree);
}

/** The same in the range of kept programs, with the marks of its words. */
export function encodeKept(tree: Expr, encoding: Encoding): { readonly root: Index; readonly marks: Int32Array } {
  isKept = true;
  markCount = 0;
  try {
    return { root: encode(tree, encoding), marks: marks.slice(0, markCount) };
  } finally {
    isKept = false;
  }
}

/** A node of a constant that is a string or in a box. */
function constant(word: Word): Index {
  const at = node(Op.constant, word);
  if ((word & 7) === 4) mark(at + 1, Mark.string);
  else if ((word & 7) === 5) mark(at + 1, Mark.box);
  return at;
}

class Encoder {
  private readonly base: Position;
  private readonly resolution: Resolution;
  private readonly globals: Globals;
  private readonly memory: NodeMemory | undefined;
  private readonly withs: Index[] = [];

  constructor({ base, resolution, globals, memory }: Encoding) {
    this.base = base;
    this.resolution = resolution;
    this.globals = globals;
    this.memory = memory;
  }

  private at(offset: number): Position {
    return offset === none ? 0 : this.base + offset;
  }

  expr(expr: Expr): Index {
    const { memory } = this;
    if (memory === undefined) return this.newNode(expr);
    const made = memory.kept(expr) ?? this.changedNode(expr, memory);
    memory.made(expr, made);
    return made;
  }

  /** The node of an expression that is not the one that it was before. */
  private changedNode(expr: Expr, memory: NodeMemory): Index {
    switch (expr.kind) {
      case 'lambda': {
        const kept = memory.keptFunction(expr);
        if (kept === undefined) return this.newNode(expr);
        H[kept + 4] = this.expr(parameterRow(expr, false).at(-1)!.body);
        return kept;
      }
      case 'string':
        return node(Op.constant, memory.constant(`s${expr.value}`, () => newString(expr.value)));
      case 'path':
        return node(Op.constant, memory.constant(`p${expr.path}`, () => newBox(new NixPath(expr.path))));
      case 'call': {
        const name = searchedName(expr);
        if (name === undefined) return this.newNode(expr);
        return node(Op.forced, memory.constant(`f${name}`, () => newThunk(this.newNode(expr), alloc(2))));
      }
      default:
        return this.newNode(expr);
    }
  }

  private newNode(expr: Expr): Index {
    switch (expr.kind) {
      case 'int':
        return constant(newInt(expr.value));
      case 'string':
        return constant(newString(expr.value));
      case 'float':
        return constant(newBox(new NixFloat(expr.value)));
      case 'path':
        return constant(newBox(new NixPath(expr.path)));
      case 'var':
        return this.variable(expr);
      case 'inheritFrom':
        throw new Error('a source of inherit stands alone');
      case 'select':
        return this.select(expr);
      case 'hasAttr':
        return this.hasAttr(expr);
      case 'attrs':
        return this.attrs(expr);
      case 'list':
        return this.list(expr.elements);
      case 'lambda':
        return this.lambda(expr);
      case 'call':
        return this.call(expr);
      case 'let':
        return this.let(expr);
      case 'with': {
        const scope = this.expr(expr.scope);
        return node(Op.with, scope, this.expr(expr.body));
      }
      case 'if': {
        const condition = this.expr(expr.condition);
        const then = this.expr(expr.then);
        const otherwise = this.expr(expr.otherwise);
        return node(Op.if, condition, then, otherwise, this.at(expr.at));
      }
      case 'assert': {
        const condition = this.expr(expr.condition);
        const body = this.expr(expr.body);
        const text = newString(showExpr(expr.condition));
        const at = node(Op.assert, condition, body, this.at(expr.at), text);
        mark(at + 4, Mark.string);
        return at;
      }
      case 'not':
        return node(Op.not, this.expr(expr.operand), 0);
      case 'binary':
        return this.binary(expr);
      case 'concat':
        return this.concat(expr);
      case 'currentPosition':
        return node(Op.currentPosition, this.at(expr.at));
    }
  }

  private variable({ level, slot, name, at }: VarExpr): Index {
    switch (level) {
      case 0:
        return node(Op.own, slot, this.at(at));
      case 1:
        return node(Op.outer, slot, this.at(at));
      case Level.global: {
        const number = this.globals.numbers.get(name)!;
        const word = this.globals.words[number]!;
        const global = node((word & 7) === 0 ? Op.forced : Op.constant, word);
        mark(global + 1, Mark.global);
        mark(number, 0);
        return global;
      }
      case Level.with:
        return node(Op.withVariable, symbolOf(name), this.at(at), this.withList(slot));
      default:
        return node(Op.far, slot, level, this.at(at));
    }
  }

  private withList(index: number): Index {
    const known = this.withs[index];
    if (known !== undefined) return known;
    const list = this.resolution.withs[index]!;
    const words = [list.length];
    for (const { level, at } of list) words.push(level, this.at(at));
    return (this.withs[index] = node(...words));
  }

  private part(part: AttrName): number {
    return typeof part === 'string' ? symbolOf(part) * 2 + 1 : this.expr(part) * 2;
  }

  private select(expr: Expr & { kind: 'select' }): Index {
    const { path, fallback } = expr;
    const at = this.at(expr.at);
    let subject = this.expr(expr.subject);
    if (fallback !== undefined) {
      const other = this.expr(fallback);
      const parts = path.map((part) => this.part(part));
      return node(Op.selectOr, subject, other, at, parts.length, ...parts);
    }
    for (const part of path) {
      if (typeof part === 'string') {
        subject = node(Op.select, subject, symbolOf(part), at, 0, 0);
        mark(subject + 4, Mark.note);
      } else {
        subject = node(Op.selectDynamic, subject, this.expr(part), at);
      }
    }
    return subject;
  }

  private hasAttr(expr: Expr & { kind: 'hasAttr' }): Index {
    const subject = this.expr(expr.subject);
    const parts = expr.path.map((part) => this.part(part));
    return node(Op.hasAttr, subject, 0, parts.length, ...parts);
  }

  private list(elements: readonly Expr[]): Index {
    const nodes = elements.map((element) => this.expr(element));
    return written(Op.list, [nodes.length, isDirectList(elements) ? 1 : 0], nodes);
  }

  private shape(set: AttrsExpr): { readonly shape: Index; readonly names: string[] } {
    const members = [...set.attrs].map(([name, { at }]) => ({ name, symbol: symbolOf(name), at }));
    members.sort((a, b) => a.symbol - b.symbol);
    const shape = shapeOf(members.length);
    members.forEach(({ symbol, at }, i) => {
      H[shape + SYMBOLS + i] = symbol;
      H[shape + SYMBOLS + members.length + i] = this.at(at);
    });
    return { shape, names: members.map(({ name }) => name) };
  }

  private binding(binding: Binding): Index {
    if (binding.kind !== 'inheritedFrom') return this.expr(binding.value);
    const { value } = binding;
    if (value.kind !== 'select' || value.subject.kind !== 'inheritFrom') {
      throw new Error('an inherited attribute is a selection');
    }
    const symbol = symbolOf(value.path[0] as string);
    const inherit = node(Op.inherit, symbol, this.at(value.at), 0, 0, value.subject.index);
    mark(inherit + 3, Mark.note);
    return inherit;
  }

  private attrs(set: AttrsExpr): Index {
    if (set.attrs.size === 0 && set.dynamic.length === 0) return node(Op.constant, emptySet);
    const whole = set.recursive ? this.recursive(set) : this.plain(set);
    if (set.dynamic.length === 0) return whole;
    const words: number[] = [];
    for (const { name, value, at } of set.dynamic) {
      words.push(this.expr(name), this.expr(value), this.at(at));
    }
    return node(Op.dynamic, whole, set.dynamic.length, ...words);
  }

  private plain(set: AttrsExpr): Index {
    const { shape, names } = this.shape(set);
    const nodes = names.map((name) => this.binding(set.attrs.get(name)!));
    if (set.sources.length === 0) return written(Op.attrs, [shape, nodes.length], nodes);
    const sources = set.sources.map((source) => this.expr(source));
    return written(Op.attrsFrom, [shape, nodes.length, sources.length], nodes, sources);
  }

  private recursive(set: AttrsExpr): Index {
    const { shape, names } = this.shape(set);
    const indices = new Map(names.map((name, i) => [name, i]));
    const members: number[] = [];
    for (const [name, binding] of set.attrs) {
      const outside = binding.kind === 'inherited' ? 1 : 0;
      members.push(this.binding(binding), binding.slot * 2 + outside, indices.get(name)!);
    }
    const sources = set.sources.map((source) => this.expr(source));
    const head = [shape, set.frameSize, names.length, sources.length];
    return written(Op.rec, head, members, sources);
  }

  private let(expr: Expr & { kind: 'let' }): Index {
    const { bindings } = expr;
    const members: number[] = [];
    for (const binding of bindings.attrs.values()) {
      if (binding.slot === 0) continue;
      const outside = binding.kind === 'inherited' ? 1 : 0;
      members.push(this.binding(binding), binding.slot * 2 + outside);
    }
    const sources = bindings.sources.map((source) => this.expr(source));
    const body = this.expr(expr.body);
    const head = [bindings.frameSize, body, members.length / 2, sources.length];
    return written(Op.let, head, members, sources);
  }

  private lambda(expr: LambdaExpr): Index {
    const row = parameterRow(expr, false);
    const last = row[row.length - 1]!;
    const name = expr.name === undefined ? 0 : symbolOf(expr.name);
    const at = this.at(expr.at);
    // What functions of the further parameters are to be shown as.
    const inner = row.slice(1).flatMap((one) => [this.at(one.at), argumentSymbol(one)]);
    if (last.formals === undefined) {
      const body = this.expr(last.body);
      const head = [row.length, 0, 1 + row.length, body, at, name, 0, 0, 0, symbolOf(expr.argument!)];
      return written(Op.lambda, head, inner);
    }
    const formals: number[] = [];
    const sorted = [...last.formals].sort((a, b) => symbolOf(a.name) - symbolOf(b.name));
    for (const formal of sorted) {
      const fallback = formal.fallback === undefined ? 0 : this.expr(formal.fallback);
      formals.push(symbolOf(formal.name), formal.slot, fallback, this.at(formal.at));
    }
    const body = this.expr(last.body);
    const head = [
      row.length, 1, last.frameSize, body, at, name, last.argumentSlot, last.ellipsis ? 1 : 0, sorted.length,
      argumentSymbol(expr),
    ];
    return written(Op.lambda, head, formals, inner);
  }

  private call(expr: Expr & { kind: 'call' }): Index {
    const { callee, args } = expr;
    const at = this.at(expr.at);
    if (callee.kind === 'var' && callee.level === Level.global && args.length === 2) {
      const operation = arithmetic.get(callee.name);
      if (operation !== undefined) {
        const left = this.expr(args[0]!);
        return node(operation, left, this.expr(args[1]!), at);
      }
    }
    const f = this.expr(callee);
    const nodes = args.map((arg) => this.expr(arg));
    switch (nodes.length) {
      case 1:
        return node(Op.call1, f, nodes[0]!, at);
      case 2:
        return node(Op.call2, f, nodes[0]!, nodes[1]!, at);
      case 3:
        return node(Op.call3, f, nodes[0]!, nodes[1]!, nodes[2]!, at);
      default:
        return node(Op.callMany, f, at, nodes.length, ...nodes);
    }
  }

  private binary(expr: Expr & { kind: 'binary' }): Index {
    const left = this.expr(expr.left);
    const right = this.expr(expr.right);
    return node(binaryOps[expr.operator], left, right, this.at(expr.at));
  }

  private concat(expr: ConcatExpr): Index {
    const nodes = expr.parts.map((part) => this.expr(part.value));
    const at = this.at(expr.at);
    if (expr.interpolation) return written(Op.interpolate, [at, nodes.length], nodes);
    if (nodes.length === 2) return node(Op.add, nodes[0]!, nodes[1]!, at);
    return written(Op.addMany, [at, nodes.length], nodes);
  }
}

/** The name in `<name>`. */
function searchedName({ callee, args }: Expr & { kind: 'call' }): string | undefined {
  const [path, name] = args;
  const isSearch = callee.kind === 'var' && callee.name === '__findFile' && callee.level === Level.global
    && path?.kind === 'var' && path.name === '__nixPath' && path.level === Level.global;
  return isSearch && name?.kind === 'string' ? name.value : undefined;
}

function argumentSymbol({ argument }: LambdaExpr): number {
  return argument === undefined ? 0 : symbolOf(argument);
}

function shapeOf(count: number): Index {
  if (count === 0) return noNames;
  const shape = room(SYMBOLS + 2 * count);
  H[shape] = count;
  mark(shape + 1, Mark.note);
  return shape;
}

/** A node of several parts, which may be long. */
function written(op: number, ...parts: readonly (readonly number[])[]): Index {
  let size = 1;
  for (const part of parts) size += part.length;
  let at = room(size);
  const start = at;
  H[at++] = op;
  for (const part of parts) for (let i = 0; i < part.length; i++) H[at++] = part[i]!;
  return start;
}

const arithmetic: ReadonlyMap<string, number> = new Map([
  ['__sub', Op.subtract], ['__mul', Op.multiply], ['__div', Op.divide], ['__lessThan', Op.less],
]);

const binaryOps = {
  '==': Op.equal, '!=': Op.unequal, '&&': Op.and, '||': Op.or, '->': Op.implies, '//': Op.update,
  '++': Op.concatLists,
} as const;
