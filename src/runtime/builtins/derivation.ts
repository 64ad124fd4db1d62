/**
 * `derivationStrict` and what belongs to it: from an attribute set to the request that the host
 * turns into a store derivation.
 *
 * Attributes are read in the order of their names, so that of several faults the same is reported
 * as by C++ Nix. Computing paths is the host's work.
 */

import { formatHash, hashOf, parseHash, encodeNix32, type HashAlgorithm } from '#base';
import { NixError, renderNixError, showPosition, type Position } from '#diagnostics';
import { Attrs, type AttrsEntry } from '../attrs.ts';
import {
  coerceToString,
  forceAttrs,
  forceBool,
  forceList,
  forceString,
  forceStringNoContext,
} from '../coerce.ts';
import { ContextCollector } from '../context.ts';
import { evalError, nixError } from '../errors.ts';
import type { DerivationRequest, FixedOutput } from '../host.ts';
import { parseJson, quoteJson, JsonError } from '../json-text.ts';
import { printAttributeName } from '../print.ts';
import type { EvalServices } from '../services.ts';
import { force } from '../thunk.ts';
import { valueToJson } from '../value-json.ts';
import { ContextString, type Slot, type Value } from '../values.ts';
import { requireAttr } from './attrsets.ts';
import { definePrimOp, type PrimOpDefinition } from './define.ts';
import { featureRequired, withTrace, withUserErrors } from './errors.ts';
import { checkStoreName } from './store-name.ts';

export const derivations: readonly PrimOpDefinition[] = [
  definePrimOp({
    name: 'derivationStrict',
    args: ['attrs'],
    global: true,
    doc:
      'Makes a store derivation of *attrs* at once and returns its `drvPath` and the paths of its' +
      ' outputs. `derivation` is the lazy form that programs use.',
    run: (services, attrs) => derivationStrict(services, attrs),
  }),
  definePrimOp({
    name: 'placeholder',
    args: ['output'],
    global: true,
    doc: 'A text that in the derivation being built stands for the path of its output *output*.',
    run: (_, output) => {
      const name = forceStringNoContext(
        output,
        0,
        'while evaluating the first argument passed to builtins.placeholder',
      );
      return `/${encodeNix32(hashOf('sha256', `nix-output:${name}`).bytes)}`;
    },
  }),
];

function derivationStrict(services: EvalServices, slot: Slot): Value {
  const attrs = forceAttrs(
    slot,
    0,
    'while evaluating the argument passed to builtins.derivationStrict',
  );
  const nameSlot = requireAttr(
    attrs,
    'name',
    'in the attrset passed as argument to builtins.derivationStrict',
  );
  const position = attrs.positionOf('name');
  let name: string;
  try {
    name = forceStringNoContext(
      nameSlot,
      0,
      'while evaluating the `name` attribute passed to builtins.derivationStrict',
    );
  } catch (error) {
    if (error instanceof NixError) {
      error.addTrace(position, "while evaluating the derivation attribute 'name'");
    }
    throw error;
  }
  return withTrace(
    () =>
      `while evaluating derivation '${name}'\n` +
      `  whose name attribute is located at ${showPosition(position)}`,
    () => new DerivationReader(services, attrs, name).instantiate(),
    'always',
  );
}

type Mode = FixedOutput['mode'];

class DerivationReader {
  private readonly services: EvalServices;
  private readonly attrs: Attrs;
  private readonly name: string;
  private readonly collector = new ContextCollector();
  private readonly env = new Map<string, string>();
  /** The fields of `__json`; undefined without structured attributes. */
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

  constructor(services: EvalServices, attrs: Attrs, name: string) {
    this.services = services;
    this.attrs = attrs;
    this.name = name;
  }

