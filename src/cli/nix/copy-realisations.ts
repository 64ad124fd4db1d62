/**
 * Copying what is remembered of outputs whose paths follow from their content: without it the copies
 * would be there, and nobody would find them by their derivations.
 */

import {
  derivationPath, hasUnknownPaths, isDerivationPath, knownOutputPath, printDerivation, resolveDerivation, type StorePath,
} from '#formats';
import { lacksTrustedSignature, type AblePeer, type Realisation, type Store } from '#store';

/** An output that is wanted by its derivation. */
export interface NamedOutput {
  readonly drvPath: StorePath;
  readonly output: string;
}

export interface RealisationCopy {
  readonly from: AblePeer;
  readonly to: AblePeer;
  /** Has the derivations. */
  readonly derivations: Store;
  /** Whether to believe what the source says; undefined leaves that to the receiver. */
  readonly believes?: ((realisation: Realisation) => boolean) | undefined;
}

/** Copies those of the named outputs, and of all that `paths` have to do with, that lead to one of `paths`. */
export async function copyRealisations(
  copy: RealisationCopy, named: readonly NamedOutput[], paths: ReadonlySet<StorePath>, derivers: Iterable<StorePath>,
): Promise<void> {
  const { from, to, believes } = copy;
  if (from.queryRealisation === undefined || to.registerRealisation === undefined) return;
  const wanted = new Map(named.map((one) => [`${one.drvPath}!${one.output}`, one]));
  for (const drvPath of [...derivers, ...[...paths].filter(isDerivationPath)]) {
    for (const one of unknownOutputs(copy.derivations, drvPath)) wanted.set(`${one.drvPath}!${one.output}`, one);
  }
  for (const { drvPath, output } of wanted.values()) {
    const found = await from.queryRealisation(drvPath, output);
    if (found === undefined || !paths.has(found.path)) continue;
    if (believes?.(found) === false) throw lacksTrustedSignature(found.path);
    await to.registerRealisation(found);
  }
}

/**
 * What a peer knows an output to have been built to: by the derivation itself, or by the one that it
 * comes to with the paths filled in that the peer knows its inputs by.
 */
export async function realisationAt(
  peer: AblePeer, derivations: Store, drvPath: StorePath, output: string,
): Promise<Realisation | undefined> {
  const found = await peer.queryRealisation?.(drvPath, output);
  if (found !== undefined || peer.queryRealisation === undefined || !derivations.isValidPath(drvPath)) return found;
  const derivation = derivations.readDerivation(drvPath);
  if (derivation.inputDerivations.size === 0) return undefined;
  const inputs = new Map<StorePath, ReadonlyMap<string, StorePath>>();
  for (const [input, names] of derivation.inputDerivations) {
    const { outputs } = derivations.readDerivation(input);
    const paths = new Map<string, StorePath>();
    for (const name of names) {
      const known = outputs.get(name);
      const path = (known === undefined ? undefined : knownOutputPath(known))
        ?? (await realisationAt(peer, derivations, input, name))?.path;
      if (path === undefined) return undefined;
      paths.set(name, path);
    }
    inputs.set(input, paths);
  }
  const directory = derivations.storeDirectory;
  const resolved = resolveDerivation(derivation, inputs, { directory });
  return peer.queryRealisation(derivationPath(resolved, printDerivation(resolved), directory), output);
}

/** The outputs of a derivation at hand whose paths only a build tells. */
export function unknownOutputs(store: Store, drvPath: StorePath): NamedOutput[] {
  if (!store.isValidPath(drvPath)) return [];
  const derivation = store.readDerivation(drvPath);
  return hasUnknownPaths(derivation) ? [...derivation.outputs.keys()].map((output) => ({ drvPath, output })) : [];
}
