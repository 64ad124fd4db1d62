/** Derivations as files of the store. */

import { lstatSync, readFileSync } from 'node:fs';
import {
  checkOwnOutputs, derivationExtension, knownOutputPath, moduloFinder, nameOf, parseDerivation, type Derivation,
  type FindModulo, type StorePath,
} from '#formats';
import { fileFailed } from './errors.ts';
import { systemPath } from './file-tree.ts';

/** The outputs whose paths a derivation tells beforehand, for the database. */
export function knownOutputs(derivation: Derivation): Map<string, StorePath> {
  const outputs = new Map<string, StorePath>();
  for (const [name, output] of derivation.outputs) {
    const path = knownOutputPath(output);
    if (path !== undefined) outputs.set(name, path);
  }
  return outputs;
}

/**
 * Reads from derivations' files what the database is to know of their outputs; a file that names
 * outputs which are not its own is refused, whoever it came from.
 */
export class OutputReader {
  readonly #storeDirectory: string;
  readonly #find: FindModulo;

  /** `placeOf` says where a path's file is, or will be; a byte string. */
  constructor(storeDirectory: string, placeOf: (path: StorePath) => string) {
    this.#storeDirectory = storeDirectory;
    this.#find = moduloFinder((path) => readDerivationAt(placeOf(path), path, storeDirectory));
  }

  /** The outputs of the derivation at `place`, which is or will be `path`; nothing of any other file. */
  read(place: string, path: StorePath): { readonly outputs?: ReadonlyMap<string, StorePath> } {
    if (!path.endsWith(derivationExtension)) return {};
    const derivation = readDerivationAt(place, path, this.#storeDirectory);
    checkOwnOutputs(derivation, this.#find, this.#storeDirectory);
    return { outputs: knownOutputs(derivation) };
  }
}

/** The derivation in the file at `place`, a byte string, which is or will be `path`. */
export function readDerivationAt(place: string, path: StorePath, storeDirectory: string): Derivation {
  let text;
  try {
    // A NAR may be anything: only a file is a derivation.
    if (!lstatSync(systemPath(place)).isFile()) throw new Error('it is not a regular file');
    text = readFileSync(systemPath(place), 'latin1');
  } catch (error) {
    throw fileFailed('reading', place, error);
  }
  return parseDerivation(text, nameOf(path).slice(0, -derivationExtension.length), storeDirectory);
}
