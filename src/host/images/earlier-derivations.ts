/**
 * What the host keeps in an image: hashes of the derivations that an evaluation has made, which those
 * that refer to them are made of, and the store paths that it has added.
 *
 * An evaluation that computes paths only writes nothing, so another one that goes on from it cannot
 * read them in the store.
 */

import type { HashModulo, StorePath } from '#formats';
import type { KnownModulos } from '../derivation-maker.ts';

export interface Earlier {
  readonly modulos: KnownModulos;
  /** Store paths that were added and not written. */
  readonly added: ReadonlySet<string>;
}

const modulosName = 'host:modulos';
const addedName = 'host:added';

export function textsOfEarlier({ modulos, added }: Earlier): ReadonlyMap<string, string> {
  const entries = [...modulos].map(([path, modulo]) => [
    path, modulo.kind === 'fixed' ? { ...modulo, outputs: [...modulo.outputs] } : modulo,
  ]);
  return new Map([[modulosName, JSON.stringify(entries)], [addedName, JSON.stringify([...added])]]);
}

export function readEarlier(image: { text(name: string): string }): Earlier {
  const entries = JSON.parse(image.text(modulosName)) as readonly [StorePath, HashModulo][];
  const modulos = entries.map(([path, modulo]): [StorePath, HashModulo] =>
    [path, modulo.kind === 'fixed' ? { ...modulo, outputs: new Map(modulo.outputs) } : modulo]);
  return { modulos: new Map(modulos), added: new Set(JSON.parse(image.text(addedName)) as string[]) };
}
