/** Builtins that show and change what a string depends on. */

import { Attrs, type AttrsEntry } from '../attrs.ts';
import {
  coerceToString,
  forceAttrs,
  forceBool,
  forceList,
  forceString,
  forceStringNoContext,
  makeString,
} from '../coerce.ts';
import { ContextCollector, contextOf } from '../context.ts';
import { evalError } from '../errors.ts';
import type { EvalServices } from '../services.ts';
import { ContextString, type Slot, type Value } from '../values.ts';
import { definePrimOp, type PrimOpDefinition } from './define.ts';
import { isStorePath } from './paths.ts';

export const contexts: readonly PrimOpDefinition[] = [
  definePrimOp({
    name: 'unsafeDiscardStringContext',
    args: ['s'],
    doc: '*s* without its context: nothing it names will be built because of it.',
    run: (services, s) => coerce(services, s, 'unsafeDiscardStringContext').text,
  }),
  definePrimOp({
    name: 'hasContext',
    args: ['s'],
    doc: 'Whether *s* has a context.',
    run: (_, s) => {
      const collector = new ContextCollector();
      forceString(
        s,
        0,
        'while evaluating the argument passed to builtins.hasContext',
        collector,
      );
      return collector.context.length > 0;
    },
  }),
  definePrimOp({
    name: 'unsafeDiscardOutputDependency',
    args: ['s'],
    doc:
      '*s*, where a dependency on a derivation with all its outputs became one on the derivation' +
      ' file alone.',
    run: (services, s) => {
      const { text, collector } = coerce(services, s, 'unsafeDiscardOutputDependency');
      const context = contextOf(
        collector.context.map((element) =>
          element.startsWith('=') ? element.slice(1) : element,
        ),
      );
      return context.length === 0 ? text : new ContextString(text, context);
    },
  }),
  definePrimOp({
    name: 'addDrvOutputDependencies',
    args: ['s'],
    doc:
      '*s*, where the dependency on a derivation file became one on the derivation with all its' +
      ' outputs. *s* must depend on that one file and nothing else.',
    run: (services, s) => addDrvOutputDependencies(services, s),
  }),
  definePrimOp({
    name: 'getContext',
    args: ['s'],
    doc:
      'The context of *s*: a set with, for each store path, `path = true`, `allOutputs = true` or' +
      ' the list `outputs`, as they apply.',
    run: (_, s) => getContext(s),
  }),
  definePrimOp({
    name: 'appendContext',
    args: ['s', 'context'],
    doc: '*s* with *context*, in the form that `getContext` gives, added to its own.',
    run: (services, s, context) => appendContext(services, s, context),
  }),
];

function coerce(
  services: EvalServices,
  slot: Slot,
  name: string,
): { text: string; collector: ContextCollector } {
  const collector = new ContextCollector();
  const text = coerceToString(
    slot,
    services,
    collector,
    0,
    `while evaluating the argument passed to builtins.${name}`,
  );
  return { text, collector };
}

function addDrvOutputDependencies(services: EvalServices, s: Slot): Value {
  const { text, collector } = coerce(services, s, 'addDrvOutputDependencies');
  const { context } = collector;
  if (context.length !== 1) {
    throw evalError(
      `context of string '${text}' must have exactly one element, but has ${context.length}`,
    );
  }
  const element = context[0]!;
  if (element.startsWith('=')) return new ContextString(text, context);
  if (element.startsWith('!')) {
    const output = element.slice(1, element.indexOf('!', 1));
    throw evalError(
      '`addDrvOutputDependencies` can only act on derivations, not on a derivation output such' +
        ` as '${output}'`,
    );
  }
  if (!element.endsWith('.drv')) throw evalError(`path '${element}' is not a derivation`);
  return new ContextString(text, [`=${element}`]);
}

interface ContextInfo {
  path: boolean;
  allOutputs: boolean;
  readonly outputs: string[];
}

function getContext(s: Slot): Value {
  const collector = new ContextCollector();
  forceString(s, 0, 'while evaluating the argument passed to builtins.getContext', collector);
  const infos = new Map<string, ContextInfo>();
  const infoOf = (path: string): ContextInfo => {
    let info = infos.get(path);
    if (info === undefined) {
      infos.set(path, (info = { path: false, allOutputs: false, outputs: [] }));
    }
    return info;
  };
  for (const element of collector.context) {
    if (element.startsWith('=')) infoOf(element.slice(1)).allOutputs = true;
    else if (element.startsWith('!')) {
      const end = element.indexOf('!', 1);
      infoOf(element.slice(end + 1)).outputs.push(element.slice(1, end));
    } else infoOf(element).path = true;
  }
  const entries: AttrsEntry[] = [];
  for (const [path, info] of infos) {
    const attributes: AttrsEntry[] = [];
    if (info.path) attributes.push(['path', true]);
    if (info.allOutputs) attributes.push(['allOutputs', true]);
    if (info.outputs.length > 0) attributes.push(['outputs', info.outputs]);
    entries.push([path, Attrs.fromEntries(attributes)]);
  }
  return Attrs.fromEntries(entries);
}

function appendContext(services: EvalServices, s: Slot, contextSlot: Slot): Value {
  const collector = new ContextCollector();
  const text = forceString(
    s,
    0,
    'while evaluating the first argument passed to builtins.appendContext',
    collector,
  );
  const paths = forceAttrs(
    contextSlot,
    0,
    'while evaluating the second argument passed to builtins.appendContext',
  );
  for (let i = 0; i < paths.size; i++) {
    appendPath(services, collector, paths, i);
  }
  return makeString(text, collector);
}

function appendPath(
  services: EvalServices,
  collector: ContextCollector,
  paths: Attrs,
  index: number,
): void {
  const path = paths.nameAt(index);
  const position = paths.positionAt(index);
  if (!isStorePath(services, path)) {
    throw evalError(`context key '${path}' is not a store path`, position);
  }
  const info = forceAttrs(
    paths.slotAt(index),
    position,
    'while evaluating the value of a string context',
  );
  const flag = (name: string): boolean => {
    const slot = info.get(name);
    if (slot === undefined) return false;
    const frame = `while evaluating the \`${name}\` attribute of a string context`;
    return forceBool(slot, info.positionOf(name), frame);
  };
  if (flag('path')) collector.addElement(path);
  if (flag('allOutputs')) {
    if (!path.endsWith('.drv')) {
      throw evalError(
        `tried to add all-outputs context of ${path}, which is not a derivation, to a string`,
        position,
      );
    }
    collector.addElement(`=${path}`);
  }
  const outputsSlot = info.get('outputs');
  if (outputsSlot === undefined) return;
  const place = info.positionOf('outputs');
  const outputs = forceList(
    outputsSlot,
    place,
    'while evaluating the `outputs` attribute of a string context',
  );
  if (outputs.length > 0 && !path.endsWith('.drv')) {
    throw evalError(
      `tried to add derivation output context of ${path}, which is not a derivation, to a string`,
      position,
    );
  }
  for (const output of outputs) {
    const name = forceStringNoContext(
      output,
      place,
      'while evaluating an output name within a string context',
    );
    collector.addElement(`!${name}!${path}`);
  }
}