  instantiate(): Value {
    checkStoreName(
      this.name,
      (message) => `invalid derivation name: ${message}. Please pass a different 'name'.`,
    );
    if (this.flag('__structuredAttrs')) this.json = [];
    this.ignoreNulls = this.flag('__ignoreNulls');
    const { attrs } = this;
    for (let i = 0; i < attrs.size; i++) {
      const key = attrs.nameAt(i);
      if (key === '__ignoreNulls') continue;
      try {
        this.readAttribute(key, attrs.slotAt(i), attrs.positionAt(i));
      } catch (error) {
        if (error instanceof NixError) {
          const shown = printAttributeName(key);
          const text = `while evaluating attribute '${shown}' of derivation '${this.name}'`;
          error.addTrace(attrs.positionAt(i), text);
        }
        throw error;
      }
    }
    if (this.json !== undefined) this.env.set('__json', `{${this.json.join(',')}}`);
    return this.result(this.request());
  }

  private flag(name: string): boolean {
    const slot = this.attrs.get(name);
    if (slot === undefined) return false;
    const text = `while evaluating the \`${name}\` attribute passed to builtins.derivationStrict`;
    return forceBool(slot, 0, text);
  }

  private requireFeature(feature: string, reason?: string): void {
    if (!this.services.settings.features.has(feature)) throw featureRequired(feature, reason);
  }

  private readAttribute(key: string, slot: Slot, position: Position): void {
    if (this.ignoreNulls && force(slot) === null) return;
    switch (key) {
      case '__contentAddressed':
        if (forceBool(slot, 0, '')) {
          this.contentAddressed = true;
          this.requireFeature('ca-derivations');
        }
        return;
      case '__impure':
        if (forceBool(slot, 0, '')) {
          this.impure = true;
          this.requireFeature('impure-derivations');
        }
        return;
      case 'args':
        this.args = forceList(slot, 0, '').map((item) =>
          coerceToString(
            item,
            this.services,
            this.collector,
            0,
            'while evaluating an element of the argument list',
            { coerceMore: true },
          ),
        );
        return;
    }
    if (this.json === undefined) this.readVariable(key, slot, position);
    else if (key !== '__structuredAttrs') this.readStructured(this.json, key, slot, position);
  }

  private readStructured(json: string[], key: string, slot: Slot, position: Position): void {
    const text = valueToJson(slot, this.services, this.collector);
    json.push(`${quoteJson(key)}:${text}`);
    switch (key) {
      case 'builder':
        this.builder = forceString(slot, 0, '', this.collector);
        break;
      case 'system':
        this.system = forceStringNoContext(slot, 0, '');
        break;
      case 'outputHash':
        this.outputHash = forceStringNoContext(slot, 0, '');
        break;
      case 'outputHashAlgo':
        this.setHashAlgorithm(forceStringNoContext(slot, 0, ''));
        break;
      case 'outputHashMode':
        this.setMode(forceStringNoContext(slot, 0, ''));
        break;
      case 'outputs':
        this.setOutputs(forceList(slot, 0, '').map((item) => forceStringNoContext(item, 0, '')));
        break;
      case 'exportReferencesGraph':
        if (!(force(slot) instanceof Attrs)) {
          this.services.warn("'exportReferencesGraph' in structured attrs is not a JSON object, ignoring");
        }
        break;
      case 'allowedReferences':
      case 'allowedRequisites':
      case 'disallowedReferences':
      case 'disallowedRequisites':
      case 'maxSize':
      case 'maxClosureSize':
        this.warn(
          position,
          `'structuredAttrs' disables the effect of the derivation attribute '${key}';` +
            ` use 'outputChecks.<output>.${key}' instead`,
        );
    }
  }

