/**
 * `derivationStrict` and what belongs to it: from an attribute set to the request that the host
 * turns into a store derivation.
 *
 * Attributes are read in the order of their names, so that of several faults the same is reported
 * as by C++ Nix. Computing paths is the host's work.
 */

import { hashOf, encodeNix32 } from '#base';
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
import type { InstantiatedDerivation } from '../host.ts';
import { parseJson, quoteJson, JsonError } from '../json-text.ts';
import { printAttributeName } from '../print.ts';
import type { EvalServices } from '../services.ts';
import { force } from '../thunk.ts';
import { valueToJson } from '../value-json.ts';
import { ContextString, type Slot, type Value } from '../values.ts';
import { requireAttr } from './attrsets.ts';
import { definePrimOp, type PrimOpDefinition } from './define.ts';
import { DerivationParts } from './derivation-parts.ts';
import { withTrace } from './errors.ts';

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

class DerivationReader {
  private readonly services: EvalServices;
  private readonly attrs: Attrs;
  private readonly name: string;
  private readonly collector = new ContextCollector();
  private readonly parts: DerivationParts;
  /** The fields of `__json`; undefined without structured attributes. */
  private json: string[] | undefined;
  private ignoreNulls = false;

  constructor(services: EvalServices, attrs: Attrs, name: string) {
    this.services = services;
    this.attrs = attrs;
    this.name = name;
    this.parts = new DerivationParts(services, name);
  }

  instantiate(): Value {
    if (this.flag('__structuredAttrs')) this.json = [];
    this.ignoreNulls = this.flag('__ignoreNulls');
    const { attrs, parts } = this;
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
    if (this.json !== undefined) parts.env.set('__json', `{${this.json.join(',')}}`);
    return result(parts.instantiate(this.collector.context));
  }

  private flag(name: string): boolean {
    const slot = this.attrs.get(name);
    if (slot === undefined) return false;
    const text = `while evaluating the \`${name}\` attribute passed to builtins.derivationStrict`;
    return forceBool(slot, 0, text);
  }

  private readAttribute(key: string, slot: Slot, position: Position): void {
    if (this.ignoreNulls && force(slot) === null) return;
    switch (key) {
      case '__contentAddressed':
        if (forceBool(slot, 0, '')) this.parts.setContentAddressed();
        return;
      case '__impure':
        if (forceBool(slot, 0, '')) this.parts.setImpure();
        return;
      case 'args':
        this.parts.args = forceList(slot, 0, '').map((item) =>
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
        this.parts.set(key, forceString(slot, 0, '', this.collector));
        break;
      case 'system':
      case 'outputHash':
      case 'outputHashAlgo':
      case 'outputHashMode':
        this.parts.set(key, forceStringNoContext(slot, 0, ''));
        break;
      case 'outputs':
        this.parts.setOutputs(forceList(slot, 0, '').map((item) => forceStringNoContext(item, 0, '')));
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
      this.parts.env.set(key, this.rewriteJson(text));
      return;
    }
    this.parts.env.set(key, text);
    this.parts.set(key, text);
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
}

function result({ drvPath, outputs }: InstantiatedDerivation): Value {
  const entries: AttrsEntry[] = [['drvPath', new ContextString(drvPath, [`=${drvPath}`])]];
  for (const [name, path] of outputs) {
    entries.push([name, new ContextString(path, [`!${name}!${drvPath}`])]);
  }
  return Attrs.fromEntries(entries);
}
