/** `derivationStrict` on the flat heap: from a set to the request that the host instantiates. */

import {
  ContextString, DerivationParts, type InstantiatedDerivation, JsonError, nixError, parseJson,
  quoteJson,
} from '#runtime';
import { contextString, heap, newBox, NULL, symbolName, symbolOf, type Word } from '../heap.ts';
import { forceWord, forcePlace } from '../machine.ts';
import { get, orderOf, setOf, SYMBOLS } from '../sets.ts';
import { bareText, beginContext, coerce, endContext, stringText } from '../texts.ts';
import { toJson } from '../json.ts';
import { world } from '../world.ts';
import { toXml } from '../xml.ts';
import { fromValue } from '../bridge.ts';
import { Unhandled } from '../errors.ts';
import { define } from './define.ts';
import { isTrue, listCell } from './lists.ts';
import { attribute, forceSet } from './sets.ts';

const H = heap;
const nameSymbol = symbolOf('name');
const structuredSymbol = symbolOf('__structuredAttrs');
const ignoreNullsSymbol = symbolOf('__ignoreNulls');
const drvPathSymbol = symbolOf('drvPath');

define('derivationStrict', 1, (argument) => {
  const set = forceSet(argument);
  return new DerivationReader(set, bareText(attribute(set, nameSymbol))).instantiate();
});

/** With structured attributes, these are warned of. */
const warnedOf = new Set([
  'allowedReferences', 'allowedRequisites', 'disallowedReferences', 'disallowedRequisites', 'maxClosureSize',
  'maxSize',
]);

class DerivationReader {
  private readonly set: Word;
  private readonly parts: DerivationParts;
  private json: string[] | undefined;
  private ignoreNulls = false;

  constructor(set: Word, name: string) {
    this.set = set;
    this.parts = new DerivationParts(world(), name);
  }

  instantiate(): Word {
    if (this.flag(structuredSymbol)) this.json = [];
    this.ignoreNulls = this.flag(ignoreNullsSymbol);
    const { parts } = this;
    const outer = beginContext();
    const cell = this.set >>> 2;
    const shape = H[cell]!;
    const order = orderOf(shape);
    for (let i = 0; i < H[shape]!; i++) {
      const at = H[order + i]!;
      const key = symbolName(H[shape + SYMBOLS + at]!);
      if (key !== '__ignoreNulls') this.readAttribute(key, forcePlace(cell + 1 + at));
    }
    if (this.json !== undefined) parts.env.set('__json', `{${this.json.join(',')}}`);
    return result(parts.instantiate(endContext(outer)));
  }

  private flag(symbol: number): boolean {
    const slot = get(this.set, symbol);
    return slot !== 0 && isTrue(forceWord(slot));
  }

  private readAttribute(key: string, value: Word): void {
    if (this.ignoreNulls && value === NULL) return;
    switch (key) {
      case '__contentAddressed':
        if (isTrue(value)) this.parts.setContentAddressed();
        return;
      case '__impure':
        if (isTrue(value)) this.parts.setImpure();
        return;
      case 'args': {
        const cell = listCell(value);
        const args: string[] = [];
        for (let i = 1; i <= H[cell]!; i++) args.push(coerce(forcePlace(cell + i), true, true));
        this.parts.args = args;
        return;
      }
    }
    if (this.json === undefined) this.readVariable(key, value);
    else if (key !== '__structuredAttrs') this.readStructured(this.json, key, value);
  }

  private readStructured(json: string[], key: string, value: Word): void {
    if (warnedOf.has(key) || (key === 'exportReferencesGraph' && (value & 7) !== 1)) {
      throw new Unhandled(`a warning of '${key}'`);
    }
    json.push(`${quoteJson(key)}:${toJson(value)}`);
    switch (key) {
      case 'builder':
        this.parts.set(key, stringText(value));
        break;
      case 'outputs': {
        const cell = listCell(value);
        const names: string[] = [];
        for (let i = 1; i <= H[cell]!; i++) names.push(bareText(forcePlace(cell + i)));
        this.parts.setOutputs(names);
        break;
      }
      case 'system':
      case 'outputHash':
      case 'outputHashAlgo':
      case 'outputHashMode':
        this.parts.set(key, bareText(value));
    }
  }

  private readVariable(key: string, value: Word): void {
    if (key === '__json') throw new Unhandled('a warning of __json');
    const text = coerce(value, true, true);
    this.parts.env.set(key, text);
    this.parts.set(key, text);
  }
}

function result({ drvPath, outputs }: InstantiatedDerivation): Word {
  const symbols = [drvPathSymbol];
  const values = [newBox(new ContextString(drvPath, [`=${drvPath}`]))];
  for (const [name, path] of outputs) {
    symbols.push(symbolOf(name));
    values.push(newBox(new ContextString(path, [`!${name}!${drvPath}`])));
  }
  return setOf(symbols, values);
}

define('toJSON', 1, (e) => {
  const outer = beginContext();
  const text = toJson(e);
  return contextString(text, endContext(outer));
});

define('toXML', 1, (e) => {
  const outer = beginContext();
  const text = toXml(e);
  return contextString(text, endContext(outer));
});

define('fromJSON', 1, (s) => {
  try {
    return fromValue(parseJson(bareText(s)));
  } catch (error) {
    throw error instanceof JsonError ? nixError('Error', error.message) : error;
  }
});