  private readVariable(key: string, slot: Slot, position: Position): void {
    const text = coerceToString(slot, this.services, this.collector, 0, '', { coerceMore: true });
    if (key === '__json') {
      this.warn(
        position,
        "setting structured attributes via '__json' is deprecated, and may be disallowed in" +
          " future versions of Nix. Set '__structuredAttrs = true' instead.",
      );
      this.env.set(key, this.rewriteJson(text));
      return;
    }
    this.env.set(key, text);
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
        this.setHashAlgorithm(text);
        break;
      case 'outputHashMode':
        this.setMode(text);
        break;
      case 'outputs':
        this.setOutputs(text.split(/[ \t\n\r]+/).filter((output) => output !== ''));
    }
  }

  /** A JSON text given by hand, in the form in which ours is written. */
  private rewriteJson(text: string): string {
    try {
      return valueToJson(parseJson(text), this.services, new ContextCollector());
    } catch (error) {
      if (error instanceof JsonError) {
        throw evalError(`cannot process __json attribute: ${error.message}`);
      }
      throw error;
    }
  }

  private warn(position: Position, message: string): void {
    const warning = nixError('Error', message, position);
    warning.addTrace(0, `while evaluating derivation '${this.name}'`);
    const label = 'warning';
    const text = renderNixError(warning, { showTrace: true, label });
    this.services.warn(text.slice(label.length + 1).replace(/^ /, ''), label);
  }

  /** An unknown name counts as none given. */
  private setHashAlgorithm(text: string): void {
    switch (text) {
      case 'blake3':
        this.requireFeature('blake3-hashes');
        this.hashAlgorithm = text;
        break;
      case 'md5':
      case 'sha1':
      case 'sha256':
      case 'sha512':
        this.hashAlgorithm = text;
        break;
      default:
        this.hashAlgorithm = undefined;
    }
  }

  private setMode(text: string): void {
    switch (text) {
      case 'recursive':
      case 'nar':
        this.mode = 'recursive';
        break;
      case 'flat':
        this.mode = 'flat';
        break;
      case 'text':
        this.requireFeature(
          'dynamic-derivations',
          `text-hashed derivation '${this.name}', outputHashMode = "text"`,
        );
        this.mode = 'text';
        break;
      case 'git':
        this.requireFeature('git-hashing');
        this.mode = 'git';
        break;
      default:
        throw evalError(`invalid value '${text}' for 'outputHashMode' attribute`);
    }
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

  private request(): DerivationRequest {
    if (this.builder === '') throw evalError("required attribute 'builder' missing");
    if (this.system === '') throw evalError("required attribute 'system' missing");
    const hasOnlyOut = this.outputs.length === 1 && this.outputs[0] === 'out';
    if (this.name.endsWith('.drv') && !(this.mode === 'text' && hasOnlyOut)) {
      throw evalError(
        "derivation names are allowed to end in '.drv' only if they produce a single derivation" +
          ' file',
      );
    }
    const common = {
      name: this.name,
      system: this.system,
      builder: this.builder,
      args: this.args,
      env: this.env,
      outputs: this.outputs,
      context: this.collector.context,
    };
    if (this.outputHash !== undefined) {
      if (!hasOnlyOut) {
        throw evalError('multiple outputs are not supported in fixed-output derivations');
      }
      return { ...common, fixedOutput: this.fixedOutput(this.outputHash) };
    }
    if (!this.contentAddressed && !this.impure) return common;
    if (this.contentAddressed && this.impure) {
      throw evalError('derivation cannot be both content-addressed and impure');
    }
    const floating = {
      hashAlgorithm: this.hashAlgorithm ?? 'sha256',
      mode: this.mode ?? 'recursive',
    };
    return this.impure
      ? { ...common, impure: floating }
      : { ...common, contentAddressed: floating };
  }

  private fixedOutput(text: string): FixedOutput {
    const mode = this.mode ?? 'flat';
    const algorithm = this.hashAlgorithm;
    if (text === '') {
      if (algorithm === undefined) throw evalError('empty hash requires explicit hash algorithm');
      this.services.warn(`found empty hash, assuming zeros of ${algorithm}`);
      return { hashAlgorithm: algorithm, hash: '', mode };
    }
    const hash = withUserErrors(() => parseHash(text, algorithm));
    return { hashAlgorithm: hash.algorithm, hash: formatHash(hash, 'base16'), mode };
  }

  private result(request: DerivationRequest): Value {
    const { drvPath, outputs } = this.services.host.instantiate(request);
    const entries: AttrsEntry[] = [['drvPath', new ContextString(drvPath, [`=${drvPath}`])]];
    for (const [name, path] of outputs) {
      entries.push([name, new ContextString(path, [`!${name}!${drvPath}`])]);
    }
    return Attrs.fromEntries(entries);
  }
}
