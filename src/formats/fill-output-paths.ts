/** A derivation's output paths, filled in where they follow from the derivation itself. */

import { outputHashModulo, type FindModulo } from './derivation-modulo.ts';
import type { Derivation } from './derivation.ts';
import { makeOutputPath } from './store-path.ts';

/**
 * The derivation with the paths of its input-addressed and deferred outputs and the variables of
 * their names, whatever stood there; deferred ones where an input's path is not known yet.
 */
export function fillOutputPaths(given: Derivation, find: FindModulo, storeDirectory?: string): Derivation {
  const follows = [...given.outputs.values()].some(({ kind }) => kind === 'deferred' || kind === 'input-addressed');
  if (!follows) return given;
  const names = [...given.outputs.keys()];
  // What is hashed has no paths: neither in its outputs nor in the variables of their names.
  const open: Derivation = {
    ...given,
    outputs: new Map(names.map((name) => [name, { kind: 'deferred' }])),
    env: new Map([...given.env].map(([name, value]) => [name, names.includes(name) ? '' : value])),
  };
  const modulo = outputHashModulo(open, find);
  if (modulo === undefined) return open;
  const paths = new Map(names.map((name) => [name, makeOutputPath(name, modulo, given.name, storeDirectory)]));
  return {
    ...given,
    outputs: new Map([...paths].map(([name, path]) => [name, { kind: 'input-addressed', path }])),
    env: new Map([...given.env].map(([name, value]) => [name, paths.get(name) ?? value])),
  };
}
