/**
 * Whether a derivation's outputs are its own: their paths follow from it, or from what they are to
 * contain. One that names the path of another derivation's output, and is built, would put its own
 * content in that one's place.
 */

import { outputHashModulo, type FindModulo } from './derivation-modulo.ts';
import type { Derivation } from './derivation.ts';
import { foreignOutput } from './nix-errors.ts';
import { makeContentAddressedPath, makeOutputPath, noReferences, outputPathName } from './store-path.ts';

/** Throws where a path does not follow; `find` knows the input derivations. */
export function checkOwnOutputs(derivation: Derivation, find: FindModulo, directory?: string): void {
  const { name } = derivation;
  let modulo: string | undefined;
  for (const [output, said] of derivation.outputs) {
    if (said.kind === 'fixed') {
      const { method, hash, path } = said;
      const own = makeContentAddressedPath(outputPathName(name, output), { method, hash }, noReferences, directory);
      if (own !== path) throw foreignOutput(name, path, `should be '${own}'`);
    } else if (said.kind === 'input-addressed') {
      modulo ??= outputHashModulo(derivation, find);
      if (modulo === undefined) throw foreignOutput(name, said.path, 'should be deferred');
      const own = makeOutputPath(output, modulo, name, directory);
      if (own !== said.path) throw foreignOutput(name, said.path, `should be '${own}'`);
    }
  }
}
