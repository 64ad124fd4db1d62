/** Values of the flat heap as XML, all of it forced; contexts collected. */

import {
  formatAttributes, formatFloatShort, Lambda, NixFloat, NixPath, type Value, type XmlAttributes,
} from '#runtime';
import { toValue } from './bridge.ts';
import { boxAt, DEPTH, heap, NULL, symbolName, symbolOf, textAt, TRUE, type Word } from './heap.ts';
import { enterNested } from './calls.ts';
import { forceWord, forcePlace } from './machine.ts';
import { isDerivationSet } from './operators.ts';
import { get, orderOf, SYMBOLS } from './sets.ts';
import { isString, stringText, textAlone } from './texts.ts';

const H = heap;
const drvPathSymbol = symbolOf('drvPath');
const outPathSymbol = symbolOf('outPath');

export function toXml(word: Word): string {
  const writer = new FlatXmlWriter();
  writer.open('expr', {});
  writer.write(word);
  writer.close('expr');
  return `<?xml version='1.0' encoding='utf-8'?>\n${writer.text}`;
}

class FlatXmlWriter {
  text = '';
  private indent = '';
  private readonly seen = new Set<string>();

  open(name: string, attributes: XmlAttributes): void {
    this.text += `${this.indent}<${name}${formatAttributes(attributes)}>\n`;
    this.indent += '  ';
  }

  close(name: string): void {
    this.indent = this.indent.slice(2);
    this.text += `${this.indent}</${name}>\n`;
  }

  private empty(name: string, attributes: XmlAttributes = {}): void {
    this.text += `${this.indent}<${name}${formatAttributes(attributes)} />\n`;
  }

  write(word: Word): void {
    const value = forceWord(word);
    enterNested();
    this.value(value);
    H[DEPTH]!--;
  }

  private value(value: Word): void {
    switch (value & 7) {
      case 4:
        return this.empty('string', { value: textAt(value >>> 3) });
      case 6:
        return this.empty('int', { value: String(value >> 3) });
      case 7:
        return value === NULL ? this.empty('null') : this.empty('bool', { value: String(value === TRUE) });
      case 1:
        return this.set(value);
      case 2: {
        this.open('list', {});
        const cell = value >>> 2;
        for (let i = 1; i <= H[cell]!; i++) this.write(forcePlace(cell + i));
        return this.close('list');
      }
      case 3:
        return this.function(toValue(value));
    }
    if (isString(value)) return this.empty('string', { value: stringText(value) });
    const box = boxAt(value >>> 3);
    if (box instanceof NixPath) return this.empty('path', { value: box.path });
    if (box instanceof NixFloat) return this.empty('float', { value: formatFloatShort(box.value) });
    this.empty('int', { value: String(box) });
  }

  private set(set: Word): void {
    if (!isDerivationSet(set)) {
      this.open('attrs', {});
      this.attributes(set);
      return this.close('attrs');
    }
    const attributes: Record<string, string> = {};
    for (const [name, symbol] of [['drvPath', drvPathSymbol], ['outPath', outPathSymbol]] as const) {
      const slot = get(set, symbol);
      const value = slot === 0 ? 0 : forceWord(slot);
      if (value !== 0 && isString(value)) attributes[name] = textAlone(value);
    }
    this.open('derivation', attributes);
    const drvPath = attributes['drvPath'] ?? '';
    if (drvPath !== '' && !this.seen.has(drvPath)) {
      this.seen.add(drvPath);
      this.attributes(set);
    } else this.empty('repeated');
    this.close('derivation');
  }

  private attributes(set: Word): void {
    const cell = set >>> 2;
    const shape = H[cell]!;
    const order = orderOf(shape);
    for (let i = 0; i < H[shape]!; i++) {
      const at = H[order + i]!;
      this.open('attr', { name: symbolName(H[shape + SYMBOLS + at]!) });
      this.write(forcePlace(cell + 1 + at));
      this.close('attr');
    }
  }

  /** Of a function with some of its arguments the rest is written. */
  private function(value: Value): void {
    if (!(value instanceof Lambda)) return this.empty('unevaluated');
    const { argument, formals, ellipsis } = value.info;
    this.open('function', {});
    if (formals === undefined) {
      this.empty('varpat', { name: argument! });
    } else {
      this.open('attrspat', {
        ...(argument === undefined ? {} : { name: argument }),
        ...(ellipsis ? { ellipsis: '1' } : {}),
      });
      for (const { name } of formals) this.empty('attr', { name });
      this.close('attrspat');
    }
    this.close('function');
  }
}
