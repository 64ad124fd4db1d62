/**
 * Where outputs of a derivation stand: those that are valid, those that its builder writes to, and
 * the locks that keep two processes from making the same ones.
 */
import {
  baseNameOf, isImpure, knownOutputPath, makeStorePath, nameOf, scratchOutputPath,
  type Derivation, type StorePath,
} from '#formats';
import type { Store } from '#store';

/** Paths by output name. */
export type OutputMap = ReadonlyMap<string, StorePath>;

/** All outputs, if all that are wanted are valid. Those of impure derivations never are. */
export function validOutputs(
  store: Store, drvPath: StorePath, derivation: Derivation, wanted?: Iterable<string>,
): Map<string, StorePath> | undefined {
  if (isImpure(derivation)) return undefined;
  const needed = new Set(wanted ?? derivation.outputs.keys());
  const outputs = new Map<string, StorePath>();
  for (const [name, output] of derivation.outputs) {
    const path = knownOutputPath(output) ?? store.queryRealisation(drvPath, name)?.path;
    if (needed.has(name) && (path === undefined || !store.isValidPath(path))) return undefined;
    if (path !== undefined) outputs.set(name, path);
  }
  return outputs;
}

/** The output paths that a derivation tells beforehand. */
export function knownOutputPaths(derivation: Derivation): Map<string, StorePath> {
  const paths = new Map<string, StorePath>();
  for (const [name, output] of derivation.outputs) {
    const path = knownOutputPath(output);
    if (path !== undefined) paths.set(name, path);
  }
  return paths;
}

/**
 * What the builder knows its outputs by: their own paths; a scratch path where the path follows
 * from the content, or where `isTaken` says that the own one must stay as it is.
 */
export function builderPaths(
  drvPath: StorePath, derivation: Derivation, storeDirectory: string, isTaken: (path: StorePath) => boolean,
): Map<string, StorePath> {
  return new Map([...derivation.outputs].map(([name, output]) => {
    const path = knownOutputPath(output);
    if (path === undefined) return [name, scratchOutputPath(drvPath, name, storeDirectory)];
    return [name, isTaken(path) ? besidePath(drvPath, path, storeDirectory) : path];
  }));
}

/** What `lockPaths` is to lock: C++ Nix's names. */
export function lockedPaths(drvPath: StorePath, derivation: Derivation): StorePath[] {
  return [...derivation.outputs].map(([name, output]) => knownOutputPath(output) ?? `${drvPath}.${name}` as StorePath);
}

/** A path of the same length for what is built while the path itself stands. */
function besidePath(drvPath: StorePath, path: StorePath, storeDirectory: string): StorePath {
  return makeStorePath(
    `rewrite:${baseNameOf(drvPath)}:${baseNameOf(path)}`, `sha256:${'0'.repeat(64)}`, nameOf(path), storeDirectory);
}
