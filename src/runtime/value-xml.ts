/**
 * Values as XML, as `builtins.toXML` and `--xml` give it: elements indented by two spaces, each
 * derivation described once.
 */

import { originOf, resolvePosition, type Position } from '#diagnostics';
import { Attrs } from './attrs.ts';
import { enterCall, leaveCall } from './call-depth.ts';
import { isDerivation } from './coerce.ts';
import type { ContextCollector } from './context.ts';
import { escapeText } from './escape-text.ts';
import { formatFloatShort } from './float-text.ts';
import { force, isForced } from './thunk.ts';
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

export interface XmlOptions {
  /** Compute what is not computed yet; else it becomes `<unevaluated />`. */
  readonly strict: boolean;
  /** Say where attributes and functions were defined. */
  readonly location: boolean;
}

/** The whole XML document of a value; contexts of strings go to `collector`. */
export function valueToXml(
  slot: Slot,
  collector: ContextCollector,
  options: XmlOptions,
): string {
  const writer = new XmlWriter(collector, options);
  writer.openElement('expr', {});
  writer.write(slot);
  writer.closeElement('expr');
  return `<?xml version='1.0' encoding='utf-8'?>\n${writer.text}`;
}

export type XmlAttributes = Readonly<Record<string, string>>;

class XmlWriter {
  text = '';
  private depth = 0;
  private readonly collector: ContextCollector;
  private readonly options: XmlOptions;
  private readonly derivationsSeen = new Set<string>();

  constructor(collector: ContextCollector, options: XmlOptions) {
    this.collector = collector;
    this.options = options;
  }

  openElement(name: string, attributes: XmlAttributes): void {
    this.text += `${'  '.repeat(this.depth)}<${name}${formatAttributes(attributes)}>\n`;
    this.depth++;
  }

  closeElement(name: string): void {
    this.depth--;
    this.text += `${'  '.repeat(this.depth)}</${name}>\n`;
  }

  private emptyElement(name: string, attributes: XmlAttributes = {}): void {
    this.text += `${'  '.repeat(this.depth)}<${name}${formatAttributes(attributes)} />\n`;
  }

  write(slot: Slot): void {
    enterCall(0);
    if (this.options.strict) force(slot);
    if (isForced(slot)) this.writeValue(force(slot));
    else this.emptyElement('unevaluated');
    leaveCall();
  }

  private writeValue(value: Value): void {
    if (value === null) return this.emptyElement('null');
    switch (typeof value) {
      case 'string':
        return this.emptyElement('string', { value });
      case 'boolean':
        return this.emptyElement('bool', { value: String(value) });
      case 'number':
      case 'bigint':
        return this.emptyElement('int', { value: String(value) });
    }
    if (value instanceof ContextString) {
      this.collector.add(value.context);
      return this.emptyElement('string', { value: value.text });
    }
    if (value instanceof NixPath) return this.emptyElement('path', { value: value.path });
    if (value instanceof NixFloat) {
      return this.emptyElement('float', { value: formatFloatShort(value.value) });
    }
    if (value instanceof Attrs) return this.writeSet(value);
    if (Array.isArray(value)) {
      this.openElement('list', {});
      for (const item of value) this.write(item);
      return this.closeElement('list');
    }
    this.writeFunction(value);
  }

  private writeSet(set: Attrs): void {
    if (!isDerivation(set)) {
      this.openElement('attrs', {});
      this.writeAttributes(set);
      return this.closeElement('attrs');
    }
    const attributes: Record<string, string> = {};
    for (const name of ['drvPath', 'outPath']) {
      const text = this.stringAttribute(set, name);
      if (text !== undefined) attributes[name] = text;
    }
    this.openElement('derivation', attributes);
    const drvPath = attributes['drvPath'] ?? '';
    if (drvPath !== '' && !this.derivationsSeen.has(drvPath)) {
      this.derivationsSeen.add(drvPath);
      this.writeAttributes(set);
    } else this.emptyElement('repeated');
    this.closeElement('derivation');
  }

  private stringAttribute(set: Attrs, name: string): string | undefined {
    const slot = set.get(name);
    if (slot === undefined) return undefined;
    if (this.options.strict) force(slot, set.positionOf(name));
    if (!isForced(slot)) return undefined;
    const value = force(slot);
    if (value instanceof ContextString) return value.text;
    return typeof value === 'string' ? value : undefined;
  }

  private writeAttributes(set: Attrs): void {
    for (let i = 0; i < set.size; i++) {
      this.openElement('attr', { name: set.nameAt(i), ...this.place(set.positionAt(i)) });
      this.write(set.slotAt(i));
      this.closeElement('attr');
    }
  }

  private place(position: Position): Record<string, string> {
    if (!this.options.location || position === 0) return {};
    const place = resolvePosition(position);
    if (place === undefined) return {};
    const origin = originOf(position);
    return {
      ...(origin?.kind === 'file' ? { path: origin.path } : {}),
      line: String(place.line),
      column: String(place.column),
    };
  }

  private writeFunction(value: Value): void {
    if (value instanceof PrimOp || value instanceof PrimOpApp || !(value instanceof Lambda)) {
      return this.emptyElement('unevaluated');
    }
    const { info } = value;
    this.openElement('function', this.place(info.position));
    if (info.formals === undefined) {
      this.emptyElement('varpat', { name: info.argument ?? '' });
    } else {
      this.openElement('attrspat', {
        ...(info.argument === undefined ? {} : { name: info.argument }),
        ...(info.ellipsis ? { ellipsis: '1' } : {}),
      });
      for (const formal of info.formals) this.emptyElement('attr', { name: formal.name });
      this.closeElement('attrspat');
    }
    this.closeElement('function');
  }
}

const escapes: Readonly<Record<string, string>> = {
  '"': '&quot;',
  '<': '&lt;',
  '>': '&gt;',
  '&': '&amp;',
  // A bare line end would be read back as a space.
  '\n': '&#xA;',
};

/** Attributes of an element, in the order of their names, each after a space. */
export function formatAttributes(attributes: XmlAttributes): string {
  let text = '';
  for (const name of Object.keys(attributes).sort()) {
    const value = escapeText(attributes[name]!, /["<>&\n]/g, (character) => escapes[character]!);
    text += ` ${name}="${value}"`;
  }
  return text;
}
