/**
 * What is to be done, before it is done: the derivations whose outputs are missing, and how much
 * each downloads, so that progress can say of how much.
 *
 * It is an estimate: substituters and other processes may save some of the work.
 */
import { knownOutputPath, type Derivation, type StorePath } from '#formats';
import type { Store } from '#store';

export type WorkKind = 'download' | 'unpack' | 'build';

/** The work that is to be done, by derivation; a size is what is downloaded, or was for it. */
export type WorkPlan = Map<StorePath, { readonly kind: WorkKind; readonly sizeBytes: number }>;

/** The derivations to be built for `roots`, inputs of missing ones included. */
export function planWork(store: Store, roots: readonly StorePath[]): WorkPlan {
  const plan: WorkPlan = new Map();
  const seen = new Set<StorePath>();
  const left = [...roots];
  for (let drvPath = left.pop(); drvPath !== undefined; drvPath = left.pop()) {
    if (seen.has(drvPath) || !store.isValidPath(drvPath)) continue;
    seen.add(drvPath);
    const derivation = store.readDerivation(drvPath);
    if (isComplete(store, derivation)) continue;
    plan.set(drvPath, { kind: kindOf(derivation), sizeBytes: sizeOf(store, derivation) });
    left.push(...derivation.inputDerivations.keys());
  }
  return plan;
}

function isComplete(store: Store, derivation: Derivation): boolean {
  for (const output of derivation.outputs.values()) {
    const path = knownOutputPath(output);
    if (path === undefined || !store.isValidPath(path)) return false;
  }
  return true;
}

function sizeOf(store: Store, derivation: Derivation): number {
  if (kindOf(derivation) !== 'unpack') return Number(derivation.env.get('size')) || 0;
  let size = 0;
  for (const input of derivation.inputDerivations.keys()) {
    if (store.isValidPath(input)) size += Number(store.readDerivation(input).env.get('size')) || 0;
  }
  return size;
}

function kindOf(derivation: Derivation): WorkKind {
  if (derivation.builder === 'builtin:fetchurl') return 'download';
  return derivation.builder === 'builtin:unpack-deb' ? 'unpack' : 'build';
}
