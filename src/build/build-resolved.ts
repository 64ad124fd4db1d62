/**
 * Builds a derivation that is given, not read from the store: its inputs are all paths, valid
 * already. So other machines ask for builds, who send no derivations but the one that they want.
 */
import { noProgress } from '#base';
import { nameOf, type Derivation, type StorePath } from '#formats';
import type { Store } from '#store';
import { buildDerivation } from './derivation-goal.ts';
import { missingPath } from './errors.ts';
import { realise, type RealiseOptions } from './realise.ts';
import { Slots } from './slots.ts';

/** Makes the outputs valid and durable; gives their paths. Throws what the build throws. */
export async function buildResolved(
  store: Store, drvPath: StorePath, derivation: Derivation, options: RealiseOptions,
): Promise<ReadonlyMap<string, StorePath>> {
  for (const path of derivation.inputSources) if (!store.isValidPath(path)) throw missingPath(path);
  const progress = options.progress ?? noProgress;
  // The parent of the build's own, which says the same.
  const activity = progress.start('wait', nameOf(drvPath));
  try {
    await options.makeRoom?.collect();
    const outputs = await buildDerivation({
      store, builders: options.builders, localBuilds: options.jobs !== 0, cores: options.cores ?? 1, progress,
      signal: options.signal ?? new AbortController().signal, logDirectory: options.logDirectory, logs: options.logs,
      sign: options.sign, signRealisation: options.signRealisation, whenBuilt: options.whenBuilt,
      realiseNested: (wanted) => realise(store, wanted, options),
    }, { slots: new Slots(1), rank: 0, weight: 0 }, drvPath, derivation, activity);
    await store.flush();
    activity.finish();
    return outputs;
  } catch (error) {
    activity.finish('failed');
    throw error;
  }
}
