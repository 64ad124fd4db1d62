/**
 * Values as text for people: the form of `nix eval` and the REPL, of messages, and the older one
 * of `nix-instantiate --eval`.
 *
 * Both mark what was printed already as repeated: sets by identity, lists by the slot they were
 * reached through, which is how C++ Nix tells them apart. Results are byte strings.
 */

import { encodeUtf8 } from '#base';
import { NixError, showPosition } from '#diagnostics';
import { Attrs } from './attrs.ts';
import { depthNow, restoreDepth } from './call-depth.ts';
import { coerceToString, isDerivation } from './coerce.ts';
import { ContextCollector } from './context.ts';
import { installErrorPrinter, stackOverflow } from './errors.ts';
import { escapeText } from './escape-text.ts';
import { formatFloatShort } from './float-text.ts';
import type { EvalServices } from './services.ts';
import { force, isForced, isRunning, Thunk } from './thunk.ts';
import {
  ContextString,
  Lambda,
  NixFloat,
  NixPath,
  PrimOp,
  PrimOpApp,
  type Slot,
  type Value,
} from './values.ts';

export interface PrintOptions {
  /** Compute what is not computed yet. Default false. */
  readonly force?: boolean;
  /** With `force`: derivations as `«derivation /nix/store/…»`. */
  readonly derivationPaths?: boolean;
  readonly ansiColors?: boolean;
  /** Mark what was printed already. Default true. */
  readonly trackRepeated?: boolean;
  readonly maxDepth?: number;
  /** Over the whole output, as is `maxListItems`. With it, `type` and `_type` come first. */
  readonly maxAttrs?: number;
  readonly maxListItems?: number;
  readonly maxStringLength?: number;
  /** Width of a level of the many-line form; 0, the default, prints one line. */
  readonly prettyIndent?: number;
  /** What becomes of errors met while printing. Default: they are shown in place. */
  readonly errors?: 'print' | 'throw' | 'throwTopLevel';
  readonly maxCallDepth?: number;
}

/** How messages show values. */
export const errorPrintOptions: PrintOptions = {
  maxDepth: 10,
  maxAttrs: 10,
  maxListItems: 10,
  maxStringLength: 1024,
};

/** Prints a value. `services` is needed with `derivationPaths` only. */
export function printValue(
  slot: Slot,
  services: EvalServices | undefined,
  options: PrintOptions,
): string {
  return new Printer(services, options).print(slot);
}

/** A string literal that reads back as `text`. */
export function quoteNixString(text: string, maxLength = Infinity, colors?: Colors): string {
  const paint = colors ?? plainColors;
  if (text.length <= maxLength) {
    return `${paint.string}"${escapeText(text, literalEscape, escapeLiteral)}"${paint.end}`;
  }
  const shown = escapeText(text.slice(0, maxLength), literalEscape, escapeLiteral);
  const rest = text.length - maxLength;
  return `${paint.string}"${shown}" ${elided(rest, 'byte', 'bytes', paint)}`;
}

