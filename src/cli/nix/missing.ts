/** What a build would do: the lists that `--dry-run` shows, in C++ Nix's words. */

import { isDerivationPath, knownOutputPath, type StorePath } from '#formats';
import type { Store } from '#store';

export interface WantedOutputs {
  readonly drvPath: StorePath;
  readonly outputs: readonly string[];
}

/** Derivations that would be built, inputs before what needs them. */
export function missingDerivations(store: Store, wanted: readonly WantedOutputs[]): StorePath[] {
  const order: StorePath[] = [];
  const seen = new Set<StorePath>();
  // A stack of its own: a system's graph is deeper than the call stack should go.
  const stack = wanted.map((one) => ({ ...one, done: false })).reverse();
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (next.done) {
      order.push(next.drvPath);
      continue;
    }
    if (seen.has(next.drvPath)) continue;
    seen.add(next.drvPath);
    const derivation = store.readDerivation(next.drvPath);
    const isThere = next.outputs.every((name) => {
      const output = derivation.outputs.get(name);
      const path = output === undefined ? undefined : knownOutputPath(output);
      return path !== undefined && store.isValidPath(path);
    });
    if (isThere) continue;
    stack.push({ ...next, done: true });
    for (const [drvPath, outputs] of derivation.inputDerivations) stack.push({ drvPath, outputs, done: false });
  }
  return order;
}

/** The text of `--dry-run`; empty if nothing is missing. */
export function describeMissing(store: Store, wanted: readonly WantedOutputs[]): string {
  const missing = missingDerivations(store, wanted).filter(isDerivationPath);
  if (missing.length === 0) return '';
  const head = missing.length === 1 ? 'this derivation will be built:'
    : `these ${missing.length} derivations will be built:`;
  return `${head}\n${missing.map((path) => `  ${path}\n`).join('')}`;
}
