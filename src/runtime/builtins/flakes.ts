/**
 * Builtins of the feature `flakes`: the two that only rewrite references, and `getFlake`, which
 * says that it cannot instead of being absent, because the feature was asked for by name.
 */

import { Attrs, type AttrsEntry } from '../attrs.ts';
import { forceAttrs, forceStringNoContext } from '../coerce.ts';
import { evalError, nixError, showType } from '../errors.ts';
import {
  FlakeReferenceError,
  formatFlakeReference,
  parseFlakeReference,
  type FlakeReference,
} from '../flake-reference.ts';
import { force } from '../thunk.ts';
import { ContextString, type Value } from '../values.ts';
import { definePrimOp, type PrimOpDefinition } from './define.ts';
import { featureNotSupported } from './errors.ts';

export const flakes: readonly PrimOpDefinition[] = [
  definePrimOp({
    name: 'getFlake',
    args: ['args'],
    feature: 'flakes',
    doc: 'Fetches a flake and returns its outputs. Firn does not support it and says so.',
    run: () => {
      throw featureNotSupported('getFlake', 'flakes');
    },
  }),
  definePrimOp({
    name: 'parseFlakeRef',
    args: ['flake-ref'],
    feature: 'flakes',
    doc: 'The set form of a flake reference given as a URL: `type` and what belongs to it.',
    run: (_, url) => {
      const text = forceStringNoContext(
        url,
        0,
        'while evaluating the argument passed to builtins.parseFlakeRef',
      );
      const entries: AttrsEntry[] = [...withFaults(() => parseFlakeReference(text))];
      return Attrs.fromEntries(entries);
    },
  }),
  definePrimOp({
    name: 'flakeRefToString',
    args: ['attrs'],
    feature: 'flakes',
    doc: 'The URL form of a flake reference given as a set.',
    run: (_, attrs) => {
      const set = forceAttrs(
        attrs,
        0,
        'while evaluating the argument passed to builtins.flakeRefToString',
      );
      const reference: FlakeReference = new Map();
      for (let i = 0; i < set.size; i++) {
        const name = set.nameAt(i);
        reference.set(name, referenceAttribute(name, force(set.slotAt(i), set.positionAt(i))));
      }
      return withFaults(() => formatFlakeReference(reference));
    },
  }),
];

function referenceAttribute(name: string, value: Value): string | number | boolean {
  if (typeof value === 'number') {
    if (value < 0) throw evalError(`negative value given for flake ref attr ${name}: ${value}`);
    return value;
  }
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (value instanceof ContextString) return value.text;
  throw evalError(
    'flake reference attribute sets may only contain integers, Booleans, and strings, but' +
      ` attribute '${name}' is ${showType(value)}`,
  );
}

function withFaults<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof FlakeReferenceError) throw nixError('Error', error.message);
    throw error;
  }
}
