/**
 * Nix values as JavaScript values.
 *
 * Small integers are plain numbers and strings without context plain JavaScript strings, so that
 * the common case needs no box. A Nix string is a byte string: one character per byte.
 *
 * Invariants: a `number` is a safe integer (never -0), a `bigint` lies outside the safe range and
 * inside 64 bits; a `ContextString` has at least one context element; an array is never changed
 * after it became reachable, but for replacing a forced thunk by its value.
 */

import type { Position } from '#diagnostics';
import type { Attrs } from './attrs.ts';
import type { Context } from './context.ts';
import type { EvalServices } from './services.ts';
import type { Thunk } from './thunk.ts';

export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | NixFloat
  | ContextString
  | NixPath
  | Attrs
  | Slot[]
  | Lambda
  | PrimOp
  | PrimOpApp;

/** What stands in an attribute, a list element or a variable: a value, or one to be. */
export type Slot = Value | Thunk;

export class NixFloat {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** A string with context: what must be in the store before its text means anything. */
export class ContextString {
  readonly text: string;
  readonly context: Context;
  constructor(text: string, context: Context) {
    this.text = text;
    this.context = context;
  }
}

/** A canonical absolute path. */
export class NixPath {
  readonly path: string;
  constructor(path: string) {
    this.path = path;
  }
}

/** One formal parameter of a set pattern. */
export interface Formal {
  readonly name: string;
  readonly hasDefault: boolean;
  readonly position: Position;
}

/** What is known about a lambda from its text alone; one per lambda expression. */
export interface LambdaInfo {
  readonly position: Position;
  /** The name that it was bound to, for messages. */
  readonly name: string | undefined;
  /** The parameter, or the name after `@`. */
  readonly argument: string | undefined;
  /** Sorted by name; undefined for a plain parameter. */
  readonly formals: readonly Formal[] | undefined;
  readonly ellipsis: boolean;
  /** Of the lambda that this one returns, when both take their arguments at once. */
  readonly next: LambdaInfo | undefined;
}

/**
 * A function of `arity` curried plain parameters (a set pattern may only be the last one). `body`
 * takes the lambda's frame and exactly that many slots.
 */
export class Lambda {
  readonly body: LambdaBody;
  /** What the body works on besides its arguments. */
  readonly frame: unknown;
  readonly arity: number;
  /** Of the first parameter. */
  readonly info: LambdaInfo;
  constructor(body: LambdaBody, frame: unknown, arity: number, info: LambdaInfo) {
    this.body = body;
    this.frame = frame;
    this.arity = arity;
    this.info = info;
  }
}

/** Shared by all lambdas of one place in the program. */
export type LambdaBody = (frame: never, ...args: Slot[]) => Value;

/**
 * The code of a primitive operation: services, as many slots as it has arguments, and last the
 * position of the call.
 */
export type PrimOpFunction = (services: EvalServices, ...slots: never[]) => Value;

export class PrimOp {
  readonly name: string;
  readonly arity: number;
  readonly run: (services: EvalServices, ...rest: (Slot | Position)[]) => Value;
  readonly services: EvalServices;
  readonly args: readonly string[];
  readonly doc: string | undefined;
  /** False for those that add no frame of their own to a trace. */
  readonly addsTrace: boolean;
  constructor(
    name: string,
    args: readonly string[],
    run: PrimOpFunction,
    services: EvalServices,
    doc?: string,
    addsTrace = true,
  ) {
    this.name = name;
    this.arity = args.length;
    this.args = args;
    this.run = run as PrimOp['run'];
    this.services = services;
    this.doc = doc;
    this.addsTrace = addsTrace;
  }
}

/** A primitive operation with fewer arguments than it needs. */
export class PrimOpApp {
  readonly primOp: PrimOp;
  readonly args: readonly Slot[];
  constructor(primOp: PrimOp, args: readonly Slot[]) {
    this.primOp = primOp;
    this.args = args;
  }
}
