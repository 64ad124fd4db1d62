/** `builtins.outputOf`, of the feature `dynamic-derivations`. */

import { compressHash, encodeNix32, hashOf } from '#base';
import { ContextCollector } from '../context.ts';
import { forceString, forceStringNoContext } from '../coerce.ts';
import { evalError } from '../errors.ts';
import type { EvalServices } from '../services.ts';
import { ContextString, type Slot, type Value } from '../values.ts';
import { definePrimOp, type PrimOpDefinition } from './define.ts';

export const dynamicDerivations: readonly PrimOpDefinition[] = [
  definePrimOp({
    name: 'outputOf',
    args: ['derivation-reference', 'output-name'],
    feature: 'dynamic-derivations',
    doc:
      'A reference to the output *output-name* of the derivation that *derivation-reference*, a' +
      ' derivation file or an output that will be one, stands for.',
    run: (services, reference, output) => outputOf(services, reference, output),
  }),
];

function outputOf(services: EvalServices, reference: Slot, outputSlot: Slot): Value {
  const frame = 'while evaluating the first argument to builtins.outputOf';
  const collector = new ContextCollector();
  const text = forceString(reference, 0, frame, collector);
  const { context } = collector;
  if (context.length !== 1) {
    throw evalError(
      `string '${text}' has ${context.length} entries in its context.` +
        ' It should only have exactly one entry',
    ).addTrace(0, frame);
  }
  const element = context[0]!;
  if (element.startsWith('=')) {
    throw evalError(
      `string '${text}' has a context which refers to a complete source and binary closure.` +
        ' This is not supported at this time',
    ).addTrace(0, frame);
  }
  const expected = textOf(services, element);
  if (text !== expected) {
    throw evalError(
      `path string '${text}' has context with the different path '${expected}'`,
    ).addTrace(0, frame);
  }
  const output = forceStringNoContext(
    outputSlot,
    0,
    'while evaluating the second argument to builtins.outputOf',
  );
  const result = `!${output}!${element}`;
  return new ContextString(textOf(services, result), [result]);
}

/** The text that a string whose whole context is `element` has. */
function textOf(services: EvalServices, element: string): string {
  if (!element.startsWith('!')) return element;
  const end = element.indexOf('!', 1);
  const output = element.slice(1, end);
  const derivation = element.slice(end + 1);
  if (derivation.startsWith('!')) return `/${placeholderHash(services, element)}`;
  const known = services.host.isValidPath(derivation)
    ? services.host.readDerivation(derivation).outputs.get(output)
    : undefined;
  return known ?? `/${placeholderHash(services, element)}`;
}

/** The hash in the placeholder of an output whose path is not known before it is built. */
function placeholderHash(services: EvalServices, element: string): string {
  return encodeNix32(placeholderBytes(services, element));
}

function placeholderBytes(services: EvalServices, element: string): Uint8Array {
  const end = element.indexOf('!', 1);
  const output = element.slice(1, end);
  const derivation = element.slice(end + 1);
  if (derivation.startsWith('!')) {
    const inner = encodeNix32(compressHash(placeholderBytes(services, derivation), 20));
    return hashOf('sha256', `nix-computed-output:${inner}:${output}`).bytes;
  }
  const base = derivation.slice(services.host.storeDirectory.length + 1);
  const name = base.slice(33).replace(/\.drv$/, '');
  const outputName = output === 'out' ? name : `${name}-${output}`;
  return hashOf('sha256', `nix-upstream-output:${base.slice(0, 32)}:${outputName}`).bytes;
}