/** An attribute's name, quoted if it must be. */
export function printAttributeName(name: string): string {
  return /^[a-zA-Z_][a-zA-Z0-9_'-]*$/.test(name) && !keywords.has(name)
    ? name
    : quoteNixString(name);
}

/**
 * The form of `nix-instantiate --eval`: what is not computed yet is `<CODE>`. Without
 * `markRepeated` a value without cycles reads back as it is: the form of manifests.
 */
export function printAmbiguous(
  slot: Slot, maxCallDepth = Infinity, { markRepeated = true } = {},
): string {
  const seen = new Set<unknown>();
  const print = (item: Slot, depth: number): string => {
    if (depth > maxCallDepth) throw stackOverflow(0);
    if (!isForced(item)) return isRunning(item) ? potentialRecursion : '<CODE>';
    const value = force(item);
    if (value instanceof Attrs) {
      if (value.size > 0) {
        if (seen.has(value.slots)) return repeated;
        if (markRepeated) seen.add(value.slots);
      }
      let text = '{ ';
      for (let i = 0; i < value.size; i++) {
        text += `${printAttributeName(value.nameAt(i))} = ${print(value.slotAt(i), depth + 1)}; `;
      }
      return `${text}}`;
    }
    if (Array.isArray(value)) {
      if (value.length > 0) {
        if (seen.has(item)) return repeated;
        // What is printed is a copy of the list itself, which may be met again inside of it.
        if (markRepeated && depth > 0) seen.add(item);
      }
      let text = '[ ';
      for (const element of value) text += `${print(element, depth + 1)} `;
      return `${text}]`;
    }
    if (value instanceof Lambda) return '<LAMBDA>';
    if (value instanceof PrimOp) return '<PRIMOP>';
    if (value instanceof PrimOpApp) return '<PRIMOP-APP>';
    return printScalar(value) ?? '';
  };
  return print(slot, 0);
}

interface Colors {
  readonly string: string;
  readonly number: string;
  readonly path: string;
  readonly functions: string;
  readonly faint: string;
  readonly bad: string;
  readonly end: string;
}

const plainColors: Colors = {
  string: '',
  number: '',
  path: '',
  functions: '',
  faint: '',
  bad: '',
  end: '',
};

const ansiColors: Colors = {
  string: '\x1b[35;1m',
  number: '\x1b[36;1m',
  path: '\x1b[32;1m',
  functions: '\x1b[34;1m',
  faint: '\x1b[2m',
  bad: '\x1b[31;1m',
  end: '\x1b[0m',
};

const repeated = encodeUtf8('«repeated»');
const thunkText = encodeUtf8('«thunk»');
const potentialRecursion = encodeUtf8('«potential infinite recursion»');
const open = encodeUtf8('«');
const close = encodeUtf8('»');

// A dollar sign matters before a brace only.
const literalEscape = /["\\\n\r\t]|\$(?=\{)/g;

function escapeLiteral(character: string): string {
  switch (character) {
    case '\n':
      return '\\n';
    case '\r':
      return '\\r';
    case '\t':
      return '\\t';
    default:
      return `\\${character}`;
  }
}

const keywords = new Set(['if', 'then', 'else', 'assert', 'with', 'let', 'in', 'rec', 'inherit']);

function elided(count: number, one: string, many: string, paint: Colors): string {
  return `${paint.faint}${open}${count} ${count === 1 ? one : many} elided${close}${paint.end}`;
}

/** Text of a value that has no parts and is no function. */
function printScalar(value: Value): string | undefined {
  switch (typeof value) {
    case 'string':
      return quoteNixString(value);
    case 'boolean':
    case 'number':
    case 'bigint':
      return String(value);
  }
  if (value === null) return 'null';
  if (value instanceof ContextString) return quoteNixString(value.text);
  if (value instanceof NixPath) return value.path;
  if (value instanceof NixFloat) return formatFloatShort(value.value);
  return undefined;
}

class Printer {
  private readonly services: EvalServices | undefined;
  private readonly options: PrintOptions;
  private readonly colors: Colors;
  private readonly seen: Set<unknown> | undefined;
  private indent = '';
  private attrsPrinted = 0;
  private itemsPrinted = 0;

  constructor(services: EvalServices | undefined, options: PrintOptions) {
    this.services = services;
    this.options = options;
    this.colors = options.ansiColors ? ansiColors : plainColors;
    this.seen = options.trackRepeated === false ? undefined : new Set();
  }

  print(slot: Slot, depth = 0): string {
    if (depth > (this.options.maxCallDepth ?? Infinity)) throw stackOverflow(0);
    const calls = depthNow();
    try {
      if (this.options.force) force(slot);
      if (!isForced(slot)) {
        return isRunning(slot)
          ? `${this.colors.bad}${potentialRecursion}${this.colors.end}`
          : `${this.colors.string}${thunkText}${this.colors.end}`;
      }
      return this.value(slot, force(slot), depth);
    } catch (error) {
      if (!(error instanceof NixError) || error.kind === 'StackOverflowError') throw error;
      const mode = this.options.errors ?? 'print';
      if (mode === 'throw' || (mode === 'throwTopLevel' && depth === 0)) throw error;
      restoreDepth(calls);
      return `${this.colors.bad}${open}error: ${error.message}${close}${this.colors.end}`;
    }
  }

  private value(slot: Slot, value: Value, depth: number): string {
    const paint = this.colors;
    const limit = this.options.maxStringLength;
    if (typeof value === 'string') return quoteNixString(value, limit, paint);
    if (value instanceof ContextString) return quoteNixString(value.text, limit, paint);
    if (value instanceof Attrs) return this.attrs(value, depth);
    if (Array.isArray(value)) return this.list(slot, value, depth);
    if (value instanceof NixPath) return `${paint.path}${value.path}${paint.end}`;
    const scalar = printScalar(value);
    if (scalar !== undefined) return `${paint.number}${scalar}${paint.end}`;
    return `${paint.functions}${open}${describeFunction(value)}${close}${paint.end}`;
  }

  private repeated(): string {
    return `${this.colors.string}${repeated}${this.colors.end}`;
  }

  private attrs(set: Attrs, depth: number): string {
    // All empty sets are one and the same to C++ Nix.
    const identity = set.size === 0 ? Attrs : set.slots;
    if (this.seen?.has(identity)) return this.repeated();
    this.seen?.add(identity);
    if (this.options.force && this.options.derivationPaths && isDerivation(set)) {
      return this.derivation(set);
    }
    if (depth >= (this.options.maxDepth ?? Infinity)) return '{ ... }';
    const order = this.attrOrder(set);
    const items = order.map((i) => set.slotAt(i));
    const pretty = this.isPretty(items);
    const outer = this.enter();
    let text = '{';
    let printed = 0;
    for (const i of order) {
      text += this.space(pretty);
      if (this.attrsPrinted >= (this.options.maxAttrs ?? Infinity)) {
        text += elided(order.length - printed, 'attribute', 'attributes', this.colors);
        break;
      }
      text += `${printAttributeName(set.nameAt(i))} = ${this.print(set.slotAt(i), depth + 1)};`;
      this.attrsPrinted++;
      printed++;
    }
    this.indent = outer;
    return `${text}${this.space(pretty)}}`;
  }

  private attrOrder(set: Attrs): number[] {
    const order = set.names().map((_, i) => i);
    if (this.options.maxAttrs === undefined) return order;
    const isImportant = (i: number): boolean => /^_?type$/.test(set.nameAt(i));
    return [...order.filter(isImportant), ...order.filter((i) => !isImportant(i))];
  }

  private derivation(set: Attrs): string {
    let path = '';
    const drvPath = set.get('drvPath');
    if (drvPath !== undefined) {
      path = ` ${coerceToString(
        drvPath,
        this.services!,
        new ContextCollector(),
        set.positionOf('drvPath'),
        'while evaluating the drvPath of a derivation',
        { copyToStore: false },
      )}`;
    }
    return `${this.colors.path}${open}derivation${path}${close}${this.colors.end}`;
  }

  private list(slot: Slot, list: readonly Slot[], depth: number): string {
    if (list.length > 0) {
      if (this.seen?.has(slot)) return this.repeated();
      this.seen?.add(slot);
    }
    if (depth >= (this.options.maxDepth ?? Infinity)) return '[ ... ]';
    const pretty = this.isPretty(list);
    const outer = this.enter();
    let text = '[';
    let printed = 0;
    for (const item of list) {
      text += this.space(pretty);
      if (this.itemsPrinted >= (this.options.maxListItems ?? Infinity)) {
        text += elided(list.length - printed, 'item', 'items', this.colors);
        break;
      }
      text += this.print(item, depth + 1);
      this.itemsPrinted++;
      printed++;
    }
    this.indent = outer;
    return `${text}${this.space(pretty)}]`;
  }

  /** Indents by one level; gives the indentation to come back to. */
  private enter(): string {
    const outer = this.indent;
    this.indent += ' '.repeat(this.options.prettyIndent ?? 0);
    return outer;
  }

  private space(pretty: boolean): string {
    return pretty ? `\n${this.indent}` : ' ';
  }

  /** Several items, or one that has parts itself, get a line each. */
  private isPretty(items: readonly Slot[]): boolean {
    if ((this.options.prettyIndent ?? 0) === 0 || items.length === 0) return false;
    if (items.length > 1) return true;
    const value = force(items[0]!);
    return Array.isArray(value) || value instanceof Attrs;
  }
}

function describeFunction(value: Value): string {
  if (value instanceof PrimOp) return `primop ${value.name}`;
  if (value instanceof PrimOpApp) return `partially applied primop ${value.primOp.name}`;
  if (!(value instanceof Lambda)) return 'unknown';
  const name = value.info.name === undefined ? '' : ` ${value.info.name}`;
  return `lambda${name} @ ${showPosition(value.info.position)}`;
}

installErrorPrinter((slot) => {
  const item = slot instanceof Thunk && isForced(slot) ? force(slot) : slot;
  return printValue(item, undefined, errorPrintOptions);
});
