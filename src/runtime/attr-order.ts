/**
 * The order in which C++ Nix goes through a set where names do not decide it: by the numbers of
 * its symbols. The names that it knows from the start come first, in this order; of the others
 * nothing is known, and they follow by name. It shows in which of several errors is reported.
 */

import type { Attrs } from './attrs.ts';

const firstNames = [
  'outPath', 'drvPath', 'type', 'meta', 'name', 'value', 'system', '__overrides', 'outputs',
  'outputName', '__ignoreNulls', 'file', 'line', 'column', '__functor', '__toString', 'right',
  'wrong', '__structuredAttrs', '__json', 'allowedReferences', 'allowedRequisites',
  'disallowedReferences', 'disallowedRequisites', 'maxSize', 'maxClosureSize', 'builder', 'args',
  '__contentAddressed', '__impure', 'outputHash', 'outputHashAlgo', 'outputHashMode',
  'recurseForDerivations', 'description', 'self', '', 'startSet', 'operator', 'key', 'path',
  'prefix', 'outputSpecified', 'requiredSystemFeatures',
];

const ranks = new Map(firstNames.map((name, rank) => [name, rank] as const));

/** The indices of a set's attributes in that order. */
export function symbolOrder(set: Attrs): readonly number[] {
  const rankAt = (index: number): number => ranks.get(set.nameAt(index)) ?? ranks.size;
  const order = Array.from({ length: set.size }, (_, index) => index);
  return order.sort((a, b) => rankAt(a) - rankAt(b));
}
