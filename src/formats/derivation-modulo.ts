/**
 * The hash of a derivation modulo fixed outputs: what output paths are made of.
 *
 * A derivation's identity must not depend on how its fixed-output inputs are fetched. So in the
 * text that is hashed each input derivation's path is replaced: by a hash of the content for a
 * fixed output, by the input's own hash modulo otherwise. Output paths come from the text with the
 * derivation's own outputs masked; as an input of others, the text with them is hashed.
 */

import { encodeHex, sha256Hex } from '#base';
import { formatMethodAlgorithm } from './content-address.ts';
import { printParts, type Derivation } from './derivation.ts';
import type { StorePath } from './store-path.ts';

export type HashModulo =
  | { readonly kind: 'regular'; readonly hash: string }
  /** Per output. */
  | { readonly kind: 'fixed'; readonly outputs: ReadonlyMap<string, string> }
  /** An output path somewhere below is not known before it is built; what is built is known by the hash. */
  | { readonly kind: 'deferred'; readonly hash: string };

/** Finds the hash modulo of an input derivation; see `moduloFinder`. */
export type FindModulo = (drvPath: StorePath) => HashModulo;

/**
 * A finder that reads each derivation once: inputs are shared so much that walking them again for
 * every dependent would take time exponential in the graph's depth. What `known` holds is not read.
 */
export function moduloFinder(
  read: (drvPath: StorePath) => Derivation, known: Map<StorePath, HashModulo> = new Map(),
): FindModulo {
  const find: FindModulo = (drvPath) => {
    let modulo = known.get(drvPath);
    if (modulo === undefined) {
      modulo = hashModulo(read(drvPath), find);
      known.set(drvPath, modulo);
    }
    return modulo;
  };
  return find;
}

/** The hash by which others refer to this derivation, whose output paths are filled in. */
export function hashModulo(derivation: Derivation, find: FindModulo): HashModulo {
  const fixed = fixedOutputHashes(derivation);
  if (fixed !== undefined) return { kind: 'fixed', outputs: fixed };
  const isKnown = [...derivation.outputs.values()].every((output) => output.kind === 'input-addressed');
  const inputs = isKnown ? replaceInputs(derivation, find) : undefined;
  return inputs === undefined
    ? { kind: 'deferred', hash: sha256Hex(printParts(derivation, replaceAllInputs(derivation, find), false)) }
    : { kind: 'regular', hash: sha256Hex(printParts(derivation, inputs, false)) };
}

/**
 * The hashes by which outputs of a derivation are known before they have a path: what realisations
 * of C++ Nix before 2.35 are kept by. By output name, in base16.
 */
export function realisationHashes(derivation: Derivation, find: FindModulo): Map<string, string> {
  const fixed = fixedOutputHashes(derivation);
  if (fixed !== undefined) return fixed;
  const hash = sha256Hex(printParts(derivation, replaceAllInputs(derivation, find), true));
  return new Map([...derivation.outputs.keys()].map((name) => [name, hash]));
}

/** The hash that the output paths are made of; `undefined` if it is not known before a build. */
export function outputHashModulo(derivation: Derivation, find: FindModulo): string | undefined {
  const inputs = replaceInputs(derivation, find);
  return inputs === undefined ? undefined : sha256Hex(printParts(derivation, inputs, true));
}

/** Both hashes at once share the replaced inputs. */
export function replaceInputs(
  derivation: Derivation, find: FindModulo,
): Map<string, readonly string[]> | undefined {
  // Derivations that are still to be built have no hash yet.
  if (derivation.dynamicInputs !== undefined) return undefined;
  for (const drvPath of derivation.inputDerivations.keys()) {
    if (find(drvPath).kind === 'deferred') return undefined;
  }
  return replaceAllInputs(derivation, find);
}

function replaceAllInputs(derivation: Derivation, find: FindModulo): Map<string, readonly string[]> {
  const inputs = new Map<string, readonly string[]>();
  for (const [drvPath, outputs] of derivation.inputDerivations) {
    if (derivation.dynamicInputs?.has(drvPath) === true) {
      addOutputs(inputs, drvPath, outputs);
      continue;
    }
    const modulo = find(drvPath);
    if (modulo.kind === 'fixed') {
      for (const output of outputs) addOutputs(inputs, modulo.outputs.get(output) ?? '', ['out']);
    } else {
      addOutputs(inputs, modulo.hash, outputs);
    }
  }
  return inputs;
}

function fixedOutputHashes(derivation: Derivation): Map<string, string> | undefined {
  const hashes = new Map<string, string>();
  for (const [name, output] of derivation.outputs) {
    if (output.kind !== 'fixed') return undefined;
    const method = formatMethodAlgorithm(output.method, output.hash.algorithm);
    hashes.set(name, sha256Hex(`fixed:out:${method}:${encodeHex(output.hash.bytes)}:${output.path}`));
  }
  return hashes.size === 0 ? undefined : hashes;
}

function addOutputs(inputs: Map<string, readonly string[]>, key: string, outputs: readonly string[]): void {
  const present = inputs.get(key);
  inputs.set(key, present === undefined ? outputs : [...new Set([...present, ...outputs])].sort());
}
