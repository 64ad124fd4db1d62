/** Derivations as files of the store. */

import { lstatSync, readFileSync } from 'node:fs';
import {
  derivationExtension, knownOutputPath, nameOf, parseDerivation, type Derivation, type StorePath,
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
