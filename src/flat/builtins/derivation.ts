/** `derivationStrict` on the flat heap: from a set to the request that the host instantiates. */

import { formatHash, parseHash, type HashAlgorithm } from '#base';
import { type NixError, showPosition } from '#diagnostics';
import {
  ContextString, type DerivationRequest, evalError, type FixedOutput, JsonError, nixError,
  parseJson, quoteJson, valueToJson, ContextCollector, type Value,
} from '#runtime';
import { withTrace, withUserErrors } from '#runtime';
import { checkStoreName } from '#runtime';
import { contextString, heap, newBox, NULL, symbolNames, symbolOf, type Word } from '../heap.ts';
import { forceWord, forcePlace } from '../machine.ts';
import { find, get, orderOf, positionAt, setOf, SYMBOLS } from '../sets.ts';
import {
  bareText, beginContext, coerce, currentContext, endContext, stringText,
} from '../texts.ts';
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
  const nameSlot = attribute(set, nameSymbol);
  const shape = H[set >>> 2]!;
  const position = positionAt(shape, find(shape, nameSymbol));
  const name = bareText(nameSlot);
  return withTrace(
    () => `while evaluating derivation '${name}'\n  whose name attribute is located at ${showPosition(position)}`,
    () => new DerivationReader(set, name).instantiate(),
    'always',
  );
});

/** With structured attributes, these are warned of. */
const warnedOf = new Set([
  'allowedReferences', 'allowedRequisites', 'disallowedReferences', 'disallowedRequisites', 'maxClosureSize',
  'maxSize',
]);

type Mode = FixedOutput['mode'];

class DerivationReader {
  private readonly set: Word;
  private readonly name: string;
  private readonly env = new Map<string, string>();
  private json: string[] | undefined;
  private ignoreNulls = false;
  private builder = '';
  private system = '';
  private args: string[] = [];
  private outputs: string[] = ['out'];
  private contentAddressed = false;
  private impure = false;
  private outputHash: string | undefined;
  private hashAlgorithm: HashAlgorithm | undefined;
  private mode: Mode | undefined;

  constructor(set: Word, name: string) {
    this.set = set;
    this.name = name;
  }

  instantiate(): Word {
    checkStoreName(this.name, (message) => `invalid derivation name: ${message}. Please pass a different 'name'.`);
    if (this.flag(structuredSymbol)) this.json = [];
    this.ignoreNulls = this.flag(ignoreNullsSymbol);
    const outer = beginContext();
    const cell = this.set >>> 2;
    const shape = H[cell]!;
    const order = orderOf(shape);
    for (let i = 0; i < H[shape]!; i++) {
      const at = H[order + i]!;
      const key = symbolNames[H[shape + SYMBOLS + at]!]!;
      if (key === '__ignoreNulls') continue;
      try {
        this.readAttribute(key, forcePlace(cell + 1 + at));
      } catch (error) {
        (error as NixError).addTrace?.(positionAt(shape, at), `while evaluating attribute '${key}' of derivation '${this.name}'`);
        throw error;
      }
    }
    if (this.json !== undefined) this.env.set('__json', `{${this.json.join(',')}}`);
    const context = currentContext();
    endContext(outer);
    return this.result(this.request(context));
  }

  private flag(symbol: number): boolean {
    const slot = get(this.set, symbol);
    return slot !== 0 && isTrue(forceWord(slot));
  }

  private readAttribute(key: string, value: Word): void {
    if (this.ignoreNulls && value === NULL) return;
    switch (key) {
      case '__contentAddressed':
        if (isTrue(value)) {
          this.contentAddressed = true;
          this.requireFeature('ca-derivations');
        }
        return;
      case '__impure':
        if (isTrue(value)) {
          this.impure = true;
          this.requireFeature('impure-derivations');
        }
        return;
      case 'args': {
        const cell = listCell(value);
        for (let i = 1; i <= H[cell]!; i++) this.args.push(coerce(forcePlace(cell + i), true, true));
        return;
      }
    }
    if (this.json === undefined) this.readVariable(key, value);
    else if (key !== '__structuredAttrs') this.readStructured(this.json, key, value);
  }

  private requireFeature(feature: string): void {
    if (!world().settings.features.has(feature)) throw nixError('Error', `experimental Nix feature '${feature}' is disabled`);
  }

