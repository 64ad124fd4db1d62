/**
 * Builtins of the feature `flakes`: the two that only rewrite references, and `getFlake`, whose work
 * is done where files are evaluated.
 */

import { Attrs, type AttrsEntry } from '../attrs.ts';
import { forceAttrs, forceStringNoContext } from '../coerce.ts';
import { evalError, showType } from '../errors.ts';
import type { FetchAttribute } from '../host.ts';
import {
  inputSettings, parseReference, printReference, referenceAttributes, referenceFromAttributes,
} from '../inputs/index.ts';
import { force } from '../thunk.ts';
import { ContextString, type Value } from '../values.ts';
import { definePrimOp, type PrimOpDefinition } from './define.ts';

export const flakes: readonly PrimOpDefinition[] = [
  definePrimOp({
    name: 'getFlake',
    args: ['args'],
    feature: 'flakes',
    doc:
      'Fetches a flake and its inputs, and returns its outputs and what is known of its tree. *args*' +
      ' is a flake reference or a path. In pure evaluation the reference must be locked.',
    run: (services, args) => services.getFlake(args),
  }),
  definePrimOp({
    name: 'parseFlakeRef',
    args: ['flake-ref'],
    feature: 'flakes',
    doc: 'The set form of a flake reference given as a URL: `type` and what belongs to it.',
    run: (services, url) => {
      const text = forceStringNoContext(
        url,
        0,
        'while evaluating the argument passed to builtins.parseFlakeRef',
      );
      const reference = parseReference(text, inputSettings(services));
      const entries: AttrsEntry[] = [...referenceAttributes(reference)];
      return Attrs.fromEntries(entries);
    },
  }),
  definePrimOp({
    name: 'flakeRefToString',
    args: ['attrs'],
    feature: 'flakes',
    doc: 'The URL form of a flake reference given as a set.',
    run: (services, attrs) => {
      const set = forceAttrs(
        attrs,
        0,
        'while evaluating the argument passed to builtins.flakeRefToString',
      );
      const attributes = new Map<string, FetchAttribute>();
      for (let i = 0; i < set.size; i++) {
        const name = set.nameAt(i);
        attributes.set(name, attributeValue(name, force(set.slotAt(i), set.positionAt(i))));
      }
      return printReference(referenceFromAttributes(attributes, inputSettings(services)));
    },
  }),
];

function attributeValue(name: string, value: Value): string | number | boolean {
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
