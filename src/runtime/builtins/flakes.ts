/**
 * Builtins of the feature `flakes`. Reading a flake is not part of this evaluator; they say so
 * instead of being absent, because the feature was asked for by name.
 */

import { definePrimOp, type PrimOpDefinition } from './define.ts';
import { featureNotSupported } from './errors.ts';

export const flakes: readonly PrimOpDefinition[] = [
  unsupported('getFlake', 'Fetches a flake and returns its outputs.'),
  unsupported('parseFlakeRef', 'Reads a flake reference given as a URL into a set.'),
  unsupported('flakeRefToString', 'Writes a flake reference given as a set as a URL.'),
];

function unsupported(name: string, doc: string): PrimOpDefinition {
  return definePrimOp({
    name,
    args: ['args'],
    feature: 'flakes',
    doc: `${doc} Not supported by Firn.`,
    run: () => {
      throw featureNotSupported(name, 'flakes');
    },
  });
}