  private readStructured(json: string[], key: string, value: Word): void {
    if (warnedOf.has(key) || (key === 'exportReferencesGraph' && (value & 7) !== 1)) {
      throw new Unhandled(`a warning of '${key}'`);
    }
    json.push(`${quoteJson(key)}:${toJson(value)}`);
    switch (key) {
      case 'builder':
        this.builder = stringText(value);
        break;
      case 'outputs': {
        const cell = listCell(value);
        const names: string[] = [];
        for (let i = 1; i <= H[cell]!; i++) names.push(bareText(forcePlace(cell + i)));
        this.setOutputs(names);
        break;
      }
      case 'system':
      case 'outputHash':
      case 'outputHashAlgo':
      case 'outputHashMode':
        this.set1(key, bareText(value));
    }
  }

  private set1(key: string, text: string): void {
    switch (key) {
      case 'builder':
        this.builder = text;
        break;
      case 'system':
        this.system = text;
        break;
      case 'outputHash':
        this.outputHash = text;
        break;
      case 'outputHashAlgo':
        this.hashAlgorithm = ['md5', 'sha1', 'sha256', 'sha512', 'blake3'].includes(text) ? text as HashAlgorithm : undefined;
        break;
      case 'outputHashMode':
        if (text === 'recursive' || text === 'nar') this.mode = 'recursive';
        else if (text === 'flat' || text === 'text' || text === 'git') this.mode = text;
        else throw evalError(`invalid value '${text}' for 'outputHashMode' attribute`);
        break;
      case 'outputs':
        this.setOutputs(text.split(/[ \t\n\r]+/).filter((output) => output !== ''));
    }
  }

  private readVariable(key: string, value: Word): void {
    if (key === '__json') throw new Unhandled('a warning of __json');
    const text = coerce(value, true, true);
    this.env.set(key, text);
    this.set1(key, text);
  }

  private setOutputs(names: readonly string[]): void {
    const seen = new Set<string>();
    for (const name of names) {
      if (seen.has(name)) throw evalError(`duplicate derivation output '${name}'`);
      if (name === 'drvPath') throw evalError("invalid derivation output name 'drvPath'");
      seen.add(name);
    }
    if (seen.size === 0) throw evalError('derivation cannot have an empty set of outputs');
    this.outputs = [...seen].sort((a, b) => (a < b ? -1 : 1));
  }

  private request(context: readonly string[]): DerivationRequest {
    if (this.builder === '') throw evalError("required attribute 'builder' missing");
    if (this.system === '') throw evalError("required attribute 'system' missing");
    const hasOnlyOut = this.outputs.length === 1 && this.outputs[0] === 'out';
    if (this.name.endsWith('.drv') && !(this.mode === 'text' && hasOnlyOut)) {
      throw evalError("derivation names are allowed to end in '.drv' only if they produce a single derivation file");
    }
    const common = {
      name: this.name, system: this.system, builder: this.builder, args: this.args, env: this.env,
      outputs: this.outputs, context,
    };
    if (this.outputHash !== undefined) {
      if (!hasOnlyOut) throw evalError('multiple outputs are not supported in fixed-output derivations');
      return { ...common, fixedOutput: this.fixedOutput(this.outputHash) };
    }
    if (!this.contentAddressed && !this.impure) return common;
    const floating = { hashAlgorithm: this.hashAlgorithm ?? 'sha256', mode: this.mode ?? 'recursive' };
    return this.impure ? { ...common, impure: floating } : { ...common, contentAddressed: floating };
  }

  private fixedOutput(text: string): FixedOutput {
    const mode = this.mode ?? 'flat';
    const algorithm = this.hashAlgorithm;
    if (text === '') {
      if (algorithm === undefined) throw evalError('empty hash requires explicit hash algorithm');
      world().warn(`found empty hash, assuming zeros of ${algorithm}`);
      return { hashAlgorithm: algorithm, hash: '', mode };
    }
    const hash = withUserErrors(() => parseHash(text, algorithm));
    return { hashAlgorithm: hash.algorithm, hash: formatHash(hash, 'base16'), mode };
  }

  private result(request: DerivationRequest): Word {
    const { drvPath, outputs } = world().host.instantiate(request);
    const symbols = [drvPathSymbol];
    const values = [newBox(new ContextString(drvPath, [`=${drvPath}`]))];
    for (const [name, path] of outputs) {
      symbols.push(symbolOf(name));
      values.push(newBox(new ContextString(path, [`!${name}!${drvPath}`])));
    }
    return setOf(symbols, values);
  }
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
  const value: Value = (() => {
    try {
      return parseJson(bareText(s));
    } catch (error) {
      if (!(error instanceof JsonError)) throw error;
      const failure = nixError('Error', error.message);
      throw error.isSyntax ? failure.addTrace(0, 'while decoding a JSON string') : failure;
    }
  })();
  return fromValue(value);
});
